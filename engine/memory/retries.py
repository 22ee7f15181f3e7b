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

    If none did, this one counts. `heard` is what its issue remembers, oldest first; return that of
    now, too.
    """
    if event.trace_id is None and event.user_id is None:
        return False, heard
    names = (("trace", event.trace_id), ("user", event.user_id))
    digests = [_digest(kind, name) for kind, name in names if name is not None]
    minute = int(at // 60.0) & 0xFF
    young = (minute, (minute - 1) & 0xFF)
    first = 0
    while first < len(heard) and heard[first + _DIGEST_BYTES] not in young:
        first += _EACH
    heard = heard[first:]
    if any(_is_in(heard, digest, young) for digest in digests):
        return True, heard
    if len(heard) + len(digests) * _EACH <= MOST_HEARD * _EACH:
        heard += b"".join([digest + bytes((minute,)) for digest in digests])
    return False, heard


def _is_in(heard: bytes, digest: bytes, young: tuple[int, int]) -> bool:
    at = heard.find(digest)
    while at >= 0:
        if at % _EACH == 0 and heard[at + _DIGEST_BYTES] in young:
            return True
        at = heard.find(digest, at + 1)
    return False


def _digest(kind: str, name: str) -> bytes:
    return blake2b(f"{kind}\0{name}".encode(), digest_size=_DIGEST_BYTES).digest()
