"""The log: one event per line, and a function for each line that people grep for.

The texts of the contract lines are here and nowhere else; README.md and docs explain them.
"""

import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from server.process.log_writer import LogWriter
from shared.incident import Trigger
from shared.text import harmless

LINES_A_SECOND = 10
"""How many lines of one cause are written in a second; the others are only counted."""

_log = logging.getLogger("pushlog")

Direction = Literal["queued", "dropped"]


def set_up(level: int = logging.INFO) -> None:
    """Send every record to stdout, and fold floods. ``__main__`` calls this once."""
    folding.fold(time.monotonic)
    handler = LogWriter(sys.stdout.fileno(), lines_lost)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # At these levels, aiosqlite and asyncio report each statement and each slow callback.
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def flush() -> None:
    """Wait a moment until all lines so far are written, before others write and before the end."""
    for handler in logging.getLogger().handlers:
        handler.flush()


class OneLine(logging.Formatter):
    """Formats time in UTC, level and message; line ends in a message are shown, not obeyed."""

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}: {self.formatException(record.exc_info)}"
        # Event text may hold anything: an escape sequence must not reach the reader's terminal.
        return f"{moment.removesuffix('+00:00')}Z {record.levelname} {harmless(text)}"


class Folding:
    """Lets pass `LINES_A_SECOND` lines of one cause in each second, once it is told to `fold`.

    The next line that passes, or `flush`, says how many were held back. It is asked before a line
    is made, since making one costs more than all the rest.
    """

    def __init__(self) -> None:
        self._clock: Callable[[], float] | None = None
        self._second = -1
        self._passed: dict[str, int] = {}
        self._held: dict[str, int] = {}

    def fold(self, clock: Callable[[], float] | None) -> None:
        """Begin anew, by this clock of seconds; without one, let all lines pass."""
        self._clock, self._second = clock, -1
        self._held.clear()

    def ask(self, cause: str) -> str | None:
        """Return what to add to a line of this cause, or None if it is held back."""
        if self._clock is None:
            return ""
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._passed.clear()
        passed = self._passed.get(cause, 0)
        if passed >= LINES_A_SECOND:
            self._held[cause] = self._held.get(cause, 0) + 1
            return None
        self._passed[cause] = passed + 1
        held = self._held.pop(cause, 0)
        return f" (and {held} more like it)" if held else ""

    def flush(self) -> None:
        """Log what is still held back; called once a second and at the end."""
        for cause, count in list(self._held.items()):
            del self._held[cause]
            _log.info("%s (and %d more like it)", cause, count)


folding = Folding()
"""That of this process."""


def _say(
    level: int, cause: str, text: str, *values: object, exc_info: BaseException | None = None
) -> None:
    more = folding.ask(cause)
    if more is not None:
        _log.log(level, text + more, *values, exc_info=exc_info)


def lines_lost(count: int) -> logging.LogRecord:
    """Return the line that says how many lines of the log could not be written."""
    text = "[server] %d lines of the log are lost: nobody took them"
    return logging.LogRecord(_log.name, logging.ERROR, "", 0, text, (count,), None)


def webhook_received(source: str) -> None:
    """Log that a webhook arrived, of which nothing is known yet."""
    cause = f"[webhooks/{source}] Request received"
    _say(logging.INFO, cause, cause)


def webhook_ingested(source: str, exception_type: str, service: str, environment: str) -> None:
    """Log that an event is parsed and in the journal."""
    _say(
        logging.INFO,
        f"[webhooks/{source}] Ingested",
        "[webhooks/%s] Ingested: %s in %s/%s",
        source,
        exception_type,
        service,
        environment,
    )


def webhook_noted(source: str, about: str, kind: str) -> None:
    """Log that a webhook is accepted but no event: a duplicate, a comment, a ping, a resolve.

    `about` may be the sender's words. `kind` is ours, one of few, and floods are folded by it.
    """
    cause = f"[webhooks/{source}] {kind}"
    _say(logging.INFO, cause, "[webhooks/%s] %s", source, about)


def webhook_error(source: str, reason: str, kind: str) -> None:
    """Log that parsing or processing failed, or the sender is not allowed.

    `reason` and `kind` are as `about` and `kind` above.
    """
    name = {"sentry": "Sentry", "github": "GitHub"}.get(source, "Incident")
    cause = f"{name} webhook error: {kind}"
    _say(logging.WARNING, cause, "%s webhook error: %s", name, reason)


def incident_opened(
    incident_id: str, trigger: Trigger, service: str, environment: str, title: str
) -> None:
    """Log that an incident is recorded, with its notifications. This is never folded."""
    _log.info(
        "[incident-engine] incident %s (%s) %s/%s: %s",
        incident_id,
        trigger,
        service,
        environment,
        title,
    )


def child_not_writable(what: Direction) -> None:
    """Log that the engine is missing, crashed or full: the event waits, or the request gets 503."""
    line = f"[incident-engine] child not writable; event {what}"
    _say(logging.WARNING, line, line)


def engine(level: int, text: str, cause: str | None = None) -> None:
    """Log what the supervisor says of the engine, or what the engine itself says on stderr."""
    if cause is None:
        _log.log(level, "[incident-engine] %s", text)
    else:
        _say(level, f"[incident-engine] {cause}", "[incident-engine] %s", text)


def server(
    level: int, text: str, exc_info: BaseException | None = None, cause: str | None = None
) -> None:
    """Log what the server says of itself; with a `cause` if others can make it say so."""
    if cause is None:
        _log.log(level, "[server] %s", text, exc_info=exc_info)
    else:
        _say(level, f"[server] {cause}", "[server] %s", text, exc_info=exc_info)
