"""Say in the log why a server cannot start with its settings."""

import logging

from server.process import log
from server.settings.settings import SettingsError


def say_faults(error: SettingsError) -> None:
    """Write a line for each wrong setting."""
    for fault in error.faults:
        log.server(logging.ERROR, f"cannot start: {fault}")
