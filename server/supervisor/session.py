"""One child from its start to its end: restored, fed, heard and watched, each by a task."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import msgspec

from server.process import log
from server.process.waking import woken_within
from server.storage.database import Database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.journal.entry import JournalEntry
from server.supervisor.child import Child
from server.supervisor.feeder import Feeder, Window
from server.supervisor.protocol import Conversation
from server.supervisor.recording import Recording, Unrecordable
from server.supervisor.status import EngineState
from shared.lines import TooLong
from shared.pipe import UnreadableLine, decode_outbound

_UNRECORDED_BYTES = 16 * 1024 * 1024
"""While this much waits to be stored, nothing more is read."""

HELD_BYTES = 256 * 1024 * 1024
"""How much a child may say without an acknowledgement or a checkpoint."""

_FAULTS_IN_A_ROW = 1_000
"""How many lines a child may say without a single one that counts."""

_LINES_A_TURN = 200
"""Lines taken in before other tasks have their turn: a child that floods must not stall them."""

_GATHER_S = 0.05
"""How long decisions that nobody waits for are gathered: each transaction has its cost."""

_LAST_WORDS_S = 2.0
"""How long output may still come from a child that has ended."""


class Limits(msgspec.Struct, frozen=True):
    """How often the child is spoken to, and when it counts as hung."""

    window: Window = Window()
    tick_every_s: float = 1.0
    ping_every_s: float = 3.0
    silence_s: float = 15.0
    """Without a pong or an acknowledgement or, while it is restored, without taking more states."""
    start_s: float = 30.0
    """From its start until it is ready."""
    restore_s: float = 120.0
    """From `restored` to its first answer, because it may have much to put in order."""
    stuck_s: float = 60.0
    """While it answers pings, but decides nothing of what is in flight."""


class Life:
    """Owns the tasks around one child. Each new child gets a new `Life`."""

    def __init__(
        self,
        child: Child,
        conversation: Conversation,
        feeder: Feeder,
        recording: Recording,
        limits: Limits,
        come_to: Callable[[EngineState], None],
    ) -> None:
        """Set up the tasks; call `come_to` when the child is restoring, and when it is running."""
        self.child = child
        self.conversation = conversation
        self.feeder = feeder
        self._recording = recording
        self.unrecordable: list[JournalEntry] = []
        """The entries of which the child said what cannot be recorded; that ends the child."""
        self._limits = limits
        self._come_to = come_to
        self._verdict: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ready = asyncio.Event()
        self._running = False
        self._heard = asyncio.Event()
        self._urgent = asyncio.Event()
        self._recorded = asyncio.Event()
        self._over = False
        self._paused = False
        self._faults = 0
        self._signs_when_restored: int | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._guiding: list[asyncio.Task[None]] = []

    async def run(self, database: Database) -> str:
        """Live until the child has ended, by itself or not; return how it ended, in words.

        Everything that it said up to its last acknowledgement or checkpoint is recorded by then. If
        cancelled, this kills the child and records no more.
        """
        reading = self._start("read the engine", self._read())
        recording = self._start("record what the engine says", self._record())
        self._guiding = [
            self._start("feed the engine", self._feed(database)),
            self._start("watch the engine", self._watch()),
        ]
        exited = self._start("wait for the engine's end", self._wait_for_exit())
        try:
            await asyncio.wait({reading, exited}, return_when=asyncio.FIRST_COMPLETED)
            # The end of its output means the end of the child, either in a moment or by force.
            await asyncio.wait({exited}, timeout=_LAST_WORDS_S)
            for task in self._guiding:
                task.cancel()
            ended = await self.child.kill()
            if self._verdict.done():
                ended = self._verdict.result()
            await asyncio.wait({reading}, timeout=_LAST_WORDS_S)
            reading.cancel()
            self._over = True
            self._heard.set()
            self._urgent.set()
            await recording
            return ended
        finally:
            for task in self._tasks:
                task.cancel()
            await self.child.kill()
            await self.child.close()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def end(self) -> None:
        """Let the child end: it hears no more, and says what it still has to say.

        A child that does not even have its states has nothing to say, and is ended at once.
        """
        for task in self._guiding:
            task.cancel()
        if self._signs_when_restored is None:
            self._give_up("it was still starting")
        self.child.end_input()

    def _start(self, name: str, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (defect := task.exception()) and not self._verdict.done():
            self._verdict.set_exception(defect)

    def _give_up(self, reason: str) -> None:
        if not self._verdict.done():
            self._verdict.set_result(reason)

    async def _wait_for_exit(self) -> None:
        """Return when the child has ended or must be ended; raise the defect of another task."""
        exited = asyncio.ensure_future(self.child.exited())
        try:
            await asyncio.wait({exited, self._verdict}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            exited.cancel()

    async def _read(self) -> None:
        while (lines := await self.child.read_lines()) is not None:
            for start in range(0, len(lines), _LINES_A_TURN):
                for line in lines[start : start + _LINES_A_TURN]:
                    self._hear(line)
                self._react()
                await asyncio.sleep(0)
                if self._verdict.done():
                    # The child cannot be trusted any more, so its last words are of no interest.
                    return
            while self.conversation.recordable.size_bytes > _UNRECORDED_BYTES:
                self._paused = True
                self._recorded.clear()
                await self._recorded.wait()
            self._paused = False

    def _hear(self, line: bytes | TooLong) -> None:
        match line:
            case TooLong(size):
                fault: str | None = f"a line of {size} bytes"
            case _:
                try:
                    fault = self.conversation.hear(decode_outbound(line), len(line))
                except UnreadableLine as error:
                    fault = f"a line that is no message ({error})"
        if fault is None:
            self._faults = 0
            return
        log.engine(
            logging.WARNING, f"says what does not count: {fault}", "says what does not count"
        )
        self._faults += 1
        if self._faults >= _FAULTS_IN_A_ROW:
            self._give_up(f"it said {_FAULTS_IN_A_ROW} lines in a row that do not count")

    def _react(self) -> None:
        if self.conversation.engine is not None and not self._ready.is_set():
            self._ready.set()
            self._come_to("restoring")
        before = self._signs_when_restored
        if before is not None and self.conversation.signs_of_life > before and not self._running:
            # The child has its states, and has answered since.
            self._running = True
            self._come_to("running")
        if self.conversation.recordable.messages:
            self._heard.set()
        if self.conversation.recordable.has_news:
            self._urgent.set()
        self.feeder.freed()
        if self.conversation.held_bytes > HELD_BYTES:
            self._give_up(f"it said {HELD_BYTES} bytes without an acknowledgement or checkpoint")

    async def _record(self) -> None:
        while True:
            await self._heard.wait()
            self._heard.clear()
            while self.conversation.recordable.messages:
                await self._gather()
                batch = self.conversation.take()
                try:
                    await self._recording.store(batch)
                except Unrecordable as error:
                    self.unrecordable = batch.entries
                    self._give_up(str(error))
                    return
                self.conversation.recorded(batch)
                self._recorded.set()
                self.feeder.freed()
            if self._over:
                return

    async def _gather(self) -> None:
        """Wait a little for more to record, but not with news, at the end, or if much waits."""
        much = self.conversation.recordable.size_bytes > _UNRECORDED_BYTES
        if self._over or much or self.feeder.is_careful:
            return
        await woken_within(_GATHER_S, self._urgent)
        self._urgent.clear()

    async def _feed(self, database: Database) -> None:
        await self._ready.wait()
        started = asyncio.get_running_loop().time()
        try:
            count = await self.feeder.restore(database)
        except STORAGE_TROUBLE as error:
            self._give_up(f"its states cannot be read: {error}")
            return
        took_s = asyncio.get_running_loop().time() - started
        self._signs_when_restored = self.conversation.signs_of_life
        log.engine(
            logging.INFO,
            f"{self.conversation.engine} has its {count} states of entry "
            f"{self.conversation.last_sent}, given in {took_s:.2f} s",
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self.feeder.ping(self._limits.ping_every_s), name="ping the engine")
            group.create_task(self.feeder.feed(), name="give entries to the engine")
            group.create_task(self.feeder.tick(self._limits.tick_every_s), name="tell the time")

    async def _watch(self) -> None:
        limits = self._limits
        now = asyncio.get_running_loop().time
        signs, alive_at = -1, now()
        acked, moved_at = -1, now()
        while True:
            await asyncio.sleep(min(1.0, limits.silence_s / 10))
            conversation = self.conversation
            if self._paused or conversation.signs_of_life != signs:
                signs, alive_at = conversation.signs_of_life, now()
            if self._paused or not conversation.in_flight or conversation.acked != acked:
                acked, moved_at = conversation.acked, now()
            if now() - alive_at > self._patience_s():
                self._give_up(f"it gave no sign of life for {now() - alive_at:.0f} s")
            if now() - moved_at > limits.stuck_s:
                self._give_up(f"it decided nothing of what it has for {now() - moved_at:.0f} s")

    def _patience_s(self) -> float:
        if self.conversation.engine is None:
            return self._limits.start_s
        if self._signs_when_restored is None or self._running:
            return self._limits.silence_s
        return self._limits.restore_s
