"""Events in our own form: what is accepted, what is refused and how it says so, what is cut."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ingest.delivery import InvalidPayload
from server.ingest.generic import DEPLOY, parse_generic
from shared.event import MAX_COMMITS, MAX_FILES, MAX_FRAMES, Event, Frame
from shared.event_context import (
    Breadcrumb,
    EventContext,
    HttpRequest,
    SourceLines,
    unpack_context,
)
from shared.pipe import ChangeWindowEntry, Entry, EventEntry
from tests.builders import START, change_window, event
from tests.server.ingest.arbitrary import JSON, PATIENT
from tests.server.ingest.sentry_payloads import RECEIVED, assert_fit


def fields(**changes: Any) -> dict[str, Any]:
    """A whole event as a client posts it."""
    return dict(msgspec.to_builtins(event(**changes)))


def deploy(**changes: object) -> dict[str, Any]:
    """The announcement of a deploy."""
    window = msgspec.to_builtins(change_window()) | changes
    return {"service": "shop", "environment": "production", "change_window": window}


def entry_of(body: dict[str, Any], **options: Any) -> Entry:
    (entry,) = parse_generic(json.dumps(body).encode(), None, RECEIVED, **options).entries
    assert_fit(entry)
    return entry


def event_of(body: dict[str, Any], **options: Any) -> EventEntry:
    entry = entry_of(body, **options)
    assert isinstance(entry, EventEntry)
    return entry


def faults_of(body: bytes | dict[str, Any]) -> dict[str, str]:
    """What is said of each wrong part, by its path."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(InvalidPayload) as refusal:
        parse_generic(raw, None, RECEIVED)
    assert str(refusal.value)
    return {fault.path: fault.message for fault in refusal.value.faults}


def test_a_whole_event_is_taken_as_it_is() -> None:
    sent = event(
        change_window=change_window(), release="v1", fingerprint="f", api_route="/pay", chain=[]
    )
    read = event_of(dict(msgspec.to_builtins(sent)))
    for name in Event.__struct_fields__:
        assert getattr(read, name) == getattr(sent, name), name


def test_what_was_around_an_event_is_taken_within_its_limits() -> None:
    context = EventContext(
        sources=[SourceLines(frame=0, line="total = 0", before=["def total():"])],
        request=HttpRequest(method="GET", query="a=1", headers={"Accept": "*/*"}, body="{}"),
        user={"id": "7"},
        breadcrumbs=[Breadcrumb(message="cart opened", time=START)],
    )
    read = event_of(fields() | {"context": msgspec.to_builtins(context)})
    assert unpack_context(read.context) == context
    wrong = {"sources": [{"frame": 0, "line": "x" * 257}]}
    assert list(faults_of(fields() | {"context": wrong})) == ["context.sources[0].line"]
    assert list(faults_of(fields() | {"context": "odd"})) == ["context"]


def test_fields_that_are_null_are_left_out() -> None:
    body = fields() | {"release": None, "tags": None, "stacktrace": None, "kind": None}
    read = event_of(body)
    assert (read.release, read.tags, read.stacktrace) == (None, {}, [])


@pytest.mark.parametrize(
    "name",
    ["source", "service", "environment", "timestamp", "severity", "exception_type", "message"],
)
def test_what_is_required_is_named_where_it_is_missing(name: str) -> None:
    body = fields()
    del body[name]
    faults = faults_of(body)
    assert list(faults) == [name]
    assert faults[name].startswith("is required: ")
    assert list(faults_of(body | {name: None})) == [name]


def test_every_wrong_field_is_named_at_once() -> None:
    body = fields() | {
        "service": "",
        "severity": "loud",
        "message": "m" * 8193,
        "stacktrace": [{"file": "a.py", "line": "three"}],
        "tags": {"a": 1},
        "correlation_hints": {"critical_paths": [""]},
        "chain": [{"exception_type": "E", "stacktrace": [{}]}],
        "change_window": {"deploy_time": "2025-03-04T09:00:00Z", "commits": [{"id": ""}]},
    }
    del body["source"]
    assert set(faults_of(body)) == {
        "source",
        "service",
        "severity",
        "message",
        "stacktrace[0].line",
        "tags[...]",
        "correlation_hints.critical_paths[0]",
        "chain[0].stacktrace[0]",
        "change_window.commits[0].id",
    }


@pytest.mark.parametrize(
    "moment", ["2025-03-04", "2025-03-04T09:00:00", "yesterday", "", 1741078800, None, []]
)
def test_a_timestamp_is_rfc_3339_with_an_offset(moment: object) -> None:
    faults = faults_of(fields() | {"timestamp": moment})
    assert "RFC 3339 with an offset, like `2024-05-01T12:00:00Z`" in faults["timestamp"]


def test_a_severity_outside_the_three_is_refused_with_the_three() -> None:
    message = faults_of(fields() | {"severity": "fatal"})["severity"]
    assert all(f"`{name}`" in message for name in ("warning", "error", "critical"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seq", 1),
        ("received", "2025-03-04T09:00:00Z"),
        ("kind", "deploy"),
        ("unique", True),
        ("notes", ["mine"]),
        ("occurrence", False),
        ("source_state", "regressed"),
    ],
)
def test_what_only_the_server_says_cannot_be_sent(name: str, value: object) -> None:
    assert faults_of(fields() | {name: value}) == {name: "is set by PushLog; leave it out"}


def test_a_type_can_only_be_event() -> None:
    assert event_of(fields() | {"type": "event"}).service == "shop"
    for other in ("incident", "change_window", 5):
        assert set(faults_of(fields() | {"type": other})) == {"type"}


def test_an_unknown_field_is_left_out_and_noted() -> None:
    read = event_of(fields() | {"stack_trace": []})
    assert read.notes == ["stack_trace: is not a field of an event; left out"]


def test_a_time_ahead_of_the_clock_is_taken_and_noted() -> None:
    ahead = (RECEIVED + timedelta(hours=1)).isoformat()
    read = event_of(fields() | {"timestamp": ahead})
    assert any("3600 s ahead of its receipt" in note for note in read.notes)


@pytest.mark.parametrize(
    "zero",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1970-01-01T00:00:00Z",
        # Seconds that were taken for milliseconds.
        "1970-01-21T03:39:00Z",
        (RECEIVED + timedelta(days=1, seconds=1)).isoformat(),
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_time_that_cannot_be_right_is_that_of_receipt_and_noted(zero: str) -> None:
    read = event_of(fields() | {"timestamp": zero})
    assert read.timestamp == RECEIVED
    assert read.notes == ["timestamp: not plausible; the time of receipt is used"]
    window = {"deploy_time": zero, "deploy_id": "v1"}
    deploy = event_of({"service": "shop", "environment": "production", "change_window": window})
    assert deploy.change_window is not None
    assert deploy.change_window.deploy_time == deploy.timestamp == RECEIVED
    assert deploy.notes == ["change_window.deploy_time: not plausible; the time of receipt is used"]


def test_a_trace_of_as_many_frames_as_may_be_is_whole_and_has_no_note() -> None:
    frames = [{"file": f"f{number}.py"} for number in range(MAX_FRAMES)]
    read = event_of(fields() | {"stacktrace": frames})
    assert [frame.file for frame in read.stacktrace] == [f"f{n}.py" for n in range(MAX_FRAMES)]
    assert read.notes == []


def test_longer_traces_lose_their_middle() -> None:
    frames = [{"file": f"f{number}.py"} for number in range(300)]
    link = {"exception_type": "E", "stacktrace": frames}
    read = event_of(fields() | {"stacktrace": frames, "chain": [link]})
    for trace in (read.stacktrace, read.chain[0].stacktrace):
        assert len(trace) == MAX_FRAMES
        assert (trace[0], trace[-1]) == (Frame(file="f0.py"), Frame(file="f299.py"))
    assert len(read.notes) == 2


def test_control_characters_are_taken_out() -> None:
    read = event_of(
        fields()
        | {
            "service": "sh\x00op\n",
            "message": "one\x1b[0m\ntwo",
            "tags": {"a\x7f": "b\x08"},
            "stacktrace": [{"file": "a\x00.py"}],
        }
    )
    assert read.service == "shop"
    assert read.message == "one[0m\ntwo"
    assert read.tags == {"a": "b"}
    assert read.stacktrace[0].file == "a.py"
    assert faults_of(fields() | {"service": "\n"}) == {"service": "is blank"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"\xff",
        b'{"a": "\xff"}',
        b'{"message": NaN}',
        b'{"message": "\\ud800"}',
        b"[" * 100_000,
        b'{"a": "\\u0000", "b": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert "body" in faults_of(body) or "message" in faults_of(body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b'{"a": tru}', "Expecting value: line 1 column 7 (char 6)"),
        (b'{"a": NaN}', "NaN, Infinity and halves of surrogate pairs are not allowed"),
        (b'{"a": -Infinity}', "NaN, Infinity and halves of surrogate pairs are not allowed"),
        (
            b'{"a": NaN, "b": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "maximum recursion depth exceeded while decoding a JSON array from a unicode string",
        ),
    ],
)
def test_a_body_that_is_no_json_is_refused_with_what_is_wrong_in_it(body: bytes, why: str) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        parse_generic(body, None, RECEIVED)
    assert str(refusal.value) == f"the body is not JSON ({why})"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"severity": "bad"}, "a field breaks the rules of an event"),
        ({"severity": "bad", "message": ""}, "2 fields break the rules of an event"),
    ],
)
def test_a_refusal_is_one_sentence_beside_its_faults(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        parse_generic(json.dumps(fields() | changes).encode(), None, RECEIVED)
    assert str(refusal.value) == text
    assert {fault.path for fault in refusal.value.faults} == changes.keys()


def test_a_change_window_alone_announces_a_deploy() -> None:
    read = event_of(deploy(release="v2"))
    assert (read.kind, read.exception_type, read.severity) == ("deploy", DEPLOY, "warning")
    assert read.message == "Deploy of v2 (1 commit)"
    assert read.change_window is not None
    assert read.timestamp == read.change_window.deploy_time
    assert read.source == "deploy"


def test_who_announces_a_deploy_may_say_more_of_it() -> None:
    read = event_of(deploy() | {"source": "ci", "release": "v3", "tags": {"job": "7"}})
    assert (read.kind, read.source, read.release, read.tags) == ("deploy", "ci", "v3", {"job": "7"})


def test_with_deploy_incidents_off_a_deploy_is_context_only() -> None:
    read = entry_of(deploy(), announce_deploys=False)
    assert isinstance(read, ChangeWindowEntry)
    assert (read.service, read.environment) == ("shop", "production")
    assert read.commits == change_window().commits
    # An error that carries a change window is an error all the same.
    body = fields() | {"change_window": deploy()["change_window"]}
    assert event_of(body, announce_deploys=False).kind == "error"


def test_a_deploy_needs_to_say_of_what_and_where() -> None:
    for name in ("service", "environment"):
        body = deploy()
        del body[name]
        assert set(faults_of(body)) == {name}
    assert set(faults_of(deploy(deploy_time="noon"))) == {"change_window.deploy_time"}


def test_of_more_commits_the_newest_are_kept_and_the_cut_is_counted() -> None:
    start = datetime(2025, 3, 1, tzinfo=UTC)
    commits = [
        {"id": f"c{number}", "timestamp": (start + timedelta(minutes=number)).isoformat()}
        for number in range(600)
    ]
    newest_first = event_of(deploy(commits=commits[::-1])).change_window
    assert newest_first is not None
    assert (len(newest_first.commits), newest_first.cut) == (MAX_COMMITS, 100)
    assert (newest_first.commits[0].id, newest_first.commits[-1].id) == ("c599", "c100")
    without_times = [{"id": commit["id"]} for commit in commits]
    as_pushed = event_of(deploy(commits=without_times)).change_window
    assert as_pushed is not None
    assert (as_pushed.commits[0].id, as_pushed.commits[-1].id) == ("c100", "c599")


def test_of_more_files_the_first_are_kept_and_the_cut_is_counted() -> None:
    names = [f"f{number}.py" for number in range(700)]
    commits = [{"id": "a", "files": names, "functions": names}]
    window = event_of(deploy(commits=commits, cut=3)).change_window
    assert window is not None
    assert len(window.commits[0].files) == MAX_FILES
    assert window.cut == 3 + 200 + 200


def test_a_cut_window_still_has_to_keep_the_other_rules() -> None:
    commits = [{"id": "a", "files": ["f"] * 700, "added": -1}]
    assert set(faults_of(deploy(commits=commits))) == {"change_window.commits[0].added"}
    assert set(faults_of(deploy(commits=[{"id": "a"}] * 600, cut="x"))) == {"change_window.cut"}


def test_an_idempotency_key_is_the_identity_and_without_one_each_is_new() -> None:
    body = json.dumps(fields()).encode()

    def identity(key: str | None) -> str | None:
        return parse_generic(body, key, RECEIVED).identity

    assert identity("k1") == identity(" k1 ") != identity("k2")
    assert identity(None) is identity("") is identity("  ") is None
    assert identity("\udcff" * 10_000) is not None


NAMES = st.sampled_from([*EventEntry.__struct_fields__, "type", "other"])


@PATIENT
@given(changes=st.dictionaries(NAMES, JSON, min_size=1, max_size=4))
def test_any_values_are_an_event_or_a_refusal(changes: dict[str, object]) -> None:
    for base in (fields(), deploy()):
        body = json.dumps(base | changes).encode()
        said: tuple[object, ...] = ()
        try:
            for entry in parse_generic(body, None, RECEIVED).entries:
                assert_fit(entry)
            said = ("taken",)
        except InvalidPayload as refusal:
            said = refusal.faults
        assert said


@PATIENT
@given(body=st.binary(max_size=100))
def test_any_bytes_are_an_event_or_a_refusal(body: bytes) -> None:
    assert faults_of(body)
