"""Files beside the database that outlive the process: what it died of, and that it runs.

Each crash is a file of its own, written whole and at once; it is there until people are told of
it, by this process or by the next. The running marker is there while a server runs, so that one
that is found at a start tells of an end that nobody saw.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from server.storage.files.private_files import replace_private

MOST_CRASHES = 50
"""As many wait to be told; a process that fails all the time must not fill the disk."""


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
        """Whether `crash` is on the disk now; no more than `MOST_CRASHES`. Raises `OSError`."""
        if sum(1 for _ in self._crashes()) >= MOST_CRASHES:
            return False
        replace_private(self._folder / f"{self._stem}.crash-{name}", crash)
        return True

    def waiting(self) -> list[tuple[Path, bytes]]:
        """The crashes that nobody was told of, oldest first."""
        return [(path, path.read_bytes()) for path in sorted(self._crashes())]

    def mark_running(self) -> Running | None:
        """Say that this process runs; answers which one ran before and did not say that it ended.

        Raises `OSError`. Only who holds the lock of the journal may do this.
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
        """Say that this process ends as it should."""
        self._marker.unlink(missing_ok=True)

    def _crashes(self) -> Iterator[Path]:
        prefix = f"{self._stem}.crash-"
        return (path for path in self._folder.iterdir() if path.name.startswith(prefix))


def boot_id() -> str:
    """What is the same as long as the machine runs; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _this_process() -> Running:
    return Running(os.getpid(), boot_id(), datetime.now(UTC).isoformat(timespec="seconds"))
