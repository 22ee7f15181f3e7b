"""Handle text that somebody else wrote, where it is shown."""


def first_line(text: str) -> str:
    """Return the first line that is not empty: for a commit's message, its subject."""
    return text.lstrip().partition("\n")[0].rstrip()


def harmless(text: str) -> str:
    """Return `text` with an escape for each unprintable character, which a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
