"""The messages on the pipe between server and engine, and one codec each way.

The format is newline-delimited JSON in UTF-8, one object a line. The server sends an `Inbound`, and
the engine answers with an `Outbound`; ``type`` tells them apart. A line without ``type`` is an
event, so that a file of plain events can be piped by hand.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.decisions import Code
from shared.event import ChangeWindow, Environment, Event, Identity, Service, Source, Timestamp
from shared.incident import Change, ErrorRate, IncidentSummary, Numbers, Said, Symptom, Verdict

MAX_LINE_BYTES = 16 * 1024 * 1024

MAX_SEQ = 2**48 - 1
"""A million entries a second for nine years."""

Seq = Annotated[int, Meta(ge=1, le=MAX_SEQ)]


# --- to the engine ---------------------------------------------------------------------------


class RestoredState(msgspec.Struct, tag="state"):
    """A state as the engine saved it before. Of values, the server reads only `shared.issue`."""

    key: str
    value: msgspec.Raw


class Restored(msgspec.Struct, tag="restored"):
    """The states are complete: they are those of the checkpoint at `seq`."""

    seq: Annotated[int, Meta(ge=0)]


class EventEntry(Event, tag="event", kw_only=True, omit_defaults=True):
    """An event of the journal. Without `received`, its own time is used."""

    seq: Seq | None = None
    received: Timestamp | None = None


class ChangeWindowEntry(
    ChangeWindow, tag="change_window", kw_only=True, omit_defaults=True, frozen=True
):
    """A deploy of a service: context for what comes after, and no incident."""

    service: Service
    environment: Environment
    source: Source | None = None
    """Who announced it; None if PushLog itself found out more about a deploy that it knew."""
    seq: Seq | None = None
    received: Timestamp | None = None


class Resolve(msgspec.Struct, tag="resolve", kw_only=True, omit_defaults=True):
    """A person or the source says that an issue is over, named by one of the three.

    The fix is in `release` or, with `later`, only in releases newer than any that is known.
    """

    seq: Seq | None = None
    received: Timestamp | None = None
    issue: str | None = None
    """Our fingerprint."""
    incident_id: str | None = None
    issue_id: Identity | None = None
    """The source's own id."""
    by: str
    time: Timestamp
    release: str | None = None
    later: bool = False


class Silence(msgspec.Struct, tag="silence", kw_only=True, omit_defaults=True):
    """Silences this issue until `until` or for good; named as in `Resolve`.

    From the source itself (`issue_id`), it also says that the issue is not resolved.
    """

    seq: Seq | None = None
    received: Timestamp | None = None
    issue: str | None = None
    incident_id: str | None = None
    issue_id: Identity | None = None
    by: str
    time: Timestamp
    until: Timestamp | None = None
    reason: str = ""


class Settings(msgspec.Struct, tag="settings", kw_only=True, omit_defaults=True):
    """What people set; a field left out keeps its value."""

    seq: Seq | None = None
    received: Timestamp | None = None
    production_environments: list[Environment] | None = None
    max_issues: Annotated[int, Meta(ge=1)] | None = None
    spike_false_alarms_per_week: Annotated[float, Meta(gt=0)] | None = None


class Tick(msgspec.Struct, tag="tick"):
    """Time has passed: whatever is due is done now, and not only before the next entry."""

    received: Timestamp


class Ping(msgspec.Struct, tag="ping"):
    """Asks for a `Pong` with the same id."""

    id: int


Entry = EventEntry | ChangeWindowEntry | Resolve | Silence | Settings
"""The messages with a `seq`: entries of the journal."""
Inbound = Entry | RestoredState | Restored | Tick | Ping


# --- from the engine -------------------------------------------------------------------------


class Ready(msgspec.Struct, tag="ready"):
    """The engine has started; `engine` is its name and version."""

    engine: str


class Incident(IncidentSummary, tag="incident", kw_only=True, omit_defaults=True):
    """An incident opened or changed because of the entry at `seq`.

    `joined` are the issues that joined since it was told last: the newest ones, of very many.
    """

    seq: int
    change: Change
    joined: list[Symptom] = msgspec.field(default_factory=list)


class IncidentEnded(msgspec.Struct, tag="incident_ended", omit_defaults=True):
    """An incident ended. `time` is that of the deadline, not of the line that let it pass."""

    incident_id: str
    reason: Said
    time: datetime


class DeployVerdict(msgspec.Struct, tag="deploy_verdict", omit_defaults=True):
    """What a deploy did to the errors of its service.

    `deploy_id` tells deploys of one moment apart (`shared.deploy.deploy_identity`). `before` and
    `after` count all errors of the service, the latter until the verdict; None means not known.
    """

    service: str
    environment: str
    deploy_time: datetime
    verdict: Verdict
    reasons: list[Said]
    deploy_id: str | None = None
    before: ErrorRate | None = None
    after: ErrorRate | None = None


class FixLive(msgspec.Struct, tag="fix_live", kw_only=True):
    """Because of the entry at `seq`, a deploy runs that has the fix of issues of an incident.

    These issues, so many of it as `issues` says, were resolved in a release to come. `release` is
    the one that was deployed, and `deploy_id` as in `DeployVerdict`. `time` is when the entry came.
    """

    incident_id: str
    seq: int
    release: str
    deploy_id: str
    deploy_time: datetime
    issues: int
    time: datetime


class Decision(msgspec.Struct, tag="decision", omit_defaults=True):
    """What became of one event, with the numbers that decided it. Codes: docs/DECISIONS.md.

    `issue` is the fingerprint of its issue, None for what is no error.
    """

    seq: int
    code: Code
    incident_id: str | None = None
    numbers: Numbers = {}
    issue: str | None = None


class State(msgspec.Struct, tag="state"):
    """Something that must come back after a restart; null means that it is gone."""

    key: str
    value: msgspec.Raw


class Checkpoint(msgspec.Struct, tag="checkpoint"):
    """The states sent so far are complete up to `seq`."""

    seq: int


class Pong(msgspec.Struct, tag="pong"):
    """The answer to a `Ping`."""

    id: int


class Ack(msgspec.Struct, tag="ack"):
    """All entries up to `seq` are decided; frees the window in flight, nothing more."""

    seq: int


class Error(msgspec.Struct, tag="error", omit_defaults=True, kw_only=True):
    """A line that could not be read. The engine goes on."""

    error: Literal[True]
    message: str
    field: str | None = None
    seq: int | None = None


Outbound = (
    Ready
    | Incident
    | IncidentEnded
    | DeployVerdict
    | FixLive
    | Decision
    | State
    | Checkpoint
    | Pong
    | Ack
    | Error
)


# --- the codecs ------------------------------------------------------------------------------


class UnreadableLine(ValueError):
    """The line is not a message: what is wrong and, if known, in which field and entry."""

    def __init__(self, message: str, field: str | None = None, seq: int | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.seq = seq


class _Head(msgspec.Struct):
    """What can be read from a line that is no message: its type, if any, and its entry."""

    type: object = msgspec.UNSET
    seq: object = None


_encoder = msgspec.json.Encoder()
_inbound: msgspec.json.Decoder[Inbound] = msgspec.json.Decoder(Inbound)
_outbound: msgspec.json.Decoder[Outbound] = msgspec.json.Decoder(Outbound)
_plain_event = msgspec.json.Decoder(EventEntry)
_head = msgspec.json.Decoder(_Head)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode_lines(messages: Iterable[Inbound | Outbound]) -> bytes:
    """Return the lines of `messages`, each with its end of line."""
    return _encoder.encode_lines(messages)


def decode_inbound(line: bytes) -> Inbound:
    """Return the message for the engine that `line` holds. Raises `UnreadableLine`."""
    try:
        return _inbound.decode(line)
    except _UNREADABLE as error:
        head = _read_head(line)
        if head is None or head.type is not msgspec.UNSET:
            raise _unreadable(error, head) from error
    try:
        return _plain_event.decode(line)
    except _UNREADABLE as error:
        raise _unreadable(error, head) from error


def decode_outbound(line: bytes) -> Outbound:
    """Return the message from the engine that `line` holds. Raises `UnreadableLine`."""
    try:
        return _outbound.decode(line)
    except _UNREADABLE as error:
        raise _unreadable(error, _read_head(line)) from error


def _read_head(line: bytes) -> _Head | None:
    try:
        return _head.decode(line)
    except _UNREADABLE:
        return None


def _unreadable(error: Exception, head: _Head | None) -> UnreadableLine:
    message, _, path = str(error).partition(" - at `")
    seq = head.seq if head is not None and isinstance(head.seq, int) else None
    if seq is not None and not 1 <= seq <= MAX_SEQ:
        seq = None
    return UnreadableLine(message, path.rstrip("`") or None, seq)
