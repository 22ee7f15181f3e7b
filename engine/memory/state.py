"""The state that the fold carries from entry to entry, its indices, and what has changed in it."""

import heapq
from collections import OrderedDict

from engine.fingerprint import RULES_VERSION
from engine.memory.changes import Changes
from engine.memory.records import (
    ArchivedIssue,
    AwaitedFix,
    AwaitedNews,
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
from engine.memory.traces import Traces
from engine.suspects.windows import PreparedWindow

Deadline = tuple[float, str, str]
"""Time, kind and key. Deadlines of equal time come in order of kind and key."""


class State:
    """All that the engine knows. Code that changes a record tells `changed`."""

    def __init__(self) -> None:
        self.clock = Clock(rules=RULES_VERSION)
        self.settings = EngineSettings()
        self.issues: dict[str, Issue] = {}
        """Least recently touched first."""
        self.tombstones: OrderedDict[str, Tombstone] = OrderedDict()
        self.aliases: dict[str, tuple[str, ...]] = {}
        """The issues that each of the source's own issue ids names."""
        self.awaited: dict[str, AwaitedNews] = {}
        """By the source's own id of the issue."""
        self.archived: OrderedDict[str, ArchivedIssue] = OrderedDict()
        """By the source's own id of the issue, the one that was archived first in front."""
        self.fixes: dict[str, AwaitedFix] = {}
        """By the key of the issue."""
        self.fixes_of: dict[Scope, set[str]] = {}
        """The issues of a service that wait for their fix."""
        self.services: OrderedDict[Scope, Service] = OrderedDict()
        self.recent: dict[str, RecentErrors] = {}
        """By the key of the service; only known services have one."""
        self.incidents: dict[str, OpenIncident] = {}
        self.incidents_of: dict[Scope, list[str]] = {}
        """The open incidents of a service, in the order in which they opened."""
        self.deploys: OrderedDict[str, Deploy] = OrderedDict()
        """Least recently announced first."""
        self.deploys_of: dict[Scope, list[str]] = {}
        self.prepared: dict[str, PreparedWindow] = {}
        """Deploys made ready to be ranked, as far as they were needed."""
        self.deploy_items = 0
        self.watched: dict[str, WatchedDeploy] = {}
        """By the key of the service."""
        self.older_rules: dict[tuple[str, str, str], list[str]] = {}
        """Issues with keys from older rules, by kind, while they may still be recognised."""
        self.seen = SeenEvents()
        self.traces = Traces()
        self.deadlines: list[Deadline] = []
        self.changed = Changes()
        self.undecided = 0
        """Entries since the last checkpoint."""
        self.rested = 0
        """The entry up to which all was decided when there was nothing more to read."""
        self.checkpointed = 0.0
        """The clock at the last checkpoint."""

    @property
    def now(self) -> float:
        """Return the clock of the journal: when the running entry was received."""
        return self.clock.now

    def wake(self, at: float, kind: str, key: str) -> None:
        """Set a deadline. An earlier time than before must be set; a later one need not be."""
        heapq.heappush(self.deadlines, (at, kind, key))
