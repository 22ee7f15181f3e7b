"""Bring the database to the newest schema; create the database if there is none."""

import argparse
import sys

from scripts.installation import read_installation, say_database
from server.storage.database import migrate
from server.storage.errors import STORAGE_TROUBLE
from server.storage.files.file_lock import InUse, lock_file
from server.storage.schema import NewerSchema


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, 1 if nothing was changed, or 2 if a setting is wrong."""
    parser = argparse.ArgumentParser(
        prog="scripts/migrate",
        description="Brings the database that DATABASE_URL names to the newest schema; creates it "
        "if there is none. The server does the same when it starts.",
    )
    parser.parse_args(arguments)
    settings = read_installation()
    say_database(settings)
    try:
        if settings.postgres_url is not None:
            # Its lock is in the database, and servers of this version may run.
            migrate(settings.postgres_url)
        else:
            settings.database_path.parent.mkdir(parents=True, exist_ok=True)
            with lock_file(settings.database_path):
                migrate(settings.database_path)
    except (InUse, NewerSchema, *STORAGE_TROUBLE) as error:
        print(f"scripts/migrate: {error}", file=sys.stderr)
        return 1
    print(f"{settings.database_name} has the newest schema")
    return 0


if __name__ == "__main__":
    sys.exit(main())
