"""The bodies that Sentry sends, with only the fields that entries are made of.

Everything is optional, because every field has been seen missing or null. Names with `rest_` are
those of Sentry's REST serialiser, which service hooks use.
"""

import msgspec

Text = str | None
Scalar = str | int | float | bool | None


class Frame(msgspec.Struct, gc=False):
    """A call; a stack trace lists them oldest first."""

    filename: Text = None
    abs_path: Text = None
    module: Text = None
    package: Text = None
    function: Text = None
    lineno: int | None = None
    in_app: bool | None = None
    pre_context: list[Scalar] | None = None
    context_line: Text = None
    post_context: list[Scalar] | None = None


class Stacktrace(msgspec.Struct):
    """A stack trace: its frames, and nothing else."""

    frames: list[Frame | None] | None = None


class Mechanism(msgspec.Struct):
    """How an exception came to be known.

    `exception_id` numbers the exceptions of an event. `parent_id` is the one that this one belongs
    to, and `source` says as what: its ``__cause__``, its ``__context__``, ``exceptions[0]``.
    """

    source: Text = None
    exception_id: int | None = None
    parent_id: int | None = None


class RaisedException(msgspec.Struct):
    """One exception of a chain."""

    type: Scalar = None
    value: Scalar = None
    stacktrace: Stacktrace | None = None
    mechanism: Mechanism | None = None


class Exceptions(RaisedException):
    """A chain of exceptions, the root cause first; or a single one, without a list."""

    values: list[RaisedException | None] | None = None


class Thread(msgspec.Struct):
    """A thread, as it was when the event was made."""

    crashed: bool | None = None
    current: bool | None = None
    stacktrace: Stacktrace | None = None


class Threads(msgspec.Struct):
    """All threads of the process."""

    values: list[Thread | None] | None = None


class LogEntry(msgspec.Struct):
    """A message: `formatted` has its parameters filled in, `message` is the template."""

    formatted: Text = None
    message: Text = None


class Tag(msgspec.Struct):
    """A tag as the REST serialiser writes it."""

    key: Scalar = None
    value: Scalar = None


Tags = list[list[Scalar] | Tag | None] | dict[str, Scalar] | None


class Request(msgspec.Struct):
    """The HTTP request during which it happened.

    Headers and query are objects or lists of pairs, and the query may be text; `data` is anything.
    """

    url: Text = None
    method: Text = None
    query_string: object = None
    rest_query: object = msgspec.field(default=None, name="query")
    headers: object = None
    data: object = None


class Breadcrumb(msgspec.Struct):
    """Something that happened before the event."""

    type: Text = None
    category: Text = None
    level: Text = None
    message: Scalar = None
    data: object = None
    timestamp: float | str | None = None


class Breadcrumbs(msgspec.Struct):
    """All of them, oldest first."""

    values: list[Breadcrumb | None] | None = None


class Csp(msgspec.Struct):
    """A report of a browser's content security policy."""

    effective_directive: Text = None
    blocked_uri: Text = None


class Metadata(msgspec.Struct):
    """What Sentry's title is made of; which fields are set depends on the kind of event."""

    type: Text = None
    value: Text = None
    title: Text = None
    message: Text = None
    directive: Text = None
    uri: Text = None
    filename: Text = None
    function: Text = None


class Evidence(msgspec.Struct):
    """What Sentry shows of an occurrence: why a check failed, for example."""

    name: Text = None
    value: Scalar = None


class Occurrence(msgspec.Struct):
    """Something found that is not an error: a slow query, a missed check-in, a failing URL."""

    issue_title: Text = msgspec.field(default=None, name="issueTitle")
    subtitle: Text = None
    level: Text = None
    evidence: list[Evidence | None] | None = msgspec.field(default=None, name="evidenceDisplay")


class Release(msgspec.Struct):
    """A release, if it comes as an object."""

    version: Text = None


class Project(msgspec.Struct):
    """A project, if it comes as an object."""

    id: Scalar = None
    slug: Text = None


class RestEntry(msgspec.Struct):
    """A part of an event as the REST serialiser writes it; `type` says what `data` is."""

    type: Text = None
    data: object = None


class TraceContext(msgspec.Struct):
    """The trace that an event is part of."""

    trace_id: Scalar = None


class Contexts(msgspec.Struct):
    """What an SDK says of where it ran; only the trace is read."""

    trace: TraceContext | None = None


class Event(msgspec.Struct):
    """`data.event`, `data.error`, or the `event` of a legacy webhook or a service hook."""

    id: Scalar = None
    event_id: Scalar = None
    rest_event_id: Scalar = msgspec.field(default=None, name="eventID")
    issue_id: Scalar = None
    rest_issue_id: Scalar = msgspec.field(default=None, name="groupID")
    project: Project | Scalar = None
    project_slug: Text = None
    type: Text = None
    level: Text = None
    title: Text = None
    message: LogEntry | str | None = None
    logentry: LogEntry | str | None = None
    culprit: Text = None
    metadata: Metadata | None = None
    exception: Exceptions | list[RaisedException | None] | None = None
    threads: Threads | list[Thread | None] | None = None
    stacktrace: Stacktrace | None = None
    csp: Csp | None = None
    occurrence: Occurrence | None = None
    entries: list[RestEntry | None] | None = None
    environment: Text = None
    release: Release | Scalar = None
    platform: Text = None
    timestamp: float | str | None = None
    datetime: Text = None
    rest_created: Text = msgspec.field(default=None, name="dateCreated")
    tags: Tags = None
    fingerprint: list[Scalar] | None = None
    request: Request | None = None
    user: dict[str, object] | None = None
    contexts: Contexts | None = None
    breadcrumbs: Breadcrumbs | list[Breadcrumb | None] | None = None
    transaction: Text = None
    web_url: Text = None
    url: Text = None


class StatusDetails(msgspec.Struct, rename="camel"):
    """How an issue was resolved, or how long it is archived. `ignore_duration` is in minutes."""

    in_release: Release | Scalar = None
    in_next_release: object = None
    in_upcoming_release: object = None
    in_commit: object = None
    ignore_until: Text = None
    ignore_duration: float | None = None


class Issue(msgspec.Struct, rename="camel"):
    """`data.issue`, or the `group` of a service hook."""

    id: Scalar = None
    short_id: Text = None
    project: Project | Scalar = None
    type: Text = None
    level: Text = None
    title: Text = None
    culprit: Text = None
    metadata: Metadata | None = None
    substatus: Text = None
    status_details: StatusDetails | None = None
    issue_category: Text = None
    platform: Text = None
    count: Scalar = None
    first_seen: Text = None
    last_seen: Text = None
    permalink: Text = None
    web_url: Text = msgspec.field(default=None, name="web_url")


class MetricRule(msgspec.Struct):
    """The rule behind a metric alert."""

    id: Scalar = None
    name: Text = None
    environment: Text = None
    projects: list[Scalar] | None = None


class MetricAlert(msgspec.Struct):
    """`data.metric_alert`: one period in which a metric was beyond its limits."""

    id: Scalar = None
    title: Text = None
    alert_rule: MetricRule | None = None
    projects: list[Scalar] | None = None
    status: int | None = None
    date_started: Text = None
    date_detected: Text = None


class IssueAlert(msgspec.Struct):
    """The rule of an event alert, if it was set through a form of the integration."""

    id: Scalar = None
    title: Text = None


class Data(msgspec.Struct):
    """`data` of an integration's webhook; which fields are set depends on the resource."""

    event: Event | None = None
    error: Event | None = None
    issue: Issue | None = None
    metric_alert: MetricAlert | None = None
    triggered_rule: Text = None
    issue_alert: IssueAlert | None = None
    description_title: Text = None
    description_text: Text = None
    web_url: Text = None
    installation: object = None
    comment_id: object = None


class Actor(msgspec.Struct):
    """Who caused the webhook: a person, or an application (Sentry itself)."""

    name: Text = None


class Body(msgspec.Struct):
    """Any body: an integration's (`data`), a legacy webhook's or a service hook's (`event`)."""

    action: Text = None
    data: Data | None = None
    actor: Actor | None = None

    event: Event | None = None
    group: Issue | None = None
    id: Scalar = None
    project: Project | Scalar = None
    project_slug: Text = None
    level: Text = None
    culprit: Text = None
    message: Text = None
    url: Text = None
    triggering_rules: list[Text] | None = None

    fields: object = None
    installation_id: object = msgspec.field(default=None, name="installationId")
