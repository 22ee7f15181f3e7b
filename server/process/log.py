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


def set_up(level: int = logging.INFO) -> "Folding":
    """Send every record to stdout, and fold floods. ``__main__`` calls this once."""
    folding = Folding(time.monotonic)
    handler = LogWriter(sys.stdout.fileno(), lines_lost)
    handler.setFormatter(OneLine())
    handler.addFilter(folding)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # At these levels, aiosqlite and asyncio report each statement and each slow callback.
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return folding


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


class Folding(logging.Filter):
    """Passes `LINES_A_SECOND` records of one cause (``extra={"cause": …}``) in each second.

    The next record that passes, or `flush`, says how many were held back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._second = -1
        self._passed: dict[str, int] = {}
        self._held: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: D102
        cause = getattr(record, "cause", None)
        if cause is None:
            return True
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._passed.clear()
        passed = self._passed.get(cause, 0)
        if passed >= LINES_A_SECOND:
            self._held[cause] = self._held.get(cause, 0) + 1
            return False
        self._passed[cause] = passed + 1
        held = self._held.pop(cause, 0)
        if held:
            record.msg = f"{record.getMessage()} (and {held} more like it)"
            record.args = None
        return True

    def flush(self) -> None:
        """Log what is still held back; called once a second and at the end."""
        for cause, count in list(self._held.items()):
            del self._held[cause]
            _log.info("%s (and %d more like it)", cause, count)


def lines_lost(count: int) -> logging.LogRecord:
    """Return the line that says how many lines of the log could not be written."""
    text = "[server] %d lines of the log are lost: nobody took them"
    return logging.LogRecord(_log.name, logging.ERROR, "", 0, text, (count,), None)


def webhook_received(source: str) -> None:
    """Log that a webhook arrived, of which nothing is known yet."""
    cause = f"[webhooks/{source}] Request received"
    _log.info(cause, extra={"cause": cause})


def webhook_ingested(source: str, exception_type: str, service: str, environment: str) -> None:
    """Log that an event is parsed and in the journal."""
    _log.info(
        "[webhooks/%s] Ingested: %s in %s/%s",
        source,
        exception_type,
        service,
        environment,
        extra={"cause": f"[webhooks/{source}] Ingested"},
    )


def webhook_noted(source: str, about: str, kind: str) -> None:
    """Log that a webhook is accepted but no event: a duplicate, a comment, a ping, a resolve.

    `about` may be the sender's words. `kind` is ours, one of few, and floods are folded by it.
    """
    cause = f"[webhooks/{source}] {kind}"
    _log.info("[webhooks/%s] %s", source, about, extra={"cause": cause})


def webhook_error(source: str, reason: str, kind: str) -> None:
    """Log that parsing or processing failed, or the sender is not allowed.

    `reason` and `kind` are as `about` and `kind` above.
    """
    name = {"sentry": "Sentry", "github": "GitHub"}.get(source, "Incident")
    cause = f"{name} webhook error: {kind}"
    _log.warning("%s webhook error: %s", name, reason, extra={"cause": cause})


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
    _log.warning(line, extra={"cause": line})


def engine(level: int, text: str, cause: str | None = None) -> None:
    """Log what the supervisor says of the engine, or what the engine itself says on stderr."""
    extra = {"cause": f"[incident-engine] {cause}"} if cause else None
    _log.log(level, "[incident-engine] %s", text, extra=extra)


def server(
    level: int, text: str, exc_info: BaseException | None = None, cause: str | None = None
) -> None:
    """Log what the server says of itself; with a `cause` if others can make it say so."""
    extra = {"cause": f"[server] {cause}"} if cause else None
    _log.log(level, "[server] %s", text, exc_info=exc_info, extra=extra)
