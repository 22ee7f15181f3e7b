"""Patterns in which ``*`` stands for any characters; upper and lower case are the same. Pure."""


def matches(pattern: str, text: str) -> bool:
    """Return whether `pattern` matches all of `text`.

    Each part is matched at its first occurrence, which is never wrong and takes linear time,
    because patterns that people write must not be able to stop the server.
    """
    first, *rest = pattern.casefold().split("*")
    text = text.casefold()
    if not rest:
        return text == first
    *middle, last = rest
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
