"""Text that somebody else wrote, where it is shown."""


def first_line(text: str) -> str:
    """The first line with something on it: of a commit's message its subject."""
    return text.lstrip().partition("\n")[0].rstrip()


def harmless(text: str) -> str:
    """`text` with an escape for each character that is not printable, or a terminal obeyed it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
