"""Make a backup: a complete and consistent copy of all data, while the server runs.

A backup gets its name only when it is whole, examined and on the disk. A killed backup leaves its
files under another name, and the next backup removes them.
"""

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from server.settings.settings import Settings
from server.storage.backup.folder import (
    DATABASE,
    JOURNAL,
    MAIL_KEY,
    Manifest,
    copy_file,
    seal,
)
from server.storage.backup.snapshot import copy_databases
from server.storage.files.private_files import sync_folder
from server.storage.journal.disk import KEPT_FREE
from server.storage.pair import why_no_data
from shared.version import VERSION

NICENESS = 10
"""On a machine with few processors, the server's work comes first."""

_FORM = "pushlog-%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"pushlog-\d{8}T\d{6}\.\d{3}Z")
_PART = re.compile(rf"\.{_NAME.pattern}\.part")

Room = Callable[[Path], tuple[int, int, int]]
"""Bytes of a disk in all, used and free, as `shutil.disk_usage` returns them."""


class Refused(Exception):
    """A backup cannot be made here and now; the message is the reason."""


def back_up(
    settings: Settings, folder: Path, keep: int | None = None, room: Room = shutil.disk_usage
) -> tuple[Path, Manifest, list[Path]]:
    """Make a backup in `folder`; return its place, its contents, and the old ones removed.

    Raises `Refused`, `Inconsistent`, OSError and `sqlite3.Error`, and then leaves nothing behind.
    """
    sources = (settings.database_path, settings.journal_path)
    if reason := why_no_data(settings):
        raise Refused(reason)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder):
        for left in _matching(folder, _PART):
            shutil.rmtree(left)
        _check_room(folder, sources, room)
        taken_at = datetime.now(UTC)
        stamp = f"{taken_at:%Y%m%dT%H%M%S}.{taken_at.microsecond // 1000:03}Z"
        backup = folder / f"pushlog-{stamp}"
        part = _part_of(backup)
        part.mkdir(mode=0o700)
        try:
            # The key of mails is made once and never changed.
            if settings.mail_key_path.exists():
                copy_file(settings.mail_key_path, part / MAIL_KEY)
            copy_databases(*sources, part / DATABASE, part / JOURNAL)
            manifest = seal(part, VERSION, taken_at)
            part.rename(backup)
        except BaseException:
            shutil.rmtree(part)
            raise
        sync_folder(folder)
        return backup, manifest, [] if keep is None else _remove_beyond(folder, keep)


def described(backup: Path, manifest: Manifest) -> str:
    """Return a line on what was made."""
    size = sum(each.size_bytes for each in manifest.files.values())
    return f"{backup}: all up to entry {manifest.last_seq}, {size / 1024**2:.1f} MiB"


def newest_backup(folder: Path) -> datetime | None:
    """Return when the newest backup in `folder` was begun, or None. Raises OSError."""
    made = _matching(folder, _NAME) if folder.exists() else ()
    return datetime.strptime(made[-1].name, _FORM).replace(tzinfo=UTC) if made else None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Run one backup at a time, so that anything named like an unfinished one was left behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another backup to {folder} is running") from None
        yield
    finally:
        os.close(descriptor)


def _check_room(folder: Path, sources: tuple[Path, ...], room: Room) -> None:
    needed = 0
    for source in sources:
        log = source.with_name(f"{source.name}-wal")
        needed += source.stat().st_size + (log.stat().st_size if log.exists() else 0)
    total, _, free = room(folder)
    # On the disk of the data, PushLog refuses webhooks below this.
    kept = int(total * KEPT_FREE)
    if free - needed < kept:
        raise Refused(
            f"not enough space in {folder}: a backup takes up to {_mib(needed)}, {_mib(free)} are "
            f"free, and {_mib(kept)} ({KEPT_FREE:.0%} of the disk) must stay free"
        )


def _remove_beyond(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest backups until `keep` are left; nothing else in the folder is touched."""
    removed = _matching(folder, _NAME)[:-keep]
    for old in removed:
        # A half-removed backup must not look like a whole one.
        part = old.rename(_part_of(old))
        shutil.rmtree(part)
    return removed


def _part_of(backup: Path) -> Path:
    return backup.with_name(f".{backup.name}.part")


def _matching(folder: Path, name: re.Pattern[str]) -> list[Path]:
    """Return the oldest first; their names are times."""
    return sorted(path for path in folder.iterdir() if name.fullmatch(path.name))


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:.0f} MiB"
