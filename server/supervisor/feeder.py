"""The only writer to the engine: states first, then the journal, with ticks and pings between."""

import asyncio
import logging

import msgspec

from server.process import log
from server.storage.database import Database
from server.storage.journal.entry import JournalEntry, JournalUnavailable
from server.storage.journal.journal import Journal
from server.storage.main import checkpoints, dead_letters
from server.storage.times import from_micros
from server.supervisor.child import Child
from server.supervisor.entry_lines import engine_lines, state_lines
from server.supervisor.protocol import Conversation
from shared.pipe import Restored, Tick, encode_lines

STATES_A_SLICE = 500
"""States that are written at once; other tasks have their turn after each slice."""

_ENTRIES_A_WRITE = 256
_BYTES_A_WRITE = 512 * 1024
_RETRY_S = 1.0


class Window(msgspec.Struct, frozen=True):
    """The limit of what may be in flight. One entry always may, whatever its size."""

    events: int = 2_048
    size_bytes: int = 8 * 1024 * 1024


class Feeder:
    """Writes whole lines, and waits for the pipe after each write: nothing piles up in memory."""

    def __init__(
        self,
        child: Child,
        conversation: Conversation,
        journal: Journal,
        *,
        window: Window,
        one_by_one_to: int,
        record_each: bool,
    ) -> None:
        """Set up the feeder for `child`.

        Each entry up to `one_by_one_to` waits for the decision on the one before it. With
        `record_each`, it also waits until that decision is recorded.
        """
        self._child = child
        self._conversation = conversation
        self._journal = journal
        self._window = window
        self._one_by_one_to = one_by_one_to
        self._record_each = record_each
        self._read_to = conversation.last_sent
        self._skipped: frozenset[int] = frozenset()
        self._freed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        """False while the window in flight is full."""
        conversation = self._conversation
        return not conversation.in_flight or (
            len(conversation.in_flight) < self._window.events
            and conversation.in_flight_bytes < self._window.size_bytes
        )

    def freed(self) -> None:
        """Note that something in flight was decided, so there may be room."""
        self._freed.set()

    async def restore(self, database: Database) -> int:
        """Give the child what it knew at the watermark; return the number of states."""
        watermark = self._conversation.last_sent
        count = 0
        async with database.read() as tx:
            async for states in checkpoints.read_states(tx, STATES_A_SLICE):
                count += len(states)
                await self._write(state_lines(states))
                self._conversation.signs_of_life += 1
            self._skipped = frozenset(await dead_letters.seqs_after(tx, watermark))
        # The child is believed from here on, because its answer may come before the write returns.
        self._conversation.restored = True
        await self._write(encode_lines((Restored(watermark),)))
        return count

    async def feed(self) -> None:
        """Write entries forever, as they come and as the window allows."""
        while True:
            await self._wait_for_room()
            await self._journal.wait_beyond(self._read_to)
            entries = await self._read()
            if not entries:
                continue
            self._read_to = entries[-1].seq
            wanted = [entry for entry in entries if entry.seq not in self._skipped]
            self._conversation.sent(wanted)
            await self._write(engine_lines(wanted))

    async def tick(self, every_s: float) -> None:
        """Send ticks forever, whenever nothing else tells the child the time."""
        while True:
            await asyncio.sleep(every_s)
            micros = await self._journal.settled(self._read_to)
            if micros is not None:
                await self._write(encode_lines((Tick(from_micros(micros)),)))

    async def ping(self, every_s: float) -> None:
        """Ask the child forever whether it lives, beginning now."""
        while True:
            await self._write(encode_lines((self._conversation.ping(),)))
            await asyncio.sleep(every_s)

    async def _wait_for_room(self) -> None:
        while not (self._alone if self.is_careful else self.has_room):
            self._freed.clear()
            await self._freed.wait()

    @property
    def _alone(self) -> bool:
        conversation = self._conversation
        return not conversation.in_flight and not (self._record_each and conversation.unrecorded)

    @property
    def is_careful(self) -> bool:
        """Whether each entry waits for the decision on the one before it."""
        return self._read_to < self._one_by_one_to

    async def _read(self) -> list[JournalEntry]:
        conversation = self._conversation
        limit, size = 1, 0
        if not self.is_careful:
            limit = min(_ENTRIES_A_WRITE, self._window.events - len(conversation.in_flight))
            size = min(_BYTES_A_WRITE, self._window.size_bytes - conversation.in_flight_bytes)
        try:
            return await self._journal.read(self._read_to, limit, size)
        except JournalUnavailable as error:
            log.engine(
                logging.ERROR, f"cannot read the journal: {error}", "cannot read the journal"
            )
            await asyncio.sleep(_RETRY_S)
            return []

    async def _write(self, lines: bytes) -> None:
        self._child.write(lines)
        await self._child.drain()
