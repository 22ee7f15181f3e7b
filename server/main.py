"""Read the settings, serve until a signal or a defect, end in order."""

import argparse
import asyncio
import gc
import logging
import os
import signal

from aiohttp import web

from server import bad_http
from server.app import BACKGROUND, build_app
from server.first_steps import address_of, first_steps
from server.keys import CRASHES, FIRST_CODE
from server.notify.crash import CrashReporter
from server.process import log, sentry_reporting
from server.settings.env_file import with_env_file
from server.settings.settings import Settings, SettingsError, read_settings
from server.storage.database import migrate
from server.storage.errors import STORAGE_TROUBLE
from server.storage.files.crash_files import CrashFiles
from server.storage.files.file_lock import InUse, lock_file
from server.storage.pair import NotAPair
from server.storage.schema import NewerSchema

SHUTDOWN_TIMEOUT_S = 1.0
"""How long requests under way may take to finish.

With the limits of the engine and of deliveries (`server.app`), stopping takes at most 4.5 s, less
than the promised 5 s.
"""

KEEP_ALIVE_S = 150.0
"""How long a connection may stay open without a request, and how long a request's headers may take.

This is longer than the two minutes of Caddy and the one of nginx. Otherwise a proxy would now and
then send a webhook into a connection that is just being closed.
"""


def main() -> int:
    """Return the exit code: 0 after a signal, 1 after an unexpected end, 2 without a start."""
    parser = argparse.ArgumentParser(
        prog="python -m server", description="Serve, as the environment's variables say."
    )
    parser.add_argument(
        "--first-steps", action="store_true", help="tell where it is and what to do next"
    )
    arguments = parser.parse_args()
    # Whatever is imported stays. Without this, the garbage collector looks through all of it now
    # and then, and at the end, which took a fifth of a second.
    gc.freeze()
    gc.enable()
    folding = log.set_up()
    bad_http.shorten()
    try:
        environ = with_env_file(os.environ)
        settings = read_settings(environ)
    except SettingsError as error:
        for fault in error.faults:
            log.server(logging.ERROR, f"cannot start: {fault}")
        return 2
    for overlooked in environ.unknown_names():
        log.server(logging.WARNING, overlooked)
    sentry_reporting.start(settings.sentry_dsn)
    try:
        settings.database_path.parent.mkdir(parents=True, exist_ok=True)
        # This comes first, so that no schema is changed under a running server.
        with lock_file(settings.database_path):
            if migrate(settings.database_path):
                log.server(
                    logging.INFO, f"Made a new, empty database: {settings.database_path.absolute()}"
                )
            return asyncio.run(serve(settings, folding, arguments.first_steps))
    except (InUse, NotAPair, NewerSchema, *STORAGE_TROUBLE) as error:
        log.server(logging.ERROR, f"cannot start: {error}")
        return 2
    except Exception as error:
        CrashReporter(CrashFiles(settings.database_path)).report(error)
        raise
    finally:
        sentry_reporting.flush()
        folding.flush()


async def serve(settings: Settings, folding: log.Folding, tell_first_steps: bool) -> int:
    """Serve until SIGINT or SIGTERM; a second signal ends the process immediately."""
    stop = asyncio.Event()
    app = build_app(settings)
    crashes = app[CRASHES]

    def on_signal() -> None:
        if stop.is_set():
            # Answered events are in the journal, so nothing is lost by not waiting.
            crashes.end()
            log.flush()
            os._exit(130)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    asyncio.get_running_loop().set_exception_handler(crashes.on_loop_error)
    # No access log: it costs more than the handler, and the contract lines say what matters.
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        keepalive_timeout=KEEP_ALIVE_S,
    )
    await runner.setup()
    try:
        crashes.begin()
        site = web.TCPSite(runner, settings.host, settings.port, backlog=1024)
        await site.start()
        port = runner.addresses[0][1]
        log.server(logging.INFO, f"Listening on http://{settings.host}:{port}")
        address = address_of(settings, port)
        if code := app[FIRST_CODE].code:
            log.server(logging.INFO, f"First account: {address}/first-account with code {code}")
        if tell_first_steps:
            log.flush()
            print(first_steps(settings, port, code), flush=True)  # noqa: T201 - for a person, no log line
        failed = app[BACKGROUND].failed

        def on_failure(found: asyncio.Future[BaseException]) -> None:
            crashes.report(found.result())
            stop.set()

        failed.add_done_callback(on_failure)
        async with app[BACKGROUND].running("flush the log", _flush(folding)):
            await stop.wait()
        log.server(logging.INFO, "Stopping")
        return 1 if failed.done() else 0
    finally:
        try:
            await runner.cleanup()
        finally:
            # `main` keeps the error, so no other process needs to guess why.
            crashes.end()
        log.server(logging.INFO, "Stopped")


async def _flush(folding: log.Folding) -> None:
    while True:
        await asyncio.sleep(1)
        folding.flush()
