"""The blocks of a mail, before it is text or HTML.

There are few kinds, so that both forms of a mail come from the same content and say the same.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec

Tone = Literal["critical", "error", "warning", "good", "plain"]


class Address(str):
    """An address that is safe as a link; it is shown unchanged, and must keep working."""

    __slots__ = ()


class Paragraph(msgspec.Struct, frozen=True):
    """Prose."""

    kind: ClassVar[str] = "paragraph"
    text: str


class Verbatim(msgspec.Struct, frozen=True):
    """Text that keeps its lines, such as the output of a program."""

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
    """One item of a list: what it is, where it is, what is known about it."""

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
    """A list that may be long: as little as possible for each item."""

    kind: ClassVar[str] = "lines"
    lines: Sequence[Line]


Block = Paragraph | Verbatim | Facts | Calls | Items | Lines


class Section(msgspec.Struct, frozen=True):
    """A heading with its content."""

    title: str
    blocks: Sequence[Block]


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of a mail.

    `subject` is the same for all mails about an incident, as long as it is as severe, so that they
    are listed together.
    `preview` is what a list of mails shows beside it. `because` ends the sentence why the receiver
    gets the mail.
    """

    subject: str
    preview: str
    kicker: str
    tone: Tone
    title: str
    labels: Sequence[str] = ()
    links: Sequence[tuple[str, Address]] = ()
    sections: Sequence[Section] = ()
    because: str = "mail about incidents is turned on for you"
