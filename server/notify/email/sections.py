"""Parts that several mails have. Pure."""

from collections.abc import Sequence

from server.notify.email.blocks import (
    Item,
    Items,
    Section,
    Verbatim,
)
from server.notify.masking import cut, masked_line

LONGEST_MESSAGE = 4_000
MAX_LINE = 300


def error_message(error_type: str, message: str) -> Section:
    """Return the section with the type and message of an error."""
    return Section("Error message", [Verbatim(cut(f"{error_type}: {message}", LONGEST_MESSAGE))])


def sentences(texts: Sequence[str]) -> Items:
    """Return sentences as a list."""
    return Items([Item(title=masked_line(each, MAX_LINE)) for each in texts])
