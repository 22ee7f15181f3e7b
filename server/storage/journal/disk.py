"""Watches the room on the disk, whose last part PushLog must not fill."""

import os
import time
from collections.abc import Callable
from pathlib import Path

KEPT_FREE = 0.05
"""The share of the disk that stays free, so that the machine itself can go on."""

NEARLY_FULL = 0.1
"""If a smaller share of the disk is free, old events are removed sooner than they need be."""

LOOK_EVERY_S = 1.0


class Disk:
    """Tells whether the disk under `folder` has room; it looks at most once a second."""

    def __init__(
        self,
        folder: Path,
        *,
        free_share: Callable[[Path], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._free_share = free_share or share_free
        self._monotonic = monotonic
        self._looked_at: float | None = None
        self._has_room = True

    def has_room(self) -> bool:
        """Return False once `KEPT_FREE` or less is left. A disk that cannot be asked has room."""
        now = self._monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            try:
                self._has_room = self._free_share(self._folder) > KEPT_FREE
            except OSError:
                # The write that follows will tell what is wrong better than this check could.
                self._has_room = True
        return self._has_room


def share_free(folder: Path) -> float:
    """Return the share of the disk, 0-1, that is free for a process without privileges."""
    room = os.statvfs(folder)
    return room.f_bavail / room.f_blocks if room.f_blocks else 1.0


def missing_bytes(folder: Path) -> int:
    """Return how many bytes more should be free; 0 if the disk cannot be asked."""
    try:
        room = os.statvfs(folder)
    except OSError:
        return 0
    return max(0, int(NEARLY_FULL * room.f_blocks - room.f_bavail) * room.f_frsize)
