"""The state that the fold carries from entry to entry, its indices, and what has changed in it."""

import heapq
from collections import OrderedDict

from engine.fingerprint import RULES_VERSION
from engine.memory.changes import Changes
from engine.memory.records import (
    Clock,
    Deploy,
    EngineSettings,
    Issue,
    OpenIncident,
    RecentErrors,
    Scope,
    Service,
    Tombstone,
    WatchedDeploy,
)
from engine.memory.seen import SeenEvents
from engine.suspects.windows import PreparedWindow

Deadline = tuple[float, str, str]
"""When, of what kind, of which: equal times come in the order of the other two."""


class State:
    """All that the engine knows. Whoever changes a record tells `changed`."""

    def __init__(self) -> None:
        self.clock = Clock(rules=RULES_VERSION)
        self.settings = EngineSettings()
        self.issues: dict[str, Issue] = {}
        """The least recently touched first."""
        self.tombstones: OrderedDict[str, Tombstone] = OrderedDict()
        self.aliases: dict[str, tuple[str, ...]] = {}
        """The source's own issue ids, and which issues they name."""
        self.services: OrderedDict[Scope, Service] = OrderedDict()
        self.recent: dict[str, RecentErrors] = {}
        """By the key of the service; of no other services than those that are known."""
        self.incidents: dict[str, OpenIncident] = {}
        self.incidents_of: dict[Scope, list[str]] = {}
        """The open incidents of a service, in the order of their opening."""
        self.deploys: OrderedDict[str, Deploy] = OrderedDict()
        """The least recently announced first."""
        self.deploys_of: dict[Scope, list[str]] = {}
        self.prepared: dict[str, PreparedWindow] = {}
        """Deploys made ready to be ranked, as far as they were needed."""
        self.deploy_items = 0
        self.watched: dict[str, WatchedDeploy] = {}
        """By the key of the service."""
        self.older_rules: dict[tuple[str, str, str], list[str]] = {}
        """Issues whose keys older rules made, by kind, as long as they may be recognised."""
        self.seen = SeenEvents()
        self.deadlines: list[Deadline] = []
        self.changed = Changes()
        self.undecided = 0
        """Entries since the last checkpoint."""
        self.checkpointed = 0.0
        """The clock at the last checkpoint."""

    @property
    def now(self) -> float:
        """The clock of the journal: when the running entry was received."""
        return self.clock.now

    def wake(self, at: float, kind: str, key: str) -> None:
        """Something becomes due. An earlier time than before must be said, a later one need not."""
        heapq.heappush(self.deadlines, (at, kind, key))
