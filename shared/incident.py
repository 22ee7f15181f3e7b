"""What the engine says about an incident, and why it decided as it did."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.event import Frame, Severity

Trigger = Literal["new_issue", "spike", "regression", "deploy", "alert"]
Change = Literal["opened", "escalated", "joined", "updated"]
Verdict = Literal["clean", "suspect", "faulty", "too_little_data"]
Numbers = dict[str, float | int | str]
"""The named numbers behind a decision, for people to check it."""


class Reason(msgspec.Struct, omit_defaults=True, frozen=True):
    """Something to tell people: a code of `shared.reasons`, with its numbers and names."""

    code: str
    numbers: Numbers = {}


Said = Reason | str
"""What the engine says: a reason, or words if an earlier version or another engine sent words."""


class ErrorRate(msgspec.Struct, frozen=True):
    """A number of events in a number of minutes."""

    events: int
    minutes: float


class Symptom(msgspec.Struct, omit_defaults=True):
    """One issue of an incident. ``spike_factor`` is its rate over its baseline, 1 = as usual."""

    fingerprint: str
    exception_type: str
    message: str
    count: int
    spike_factor: float = 1.0


class SuspectCommit(msgspec.Struct, omit_defaults=True):
    """A commit that may be the cause: ``confidence`` 0-1 is how often such a commit is.

    ``deploy_id`` names its deploy among those of the incident's service and environment. If that
    deploy went back behind the commit, it was ``taken_away``.
    """

    commit_id: str
    score: float
    confidence: float
    evidence: list[Said]
    author: str | None = None
    message: str = ""
    url: str | None = None
    deploy_time: datetime | None = None
    deploy_id: str | None = None
    taken_away: bool = False


class IncidentSummary(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The whole incident as it stands now; each message carries all of it."""

    incident_id: str
    title: str
    source: str
    service: str
    environment: str
    severity: Severity
    priority_score: Annotated[int, Meta(ge=0, le=100)]
    trigger: Trigger
    trigger_numbers: Numbers = {}
    exception_type: str
    message: str
    start_time: datetime
    last_seen: datetime
    peak_time: datetime
    top_symptoms: list[Symptom]
    issue_count: int = 1
    event_count: int = 1
    suspected_causes: list[SuspectCommit] = []
    recommended_first_actions: list[Said] = []
    stacktrace: list[Frame] = []
    links: dict[str, str] = {}
    tags: dict[str, str] = {}
    release: str | None = None
    alert_rule: str | None = None
    api_route: str | None = None
    request_url: str | None = None
