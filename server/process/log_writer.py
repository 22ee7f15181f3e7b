"""Writes the log from its own thread, so that a stdout that nobody reads stalls no webhook."""

import logging
import os
import queue
import select
import threading
from collections.abc import Callable
from logging.handlers import QueueHandler, QueueListener

MAX_WAITING = 10_000
"""How many lines may wait for a stalled stdout; further lines are lost, and counted."""

FLUSH_S = 0.3
"""How long the process waits at its end for the last lines to be taken."""


class LogWriter(QueueHandler):
    """Hands each formatted line to the thread that writes it to the file `descriptor`."""

    def __init__(
        self,
        descriptor: int,
        lost: Callable[[int], logging.LogRecord],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """Start the thread; `lost` makes the line that says how many lines were lost."""
        waiting: queue.Queue[logging.LogRecord | threading.Event] = queue.Queue(max_waiting)
        super().__init__(waiting)
        self._waiting = waiting
        self._lost = 0
        self._tell_lost = lost
        _Listener(waiting, descriptor).start()

    def enqueue(self, record: logging.LogRecord) -> None:  # noqa: D102
        try:
            if self._lost:
                self._waiting.put_nowait(self.prepare(self._tell_lost(self._lost)))
                self._lost = 0
            self._waiting.put_nowait(record)
        except queue.Full:
            self._lost += 1

    def flush(self) -> None:
        """Wait until all lines so far are written, but no longer than `FLUSH_S`.

        The interpreter also calls this at its end.
        """
        written = threading.Event()
        try:
            self._waiting.put(written, timeout=FLUSH_S)
        except queue.Full:
            return
        written.wait(FLUSH_S)


class _Listener(QueueListener):
    def __init__(
        self, waiting: queue.Queue[logging.LogRecord | threading.Event], descriptor: int
    ) -> None:
        super().__init__(waiting)
        self._descriptor = descriptor

    def handle(self, record: logging.LogRecord | threading.Event) -> None:
        if isinstance(record, threading.Event):
            record.set()
            return
        # This does not use sys.stdout: a stalled write would hold its lock until the interpreter's
        # end, which would then abort.
        rest = memoryview(f"{record.getMessage()}\n".encode(errors="backslashreplace"))
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError:
                # The reader is gone, or the disk is full: there is nowhere to say so.
                return
