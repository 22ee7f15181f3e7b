"""Replace the data with a backup, and set aside the data that was there.

Everything is checked and copied to its disk first. After that, only renames are left, and they are
undone if one fails. If the machine dies between two of them, all data is still there, old and new:
the same restore, run again, completes it. The main database is moved out first and in last. So a
server that starts in between finds none, and decides again what is in the journal. It never finds a
main database that mentions entries which its journal does not have; it would then pass over the
next entries in silence.
"""

import argparse
import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scripts.installation import read_installation, say_database
from server.settings.settings import Settings
from server.storage.backup.folder import (
    DATABASE,
    JOURNAL,
    MAIL_KEY,
    Manifest,
    copy_file,
    examine,
)
from server.storage.backup.snapshot import Inconsistent
from server.storage.files.file_lock import InUse, lock_file
from server.storage.files.private_files import sync_folder
from server.storage.schema import NewerSchema, read_revision

EXIT_FAILED = 1

_OF_SQLITE = ("-shm", "-wal", "-journal", "")
"""The name endings of the files of one database. The main file goes last: without its log it is an
earlier state of itself, but a log that is left alone would be read into the next file."""


class Restored(msgspec.Struct, frozen=True):
    """What was restored, and where the data from before is now; None if there was none."""

    manifest: Manifest
    aside: Path | None


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, `EXIT_FAILED`; 2 if a setting is wrong."""
    options = _parser().parse_args(arguments)
    backup = options.backup.absolute()
    settings = read_installation("restore it with pg_restore (docs/SCALE.md)")
    say_database(settings)
    try:
        restored = restore(settings, backup, keep_journal=options.keep_journal)
    except (InUse, Inconsistent, NewerSchema, OSError) as error:
        print(f"scripts/restore: nothing was changed: {error}", file=sys.stderr)
        return EXIT_FAILED
    manifest = restored.manifest
    print(
        f"Restored {settings.database_path.absolute()} as it was on "
        f"{manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, up to entry {manifest.last_seq}."
    )
    if options.keep_journal:
        print("The journal stays: what it has accepted since then is decided again.")
    if restored.aside is not None:
        print(f"The data from before is in {restored.aside}.")
    print("If its schema is older, the next start brings it to the newest.")
    return 0


def restore(settings: Settings, backup: Path, *, keep_journal: bool = False) -> Restored:
    """Put `backup` where the settings say that the data is; with `keep_journal`, all but that.

    Raises `InUse`, `Inconsistent`, `NewerSchema` or OSError, and then everything is as it was.
    """
    manifest = examine(backup)
    read_revision(backup / DATABASE, at_rest=True)
    places = {
        JOURNAL: settings.journal_path.absolute(),
        MAIL_KEY: settings.mail_key_path.absolute(),
        DATABASE: settings.database_path.absolute(),
    }
    # A key that the backup does not have stays: mails that were sent since may depend on it.
    targets = {name: place for name, place in places.items() if name in manifest.files}
    if keep_journal:
        del targets[JOURNAL]
    folder = places[DATABASE].parent
    folder.mkdir(parents=True, exist_ok=True)
    with lock_file(places[DATABASE]), lock_file(places[JOURNAL]):
        staged = {
            name: place.with_name(f".{place.name}.restoring") for name, place in targets.items()
        }
        try:
            for name, copy in staged.items():
                if copy_file(backup / name, copy) != manifest.files[name]:
                    raise Inconsistent(f"{backup / name} changed while it was copied")
            aside = exchange(folder, {staged[name]: targets[name] for name in targets})
        finally:
            for copy in staged.values():
                copy.unlink(missing_ok=True)
    return Restored(manifest, aside)


def exchange(folder: Path, arriving: dict[Path, Path]) -> Path | None:
    """Move what is in the way aside, the last first, and `arriving` in, all or nothing.

    Return where the old files are now, or None if there were none.
    """
    leaving = [
        path
        for place in reversed(arriving.values())
        for end in _OF_SQLITE
        if (path := place.with_name(place.name + end)).exists()
    ]
    aside: Path | None = None
    moves = list(arriving.items())
    if leaving:
        aside = folder / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        aside.mkdir(mode=0o700)
        moves = [(path, aside / path.name) for path in leaving] + moves
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        if aside is not None:
            with contextlib.suppress(OSError):
                aside.rmdir()
        raise
    if aside is not None:
        sync_folder(aside)
    sync_folder(folder)
    return aside


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/restore",
        description="Checks every byte of a backup that scripts/backup made, then puts it where "
        "DATABASE_URL says. Stop PushLog first. Data that is already there is moved into a folder "
        "beside it and never overwritten.",
        epilog="Exit codes: 0 restored, 1 nothing was changed (the reason is printed), 2 a setting "
        "is wrong.",
    )
    parser.add_argument(
        "--keep-journal",
        action="store_true",
        help="leave the journal as it is: every event that was accepted since the backup is kept, "
        "and decided again",
    )
    parser.add_argument("backup", type=Path, metavar="BACKUP", help="the folder pushlog-TIME")
    return parser


if __name__ == "__main__":
    sys.exit(main())
