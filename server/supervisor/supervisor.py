"""The policy around the engine's process: when it starts, and what its end means.

docs/SUPERVISOR.md draws the states. Accepted entries wait in the journal meanwhile: nothing that
happens here can lose an entry, and accepting an entry never waits for anything here.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

import msgspec

from server.process import log
from server.process.backoff import Backoff
from server.process.waking import woken_within
from server.storage.database import Database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.journal.clock import wall_micros
from server.storage.journal.entry import JournalEntry
from server.storage.journal.journal import Journal
from server.storage.main import checkpoints, engine_deaths
from server.storage.main.engine_deaths import EngineDeaths
from server.supervisor.child import start_child
from server.supervisor.feeder import Feeder
from server.supervisor.poison import Suspicion, bury, note
from server.supervisor.protocol import Conversation
from server.supervisor.recording import Record, Recording
from server.supervisor.session import Life, Limits
from server.supervisor.status import EngineState, EngineStates

FIRST_RESTART_S = 0.5
LONGEST_RESTART_S = 30.0


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine is, for health, metrics and pages. `degraded` says why it is not well."""

    state: EngineState
    degraded: str | None
    engine: str | None
    restarts: int
    last_exit: str | None
    in_flight: int
    backlog: int


class Supervisor:
    """Keeps one engine running forever. `record` stores what it says, in one transaction."""

    def __init__(
        self,
        command: Sequence[str],
        journal: Journal,
        database: Database,
        record: Record,
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        backoff: Backoff | None = None,
        wall: Callable[[], int] = wall_micros,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up the supervisor. `wall` gives microseconds since the epoch, `monotonic` seconds."""
        self._command = command
        self._journal = journal
        self._database = database
        self._limits = limits
        self._backoff = backoff or Backoff(FIRST_RESTART_S, LONGEST_RESTART_S)
        self._wall = wall
        self._monotonic = monotonic
        self._recording = Recording(record)
        self._states = EngineStates()
        self._life: Life | None = None
        self._decided_seq: int | None = None
        self._record_each = False
        self._buried = False
        self._restarts = 0
        self._last_exit: str | None = None
        self._delay = 0.0
        self._well_from = 0.0
        self._lives_task: asyncio.Task[None] | None = None
        self._stop_asked = asyncio.Event()

    @property
    def writable(self) -> bool:
        """Return whether the engine is up, has its states back, and takes more."""
        life = self._life
        return life is not None and self._states.now == "running" and life.feeder.has_room

    @property
    def engine_pid(self) -> int | None:
        """Return the engine's process id, or None between two processes."""
        return None if self._life is None else self._life.child.pid

    @property
    def backlog(self) -> int:
        """Return how many entries of the journal have no recorded decision yet."""
        decided = self._decided_seq
        if self._life is not None:
            conversation = self._life.conversation
            decided = max(decided or 0, conversation.acked - conversation.unrecorded)
        # Before the first look into the database, nothing is known, and nothing is refused for it.
        return 0 if decided is None else max(0, self._journal.last_seq - decided)

    def status(self) -> EngineStatus:
        """Return how the engine is now."""
        life = self._life
        return EngineStatus(
            state=self._states.now,
            degraded=self._degraded(),
            engine=life.conversation.engine if life is not None else None,
            restarts=self._restarts,
            last_exit=self._last_exit,
            in_flight=len(life.conversation.in_flight) if life is not None else 0,
            backlog=self.backlog,
        )

    async def run(self) -> None:
        """Supervise until cancelled; after `stop`, nothing is left to do but that."""
        self._lives_task = asyncio.create_task(self._lives(), name="the engine's lives")
        await self._lives_task
        await asyncio.Event().wait()

    async def stop(self, timeout_s: float) -> None:
        """End the engine in order, and record its last words; kill it if that takes longer.

        What it had not decided is in the journal, and is decided after the next start.
        """
        self._stop_asked.set()
        if self._lives_task is None or self._lives_task.done():
            return
        if self._states.now != "stopped":
            self._states.enter("stopping")
        if self._life is not None:
            self._life.end()
        _, late = await asyncio.wait({self._lives_task}, timeout=timeout_s)
        if late:
            log.engine(logging.WARNING, f"did not end within {timeout_s:.0f} s and is killed")
            self._lives_task.cancel()
            await asyncio.wait({self._lives_task})

    async def _lives(self) -> None:
        try:
            while not self._stop_asked.is_set():
                started = self._monotonic()
                await self._live()
                if self._stop_asked.is_set():
                    break
                self._delay = delay = self._backoff.failed(self._monotonic() - started)
                log.engine(
                    logging.ERROR, f"ended: {self._last_exit}; starting again in {delay:.1f} s"
                )
                await woken_within(delay, self._stop_asked)
        finally:
            if self._states.now not in ("stopping", "stopped"):
                self._states.enter("stopping")
            if self._states.now == "stopping":
                self._states.enter("stopped")

    async def _live(self) -> None:
        """Run one life of the engine, and do what follows from its end."""
        self._states.enter("starting")
        try:
            async with self._database.read() as tx:
                progress = await checkpoints.progress(tx)
                known = await engine_deaths.get(tx)
            self._decided_seq = max(self._decided_seq or 0, progress.recorded_seq)
            child = await start_child(self._command, _say)
        except STORAGE_TROUBLE as error:
            self._ended(f"not started: {error}")
            return
        log.engine(logging.INFO, f"started as process {child.pid}")
        conversation = Conversation(progress.watermark)
        feeder = Feeder(
            child,
            conversation,
            self._journal,
            window=self._limits.window,
            one_by_one_to=known.one_by_one_to,
            record_each=self._record_each,
        )
        self._life = life = Life(
            child, conversation, feeder, self._recording, self._limits, self._come_to
        )
        if self._stop_asked.is_set():
            life.end()
        try:
            ended = await life.run(self._database)
        finally:
            self._life = None
            self._decided_seq = max(self._decided_seq, conversation.acked)
        self._ended(ended)
        fatal = [*life.unrecordable, *conversation.in_flight.values()]
        survived = min([conversation.acked, *(entry.seq - 1 for entry in fatal)])
        if self._buried and survived > progress.watermark:
            # It went on where it had died before: that entry was the cause, and it is gone.
            self._buried = False
            self._backoff.forget()
        suspicion = Suspicion(known)
        suspicion.survived(survived)
        convicted = None
        if not self._stop_asked.is_set():
            # If several were recorded together, nobody could tell which of them it is.
            self._record_each = self._record_each or bool(life.unrecordable)
            convicted = suspicion.died([entry.seq for entry in fatal], conversation.last_sent)
        if convicted is not None:
            await self._set_aside(fatal[0], ended, suspicion.known)
        elif suspicion.known != known:
            await self._recording.persist(
                "note what the engine died of", lambda: note(self._database, suspicion.known)
            )

    def _come_to(self, state: EngineState) -> None:
        if self._stop_asked.is_set():
            return
        self._states.enter(state)
        if state == "running":
            # To count as well again, it must be there for as long as it was away.
            self._well_from = self._monotonic() + self._delay

    def _ended(self, reason: str) -> None:
        self._last_exit = reason
        if self._stop_asked.is_set():
            log.engine(logging.INFO, f"ended: {reason}")
        else:
            self._states.enter("backing_off")
            self._restarts += 1

    async def _set_aside(self, entry: JournalEntry, ended: str, known: EngineDeaths) -> None:
        """Set aside the entry that the engine died of."""
        reason = f"the engine died of it twice, the second time so: {ended}"
        await self._recording.persist(
            f"set entry {entry.seq} aside",
            lambda: bury(self._database, entry, reason, self._wall(), known),
        )
        self._decided_seq = max(self._decided_seq or 0, entry.seq)
        self._buried = True
        log.engine(logging.ERROR, f"entry {entry.seq} is set aside as a dead letter: {reason}")

    def _degraded(self) -> str | None:
        if self._recording.trouble is not None:
            return self._recording.trouble
        if self._last_exit is None:
            return None
        if self._states.now == "running" and self._monotonic() >= self._well_from:
            return None
        return f"the engine ended: {self._last_exit}"


def _say(line: str) -> None:
    log.engine(logging.INFO, line, "the engine says")
