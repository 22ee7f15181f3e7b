"""The journal's writer: one thread, and one transaction for all waiting deliveries.

While one group is on its way to the disk, the next one gathers. So the disk's pace sets the size of
the groups, and nobody waits for a timer.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from server.storage.journal.clock import Clock
from server.storage.journal.disk import KEPT_FREE, Disk
from server.storage.journal.entry import (
    Appended,
    Arrival,
    JournalEntry,
    JournalLocked,
    JournalUnavailable,
)
from server.storage.journal.store import JournalStore, OpenStore

MAX_GROUP = 2_000
"""Deliveries in one transaction. A larger group costs the first delivery more than it saves."""

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""How many bytes may wait for a slow disk. One delivery may always wait, whatever its size."""

RETRY_AFTER_S = 1.0
"""How long a file that failed is left alone before it is opened again."""

T = TypeVar("T")


class Waiting(msgspec.Struct, frozen=True):
    """A delivery, and the future that its answer goes to."""

    arrival: Arrival
    answer: asyncio.Future[Appended]


class Upkeep(msgspec.Struct, frozen=True):
    """Work on the file that nobody's answer waits for, and the future for its result."""

    work: Callable[[JournalStore], int]
    answer: asyncio.Future[int]


class GroupCommit:
    """Owns the writing side of the journal's file and the clock that stamps its entries.

    `written` is called on the event loop with the entries of each group and the newest `seq` in the
    file, before the answers are given. A failure is answered with `JournalUnavailable`. The file is
    then opened again after `RETRY_AFTER_S`; until then, everything is refused at once. The same
    answer goes to everything that waits if the thread ends by an unforeseen error, which `failed`
    reports.
    """

    def __init__(
        self,
        open_store: OpenStore,
        clock: Callable[[int], Clock],
        disk: Disk | None,
        written: Callable[[Sequence[JournalEntry], int], None],
    ) -> None:
        self._open = open_store
        self._disk = disk
        self._written = written
        self._loop = asyncio.get_running_loop()
        self._file: JournalStore | None = open_store()
        self._clock = clock(self._file.last_received)
        self._last_seq = self._file.last_seq
        self.trouble: str | None = None
        """Why the last group was refused, as long as none was written since."""
        self.failed: asyncio.Future[BaseException] = self._loop.create_future()
        """Set if the thread has ended without being asked to: nothing is written any more."""
        self._broken: JournalUnavailable | None = None
        self._broken_until = 0.0
        self._changed = threading.Condition()
        self._waiting: list[Waiting] = []
        self._waiting_bytes = 0
        self._upkeep: list[Upkeep] = []
        self._under_way: list[Waiting | Upkeep] = []
        self._committing = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="journal writer", daemon=True)
        self._thread.start()

    @property
    def last_seq(self) -> int:
        """The newest entry on the disk, which `written` may not have been told of yet."""
        return self._last_seq

    def append(self, arrival: Arrival) -> asyncio.Future[Appended]:
        """Return a future for the answer, which comes once the delivery is on the disk."""
        answer: asyncio.Future[Appended] = self._loop.create_future()
        with self._changed:
            self._refuse_at_the_end()
            size = sum(map(len, arrival.bodies))
            if self._waiting and self._waiting_bytes + size > MAX_WAITING_BYTES:
                raise JournalUnavailable("the disk is too slow for what comes in")
            self._waiting_bytes += size
            self._waiting.append(Waiting(arrival, answer))
            self._changed.notify()
        return answer

    def between_groups(self, work: Callable[[JournalStore], int]) -> asyncio.Future[int]:
        """Return a future for the result of `work`, which is done between two groups.

        So no group waits for the lock of another connection. `work` must be short.
        """
        answer: asyncio.Future[int] = self._loop.create_future()
        with self._changed:
            self._refuse_at_the_end()
            self._upkeep.append(Upkeep(work, answer))
            self._changed.notify()
        return answer

    async def try_to_write(self) -> None:
        """Write without changing anything; set `trouble` to what that says."""
        try:
            await self.between_groups(lambda file: file.write_nothing())
        except JournalUnavailable as error:
            self.trouble = str(error)
        else:
            self.trouble = None

    def settled(self, seq: int) -> int | None:
        """Return the time if `seq` is the newest entry and none is on its way; otherwise None.

        No entry will be stamped earlier than the returned time.
        """
        with self._changed:
            if self._waiting or self._committing or self._last_seq != seq:
                return None
            return self._clock.now()

    async def close(self) -> None:
        """Write what waits, then end the thread and close the file."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    def _refuse_at_the_end(self) -> None:
        if self.failed.done():
            raise JournalUnavailable(str(self.trouble))
        if self._closing:
            raise JournalUnavailable("the server is stopping")

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._loop.call_soon_threadsafe(self._give_up, error)
        finally:
            if self._file is not None:
                self._file.close()

    def _give_up(self, error: BaseException) -> None:
        """Answer everybody who waits for the thread, which has ended."""
        self.trouble = f"its writer has ended: {error!r}"
        self.failed.set_result(error)
        with self._changed:
            waiting = [*self._under_way, *self._waiting, *self._upkeep]
        for each in waiting:
            if not each.answer.done():
                each.answer.set_exception(JournalUnavailable(self.trouble))

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._waiting or self._upkeep or self._closing):
                    self._changed.wait()
                if not (self._waiting or self._upkeep):
                    break
                group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
                self._waiting_bytes -= sum(len(b) for each in group for b in each.arrival.bodies)
                upkeep = self._upkeep.pop(0) if self._upkeep else None
                self._under_way = [*group, *([] if upkeep is None else [upkeep])]
                self._committing = bool(group)
                received = self._clock.now()
            if group:
                self._write_group(group, received)
            if upkeep is not None:
                self._carry_out(upkeep)

    def _write_group(self, group: Sequence[Waiting], received: int) -> None:
        outcome = self._commit([each.arrival for each in group], received)
        with self._changed:
            self._committing = False
            if self._file is not None:
                self._last_seq = self._file.last_seq
                received = self._file.last_received
            last_seq = self._last_seq
        self._loop.call_soon_threadsafe(self._answer, group, received, outcome, last_seq)

    def _carry_out(self, upkeep: Upkeep) -> None:
        result = self._use(upkeep.work)
        self._loop.call_soon_threadsafe(_answer_upkeep, upkeep, result)

    def _commit(
        self, arrivals: Sequence[Arrival], received: int
    ) -> list[Appended] | JournalUnavailable:
        if self._disk is not None and not self._disk.has_room():
            return JournalUnavailable(f"the disk is full but for the last {KEPT_FREE:.0%}")
        return self._use(lambda file: file.append(arrivals, received))

    def _use(self, work: Callable[[JournalStore], T]) -> T | JournalUnavailable:
        if self._file is None and self._broken is not None:
            if time.monotonic() < self._broken_until:
                return self._broken
            self._broken = None
        try:
            self._file = self._file or self._open()
            return work(self._file)
        except JournalLocked as error:
            return error
        except JournalUnavailable as error:
            # The state of the connection is not known, so the next try uses a new one.
            if self._file is not None:
                self._file.close()
                self._file = None
            self._broken = error
            self._broken_until = time.monotonic() + RETRY_AFTER_S
            return error

    def _answer(
        self,
        group: Sequence[Waiting],
        received: int,
        outcome: list[Appended] | JournalUnavailable,
        last_seq: int,
    ) -> None:
        self.trouble = str(outcome) if isinstance(outcome, JournalUnavailable) else None
        if isinstance(outcome, JournalUnavailable):
            # A commit that failed may still have reached the disk: then its entries are there.
            self._written((), last_seq)
            for waiting in group:
                # A sender that has gone away is not told.
                if not waiting.answer.done():
                    waiting.answer.set_exception(JournalUnavailable(str(outcome)))
            return
        entries = [
            JournalEntry(seq, received, body)
            for waiting, appended in zip(group, outcome, strict=True)
            if not appended.duplicate
            for seq, body in zip(appended.seqs, waiting.arrival.bodies, strict=True)
        ]
        self._written(entries, last_seq)
        for waiting, appended in zip(group, outcome, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(appended)


def _answer_upkeep(upkeep: Upkeep, result: int | JournalUnavailable) -> None:
    # The caller may have been cancelled meanwhile.
    if upkeep.answer.done():
        return
    if isinstance(result, JournalUnavailable):
        upkeep.answer.set_exception(result)
    else:
        upkeep.answer.set_result(result)
