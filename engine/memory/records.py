"""Everything that the engine knows, and its bounds.

Each struct here is one `state` line when it changes, so that a restart restores it. Times are
seconds of the epoch (UTC). 0.0 means "never", because a default float costs no memory, and there
may be a million issues.
"""

from datetime import datetime

import msgspec

from engine.statistics.alarm_budget import ALARMS_PER_WEEK
from engine.statistics.baseline import Baseline
from engine.statistics.deploy_verdict import Watch
from engine.statistics.silence import Habit
from shared.event import PRODUCTION, UNKNOWN_ENVIRONMENT, ChangeWindow, Event, Severity
from shared.incident import Numbers, SuspectCommit, Symptom, Trigger
from shared.issue import IssueState
from shared.pipe import EventEntry

DEFAULT_MAX_ISSUES = 200_000
"""Issues with all their statistics; about 1 kB each."""

TOMBSTONES_PER_ISSUE = 2
"""How many forgotten issues are still known by name, for each issue of the limit."""

MAX_SERVICES = 10_000
MAX_OPEN_INCIDENTS = 2_000
MAX_MEMBERS = 1_000
MAX_SYMPTOMS = 100
MAX_RELEASES = 50
MAX_RULES = 16
MAX_AWAITED = 1_000
"""News of issues that wait for an environment."""
MAX_ARCHIVED = 1_000
"""Issues that were archived before an event of them came."""
MAX_AWAITED_FIXES = 2_000
"""Resolved issues that wait for the deploy of their fix."""
MAX_DEPLOYS = 20
"""Deploys remembered per service."""
MAX_DEPLOY_FILES = 20_000
"""Changed files remembered per deploy."""
MAX_DEPLOY_ITEMS = 500_000
"""Commits and files of all deploys together."""

Scope = tuple[str, str]
"""A service and its environment."""


def scope_key(scope: Scope) -> str:
    """Return the key of a service's records; no two services share one."""
    service, environment = scope
    return f"{len(environment)}:{environment}:{service}"


class Issue(IssueState, array_like=True, gc=False):
    """An issue with its statistics."""

    baseline: Baseline
    habit: Habit


class Tombstone(msgspec.Struct, array_like=True, gc=False):
    """What is left of a forgotten issue: enough to know that it is not new."""

    touched: int
    last_seen: float
    resolved: float = 0.0
    silenced_until: float = 0.0
    silenced_by_source: bool = False
    resolved_release: str | None = None
    fixed_later: bool = False


class Service(msgspec.Struct, array_like=True):
    """A service in one environment: what is unusual for it as a whole, and its releases."""

    service: str
    environment: str
    touched: int
    rare: Baseline
    """Counts issues that are new or were not seen for a day."""
    wide: str = ""
    """The open incident about the service as a whole."""
    releases: list[str] = []
    """In order of arrival, newest last."""


class RecentErrors(msgspec.Struct, array_like=True):
    """The errors of one service in the last hour, by minute of the epoch; `since` is the first.

    They are kept apart from the service, because little of the service changes with an event.
    """

    since: int
    counts: dict[int, int]


class SymptomState(msgspec.Struct, array_like=True):
    """One issue of an open incident, as people are told about it."""

    exception_type: str
    message: str
    severity: Severity
    count: int
    factor: float


class OpenIncident(msgspec.Struct, array_like=True, kw_only=True):
    """An incident that is still open."""

    incident_id: str
    seq: int
    """The entry that opened it."""
    trigger: Trigger
    numbers: Numbers
    severity: Severity
    lead: Event
    """The event shown to people, without its change window."""
    service: str
    environment: str
    start: float
    last_seen: float
    opened: float
    """By the engine's clock, as are all times below that decide when something happens."""
    fired: float
    """When an issue last opened or joined it."""
    due: float
    """When it ends if nothing more happens."""
    latest_due: float
    """When it ends in any case: by then it is the usual state."""
    worsened: float
    """When people were last told that it opened or got worse."""
    told: float
    """When the server was last told all of it."""
    tell_due: float = 0.0
    """When to tell the server what has changed since; 0.0 if nothing has."""
    hold_s: float
    members: list[str]
    symptoms: dict[str, SymptomState]
    issue_count: int = 0
    event_count: int = 0
    suspects: list[SuspectCommit] = []
    minute: int = 0
    minute_count: int = 0
    peak_count: int = 0
    peak: float = 0.0
    stretch: int = 0
    """The running five minutes, their event count, and that of the worst five minutes before."""
    stretch_count: int = 0
    stretch_told: int = 0
    alone: bool = False
    """Nothing joins it, because it is a test, a simulation or a deploy."""
    issues_told: int = 0
    """How many issues the server was told of."""
    joined: list[Symptom] = []
    """The newest issues that the server was not told of. Their symptoms may be dropped by then."""


class Deploy(msgspec.Struct, array_like=True, gc=False):
    """A deploy that is remembered, to explain what comes after it."""

    service: str
    environment: str
    window: ChangeWindow
    touched: int
    """The last entry about it; deploys are forgotten in this order."""
    incident: str = ""
    """The incident that announced the deploy."""
    judged: datetime | None = None
    """The time of the deploy that has a verdict; with another time, the deploy is judged again."""


class WatchedDeploy(msgspec.Struct, array_like=True):
    """The newest deploy of a service, while its verdict is awaited."""

    service: str
    environment: str
    deploy: str
    """The key of the deploy."""
    deploy_time: datetime
    watch: Watch
    look_due: float = 0.0
    """When to look at what has come since the last look; 0.0 if nothing has."""


class AwaitedNews(msgspec.Struct, array_like=True, gc=False):
    """What a source said of an issue without naming its environment, which is not known."""

    event: EventEntry
    due: float
    """When it is told, if no event of the issue has told its environment."""


class ArchivedIssue(msgspec.Struct, array_like=True, gc=False):
    """An issue that its source archived before an event of it came."""

    until: float
    """-1.0 means for good."""
    touched: int
    """The entry that archived it."""


class AwaitedFix(msgspec.Struct, array_like=True, gc=False):
    """An issue that was resolved in a release that does not run in its place yet."""

    service: str
    environment: str
    incident: str
    """The incident that it was in last, whose people are told; it may go on without the issue."""
    release: str | None
    """The release that has the fix or, if it comes `later`, the newest one then known, if any."""
    later: bool
    resolved: float
    touched: int
    """The entry that resolved it."""


class EngineSettings(msgspec.Struct, array_like=True):
    """What people set with `settings` entries."""

    production_environments: tuple[str, ...] = (PRODUCTION,)
    max_issues: int = DEFAULT_MAX_ISSUES
    spike_false_alarms_per_week: float = ALARMS_PER_WEEK

    def is_production(self, environment: str) -> bool:
        """Return whether errors there are news; where it is not known, they may be."""
        return environment in self.production_environments or environment == UNKNOWN_ENVIRONMENT


class Clock(msgspec.Struct, array_like=True):
    """How far the journal is decided, and its time there."""

    now: float = 0.0
    seq: int = 0
    rules: int = 0
    """The version of the fingerprint rules under which all this was learned."""
    relearning_until: float = 0.0
    """Until then, an issue of older rules may come back under another fingerprint."""
    alive: float = 0.0
    """How many issues were alive at `alive_at`, the time of the newest event."""
    alive_at: float = 0.0
