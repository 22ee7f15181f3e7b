"""``python -m server.storage.backup FOLDER KEEP``: the nightly backup, a process of its own.

It prints a line on what was made, or else one on why not, and ends with 0 or 1.
"""

import os
import sqlite3
import sys
from pathlib import Path

from server.settings.settings import read_settings
from server.storage.backup.make import NICENESS, Refused, back_up, described
from server.storage.backup.snapshot import Inconsistent


def main(folder: str, keep: str) -> int:
    """Return the exit code."""
    os.nice(NICENESS)
    try:
        backup, manifest, _ = back_up(read_settings(os.environ), Path(folder), int(keep))
    except (Refused, Inconsistent, OSError, sqlite3.Error) as error:
        print(error)  # noqa: T201 - for the server
        return 1
    print(described(backup, manifest))  # noqa: T201 - for the server
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
