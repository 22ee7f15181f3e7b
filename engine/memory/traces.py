"""Remember which issue an event belongs to by its trace as it came, so that it need not be read.

The memo is bounded by its size in bytes, and changes no answer.
"""

import msgspec

from engine.fingerprint import key_by_trace
from engine.memory.records import Scope, scope_key
from shared.event import Event, EventFacts, Timestamp, canonical_environment
from shared.pipe import Seq

MAX_BYTES = 8 * 1024 * 1024
"""Of each of two generations: a full one becomes the older one, whose unused entries go with it."""

_ENTRY_BYTES = 400
"""What an entry takes beside its trace, about."""

_Name = tuple[str, str, str, str | None, bytes, bytes]


class Glance(EventFacts, tag="event", kw_only=True, gc=False):
    """An `EventEntry` at first sight: its traces as they came."""

    stacktrace: msgspec.Raw = msgspec.Raw(b"")
    chain: msgspec.Raw = msgspec.Raw(b"")
    seq: Seq | None = None
    received: Timestamp | None = None


class KnownTrace(msgspec.Struct, frozen=True, gc=False):
    """The issue of a trace, and its service as it is called in the state."""

    key: str
    scope: Scope
    scope_key: str


class Traces:
    """The memo; what was used of late stays."""

    def __init__(self) -> None:
        self._young: dict[_Name, KnownTrace] = {}
        self._old: dict[_Name, KnownTrace] = {}
        self._young_bytes = self._old_bytes = 0

    @property
    def size_bytes(self) -> int:
        """Return what it takes, about."""
        return self._young_bytes + self._old_bytes

    def find(self, event: Glance) -> KnownTrace | None:
        """Return what is known of the event by its trace, or None."""
        name = _name(event)
        known = self._young.get(name)
        if known is None:
            known = self._old.get(name)
            if known is not None:
                self._add(name, known)
        return known

    def learn(self, glance: Glance, event: Event) -> None:
        """Remember the issue of an event that was read whole, unless its message decides it."""
        name = _name(glance)
        if name in self._young:
            return
        scope = event.service, canonical_environment(event.environment)
        key = key_by_trace(event, *scope)
        if key is not None:
            self._add(name, KnownTrace(key, scope, scope_key(scope)))

    def _add(self, name: _Name, known: KnownTrace) -> None:
        size_bytes = len(name[-2]) + len(name[-1]) + _ENTRY_BYTES
        if self._young_bytes + size_bytes > MAX_BYTES:
            self._old, self._young = self._young, {}
            self._old_bytes, self._young_bytes = self._young_bytes, 0
        self._young[name] = known
        self._young_bytes += size_bytes


def _name(event: Glance) -> _Name:
    return (
        event.service,
        event.environment,
        event.exception_type,
        event.fingerprint,
        bytes(event.stacktrace),
        bytes(event.chain),
    )


EVENT_LINE = b'{"type":"event",'
"""How the server writes an event."""

_decoder = msgspec.json.Decoder(Glance)


def glance(line: bytes) -> Glance | None:
    """Return the event of a line at first sight; None if it is no event, or cannot be read."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
