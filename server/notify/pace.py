"""How fast people are told: pure. The first few at once, then one digest after the other.

Nothing is held back for good: what waits goes out as a part of the next digest.
"""

from collections.abc import Sequence

import msgspec

SECOND_US = 1_000_000


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a channel. In any `window_s` a receiver gets at most `messages`."""

    singles: int
    """So many are told each by itself within a window; what comes then comes as digests."""
    messages: int
    window_s: int
    digest_every_s: int
    most_at_once: int
    """As many are told in one digest."""
    per_minute: int
    """To all receivers together."""


EMAIL = Pace(
    singles=5, messages=10, window_s=600, digest_every_s=120, most_at_once=500, per_minute=60
)
SLACK = Pace(
    singles=20, messages=40, window_s=600, digest_every_s=30, most_at_once=40, per_minute=50
)
"""Slack takes a message a second for a channel, and 50 blocks in each."""


class Send(msgspec.Struct, frozen=True):
    """Send the oldest `count` of what waits, in one message."""

    count: int


class Hold(msgspec.Struct, frozen=True):
    """Send nothing until then, in microseconds since the epoch."""

    until: int


def next_step(pace: Pace, sent: Sequence[int], waiting: int, now: int) -> Send | Hold:
    """What to do for a receiver for whom so many wait, and who got messages at `sent`.

    `sent` is in order, and at least all of the last `window_s`.
    """
    window_us = pace.window_s * SECOND_US
    recent = [at for at in sent if at > now - window_us]
    if len(recent) < pace.singles:
        return Send(1)
    free_at = recent[-1] + pace.digest_every_s * SECOND_US
    if len(recent) >= pace.messages:
        free_at = max(free_at, recent[-pace.messages] + window_us)
    return Hold(free_at) if now < free_at else Send(min(waiting, pace.most_at_once))


def minute_free_at(pace: Pace, tried: Sequence[int], now: int) -> int:
    """When the channel may try its next message, having tried at `tried`, in order."""
    if len(tried) < pace.per_minute:
        return now
    return max(now, tried[-pace.per_minute] + 60 * SECOND_US)
