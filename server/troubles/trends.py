"""Signs of trouble that show only over time. Pure: whoever asks says what time it is, in seconds.

A queue that is emptied is no trouble, however long it is; one that grows is.
"""

from collections import deque

from server.storage.main.checkpoints import Progress

GROWS_FOR_S = 30.0
NO_CHECKPOINT_FOR_S = 300.0
"""The engine makes a checkpoint every 5 s while there are events."""

MANY_RESTARTS = 5
WITHIN_S = 120.0
"""An event that the engine dies of takes two or three restarts, until it is set aside."""

ROOM_AGAIN = 0.01
"""A disk has room again if this share more is free than the limit says."""


class Growth:
    """Tells whether the number of waiting events has grown at each look for `GROWS_FOR_S`."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._last = 0

    def grows(self, backlog: int, now: float) -> bool:
        """Return whether it still grows, and has done so long enough."""
        if backlog <= self._last:
            self._since = None
        elif self._since is None:
            self._since = now
        self._last = backlog
        return self._since is not None and now - self._since >= GROWS_FOR_S


class NoCheckpoint:
    """Tells whether events have been decided for `NO_CHECKPOINT_FOR_S` without a checkpoint."""

    def __init__(self) -> None:
        self._seen = Progress(0, 0)
        self._decides_since: float | None = None
        self._decided_at = 0.0

    def is_overdue(self, progress: Progress, now: float) -> bool:
        """Return whether the watermark has not moved for so long, while decisions came."""
        if progress.watermark != self._seen.watermark:
            self._decides_since = None
        elif progress.recorded_seq > self._seen.recorded_seq:
            self._decided_at = now
            if self._decides_since is None:
                self._decides_since = now
        self._seen = progress
        since = self._decides_since
        return since is not None and self._decided_at - since >= NO_CHECKPOINT_FOR_S


class Restarts:
    """Tells whether the engine was restarted `MANY_RESTARTS` times within `WITHIN_S`."""

    def __init__(self) -> None:
        self._counted = 0
        self._at: deque[float] = deque(maxlen=MANY_RESTARTS)

    def are_many(self, restarts: int, now: float) -> bool:
        """Return whether there are as many by now; `restarts` is their number since the start."""
        self._at.extend([now] * (restarts - self._counted))
        self._counted = restarts
        return len(self._at) == MANY_RESTARTS and now - self._at[0] <= WITHIN_S


class Low:
    """Tells whether less than `limit` of a disk is free, or not clearly more since it was."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._is_low = False

    def is_low(self, free: float) -> bool:
        """Return whether it is low; `free` is the share that is free, 0-1."""
        self._is_low = free < self._limit + (ROOM_AGAIN if self._is_low else 0.0)
        return self._is_low
