"""Events in PushLog's own form, from anything that can POST, checked field by field."""

import json
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from server.ingest.delivery import Delivery, Fault, InvalidPayload
from server.ingest.limits import read_chain, read_change_window, read_stacktrace
from server.ingest.notes import Notes
from server.ingest.text import clean_line, many_lines
from server.ingest.utc import is_plausible
from shared.event import ChangeWindow
from shared.event_context import EventContext, pack_context, unpack_context
from shared.pipe import ChangeWindowEntry, Entry, EventEntry

DEPLOY = "Deploy"
"""The exception type of an announced deploy, where nothing was raised."""

_RULES = {
    "source": "1-64 characters that name the sender, like `datadog`",
    "service": "1-128 characters",
    "environment": "1-64 characters, like `production`",
    "timestamp": "RFC 3339 with an offset, like `2024-05-01T12:00:00Z`",
    "severity": "`warning`, `error` or `critical`",
    "exception_type": "1-512 characters",
    "message": "1-8192 characters",
    "stacktrace": "a list of frames, newest first",
    "tags": "an object of at most 100 texts",
    "links": "an object of at most 100 texts",
    "change_window": "`deploy_time` and at most 500 commits, each with at most 500 files",
}
_REQUIRED = (
    "source", "service", "environment", "timestamp", "severity", "exception_type", "message",
)  # fmt: skip
_REQUIRED_OF_DEPLOY = ("service", "environment", "change_window")
_OF_ERRORS_ONLY = frozenset({"severity", "exception_type", "message", "stacktrace", "chain"})
_SET_BY_PUSHLOG = frozenset(
    {"kind", "seq", "received", "source_state", "occurrence", "unique", "notes"}
)
_ON_ONE_LINE = frozenset(
    {"source", "service", "environment", "exception_type"}
    | {"release", "fingerprint", "issue_id", "event_id", "alert_rule", "platform"}
)
"""The fields that log lines, keys and titles are made of."""
_LONGEST_LINE = 512
_LONGEST_PROBLEM = 300
_LONGEST_TEXT = 100_000
"""No field may be so long: what is longer is refused, whatever the rest is."""
_SHOWN_OF_AN_ID = 12
"""The number of characters by which people tell commits apart."""
_CLOCK_TOLERANCE = timedelta(minutes=5)


def _body(name: str, about: str, required: Collection[str], left_out: Collection[str]) -> Any:
    """Return the type of a body, with the fields of an entry that a sender may set."""
    kept = [
        field
        for field in msgspec.structs.fields(EventEntry)
        if field.name not in _SET_BY_PUSHLOG and field.name not in left_out
    ]
    types = {field.name: field.type for field in kept}
    types |= {"context": EventContext | None, "change_window": ChangeWindow}
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        (field.name, types[field.name])
        if field.name in required
        else (field.name, types[field.name] | UnsetType, UNSET)
        for field in kept
    ]
    return msgspec.defstruct(name, fields, kw_only=True, namespace={"__doc__": about})


EventBody: type[msgspec.Struct] = _body(
    "EventBody", "An event in PushLog's own form.", _REQUIRED, ()
)
DeployBody: type[msgspec.Struct] = _body(
    "DeployBody", "The news of a deploy.", _REQUIRED_OF_DEPLOY, _OF_ERRORS_ONLY
)
"""What `parse_generic` takes, for a description; it reads field by field, to name each fault."""

_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])
_fields = {
    field.encode_name: msgspec.json.Decoder(field.type)
    for field in msgspec.structs.fields(EventEntry)
    if field.encode_name not in _SET_BY_PUSHLOG | {"change_window"}
}
_ESCAPED_CONTROL = re.compile(rb"\\u00[0189]|\\u007f|\\[bf]|\x7f|\xc2[\x80-\x9f]", re.IGNORECASE)


def parse_generic(
    body: bytes, idempotency_key: str | None, received: datetime, *, announce_deploys: bool = True
) -> Delivery:
    """Return the event in `body`; raise `InvalidPayload` with one fault for each wrong field.

    A body with a change window and no error announces a deploy. With `announce_deploys`, it becomes
    an event that may open an incident; without, only a change window.
    """
    parts = _read_parts(body)
    notes = Notes()
    faults: list[Fault] = []
    values = _read_fields(parts, faults, notes)
    is_deploy = "change_window" in parts and not _OF_ERRORS_ONLY & parts.keys()
    faults += [
        Fault(name, f"is required: {_RULES[name]}")
        for name in (_REQUIRED_OF_DEPLOY if is_deploy else _REQUIRED)
        if name not in parts
    ]
    if faults:
        counted = "a field breaks" if len(faults) == 1 else f"{len(faults)} fields break"
        raise InvalidPayload(f"{counted} the rules of an event", tuple(faults))
    window = values.get("change_window")
    if isinstance(window, ChangeWindow) and not is_plausible(window.deploy_time, received):
        notes.add("change_window.deploy_time: not plausible; the time of receipt is used")
        window = msgspec.structs.replace(window, deploy_time=received)
        values["change_window"] = window
    timestamp = values.get("timestamp")
    if isinstance(timestamp, datetime) and not is_plausible(timestamp, received):
        notes.add("timestamp: not plausible; the time of receipt is used")
        values["timestamp"] = received
    entry: Entry
    if is_deploy and isinstance(window, ChangeWindow):
        about = "deploy"
        entry = _deploy_entry(values, window, notes, announce_deploys=announce_deploys)
    else:
        about = "event"
        entry = msgspec.convert(values, EventEntry)
        if entry.timestamp > received + _CLOCK_TOLERANCE:
            ahead_s = round((entry.timestamp - received).total_seconds())
            notes.add(f"timestamp: {ahead_s} s ahead of its receipt; one of the clocks is wrong")
        entry.notes = notes.sentences()
    return Delivery(entries=(entry,), identity=_identity(idempotency_key), about=about)


def _read_parts(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the fields of the body, not decoded yet, without those that are null."""
    try:
        if _ESCAPED_CONTROL.search(body):
            body = msgspec.json.encode(_without_control(msgspec.json.decode(body)))
        parts = _parts.decode(body)
    except msgspec.ValidationError:
        raise _refused("the body is JSON, but not an object") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _refused(f"the body is not JSON ({_why_not_json(body)})") from None
    except RecursionError:
        raise _refused("the body is nested too deeply") from None
    return {name: part for name, part in parts.items() if bytes(part) != b"null"}


def _read_fields(
    parts: dict[str, msgspec.Raw], faults: list[Fault], notes: Notes
) -> dict[str, object]:
    """Return the value of each part that keeps its rule; add a fault for each that breaks one."""
    values: dict[str, object] = {}
    for name, part in parts.items():
        try:
            match name:
                case "stacktrace":
                    values[name] = read_stacktrace(part, notes)
                case "chain":
                    values[name] = read_chain(part, notes)
                case "change_window":
                    values[name] = read_change_window(part)
                case "context":
                    values[name] = pack_context(unpack_context(part))
                case "type":
                    if msgspec.json.decode(part) != "event":
                        faults.append(Fault(name, "must be `event`, or be left out"))
                case _ if name in _ON_ONE_LINE:
                    values[name] = clean_line(_fields[name].decode(part), _LONGEST_LINE)
                    if not values[name]:
                        faults.append(Fault(name, "is blank"))
                case _ if name in _fields:
                    values[name] = _fields[name].decode(part)
                case _ if name in _SET_BY_PUSHLOG:
                    faults.append(Fault(name, "is set by PushLog; leave it out"))
                case _:
                    notes.add(f"{name}: is not a field of an event; left out")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            faults.append(_fault(name, str(error)))
    return values


def _deploy_entry(
    values: dict[str, object], window: ChangeWindow, notes: Notes, *, announce_deploys: bool
) -> Entry:
    values = {"source": "deploy"} | values
    if not announce_deploys:
        where = {name: values[name] for name in ("service", "environment", "source")}
        return msgspec.convert(msgspec.structs.asdict(window) | where, ChangeWindowEntry)
    commits = len(window.commits)
    counted = "1 commit" if commits == 1 else f"{commits or 'no'} commits"
    what = window.release or values.get("release") or (window.deploy_id or "")[:_SHOWN_OF_AN_ID]
    said = {"timestamp": window.deploy_time} | values
    made = {
        "kind": "deploy",
        "severity": "warning",
        "exception_type": DEPLOY,
        "message": f"Deploy of {what} ({counted})" if what else f"Deploy of {counted}",
        "notes": notes.sentences(),
    }
    return msgspec.convert(said | made, EventEntry)


def _fault(name: str, problem: str) -> Fault:
    """Return what msgspec says about the value of `name`, with path and rule in our words."""
    problem, _, place = problem.partition(" - at `")
    inside = place.rstrip("`").removeprefix("key` in `")
    path = name + inside.removeprefix("$")
    problem = problem.replace("`object`", "an object").replace("`array`", "a list")
    # msgspec repeats the value, however long it is.
    problem = many_lines(problem, _LONGEST_PROBLEM)
    if "datetime" in problem or "RFC3339" in problem:
        return Fault(path, f"must be {_RULES['timestamp']}")
    rule = _RULES.get(path)
    return Fault(path, f"{problem}; must be {rule}" if rule else problem)


def _refused(problem: str) -> InvalidPayload:
    return InvalidPayload(
        problem,
        (Fault("body", "must be a JSON object with the fields " + ", ".join(_REQUIRED)),),
    )


def _why_not_json(body: bytes) -> str:
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        return str(error)
    return "NaN, Infinity and halves of surrogate pairs are not allowed"


def _without_control(value: object) -> object:
    match value:
        case str():
            read = value[:_LONGEST_TEXT]
            return many_lines(read, len(read))
        case list():
            return [_without_control(item) for item in value]
        case dict():
            return {_without_control(name): _without_control(item) for name, item in value.items()}
    return value


def _identity(idempotency_key: str | None) -> str | None:
    key = (idempotency_key or "").strip()
    if not key:
        return None
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"generic:{digest}"
