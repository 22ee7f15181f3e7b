"""Read the settings, serve until a signal or a defect, end in order."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Sequence

from aiohttp import web

from server import bad_http
from server.app import BACKGROUND, build_app, wind_down
from server.first_steps import address_of, first_steps
from server.keys import CRASHES, FIRST_CODE
from server.listening import BACKLOG, Listening, listen
from server.notify.crash import CrashReporter
from server.process import log, sentry_reporting
from server.reload import become_next
from server.settings.settings import Settings
from server.signals import Signals
from server.storage.database import migrate
from server.storage.errors import STORAGE_TROUBLE
from server.storage.files.crash_files import CrashFiles
from server.storage.files.file_lock import InUse, lock_file
from server.storage.pair import NotAPair
from server.storage.schema import NewerSchema
from server.web.health import say_unsigned

SHUTDOWN_TIMEOUT_S = 1.0
"""How long requests under way may take to finish.

With the limits of the engine and of deliveries (`server.app`), which end at the same time, stopping
takes at most 4 s, less than the promised 5 s.
"""

LAST_REQUEST_S = 0.1
"""How long a connection that was just accepted may take to send a request before a stop."""

KEEP_ALIVE_S = 150.0
"""How long a connection may stay open without a request, and how long a request's headers may take.

This is longer than the two minutes of Caddy and the one of nginx. Otherwise a proxy would now and
then send a webhook into a connection that is just being closed.
"""


def run(
    settings: Settings,
    overlooked: Sequence[str],
    listening: Listening | None,
    tell_first_steps: bool,
) -> int:
    """Serve, on sockets that listen already or on new ones, until a signal or a reload.

    `overlooked` says what in the env file has no effect. Return the exit code: 0 after a signal, 1
    after an unexpected end, 2 without a start. After a reload, this does not return.
    """
    # Whatever is imported stays. Without this, the garbage collector looks through all of it now
    # and then, and at the end, which took a fifth of a second.
    gc.freeze()
    gc.enable()
    log.set_up()
    bad_http.shorten()
    for each in overlooked:
        log.server(logging.WARNING, each)
    sentry_reporting.start(settings.sentry_dsn)
    try:
        settings.database_path.parent.mkdir(parents=True, exist_ok=True)
        # This comes first, so that no schema is changed under a running server.
        with lock_file(settings.database_path):
            if migrate(settings.database):
                log.server(logging.INFO, f"Made a new, empty database: {settings.database_name}")
            listening = listening or listen(settings)
            code = asyncio.run(serve(settings, listening, tell_first_steps))
            if code is None:
                # Otherwise a second signal to reload would end the process until it listens again.
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
    except (InUse, NotAPair, NewerSchema, *STORAGE_TROUBLE) as error:
        log.server(logging.ERROR, f"cannot start: {error}")
        return 2
    except Exception as error:
        CrashReporter(CrashFiles(settings.database_path)).report(error)
        raise
    finally:
        sentry_reporting.flush()
        log.folding.flush()
    if code is None:
        log.flush()
        become_next(listening)
    return code


async def serve(settings: Settings, listening: Listening, tell_first_steps: bool) -> int | None:
    """Serve until a signal, and return the exit code; None if the next version is to take over."""
    app = build_app(settings)
    crashes = app[CRASHES]
    signals = Signals(on_second=crashes.end)
    asyncio.get_running_loop().set_exception_handler(crashes.on_loop_error)
    # No access log: it costs more than the handler, and the contract lines say what matters.
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        keepalive_timeout=KEEP_ALIVE_S,
    )
    # Copies, because closing them must not end those that the next version gets.
    accepting = [each.dup() for each in listening.sockets]
    await runner.setup()
    try:
        crashes.begin()
        for each in accepting:
            await web.SockSite(runner, each, backlog=BACKLOG).start()
        port = runner.addresses[0][1]
        log.server(logging.INFO, f"Listening on http://{settings.host}:{port}")
        address = address_of(settings, port)
        if said := say_unsigned(settings):
            log.server(logging.WARNING, f"webhooks are unsigned: {said}")
        if code := app[FIRST_CODE].code:
            log.server(logging.INFO, f"First account: {address}/first-account with code {code}")
        if tell_first_steps:
            log.flush()
            print(first_steps(settings, port, code), flush=True)  # noqa: T201 - for a person, no log line
        failed = app[BACKGROUND].failed

        def on_failure(found: asyncio.Future[BaseException]) -> None:
            crashes.report(found.result())
            signals.stop()

        failed.add_done_callback(on_failure)
        async with app[BACKGROUND].running("flush the log", _flush_log()):
            await signals.end.wait()
        log.server(logging.INFO, "Reloading" if signals.reloads else "Stopping")
    finally:
        # Webhooks are still accepted meanwhile: they wait for the next engine.
        await wind_down(app)
        await _take_last_requests(accepting)
        if not signals.reloads:
            listening.close()
        try:
            await runner.cleanup()
        finally:
            # `run` keeps the error, so no other process needs to guess why.
            crashes.end()
    if signals.reloads:
        return None
    log.server(logging.INFO, "Stopped")
    return 1 if failed.done() else 0


async def _take_last_requests(accepting: Sequence[socket.socket]) -> None:
    """Accept no more connections, and let those that were accepted send their request.

    aiohttp closes connections without one. It closes the sockets, too, which breaks a connection
    that it has just accepted: so they are only left alone here.
    """
    for each in accepting:
        asyncio.get_running_loop().remove_reader(each)
    await asyncio.sleep(LAST_REQUEST_S)


async def _flush_log() -> None:
    while True:
        await asyncio.sleep(1)
        log.folding.flush()
