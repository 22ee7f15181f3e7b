"""Watches PushLog itself: opens and closes troubles, and has the admins told of each once."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence

from server.notify.live import Live
from server.notify.outlets import Outlets
from server.notify.trouble import tell_trouble
from server.process import log
from server.storage.database import Database, Transaction
from server.storage.errors import STORAGE_TROUBLE
from server.storage.journal.clock import wall_micros
from server.storage.main import active_hours, troubles
from server.storage.main.troubles import Trouble
from server.troubles.condition import Condition
from server.troubles.kinds import KINDS, Symptom
from server.troubles.lasting import Lasting
from server.troubles.signs import Signs

LOOK_EVERY_S = 10.0


class Watch:
    """Keeps the list of open troubles.

    While the main database cannot be written, a trouble is only in the log; it is told as soon as
    it can be stored, if it is still there.
    """

    def __init__(
        self,
        signs: Signs,
        database: Database,
        live: Live,
        outlets: Outlets,
        posted: Callable[[], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = wall_micros,
    ) -> None:
        """Set up the watch; it calls `posted` when there is something new in the outbox.

        `monotonic` gives seconds, `wall` microseconds since the epoch.
        """
        self._signs = signs
        self._database = database
        self._live = live
        self._outlets = outlets
        self._posted = posted
        self._monotonic = monotonic
        self._wall = wall
        self._lasting = Lasting()
        self._open: dict[str, Trouble] | None = None
        self._beyond: list[Symptom] = []
        self._said: set[str] = set()
        self._noted = 0

    @property
    def open(self) -> Sequence[Trouble]:
        """Return the troubles that are open, the oldest first."""
        return list((self._open or {}).values())

    async def examine(self) -> tuple[Condition, list[Symptom]]:
        """Return how everything is at this moment, and all symptoms, the gravest first.

        Those that need more than a moment to find are of the last look.
        """
        condition = await self._signs.condition()
        return condition, [*condition.symptoms(), *self._beyond]

    async def run(self) -> None:
        """Look every `LOOK_EVERY_S`, until cancelled."""
        # Another server may have looked before.
        self._open = None
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def follow(self) -> None:
        """Learn every `LOOK_EVERY_S` what the leading server has found, until cancelled."""
        while True:
            before = self._open
            with contextlib.suppress(*STORAGE_TROUBLE):
                await self._read_open()
            if self._open != before:
                # Every page shows the open troubles.
                self._live.publish_incidents()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _read_open(self) -> None:
        async with self._database.read() as tx:
            self._open = {each.kind: each for each in await troubles.open_now(tx)}

    async def look(self) -> None:
        """Look once, and tell what is new."""
        condition = await self._signs.condition()
        self._beyond = await self._signs.beyond(condition)
        try:
            if self._open is None:
                await self._read_open()
                self._said |= (self._open or {}).keys()
        except STORAGE_TROUBLE:
            # The look itself finds it too, as a symptom.
            pass
        symptoms = [*condition.symptoms(), *self._beyond]
        wanted = self._lasting.judge(symptoms, self._said, self._monotonic())
        self._say(wanted)
        if self._open is None:
            return
        try:
            await self._store(self._open, wanted)
            await self._note_that_it_runs()
        except STORAGE_TROUBLE as error:
            log.server(logging.ERROR, f"a trouble waits to be told: {error}")

    async def _note_that_it_runs(self) -> None:
        """Note once a minute that webhooks could come: a pause of ours is no source's silence."""
        minute = self._wall() // 60_000_000
        if minute != self._noted:
            async with self._database.write() as tx:
                await active_hours.mark(tx, {active_hours.PUSHLOG: [minute]})
            self._noted = minute

    def _say(self, wanted: Mapping[str, str | None]) -> None:
        for kind, text in wanted.items():
            if kind not in self._said:
                log.server(logging.ERROR, f"trouble: {KINDS[kind].title}: {text}")
        for kind in self._said - wanted.keys():
            log.server(logging.INFO, f"trouble over: {_title(kind)}")
        self._said = set(wanted)

    async def _store(self, before: dict[str, Trouble], wanted: Mapping[str, str | None]) -> None:
        """Write what is new, and take it over once it is committed."""
        new = [kind for kind in wanted if kind not in before]
        over = [each for each in before.values() if each.kind not in wanted]
        changed = {
            each.id: text
            for each in before.values()
            if (text := wanted.get(each.kind)) and text != each.text
        }
        if not (new or over or changed):
            return
        rung: set[int] = set()
        async with self._database.write() as tx:
            for trouble_id, text in changed.items():
                await troubles.set_text(tx, trouble_id, text)
            for kind in new:
                rung.update(await self._begin(tx, kind, wanted[kind] or ""))
            for trouble in over:
                rung.update(await self._end(tx, trouble))
            after = await troubles.open_now(tx)
        self._open = {each.kind: each for each in after}
        for person_id in rung:
            self._live.publish(person_id)
        # Every page shows the open troubles.
        self._live.publish_incidents()
        self._posted()

    async def _begin(self, tx: Transaction, kind: str, text: str) -> list[int]:
        about, now = KINDS[kind], self._wall()
        trouble = await troubles.begin(
            tx, kind=kind, severity=about.severity, title=about.title, text=text, at=now
        )
        return await tell_trouble(tx, trouble, "opened", about.advice, self._outlets, now)

    async def _end(self, tx: Transaction, trouble: Trouble) -> list[int]:
        now = self._wall()
        ended = await troubles.end(tx, trouble.id, now)
        return await tell_trouble(tx, ended, "ended", "", self._outlets, now)


def _title(kind: str) -> str:
    """Return what a kind is called; it may be one of another version of PushLog."""
    return KINDS[kind].title if kind in KINDS else kind
