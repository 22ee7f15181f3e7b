"""The book of webhooks that made no entry, noted in memory and written in batches.

Guarantee: a note never makes its request wait. A flood becomes at most `KEPT_AT_ONCE` rows a second
of each kind, however long the database cannot be written. Cost: a kill loses the notes of the last
second. Events are not lost, because they are in the journal.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable

import msgspec

from server.process import log
from server.process.cancellation import finish
from server.storage.database import Database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.main import active_hours, webhooks
from server.storage.main.active_hours import minute_of
from server.storage.main.webhooks import Route, SourceNews, UnenteredWebhook

KEPT_AT_ONCE = 10
PAUSE_S = 1.0
"""The pause between two batches, so that `KEPT_AT_ONCE` is a limit for each second."""

LONGEST_REASON = 500

Kind = tuple[Route, str, str]


class WebhookBook:
    """Takes notes while requests are handled; `run` writes them to the database.

    `without_secrets` is applied to the texts then, because parts of them may come from a body.
    """

    def __init__(self, without_secrets: Callable[[str, int], str]) -> None:
        self._without_secrets = without_secrets
        self._kept: dict[Kind, list[UnenteredWebhook]] = {}
        self._sources: dict[Route, SourceNews] = {}
        self._active: dict[str, set[int]] = {}
        self._noted = asyncio.Event()
        self._is_in_trouble = False

    def note(self, webhook: UnenteredWebhook) -> None:
        """Remember a webhook that makes no entry, or count it with those like it."""
        # Refusals have few reasons, which are our own; each invalid body may have another reason.
        reason = webhook.reason if webhook.outcome == "refused" else ""
        _keep(self._kept, (webhook.source, webhook.outcome, reason), webhook)
        self._noted.set()

    def came(self, news: SourceNews) -> None:
        """Remember the last webhook of its source."""
        self._sources[news.source] = _newer(self._sources.get(news.source), news)
        if news.accepted_at is not None:
            self._active.setdefault(news.source, set()).add(minute_of(news.accepted_at))
        self._noted.set()

    async def run(self, database: Database) -> None:
        """Write down what was noted, at most once in `PAUSE_S`, until cancelled."""
        while True:
            await self._noted.wait()
            # If it were cut off in its commit, `close` would write it once more.
            await finish(self._try_to_write(database))
            await asyncio.sleep(PAUSE_S)

    async def close(self, database: Database) -> None:
        """Write down the rest."""
        if self._noted.is_set():
            await self._try_to_write(database)

    async def write(self, database: Database) -> None:
        """Write down what was noted so far, and raise what the database raises.

        If writing fails, the notes are kept.
        """
        self._noted.clear()
        kept, self._kept = self._kept, {}
        sources, self._sources = self._sources, {}
        active, self._active = self._active, {}
        try:
            async with database.write() as tx:
                if kept:
                    rows = [
                        msgspec.structs.replace(each, reason=self._shown(each.reason))
                        for each in sorted(itertools.chain(*kept.values()), key=lambda row: row.at)
                    ]
                    await webhooks.add(tx, rows)
                await webhooks.tell_of_sources(
                    tx,
                    [
                        msgspec.structs.replace(each, about=self._shown(each.about))
                        for each in sources.values()
                    ],
                )
                await active_hours.mark(tx, active)
        except BaseException:
            self._take_back(kept, sources, active)
            raise

    def _shown(self, text: str) -> str:
        # A body may have many faults. What is cut off anyway need not be searched.
        return self._without_secrets(text[: 2 * LONGEST_REASON], LONGEST_REASON)

    async def _try_to_write(self, database: Database) -> None:
        try:
            await self.write(database)
        except STORAGE_TROUBLE as trouble:
            if not self._is_in_trouble:
                log.server(logging.ERROR, f"the list of webhooks cannot be written: {trouble}")
            self._is_in_trouble = True
        else:
            self._is_in_trouble = False

    def _take_back(
        self,
        kept: dict[Kind, list[UnenteredWebhook]],
        sources: dict[Route, SourceNews],
        active: dict[str, set[int]],
    ) -> None:
        for kind, later in self._kept.items():
            for webhook in later:
                _keep(kept, kind, webhook)
        self._kept = kept
        for source, news in sources.items():
            later_news = self._sources.get(source)
            self._sources[source] = news if later_news is None else _newer(news, later_news)
        for who, minutes in active.items():
            self._active.setdefault(who, set()).update(minutes)
        self._noted.set()


def _keep(kept: dict[Kind, list[UnenteredWebhook]], kind: Kind, webhook: UnenteredWebhook) -> None:
    of_this_kind = kept.setdefault(kind, [])
    if len(of_this_kind) < KEPT_AT_ONCE:
        of_this_kind.append(webhook)
    else:
        of_this_kind[-1].more_like_it += 1 + webhook.more_like_it


def _newer(before: SourceNews | None, news: SourceNews) -> SourceNews:
    """Return `news`, keeping the time at which the last webhook was understood."""
    if news.accepted_at is not None or before is None:
        return news
    return msgspec.structs.replace(news, accepted_at=before.accepted_at)
