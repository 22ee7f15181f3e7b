"""``python -m server``: take requests as early as possible, and load the rest while they wait."""

import argparse
import gc
import logging
import os
import signal
import sys


def main() -> int:
    """Return the exit code, as `server.main.run` does."""
    # Until the server listens to signals, one to stop ends it. Python's KeyboardInterrupt is lost
    # if it comes at a bad moment of an import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parser = argparse.ArgumentParser(
        prog="python -m server", description="Serve, as the environment's variables say."
    )
    parser.add_argument(
        "--first-steps", action="store_true", help="tell where it is and what to do next"
    )
    parser.add_argument(
        "--check", action="store_true", help="only tell whether it could start with these settings"
    )
    arguments = parser.parse_args()
    # Whatever is imported stays, so looking through it on the way is a waste: a tenth of a start.
    gc.disable()
    from server.listening import listen_early  # noqa: PLC0415 - only now
    from server.process import log  # noqa: PLC0415
    from server.settings.env_file import with_env_file  # noqa: PLC0415
    from server.settings.settings import SettingsError, read_settings  # noqa: PLC0415

    try:
        environ = with_env_file(os.environ)
        settings = read_settings(environ)
    except SettingsError as error:
        # At once, so that a process manager shows for most of the time that it does not run.
        log.set_up()
        for fault in error.faults:
            log.server(logging.ERROR, f"cannot start: {fault}")
        log.flush()
        return 2
    listening = None if arguments.check else listen_early(settings)
    from server.main import run  # noqa: PLC0415 - it takes half a second

    if arguments.check:
        # The settings can be read, and the code can be loaded.
        return 0
    return run(settings, environ.unknown_names(), listening, arguments.first_steps)


if __name__ == "__main__":
    sys.exit(main())
