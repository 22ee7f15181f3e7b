"""The event, its parts and their limits: one occurrence of an error in a service.

The same types are the body of ``POST /api/webhooks/incidents`` and, flat beside ``seq`` and
``received``, the ``event`` line on the pipe. Limits are in characters or items.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_FRAMES = 200
MAX_CHAIN = 20
MAX_ADDRESS = 320
MAX_LOGIN = 100
MAX_COMMITS = 500
MAX_FILES = 500
MAX_FUNCTIONS = 500
MAX_PAIRS = 100

PRODUCTION = "production"
UNKNOWN_ENVIRONMENT = "unknown"
"""Where something happened that nobody has told the place of."""

Severity = Literal["warning", "error", "critical"]

Source = Annotated[str, Meta(min_length=1, max_length=64)]
Service = Annotated[str, Meta(min_length=1, max_length=128)]
Environment = Annotated[str, Meta(min_length=1, max_length=64)]
ExceptionType = Annotated[str, Meta(min_length=1, max_length=512)]
Message = Annotated[str, Meta(min_length=1, max_length=8192)]
Name = Annotated[str, Meta(max_length=512)]
Path = Annotated[str, Meta(min_length=1, max_length=1024)]
Identity = Annotated[str, Meta(min_length=1, max_length=256)]
Url = Annotated[str, Meta(max_length=2048)]
Pairs = Annotated[
    dict[Annotated[str, Meta(max_length=200)], Annotated[str, Meta(max_length=2048)]],
    Meta(max_length=MAX_PAIRS),
]
Timestamp = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with an offset. The server converts it to UTC before the engine sees it."""


class Frame(msgspec.Struct, omit_defaults=True, frozen=True):
    """One call of a stack trace, with at least one of file, module and function."""

    file: Path | None = None
    module: Name | None = None
    function: Name | None = None
    line: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    in_app: bool | None = None

    def __post_init__(self) -> None:
        if not (self.file or self.module or self.function):
            raise ValueError("a frame needs at least one of `file`, `module` and `function`")


Stacktrace = Annotated[list[Frame], Meta(max_length=MAX_FRAMES)]
"""Newest first: the frame that raised comes first."""


class ChainedException(msgspec.Struct, omit_defaults=True, frozen=True):
    """An exception that was raised from the event's own."""

    exception_type: ExceptionType
    message: Annotated[str, Meta(max_length=8192)] = ""
    stacktrace: Stacktrace = []


class Commit(msgspec.Struct, omit_defaults=True, frozen=True):
    """One commit of a deploy. ``added`` and ``deleted`` are lines.

    ``author`` is a name, and ``author_login`` one at GitHub.
    """

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    timestamp: Timestamp | None = None
    author: Name | None = None
    message: Annotated[str, Meta(max_length=8192)] = ""
    files: Annotated[list[Path], Meta(max_length=MAX_FILES)] = []
    functions: Annotated[list[Name], Meta(max_length=MAX_FUNCTIONS)] = []
    added: Annotated[int, Meta(ge=0)] | None = None
    deleted: Annotated[int, Meta(ge=0)] | None = None
    risk_score: Annotated[float, Meta(ge=0)] | None = None
    url: Url | None = None
    author_email: Annotated[str, Meta(max_length=MAX_ADDRESS)] | None = None
    author_login: Annotated[str, Meta(max_length=MAX_LOGIN)] | None = None


class Push(msgspec.Struct, omit_defaults=True, frozen=True):
    """A push to a watched branch, as people are told about it.

    It is in the window of one of the `services` that it deploys, so that it is told once.
    ``commits`` are the newest ones, in order from oldest to newest, without their files; ``more``
    is the number of older ones.
    """

    title: Name
    branch: Name
    by: Name
    repository: Name
    services: Annotated[list[Service], Meta(max_length=MAX_PAIRS)]
    commits: Annotated[list[Commit], Meta(max_length=MAX_COMMITS)] = []
    more: Annotated[int, Meta(ge=0)] = 0
    url: Url | None = None
    """A link that compares it with what was before."""


class ChangeWindow(msgspec.Struct, omit_defaults=True, frozen=True):
    """A deploy with its commits.

    Two announcements with the same ``deploy_id`` (the deployed commit, for example) are one deploy:
    the later one replaces the earlier, and one without commits keeps those that are known. ``cut``
    counts commits and files left out beyond the limits. ``repository`` (``owner/name`` at GitHub)
    and ``base`` (the commit that ran before) say where to ask for more. ``deployed_by`` is a
    person's name. ``push`` is the push that brought it, if people are to be told. PushLog sets the
    last two itself: ``pending``, if it was only pushed and may run later, and ``ran_since``, when
    it first ran, if others ran in between (`shared.deploy`).
    """

    deploy_time: Timestamp
    commits: Annotated[list[Commit], Meta(max_length=MAX_COMMITS)] = []
    deploy_id: Identity | None = None
    release: Identity | None = None
    cut: Annotated[int, Meta(ge=0)] = 0
    repository: Name | None = None
    base: Identity | None = None
    deployed_by: Name | None = None
    push: Push | None = None
    pending: bool = False
    ran_since: Timestamp | None = None


class CorrelationHints(msgspec.Struct, omit_defaults=True, frozen=True):
    """Path prefixes whose changes weigh more, or less, when suspects are ranked."""

    critical_paths: Annotated[list[Path], Meta(max_length=MAX_PAIRS)] = []
    low_priority_paths: Annotated[list[Path], Meta(max_length=MAX_PAIRS)] = []


NOTHING = msgspec.Raw(b"null")


class EventFacts(msgspec.Struct, omit_defaults=True, kw_only=True):
    """All of an event but its traces, which are most of its bytes.

    ``message_template`` is the message before values were filled in, if it is known. ``event_id``
    and ``issue_id`` are the source's own. ``alert_rule`` is the rule that fired there,
    which means that somebody asked to be told. ``source_state`` is what the source itself says of
    the issue. Events of one ``trace_id`` or ``user_id`` within a minute are retries of one trouble,
    and count once in the statistics. ``occurrence`` is false if the source describes an issue as a
    whole, which is not one more occurrence of it. ``notes`` says what an adapter found missing or
    had to cut. ``unique`` marks a test or simulation: an issue of its own each time, so that it
    always notifies.
    ``context`` is an `EventContext` (`shared.event_context`), not decoded: nothing is decided by
    it, so the engine has no need to read it.
    """

    kind: Literal["error", "deploy"] = "error"

    source: Source
    service: Service
    environment: Environment
    timestamp: Timestamp
    severity: Severity
    exception_type: ExceptionType
    message: Message
    message_template: Message | None = None
    tags: Pairs = {}
    links: Pairs = {}
    release: Identity | None = None
    fingerprint: Identity | None = None
    issue_id: Identity | None = None
    event_id: Identity | None = None
    trace_id: Identity | None = None
    user_id: Identity | None = None
    alert_rule: Identity | None = None
    change_window: ChangeWindow | None = None
    correlation_hints: CorrelationHints | None = None
    api_route: Annotated[str, Meta(max_length=2048)] | None = None
    request_url: Url | None = None
    source_state: Literal["regressed", "escalating"] | None = None
    occurrence: bool = True
    platform: Annotated[str, Meta(max_length=64)] | None = None
    unique: bool = False
    context: msgspec.Raw = NOTHING
    notes: Annotated[list[Annotated[str, Meta(max_length=256)]], Meta(max_length=50)] = []


class Event(EventFacts, omit_defaults=True, kw_only=True):
    """One occurrence of an error, or (``kind`` deploy) the news of a deploy.

    ``chain`` are the exceptions that were raised from it, each from the one before.
    """

    stacktrace: Stacktrace = []
    chain: Annotated[list[ChainedException], Meta(max_length=MAX_CHAIN)] = []


def canonical_environment(name: str) -> str:
    """Return one name for one environment: ``prod`` is ``production``, in any case of letters."""
    return PRODUCTION if name.strip().lower() in ("prod", PRODUCTION) else name
