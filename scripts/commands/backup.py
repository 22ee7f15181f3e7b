"""Make a complete and consistent copy of all data in a folder of its own while the server runs.

A backup gets its name only when it is whole, examined and on the disk. A killed backup leaves its
files under another name, and the next backup removes them.
"""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from scripts.installation import read_installation, say_database, why_no_data
from server.settings.settings import Settings
from server.storage.backup.folder import (
    DATABASE,
    JOURNAL,
    MAIL_KEY,
    Manifest,
    copy_file,
    seal,
)
from server.storage.backup.snapshot import Inconsistent, copy_databases
from server.storage.files.private_files import sync_folder
from server.storage.journal.disk import KEPT_FREE
from shared.version import VERSION

EXIT_FAILED = 1

_NAME = re.compile(r"pushlog-\d{8}T\d{6}\.\d{3}Z")
_PART = re.compile(rf"\.{_NAME.pattern}\.part")
_NICENESS = 10

Room = Callable[[Path], tuple[int, int, int]]
"""Bytes of a disk in all, used and free, as `shutil.disk_usage` returns them."""


class Refused(Exception):
    """A backup cannot be made here and now; the message is the reason."""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, `EXIT_FAILED`; 2 if a setting is wrong."""
    options = _parser().parse_args(arguments)
    folder = options.folder.absolute()
    settings = read_installation()
    say_database(settings)
    # On a machine with few processors, the server's work comes first.
    os.nice(_NICENESS)
    try:
        backup, manifest, removed = back_up(settings, folder, options.keep)
    except (Refused, Inconsistent, OSError, sqlite3.Error) as error:
        print(f"scripts/backup: {error}", file=sys.stderr)
        return EXIT_FAILED
    size_mib = sum(each.size_bytes for each in manifest.files.values()) / 1024**2
    print(f"{backup}: all up to entry {manifest.last_seq}, {size_mib:.1f} MiB")
    for old in removed:
        print(f"removed {old}")
    return 0


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


def _keep(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text!r}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/backup",
        description="Copies the data that DATABASE_URL names (main database, journal and mail "
        "key) into a new folder FOLDER/pushlog-TIME. The server may keep running: the copy is "
        "complete up to the moment at which it began. It does not include settings and secrets.",
        epilog="Exit codes: 0 backup made and checked, 1 no backup made (the reason is printed), "
        "2 a setting is wrong. To put a backup back, run scripts/restore.",
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="where backups go; created if it does not exist"
    )
    parser.add_argument(
        "--keep",
        type=_keep,
        metavar="N",
        help="afterwards, keep only the newest N backups in FOLDER and remove the older ones",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
