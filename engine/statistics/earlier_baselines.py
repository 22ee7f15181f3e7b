"""Take over what earlier versions knew of a stream, in other forms than `baseline`."""

import struct

from engine.statistics.baseline import Baseline, Stream, set_level, write
from engine.statistics.burst_memory import unpack
from engine.statistics.time_scales import Learned

_FIRST = struct.Struct("<27d")
_SECOND = struct.Struct("<34f3d")
"""With 16 bytes for each burst after it, as in today's form."""


def take_over(baseline: Baseline) -> None:
    """Bring a restored stream into today's form; the events of the last half hour are forgotten."""
    packed = baseline.packed
    if not baseline.at_s and len(packed) == _FIRST.size:
        baseline.at_s, stream = _first(packed)
    elif len(packed) >= _SECOND.size and (len(packed) - _SECOND.size) % 16 == 0:
        stream = _second(packed)
    else:
        return
    baseline.in_minute = baseline.spare = baseline.spare_until = 0
    write(baseline, stream)


def _first(packed: bytes) -> tuple[float, Stream]:
    """Read two scales of events, and one of square roots."""
    values = _FIRST.unpack(packed)
    learned_min, in_minutes = values[11:13]
    fives, in_fives, squares = values[17:20]
    roots = values[24]
    stream = Stream(Learned(), Learned(), learned_min, quiet_s=values[8])
    if in_fives:
        # Each event was in two windows. A minute's root is close to what evening leaves of it.
        fano = max(squares / in_fives - in_fives / fives, 1.0)
        set_level(stream.events, in_minutes / 2.0 / learned_min, learned_min, fano)
        set_level(stream.evened, roots / 2.0 / learned_min, learned_min, 1.0)
    return values[0], stream


def _second(packed: bytes) -> Stream:
    """Read what was learned beside the buckets of five scales."""
    values = _SECOND.unpack_from(packed)
    events, evened = Learned(*values[12:14]), Learned(*values[26:28])
    stream = Stream(events, evened, *values[28:])
    stream.bursts = unpack(packed[_SECOND.size :])
    return stream
