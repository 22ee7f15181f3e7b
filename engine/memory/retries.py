"""Recognise retries: events of one trace or one user are one trouble, however often it is tried.

In the statistics of their issue they count once in a minute or two, and each for itself everywhere
else.
"""

from hashlib import blake2b

from shared.event import EventFacts

_DIGEST_BYTES = 6
_EACH = _DIGEST_BYTES + 1
MOST_HEARD = 64
"""Traces and users that are remembered at a time; what comes beyond that is no retry."""


def hear(heard: bytes, event: EventFacts, at: float) -> tuple[bool, bytes]:
    """Return whether an event of this trace or user counted in this minute or the one before.

    If none did, this one counts. `heard` is what its issue remembers; return that of now, too.
    """
    if event.trace_id is None and event.user_id is None and not heard:
        return False, heard
    names = (("trace", event.trace_id), ("user", event.user_id))
    digests = [_digest(kind, name) for kind, name in names if name is not None]
    minute = int(at // 60.0) & 0xFF
    young = (minute, (minute - 1) & 0xFF)
    entries = [heard[first : first + _EACH] for first in range(0, len(heard), _EACH)]
    entries = [entry for entry in entries if entry[-1] in young]
    known = {entry[:-1] for entry in entries}
    retry = not known.isdisjoint(digests)
    if not retry and len(entries) + len(digests) <= MOST_HEARD:
        entries += [digest + bytes((minute,)) for digest in digests]
    return retry, b"".join(entries)


def _digest(kind: str, name: str) -> bytes:
    return blake2b(f"{kind}\0{name}".encode(), digest_size=_DIGEST_BYTES).digest()
