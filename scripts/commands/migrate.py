"""Brings the database to the newest schema, making it where there is none."""

import argparse
import os
import sys
from pathlib import Path

from server.env_file import with_env_file
from server.settings import SettingsError, read_settings
from server.storage.database import migrate
from server.storage.file_lock import InUse, lock_file
from server.storage.schema import NewerSchema

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, 1 where nothing was changed, or 2 where a setting is wrong."""
    parser = argparse.ArgumentParser(
        prog="scripts/migrate",
        description="Brings the database of DATABASE_URL to the newest schema, making it where "
        "there is none. The server does the same when it starts.",
    )
    parser.parse_args(arguments)
    # The server, too, takes a relative DATABASE_URL and its .env from the root of the repository.
    os.chdir(ROOT)
    try:
        settings = read_settings(with_env_file(os.environ))
    except SettingsError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        return 2
    try:
        settings.database_path.parent.mkdir(parents=True, exist_ok=True)
        with lock_file(settings.database_path):
            migrate(settings.database_path)
    except (InUse, NewerSchema, OSError) as error:
        print(f"scripts/migrate: {error}", file=sys.stderr)
        return 1
    print(f"{settings.database_path} has the newest schema")
    return 0


if __name__ == "__main__":
    sys.exit(main())
