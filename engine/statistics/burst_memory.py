"""Remember the bursts of a stream, to tell one that is news from one that comes every other day."""

import struct

import msgspec

REMEMBERED_S = 7 * 86_400.0
MOST_REMEMBERED = 16

USUAL_FROM = 3
"""With so many bursts like it in a week, one more is this stream's way of life."""

NO_HIGHER = 1.5
"""Up to this factor a burst is no higher and no longer than another, because both waver."""

LOWER = 0.5
"""Below this part of another's height, a burst is of another kind."""

_ONE = struct.Struct("<dff")


class Burst(msgspec.Struct, frozen=True, gc=False):
    """A burst: its `height` in events a minute over five to eight minutes, and its length.

    It lasts as long as it is at least `LOWER` times as high as it was.
    """

    at_s: float
    height: float
    minutes: float


def no_lower(bursts: list[Burst], burst: Burst) -> list[Burst]:
    """Return the bursts of the week before that were as high and as long as this one."""
    return [
        each
        for each in bursts
        if each.at_s >= burst.at_s - REMEMBERED_S
        and each.height * NO_HIGHER >= burst.height
        and each.minutes * NO_HIGHER >= burst.minutes
    ]


def count_like(bursts: list[Burst], burst: Burst) -> int:
    """Return how many of those were of the same kind: not much higher either."""
    return sum(each.height * LOWER <= burst.height for each in no_lower(bursts, burst))


def with_burst(bursts: list[Burst], burst: Burst) -> list[Burst]:
    """Return the bursts with one more at the end, without those that need not be remembered."""
    young = [each for each in bursts if each.at_s >= burst.at_s - REMEMBERED_S]
    return [*young, burst][-MOST_REMEMBERED:]


def pack(bursts: list[Burst]) -> bytes:
    """Return the bursts in 16 bytes each."""
    return b"".join(_ONE.pack(each.at_s, each.height, each.minutes) for each in bursts)


def unpack(packed: bytes) -> list[Burst]:
    """Return the bursts that were packed."""
    return [Burst(*values) for values in _ONE.iter_unpack(packed)]
