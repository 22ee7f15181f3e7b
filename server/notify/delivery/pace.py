"""Limit how fast people are told: the first few at once, then one digest after the other.

Nothing is held back for good: what waits goes out in the next digest. What is urgent is not held
back at all, but for some seconds.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from server.storage.times import to_micros

SECOND_US = 1_000_000
_MINUTE_US = 60 * SECOND_US


URGENT_EVERY_S = 5
"""In a storm, a receiver gets what is urgent this often: sooner, nobody could read it."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a channel.

    In any `window_s`, a receiver gets at most `messages`, beside those about what is urgent.
    """

    singles: int
    """How many are told each by itself within a window; later ones come as digests."""
    messages: int
    window_s: int
    digest_every_s: int
    most_at_once: int
    """How many are told in one digest."""
    per_minute: int
    """Calls to all receivers together."""
    calls_a_letter: int = 0
    """A message takes one call, plus at most this many for each letter in it."""


EMAIL = Pace(
    singles=5, messages=10, window_s=600, digest_every_s=120, most_at_once=500, per_minute=60
)
SLACK_WEBHOOK = Pace(
    singles=20, messages=40, window_s=600, digest_every_s=30, most_at_once=40, per_minute=50
)
"""Slack takes a message a second for a channel, and 50 blocks in each."""
SLACK_BOT = msgspec.structs.replace(SLACK_WEBHOOK, calls_a_letter=1)
"""A bot edits its earlier message about an incident, beside the message in a thread or a digest."""
WEBHOOK = Pace(
    singles=60, messages=120, window_s=600, digest_every_s=10, most_at_once=50, per_minute=120
)
"""A program reads faster than people do."""
APPRISE = Pace(
    singles=10, messages=20, window_s=600, digest_every_s=60, most_at_once=100, per_minute=60
)
"""A target may be a chat or a telephone; what does not fit into a digest is counted in it."""


class Send(msgspec.Struct, frozen=True):
    """Send the oldest `count` of the waiting letters in one message."""

    count: int


class Hold(msgspec.Struct, frozen=True):
    """Send nothing until then, in microseconds since the epoch."""

    until: int


def next_step(
    pace: Pace,
    sent: Sequence[int],
    waiting: int,
    now: int,
    *,
    urgent: int = 0,
    together: bool = False,
) -> Send | Hold:
    """Return what to do for a receiver with `waiting` letters, who got messages at `sent`.

    `sent` is in order, and holds at least all of the last `window_s`. The first `urgent` of the
    letters wait for no digest: at most `URGENT_EVERY_S`, and then they are told together. If
    nothing is urgent, several letters that waited until a time come `together`: somebody's working
    hours, or the morning.
    """
    if together and waiting > 1 and not urgent:
        return Send(min(waiting, pace.most_at_once))
    window_us = pace.window_s * SECOND_US
    recent = [at for at in sent if at > now - window_us]
    if len(recent) < pace.singles:
        return Send(1)
    if urgent:
        free_at = recent[-1] + URGENT_EVERY_S * SECOND_US
        return Hold(free_at) if now < free_at else Send(min(urgent, pace.most_at_once))
    free_at = recent[-1] + pace.digest_every_s * SECOND_US
    if len(recent) >= pace.messages:
        free_at = max(free_at, recent[-pace.messages] + window_us)
    return Hold(free_at) if now < free_at else Send(min(waiting, pace.most_at_once))


def letters_within(pace: Pace, calls: int) -> int:
    """Return how many letters a message may have if it takes no more than `calls` calls."""
    if calls < 1 + pace.calls_a_letter:
        return 0
    if pace.calls_a_letter == 0:
        return pace.most_at_once
    return min((calls - 1) // pace.calls_a_letter, pace.most_at_once)


class Meter:
    """Counts the calls of a channel, whoever makes them: at most `per_minute` in any minute."""

    def __init__(
        self, per_minute: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._per_minute = per_minute
        self._now = now
        self._made: deque[int] = deque(maxlen=per_minute)

    def count(self) -> None:
        """Count a call that is made now."""
        self._made.append(to_micros(self._now()))

    def free(self) -> int:
        """Return how many calls may be made now."""
        since = to_micros(self._now()) - _MINUTE_US
        return self._per_minute - sum(at > since for at in self._made)

    def free_at(self, calls: int) -> int:
        """Return when this many calls may be made, in microseconds since the epoch.

        `calls` is at most the number that a minute allows.
        """
        now = to_micros(self._now())
        too_many = len(self._made) + calls - self._per_minute
        return max(now, self._made[too_many - 1] + _MINUTE_US) if too_many > 0 else now
