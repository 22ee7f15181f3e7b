"""Remove what is older than the settings say, or say what would be removed."""

import argparse
import asyncio
import sqlite3
import sys
from collections.abc import Mapping

from scripts.installation import read_installation, say_database
from server.process.metrics import Metrics
from server.settings.settings import Settings
from server.storage.database import open_database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.files.file_lock import InUse, lock_file
from server.storage.journal.clock import wall_micros
from server.storage.journal.file import JournalFile
from server.storage.journal.journal import open_journal
from server.storage.pair import why_no_data
from server.storage.retention import Retention
from server.storage.retention_preview import preview
from server.storage.schema import REVISIONS, NewerSchema, read_revision


class Refused(Exception):
    """Nothing can be removed here and now; the message is the reason."""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, 1 if it could not be done, or 2 if a setting is wrong."""
    options = _parser().parse_args(arguments)
    settings = read_installation("the leading server removes what is old, once a minute")
    say_database(settings)
    try:
        _check(settings)
        if options.dry_run:
            _say("Would remove", asyncio.run(_look(settings)))
        else:
            with lock_file(settings.database_path):
                _say("Removed", asyncio.run(_remove(settings)))
    except InUse:
        print(
            "scripts/prune: the server is running, and removes what is old by itself, once a "
            "minute; --dry-run says what would go",
            file=sys.stderr,
        )
        return 1
    except (Refused, NewerSchema, *STORAGE_TROUBLE, OSError, sqlite3.Error) as error:
        print(f"scripts/prune: {error}", file=sys.stderr)
        return 1
    return 0


def _check(settings: Settings) -> None:
    if reason := why_no_data(settings):
        raise Refused(reason)
    if read_revision(settings.database_path) != REVISIONS[-1]:
        raise Refused("the database has an older schema: run scripts/migrate, or start the server")


async def _look(settings: Settings) -> Mapping[str, int]:
    journal = JournalFile(settings.journal_path, writable=False)
    try:
        async with open_database(settings.database_path) as database:
            return await preview(settings, journal, database, wall_micros())
    finally:
        journal.close()


async def _remove(settings: Settings) -> Mapping[str, int]:
    async with (
        open_database(settings.database_path) as database,
        open_journal(settings.journal_path) as journal,
    ):
        retention = Retention(settings, journal, database, Metrics())
        # The first round only looks how far the states reach.
        await retention.tidy()
        await retention.tidy()
        return retention.removed


def _say(what: str, counts: Mapping[str, int]) -> None:
    shown = [f"{table} {count:,}" for table, count in counts.items() if count]
    print(f"{what}: {', '.join(shown)}" if shown else "Nothing is old enough to be removed.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/prune",
        description="Removes what is older than RETENTION_DAYS and RETENTION_INCIDENT_DAYS say, "
        "and events beyond RETENTION_MAX_JOURNAL_MB, while the server is stopped. A running server "
        "does that by itself.",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only say what would be removed; also while the server runs",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
