"""What was around an event when it happened: for people to look at. Nothing is decided by it.

Limits are in characters or items, as in `shared.event`.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from shared.event import MAX_CHAIN, MAX_FRAMES, NOTHING, Name, Pairs, Timestamp

MAX_SOURCES = 20
MAX_LINES = 10
MAX_LINE = 256
MAX_BREADCRUMBS = 30
MAX_BREADCRUMB = 1024
MAX_LEVEL = 64
MAX_METHOD = 64
MAX_QUERY = 2048
MAX_BODY = 8192

Line = Annotated[str, Meta(max_length=MAX_LINE)]
Lines = Annotated[list[Line], Meta(max_length=MAX_LINES)]


class SourceLines(msgspec.Struct, omit_defaults=True, frozen=True, kw_only=True):
    """The source at one frame of a stack trace: the frame's own line, and those around it.

    ``frame`` is the frame's place in the stack trace, from 0. ``exception`` says which stack trace:
    0 is the event's own, 1 that of the first in its chain.
    """

    exception: Annotated[int, Meta(ge=0, le=MAX_CHAIN)] = 0
    frame: Annotated[int, Meta(ge=0, lt=MAX_FRAMES)]
    line: Line
    before: Lines = []
    after: Lines = []


class HttpRequest(msgspec.Struct, omit_defaults=True, frozen=True, kw_only=True):
    """The request that was handled; its address is the event's ``request_url``."""

    method: Annotated[str, Meta(max_length=MAX_METHOD)] | None = None
    query: Annotated[str, Meta(max_length=MAX_QUERY)] | None = None
    headers: Pairs = {}
    body: Annotated[str, Meta(max_length=MAX_BODY)] | None = None


class Breadcrumb(msgspec.Struct, omit_defaults=True, frozen=True, kw_only=True):
    """Something that happened in the program before the event."""

    message: Annotated[str, Meta(max_length=MAX_BREADCRUMB)] = ""
    category: Name | None = None
    level: Annotated[str, Meta(max_length=MAX_LEVEL)] | None = None
    time: Timestamp | None = None


class EventContext(msgspec.Struct, omit_defaults=True, frozen=True, kw_only=True):
    """All of it. ``user`` says who was affected: text to text. Breadcrumbs are oldest first."""

    sources: Annotated[list[SourceLines], Meta(max_length=MAX_SOURCES)] = []
    request: HttpRequest | None = None
    user: Pairs = {}
    breadcrumbs: Annotated[list[Breadcrumb], Meta(max_length=MAX_BREADCRUMBS)] = []


NO_CONTEXT = EventContext()

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(EventContext)


def pack_context(context: EventContext) -> msgspec.Raw:
    """Return `context` as an event carries it."""
    return NOTHING if context == NO_CONTEXT else msgspec.Raw(_encoder.encode(context))


def unpack_context(packed: msgspec.Raw) -> EventContext:
    """Return what `pack_context` packed; raise `msgspec.DecodeError` if it breaks a rule."""
    return NO_CONTEXT if bytes(packed) == bytes(NOTHING) else _decoder.decode(packed)
