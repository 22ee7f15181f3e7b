"""The journal: every accepted entry in one order, on the disk before its sender is answered."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from server.storage.files.file_lock import lock_file
from server.storage.journal.clock import Clock, monotonic_micros, wall_micros
from server.storage.journal.disk import Disk
from server.storage.journal.entry import (
    Appended,
    Arrival,
    JournalEntry,
    JournalUnavailable,
    identity_key,
)
from server.storage.journal.file import JournalFile
from server.storage.journal.group_commit import GroupCommit
from server.storage.journal.recent import Tail
from server.storage.journal.store import JournalStore, OpenStore
from shared.pipe import Entry, encode_lines

TAIL_BYTES = 8 * 1024 * 1024

TRY_EVERY_S = 2.0
"""Longer than a failed file is left alone, so that each try opens it again."""

T = TypeVar("T")


class Journal:
    """An append-only log of entries whose numbers only grow.

    One thread writes groups of entries, another reads old ones.
    """

    def __init__(
        self,
        open_writing: OpenStore,
        open_reading: OpenStore,
        clock: Callable[[int], Clock],
        disk: Disk | None,
    ) -> None:
        self._writer = GroupCommit(open_writing, clock, disk, self._written)
        self._open_reading = open_reading
        self._file: JournalStore | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="journal reader")
        self._tail = Tail(TAIL_BYTES)
        self._grown = asyncio.Event()
        self._last_seq = self._writer.last_seq

    @property
    def last_seq(self) -> int:
        """The newest entry, or 0 while there is none."""
        return self._last_seq

    @property
    def trouble(self) -> str | None:
        """Why the last delivery was refused, as long as nothing could be written since."""
        return self._writer.trouble

    async def append(self, entries: Sequence[Entry], identity: str | None) -> Appended:
        """Commit the entries of one delivery together; raise `JournalUnavailable`.

        An identity that was appended within a day is a duplicate, and nothing of it is appended.
        """
        if not entries:
            return Appended((), duplicate=False)
        bodies = tuple(_body(entry) for entry in entries)
        key = None if identity is None else identity_key(identity)
        return await self._append(Arrival(bodies, key))

    async def _append(self, arrival: Arrival) -> Appended:
        return await self._writer.append(arrival)

    async def read(self, after_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        """Return the entries after `after_seq`.

        If there are any, returns at least one, and then at most `limit` entries of `max_bytes` in
        total. Raises `JournalUnavailable`.
        """
        if after_seq >= self._last_seq:
            return []
        recent = self._tail.read(after_seq, limit, max_bytes)
        if recent is not None:
            return recent
        return await self._from_file(lambda file: file.read(after_seq, limit, max_bytes))

    async def read_back(self, before_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        """Return the entries before `before_seq`, newest first, bounded as in `read`.

        Raises `JournalUnavailable`.
        """
        return await self._from_file(lambda file: file.read_back(before_seq, limit, max_bytes))

    async def find(self, identity: str) -> int | None:
        """Return the first entry of the delivery with this identity, for a day.

        Raises `JournalUnavailable`.
        """
        key = identity_key(identity)
        return await self._from_file(lambda file: file.find(key))

    async def get(self, seq: int) -> JournalEntry | None:
        """Return one entry, if it is still there; raise `JournalUnavailable`."""
        found = await self.read(seq - 1, 1, 0)
        return found[0] if found and found[0].seq == seq else None

    async def seqs_before(self, moments: Sequence[int]) -> list[int | None]:
        """Return the last number given out before each of `moments` (microseconds, ascending).

        The number is 0 if there was none yet, and None if entries of that time are no longer kept.
        Raises `JournalUnavailable`.
        """
        return await self._from_file(lambda file: file.seqs_before(moments))

    async def remove(self, up_to_seq: int) -> int:
        """Remove entries up to `up_to_seq`, never the newest one; return how many there were.

        Appends wait while this runs, so remove only a few at a time. Raises `JournalUnavailable`.
        """
        up_to_seq = min(up_to_seq, self._last_seq - 1)
        removed = await self._writer.between_groups(lambda file: file.remove(up_to_seq))
        self._tail.remove(up_to_seq)
        return removed

    async def give_back(self) -> int:
        """Give some of the file's free pages back to the file system; return how many bytes.

        It returns 0 once few enough are left. Raises `JournalUnavailable`.
        """
        return await self._writer.between_groups(lambda file: file.give_back())

    async def bytes_that_can_shrink(self) -> int:
        """Return the size of the file; 0 if `give_back` can give nothing back.

        Raises `JournalUnavailable`.
        """
        return await self._from_file(lambda file: file.bytes_that_can_shrink())

    async def used_bytes(self) -> int:
        """Return the size of the journal, without the room that removed entries left in its file.

        Raises `JournalUnavailable`.
        """
        return await self._from_file(lambda file: file.used_bytes())

    async def wait_beyond(self, seq: int) -> None:
        """Return once `last_seq` is greater than `seq`."""
        while self._last_seq <= seq:
            await self._grown.wait()

    async def watch(self) -> None:
        """Wait forever, or until nothing can be appended any more; then raise the cause."""
        raise await asyncio.shield(self._writer.failed)

    async def try_again(self) -> None:
        """While deliveries are refused, try every few seconds whether that is over."""
        while True:
            await asyncio.sleep(TRY_EVERY_S)
            if self.trouble is not None:
                await self.try_once()

    async def try_once(self) -> None:
        """Write without changing anything; `trouble` says then whether that is possible."""
        await self._writer.try_to_write()

    async def settled(self, seq: int) -> int | None:
        """Return the time, in microseconds, if `seq` is the newest entry and none is on its way.

        No entry will be stamped earlier than this, so it may be sent as a tick.
        """
        return self._writer.settled(seq)

    async def close(self) -> None:
        """Write what waits, and close the file."""
        await self._writer.close()
        if self._file is not None:
            await asyncio.get_running_loop().run_in_executor(self._reader, self._file.close)
        self._reader.shutdown()

    async def _from_file(self, read: Callable[[JournalStore], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, read)

    def _read(self, read: Callable[[JournalStore], T]) -> T:
        if self._file is None:
            self._file = self._open_reading()
        try:
            return read(self._file)
        except JournalUnavailable:
            # The state of the connection is not known, so the next try uses a new one.
            self._file.close()
            self._file = None
            raise

    def _written(self, entries: Sequence[JournalEntry], last_seq: int) -> None:
        self._tail.add(entries)
        if last_seq > self._last_seq:
            self._last_seq = last_seq
            self._grown.set()
            self._grown = asyncio.Event()


@contextlib.asynccontextmanager
async def open_journal(
    path: Path,
    *,
    wall: Callable[[], int] = wall_micros,
    monotonic: Callable[[], int] = monotonic_micros,
    disk: Disk | None = None,
) -> AsyncIterator[Journal]:
    """Open the journal at `path`, creating it if needed; this process has it to itself.

    The clocks give microseconds. Raises `InUse` if another process has it, and `JournalUnavailable`
    if it cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock_file(path))
        except OSError as error:
            raise JournalUnavailable(f"its folder cannot be written ({error})") from error
        journal = Journal(
            lambda: JournalFile(path, writable=True),
            lambda: JournalFile(path, writable=False),
            lambda last: Clock(wall, monotonic, not_before=last),
            disk or Disk(path.parent),
        )
        try:
            yield journal
        finally:
            await journal.close()


def _body(entry: Entry) -> bytes:
    if entry.seq is not None or entry.received is not None:
        raise ValueError("`seq` and `received` of an entry are the journal's to give")
    return encode_lines((entry,))[:-1]
