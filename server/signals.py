"""What signals ask of the server: to stop (SIGINT, SIGTERM), or to reload (SIGHUP)."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable

from server.process import log
from server.reload import why_not


class Signals:
    """Listens to signals from now on; `end` is set when the server is to end what it does.

    `reloads` says that it is to become its next version then. A second signal to stop ends the
    process at once, after `on_second`.
    """

    def __init__(self, on_second: Callable[[], None]) -> None:
        self.end = asyncio.Event()
        self.reloads = False
        self._on_second = on_second
        self._reload: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop_or_exit)
        # A terminal sends it when it is closed, and then nobody wants a server.
        hangs_up = sys.stdin is not None and sys.stdin.isatty()
        loop.add_signal_handler(
            signal.SIGHUP, self.stop_or_exit if hangs_up else self.ask_for_reload
        )

    def stop(self) -> None:
        """Let the server stop."""
        self.reloads = False
        self.end.set()

    def stop_or_exit(self) -> None:
        """Let the server stop; if it is to stop already, exit now."""
        if self.end.is_set() and not self.reloads:
            # Answered events are in the journal, so nothing is lost by not waiting.
            self._on_second()
            log.flush()
            os._exit(130)
        self.stop()

    def ask_for_reload(self) -> None:
        """Let the server reload, if code and settings are such that it could start."""
        if self.end.is_set() or (self._reload is not None and not self._reload.done()):
            return
        self._reload = asyncio.create_task(self._check_and_reload(), name="reload")

    async def _check_and_reload(self) -> None:
        try:
            reason = await why_not()
        except OSError as error:
            reason = str(error)
        if reason is not None:
            log.server(logging.ERROR, f"not reloaded, and this version goes on: {reason}")
        elif not self.end.is_set():
            self.reloads = True
            self.end.set()
