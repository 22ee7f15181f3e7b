"""Make a complete and consistent copy of all data in a folder of its own while the server runs."""

import argparse
import os
import sqlite3
import sys
from pathlib import Path

from scripts.installation import read_installation, say_database
from server.storage.backup.make import NICENESS, Refused, back_up, described
from server.storage.backup.snapshot import Inconsistent

EXIT_FAILED = 1


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, `EXIT_FAILED`; 2 if a setting is wrong."""
    options = _parser().parse_args(arguments)
    folder = options.folder.absolute()
    settings = read_installation("back it up with pg_dump (docs/SCALE.md)")
    say_database(settings)
    os.nice(NICENESS)
    try:
        backup, manifest, removed = back_up(settings, folder, options.keep)
    except (Refused, Inconsistent, OSError, sqlite3.Error) as error:
        print(f"scripts/backup: {error}", file=sys.stderr)
        return EXIT_FAILED
    print(described(backup, manifest))
    for old in removed:
        print(f"removed {old}")
    return 0


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
