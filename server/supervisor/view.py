"""How the engine is, on every server: it runs on the leading one, which tells the others."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from server.storage.journal.clock import wall_micros
from server.storage.journal.journal import Journal
from server.storage.shared.server_row import ServerRow
from server.supervisor.supervisor import EngineStatus, Supervisor

_NOBODY = EngineStatus(
    state="starting",
    degraded=None,
    engine=None,
    restarts=0,
    last_exit=None,
    in_flight=0,
    backlog=0,
)
"""While no server leads, one is about to."""


class _Words(msgspec.Struct, frozen=True):
    engine: EngineStatus
    decided_seq: int


class _Servers(Protocol):
    @property
    def leads(self) -> bool: ...
    @property
    def servers(self) -> Sequence[ServerRow]: ...


class EngineView:
    """The engine as this server knows it."""

    def __init__(self, supervisor: Supervisor, journal: Journal, leadership: _Servers) -> None:
        self._supervisor = supervisor
        self._journal = journal
        self._leadership = leadership
        self._words = _Words(_NOBODY, 0)
        self._said = b""

    @property
    def pid(self) -> int | None:
        """Return the engine's process id, or None if it does not run here."""
        return self._supervisor.engine_pid

    @property
    def writable(self) -> bool:
        """Return whether the engine is up, has its states back, and takes more."""
        if self._leadership.leads:
            return self._supervisor.writable
        return self._leader().engine.state == "running"

    @property
    def backlog(self) -> int:
        """Return how many entries of the journal have no recorded decision yet."""
        if self._leadership.leads:
            return self._supervisor.backlog
        decided = self._leader().decided_seq
        # Before the first word of a leader, nothing is known, and nothing is refused for it.
        return max(0, self._journal.last_seq - decided) if decided else 0

    def status(self) -> EngineStatus:
        """Return how the engine is now; on other servers, as the leader said a moment ago."""
        if self._leadership.leads:
            return self._supervisor.status()
        return msgspec.structs.replace(self._leader().engine, backlog=self.backlog)

    async def oldest_waiting_s(self) -> float | None:
        """Return how long ago the oldest entry without a recorded decision was accepted.

        Return None if there is no such entry. Raises `JournalUnavailable`.
        """
        waiting = self.backlog
        if waiting == 0:
            return None
        found = await self._journal.read(self._journal.last_seq - waiting, 1, 0)
        return max(0.0, (wall_micros() - found[0].received) / 1e6) if found else None

    def words(self) -> bytes:
        """Return what this server tells the others."""
        if not self._leadership.leads:
            return b""
        status = self._supervisor.status()
        return msgspec.json.encode(_Words(status, self._journal.last_seq - status.backlog))

    def _leader(self) -> _Words:
        said = next((each.said for each in self._leadership.servers if each.leads), b"")
        if said != self._said:
            self._said = said
            self._words = msgspec.json.decode(said, type=_Words) if said else _Words(_NOBODY, 0)
        return self._words
