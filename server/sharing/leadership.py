"""Which of the servers that share a database runs the engine and tells people: one leads.

All of them accept webhooks and show pages. The leader holds a lease in the database and renews it;
when it dies, another takes the lease as soon as it is over. What a leader writes names the epoch of
its lease, so that one that slept through it writes nothing more.
"""

import asyncio
import contextlib
import logging
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from server.process import log
from server.storage.journal.entry import JournalUnavailable
from server.storage.shared.server_row import ServerRow

if TYPE_CHECKING:
    from server.storage.shared.lease import LeaseTable

LEASE_S = 10.0
RENEW_EVERY_S = 1.0

SPARE_S = 2.0
"""How much earlier than PostgreSQL the leader itself believes that its lease is over."""

Work = Callable[[], Coroutine[object, object, None]]
T = TypeVar("T")


class Alone:
    """The only server of its database, which always leads."""

    leads = True
    epoch: int | None = None
    servers: Sequence[ServerRow] = ()

    async def while_leading(self, work: Work, otherwise: Work | None = None) -> None:
        """Do `work`."""
        del otherwise
        await work()


class Elected:
    """One of several servers. It leads at most while it holds the lease."""

    def __init__(
        self, lease: "LeaseTable", monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._lease = lease
        self._monotonic = monotonic
        # Its own, since a lease must not wait for what else is done in threads.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lease")
        self._epoch = 0
        self._until = 0.0
        self._changed = asyncio.Event()
        self.servers: Sequence[ServerRow] = ()
        """All servers, as they were at the last look."""

    @property
    def leads(self) -> bool:
        """Whether this server leads."""
        return self._epoch > 0

    @property
    def epoch(self) -> int | None:
        """The epoch in which this server leads, or 0."""
        return self._epoch

    async def run(self, words: Callable[[], bytes]) -> None:
        """Keep or take the lead for ever, and say `words` to the other servers each time."""
        while True:
            await self._renew(words())
            await asyncio.sleep(RENEW_EVERY_S)

    async def while_leading(self, work: Work, otherwise: Work | None = None) -> None:
        """Do `work` whenever this server leads, and `otherwise` whenever it does not.

        What is no longer wanted is cancelled, and has ended before the other begins. If it ends by
        itself, so does this.
        """
        while True:
            leads, epoch = self.leads, self._epoch
            wanted = work if leads else otherwise
            if wanted is None:
                await self._until_not(epoch)
                continue
            working = asyncio.ensure_future(wanted())
            changing = asyncio.ensure_future(self._until_not(epoch))
            try:
                await asyncio.wait({working, changing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (working, changing):
                    task.cancel()
                await asyncio.wait({working, changing})
            if not working.cancelled():
                return working.result()

    async def close(self) -> None:
        """Give up the lead, so that another server takes it at once."""
        with contextlib.suppress(JournalUnavailable):
            epoch, self._epoch = self._epoch, 0
            await self._do(lambda: self._lease.leave(epoch))
        await self._do(self._lease.close)
        self._thread.shutdown()

    async def _until_not(self, epoch: int) -> None:
        while self._epoch == epoch:
            await self._changed.wait()

    async def _renew(self, words: bytes) -> None:
        asked_at = self._monotonic()
        asking = asyncio.ensure_future(self._do(lambda: self._ask(words)))
        while not asking.done():
            left_s = max(0.0, self._until - self._monotonic()) if self.leads else RENEW_EVERY_S
            await asyncio.wait({asking}, timeout=left_s)
            self._believe_until_end()
        try:
            ended, epoch, self.servers = asking.result()
        except JournalUnavailable as error:
            log.server(logging.ERROR, f"cannot renew the lease: {error}")
            return
        if ended:
            log.server(logging.WARNING, f"ended {ended} transactions of servers that are gone")
        if epoch:
            self._until = asked_at + LEASE_S - SPARE_S
        self._lead_in(epoch)
        self._believe_until_end()

    def _ask(self, words: bytes) -> tuple[int, int, list[ServerRow]]:
        ended = self._lease.end_stuck()
        epoch = self._lease.lead(self._epoch, timedelta(seconds=LEASE_S), words)
        return ended, epoch, self._lease.servers()

    def _believe_until_end(self) -> None:
        if self.leads and self._monotonic() >= self._until:
            self._lead_in(0)

    def _lead_in(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        if self.leads:
            log.server(logging.WARNING, "does not lead any more: another server does, or will")
        self._epoch = epoch
        if self.leads:
            log.server(logging.INFO, f"leads in epoch {epoch}: it runs the engine and tells people")
        self._changed.set()
        self._changed = asyncio.Event()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


Leadership = Alone | Elected


@contextlib.asynccontextmanager
async def open_leadership(url: str, port: int) -> AsyncIterator[Elected]:
    """Stand for election among the servers of the database at `url`."""
    from server.storage.shared.lease import LeaseTable  # noqa: PLC0415 - its driver takes time

    elected = Elected(LeaseTable(url, uuid.uuid4().hex, f"{socket.gethostname()}:{port}"))
    try:
        yield elected
    finally:
        await elected.close()
