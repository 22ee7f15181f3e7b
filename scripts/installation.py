"""The installation that a command is about: the settings that its server reads, read as it does."""

import os
import sys
from pathlib import Path

from server.settings.env_file import with_env_file
from server.settings.settings import Settings, SettingsError, read_settings

ROOT = Path(__file__).resolve().parents[1]

EXIT_SETTINGS = 2


def read_installation() -> Settings:
    """Those of the environment over those of the env file; where they are wrong, the command ends
    with `EXIT_SETTINGS` and each fault.

    A relative DATABASE_URL and the env file are taken from the root of the repository, as by the
    server, which becomes the current folder. So paths of arguments are to be made absolute before.
    """
    os.chdir(ROOT)
    try:
        return read_settings(with_env_file(os.environ))
    except SettingsError as error:
        print("\n".join(error.faults), file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None


def say_database(settings: Settings) -> None:
    """On stderr, which database it is about: on one machine there may be several."""
    why = "" if os.environ.get("DATABASE_URL") else " (DATABASE_URL names another one)"
    print(f"Database: {settings.database_path.absolute()}{why}", file=sys.stderr, flush=True)
