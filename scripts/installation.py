"""The installation that a command is about: the server's settings, read as the server does."""

import os
import sys
from pathlib import Path

from server.settings.env_file import with_env_file
from server.settings.settings import Settings, SettingsError, read_settings

ROOT = Path(__file__).resolve().parents[1]

EXIT_SETTINGS = 2


def read_installation(not_with_postgresql: str | None = None) -> Settings:
    """Return the settings of the environment over those of the env file.

    If they are wrong, the command ends with `EXIT_SETTINGS` and each fault; so does one that works
    on SQLite's files, with what to do instead (`not_with_postgresql`). A relative DATABASE_URL
    and the env file are taken from the root of the repository, as by the server. The root becomes
    the current folder, so paths in arguments must be made absolute before.
    """
    os.chdir(ROOT)
    try:
        settings = read_settings(with_env_file(os.environ))
    except SettingsError as error:
        print("\n".join(error.faults), file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None
    if not_with_postgresql is not None and settings.postgres_url is not None:
        print(f"DATABASE_URL names PostgreSQL: {not_with_postgresql}", file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS)
    return settings


def say_database(settings: Settings) -> None:
    """Say on stderr which database the command uses, because one machine may have several."""
    why = "" if os.environ.get("DATABASE_URL") else " (set DATABASE_URL to use another one)"
    print(f"Database: {settings.database_name}{why}", file=sys.stderr, flush=True)
