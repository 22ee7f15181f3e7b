"""Report PushLog's own crashes: to Sentry at once, and by mail to all with incident mails on.

Guarantee: a crash is on disk before anything else is tried, and stays there until its mails are in
the outbox. So if the process dies of the crash, the next start reports it. Cost: one file for each
cause in ten minutes.
"""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from server.notify.news import CrashNews
from server.notify.planning.deliveries import mail
from server.process import log, sentry_reporting
from server.storage.database import Database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.files.crash_files import CrashFiles, Running, boot_id
from server.storage.main import crashes, outbox, people
from server.storage.main.outbox import NewDelivery
from server.storage.main.people import Person
from server.storage.times import to_micros

QUIET = timedelta(minutes=10)
"""Nobody is told about the same cause again for this long."""

MAX_MESSAGE = 4_000
MAX_TRACEBACK = 20_000
MAX_CAUSES = 1_000
RETRY_S = 5.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(CrashNews).decode


class CrashReporter:
    """Takes crashes from everywhere in the process; `run` tells people about them."""

    def __init__(
        self, files: CrashFiles, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._files = files
        self._now = now
        self._last: dict[str, datetime] = {}
        self._found = asyncio.Event()

    def begin(self) -> None:
        """Note that this process serves from now on; report one before it that noted no end.

        Raises `OSError`.
        """
        before = self._files.mark_running()
        if before is not None:
            news = unclean_end(before, boot_id(), self._now())
            log.server(logging.ERROR, news.message)
            if self._keep(news):
                sentry_reporting.report_text(news.message)

    def end(self) -> None:
        """Note that this process ends as it should, or has reported what it dies of."""
        self._files.mark_ended()

    def report(self, error: BaseException) -> None:
        """Keep `error` to tell people about it, unless they were told a short while ago."""
        if self._keep(news_of(error, self._now())):
            sentry_reporting.report(error)

    def on_loop_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report what asyncio could give to nobody else, such as the exception of a task."""
        error = context.get("exception")
        message = str(context.get("message", "unhandled error of the event loop"))
        log.server(logging.ERROR, message, exc_info=error)
        self.report(error if isinstance(error, BaseException) else RuntimeError(message))

    async def run(self, database: Database, posted: Callable[[], None], by_mail: bool) -> None:
        """Put the mails about kept and new crashes into the outbox, until cancelled.

        It calls `posted` when there is something new in the outbox. Without mail, nothing waits for
        it.
        """
        while True:
            self._found.clear()
            try:
                await self._tell(database, posted, by_mail)
            except STORAGE_TROUBLE as trouble:
                log.server(logging.ERROR, f"a crash waits to be told: {trouble}")
                await asyncio.sleep(RETRY_S)
                continue
            await self._found.wait()

    async def _tell(self, database: Database, posted: Callable[[], None], by_mail: bool) -> None:
        for path, content in self._files.waiting():
            with contextlib.suppress(msgspec.DecodeError):
                news = _decode(content)
                if by_mail:
                    await _post(database, news, to_micros(self._now()))
            path.unlink(missing_ok=True)
            posted()

    def _keep(self, news: CrashNews) -> bool:
        cause = cause_of(news)
        last = self._last.pop(cause, None)
        if last is not None and news.at - last < QUIET:
            self._last[cause] = last
            return False
        if len(self._last) >= MAX_CAUSES:
            del self._last[next(iter(self._last))]
        self._last[cause] = news.at
        try:
            self._files.add(f"{to_micros(news.at)}-{cause}", _encode(news))
        except OSError as trouble:
            log.server(logging.ERROR, f"a crash could not be kept: {trouble}")
        self._found.set()
        return True


def news_of(error: BaseException, at: datetime) -> CrashNews:
    """Return what people are told about `error`."""
    lines = "".join(traceback.format_exception(error))
    return CrashNews(
        at=at,
        error_type=type(error).__name__,
        message=str(error)[:MAX_MESSAGE],
        # The end says what failed.
        traceback=lines[-MAX_TRACEBACK:],
    )


def unclean_end(before: Running, boot: str, at: datetime) -> CrashNews:
    """Return what people are told when the process before did not note its end."""
    who = f"process {before.pid}, started {before.since}" if before.pid else "the process before"
    if before.boot_id != boot:
        why = "The machine was restarted meanwhile, or lost its power."
    else:
        why = (
            "It was killed (kill -9, or because the machine was out of memory) or broke down; "
            "the log of the machine (journalctl -k) says whether memory ran out."
        )
    return CrashNews(
        at=at,
        error_type="UncleanShutdown",
        message=f"PushLog ({who}) did not shut down cleanly. {why}",
        traceback="",
    )


def cause_of(news: CrashNews) -> str:
    """Return what makes two crashes one for people: the error, and the lines that it came by.

    The message is not part of it, because it may hold a number that is new each time.
    """
    places = [line for line in news.traceback.splitlines() if line.startswith('  File "')]
    return sha256("\n".join([news.error_type, *places]).encode()).hexdigest()[:16]


def plan_crash(news: CrashNews, everyone: Iterable[Person]) -> Sequence[NewDelivery]:
    """Plan a mail for each person with incident mails on, whatever else they want to hear about."""
    begin = crashes.crash_key(cause_of(news), to_micros(news.at))
    return [
        mail(begin, person.id, person.email, news)
        for person in everyone
        if person.email is not None and person.email_incidents
    ]


async def _post(database: Database, news: CrashNews, now: int) -> None:
    since = to_micros(news.at - QUIET)
    async with database.write() as tx:
        # Otherwise a process that fails at each start would report this each time.
        if await crashes.is_told(tx, cause_of(news), since):
            return
        await outbox.add(tx, plan_crash(news, await people.everyone(tx)), now)
