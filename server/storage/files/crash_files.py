"""Files beside the database that outlive the process: what it died of, and that it runs.

Each crash is a file of its own, written whole and at once. It stays until this process or the next
has told people about it. The running marker exists while a server runs. A marker that is found at a
start means that the last process ended unnoticed.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from server.storage.files.private_files import replace_private

MOST_CRASHES = 50
"""This many crashes wait at most, because a process that keeps failing must not fill the disk."""


class Running(msgspec.Struct, frozen=True):
    """Which process runs, since when, and in which run of the machine."""

    pid: int
    boot_id: str
    since: str


class CrashFiles:
    """The files beside the database at `database_path`."""

    def __init__(self, database_path: Path) -> None:
        self._folder = database_path.parent
        self._stem = database_path.stem
        self._marker = database_path.with_name(f"{self._stem}.running")

    def add(self, name: str, crash: bytes) -> bool:
        """Write `crash`, up to `MOST_CRASHES`; return whether it is on disk. Raises `OSError`."""
        if sum(1 for _ in self._crashes()) >= MOST_CRASHES:
            return False
        replace_private(self._folder / f"{self._stem}.crash-{name}", crash)
        return True

    def waiting(self) -> list[tuple[Path, bytes]]:
        """Return the crashes that nobody was told of, oldest first."""
        return [(path, path.read_bytes()) for path in sorted(self._crashes())]

    def mark_running(self) -> Running | None:
        """Mark this process as running; return the one before it if it did not mark its end.

        Raises `OSError`. Only the holder of the journal's lock may do this.
        """
        found: Running | None = None
        try:
            found = msgspec.json.decode(self._marker.read_bytes(), type=Running)
        except FileNotFoundError:
            pass
        except msgspec.DecodeError:
            found = Running(0, "", "")
        replace_private(self._marker, msgspec.json.encode(_this_process()))
        return found

    def mark_ended(self) -> None:
        """Mark that this process ends as it should."""
        self._marker.unlink(missing_ok=True)

    def _crashes(self) -> Iterator[Path]:
        prefix = f"{self._stem}.crash-"
        return (path for path in self._folder.iterdir() if path.name.startswith(prefix))


def boot_id() -> str:
    """Return an id that stays the same while the machine runs; empty if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _this_process() -> Running:
    return Running(os.getpid(), boot_id(), datetime.now(UTC).isoformat(timespec="seconds"))
