"""What a mail is made of, before it is text or HTML.

The blocks are few, so that both forms of a mail come from the same content and say the same.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec

Tone = Literal["critical", "error", "warning", "good", "plain"]


class Address(str):
    """An address that is safe as a link; it is shown as it is, and must go on to work."""

    __slots__ = ()


class Paragraph(msgspec.Struct, frozen=True):
    """Prose."""

    kind: ClassVar[str] = "paragraph"
    text: str


class Verbatim(msgspec.Struct, frozen=True):
    """Text that keeps its lines: what a program said."""

    kind: ClassVar[str] = "verbatim"
    text: str


class Facts(msgspec.Struct, frozen=True):
    """Names and values."""

    kind: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, str]]


class Calls(msgspec.Struct, frozen=True):
    """Frames of a stack trace: function and place."""

    kind: ClassVar[str] = "calls"
    calls: Sequence[tuple[str, str]]
    ours: bool


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One of a list: what it is, where it is, what is known of it."""

    title: str
    code: str = ""
    about: str = ""
    notes: Sequence[str] = ()
    url: Address | None = None
    tone: Tone = "plain"


class Items(msgspec.Struct, frozen=True):
    """A list in which the order matters."""

    kind: ClassVar[str] = "items"
    items: Sequence[Item]


class Line(msgspec.Struct, frozen=True):
    """One of very many: a link, and a few words beside it."""

    title: str
    about: str
    url: Address


class Lines(msgspec.Struct, frozen=True):
    """A list that may be long: as little as possible for each."""

    kind: ClassVar[str] = "lines"
    lines: Sequence[Line]


Block = Paragraph | Verbatim | Facts | Calls | Items | Lines


class Section(msgspec.Struct, frozen=True):
    """A heading with what stands under it."""

    title: str
    blocks: Sequence[Block]


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """All of a mail. `subject` is the same for all mails of an incident, so that they stand
    together; `preview` is what a list of mails shows beside it.
    """

    subject: str
    preview: str
    kicker: str
    tone: Tone
    title: str
    labels: Sequence[str] = ()
    links: Sequence[tuple[str, Address]] = ()
    sections: Sequence[Section] = ()
