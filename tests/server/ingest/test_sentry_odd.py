"""An odd payload never breaks the adapter: only the wrong parts are lost, and notes name them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ingest.delivery import InvalidPayload
from server.ingest.sentry import parse_sentry
from shared.event import MAX_CHAIN, MAX_FRAMES, MAX_PAIRS
from shared.pipe import Entry, EventEntry
from tests.server.ingest.arbitrary import JSON, PATIENT
from tests.server.ingest.sentry_payloads import (
    ODD_SHAPES,
    RECEIVED,
    SAMPLES,
    assert_fit,
    event_of,
    parsed,
    sample,
    shape,
)

ODD_VALUES: tuple[object, ...] = (None, -1.5, 10**30, "a\x00\x1b\ud800b", [None, "x"], {"x": []})

RESOURCES = st.sampled_from(
    [None, "event_alert", "error", "issue", "metric_alert", "comment", "installation", "later"]
)
BODIES = st.sampled_from(
    [path.read_bytes() for path in (*sorted(ODD_SHAPES.iterdir()), *sorted(SAMPLES.iterdir()))]
)


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every part of decoded JSON below its root."""
    children: Any = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        yield (*path, key)
        yield from paths(child, (*path, key))


def replace(payload: Any, path: tuple[str | int, ...], value: object) -> object:
    """Put `value` at `path`, and give what was there."""
    for key in path[:-1]:
        payload = payload[key]
    before, payload[path[-1]] = payload[path[-1]], value
    return before


def check(body: bytes, resource: str | None) -> None:
    """Either valid entries, or a refusal that says what is wrong; nothing else."""
    entries: tuple[Entry, ...] = ()
    said: list[object] = []
    try:
        delivery = parse_sentry(body, resource, RECEIVED)
        entries, said = delivery.entries, [delivery.about]
    except InvalidPayload as refusal:
        said = [str(refusal), refusal.faults]
    assert all(said)
    for entry in entries:
        assert_fit(entry)


def test_a_part_of_the_wrong_type_loses_only_itself() -> None:
    payload = sample()
    raised = dict(payload["data"]["event"]["exception"]["values"][0])
    checked = 0
    sent = payload["data"]["event"]
    event_id = sent["event_id"]
    for path in list(paths(sent)):
        for value in ODD_VALUES:
            before = replace(sent, path, value)
            event = event_of(payload, "event_alert")
            replace(sent, path, before)
            checked += 1
            if path[0] != "exception":
                assert event.exception_type == raised["type"], (path, value)
                assert event.message == raised["value"], (path, value)
            if path[0] not in ("event_id", "tags", "exception"):
                assert event.event_id == event_id
                assert event.stacktrace
    assert checked > 1000


def test_what_was_of_the_wrong_type_is_named_with_its_path() -> None:
    payload = sample()
    event = payload["data"]["event"]
    event["environment"] = {"name": "production"}
    event["exception"]["values"][0]["stacktrace"]["frames"][1]["lineno"] = "many"
    event["exception"]["values"][1]["stacktrace"] = "gone"
    event["tags"].append(["lonely"])
    notes = event_of(payload).notes
    assert "data.event.environment: an object where text belongs; left out" in notes
    frame = "data.event.exception.values[0].stacktrace.frames[1]"
    assert f"{frame}.lineno: text where a number belongs; left out" in notes
    link = "data.event.exception.values[1]"
    assert f"{link}.stacktrace: text where an object belongs; left out" in notes
    assert "tags: an entry is not a pair; left out" in notes


def test_numbers_that_come_as_text_are_still_numbers() -> None:
    payload = sample()
    payload["data"]["event"]["exception"]["values"][0]["stacktrace"]["frames"][1]["lineno"] = "64"
    event = event_of(payload)
    assert event.stacktrace[0].line == 64
    assert event.notes == []


def test_long_traces_lose_their_middle_and_keep_both_ends() -> None:
    payload = sample()
    frames = [{"filename": f"f{number}.py", "function": "f"} for number in range(1000)]
    payload["data"]["event"]["exception"]["values"][0]["stacktrace"]["frames"] = frames
    event = event_of(payload)
    assert len(event.stacktrace) == MAX_FRAMES
    assert (event.stacktrace[0].file, event.stacktrace[-1].file) == ("f999.py", "f0.py")
    assert any("1000 frames, of which the middle is left out" in note for note in event.notes)


def test_long_chains_keep_the_nearest() -> None:
    payload = sample()
    values = [{"type": f"E{number}", "value": "v"} for number in range(100)]
    payload["data"]["event"]["exception"]["values"] = values
    event = event_of(payload)
    assert [link.exception_type for link in event.chain] == [
        f"E{number}" for number in range(1, MAX_CHAIN + 1)
    ]
    assert any("a chain of 100" in note for note in event.notes)


def test_whatever_is_too_long_is_cut_and_the_cut_is_named() -> None:
    payload = sample()
    event = payload["data"]["event"]
    long = "ü" * 20_000
    event["exception"]["values"][0] |= {"type": long, "value": long}
    frame = event["exception"]["values"][0]["stacktrace"]["frames"][-1]
    frame |= {"filename": f"/{long}/end.py", "function": long, "module": long}
    for name in ("environment", "release", "transaction", "platform", "event_id", "issue_id"):
        event[name] = long
    event["tags"] = [[f"{number}{long}", long] for number in range(300)]
    event["request"]["url"] = event["web_url"] = f"https://shop.example.com/{long}"
    event["url"] = f"https://sentry.io/api/0/projects/acme/{long}/events/1/"
    payload["data"]["triggered_rule"] = long
    read = event_of(payload)
    assert read.message.endswith("…")
    assert read.stacktrace[0].file is not None
    assert read.stacktrace[0].file.endswith("/end.py")
    assert len(read.tags) == MAX_PAIRS
    for name in ("exception type", "message", "environment", "release", "event_id", "project"):
        assert any(name in note for note in read.notes), name


@pytest.mark.parametrize(("length", "is_cut"), [(8_192, False), (8_193, True)])
def test_a_cut_is_named_only_where_there_is_one(length: int, is_cut: bool) -> None:
    payload = sample()
    payload["data"]["event"]["exception"]["values"][0]["value"] = "x" * length
    read = event_of(payload)
    assert len(read.message) == 8_192
    assert read.message.endswith("…") is is_cut
    assert any("the message is cut to 8192 of" in each for each in read.notes) is is_cut


def test_control_characters_and_halves_of_surrogate_pairs_are_taken_out() -> None:
    payload = sample()
    payload["data"]["event"]["exception"]["values"][0] |= {
        "type": "Key\x00Error\n",
        "value": "\x1b[31mred\x1b[0m\nsecond line\ttab \ud83d cut \ud83d\ude00",
    }
    payload["data"]["event"]["environment"] = "prod\r\nuction"
    event = event_of(payload)
    assert event.exception_type == "KeyError"
    assert event.message == "[31mred[0m\nsecond line\ttab \ufffd cut 😀"
    assert event.environment == "prod  uction"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000])
def test_numbers_that_json_does_not_know_cost_only_themselves(number: str) -> None:
    body = json.dumps(sample()).replace('"timestamp": 1741078800.25', f'"timestamp": {number}')
    assert number in body
    event = event_of(body.encode())
    assert event.exception_type == "GatewayTimeout"
    assert event.timestamp.year == 2025


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32-le"])
def test_other_encodings_of_unicode_are_read(encoding: str) -> None:
    assert event_of(json.dumps(sample()).encode(encoding)).exception_type == "GatewayTimeout"


def test_bytes_that_are_not_utf8_are_replaced_and_named() -> None:
    body = json.dumps(sample()).encode().replace(b"could not be paid", b"could not be paid \xff")
    event = event_of(body)
    assert event.chain[0].message == "order 90412 could not be paid \ufffd"
    assert "body: not valid UTF-8; the wrong bytes are replaced" in event.notes


def test_an_occurrence_says_what_sentry_shows_as_evidence() -> None:
    payload = json.loads(shape("slow-query-occurrence"))
    payload["data"]["event"]["occurrence"]["evidenceDisplay"] = [
        {"name": "Failure reason", "value": "3 missed check-ins", "important": True},
        {"name": None, "value": 7},
        {"name": "Nothing", "value": None},
        None,
        "odd",
    ]
    event = event_of(payload)
    assert event.message.splitlines() == [
        "SELECT * FROM lines WHERE order_id = %s",
        "Failure reason: 3 missed check-ins",
        "7",
    ]


def test_only_web_pages_become_links() -> None:
    payload = sample()
    for url in ("javascript:alert(1)", "/issues/1/", "ftp://x", "https://x/" + "y" * 3000, "", 5):
        payload["data"]["event"]["web_url"] = url
        assert event_of(payload).links == {}


@pytest.mark.parametrize(
    ("moment", "read"),
    [
        ("2019-08-19T21:06:17.677000Z", "2019-08-19T21:06:17.677000+00:00"),
        ("2019-08-19T23:06:17+02:00", "2019-08-19T21:06:17+00:00"),
        ("2019-08-19T21:06:17.1", "2019-08-19T21:06:17.100000+00:00"),
        ("2019-08-19 21:06:17", "2019-08-19T21:06:17+00:00"),
        (1566248777, "2019-08-19T21:06:17+00:00"),
        ("yesterday", RECEIVED.isoformat()),
        (1e18, RECEIVED.isoformat()),
        ("0001-01-01T00:00:00+14:00", RECEIVED.isoformat()),
        (0, RECEIVED.isoformat()),
        (1566248777677, RECEIVED.isoformat()),
        (1566248.777, RECEIVED.isoformat()),
    ],
)
def test_times_are_read_in_every_form_and_otherwise_are_that_of_receipt(
    moment: str | float, read: str
) -> None:
    payload = sample()
    payload["data"]["event"] |= {"timestamp": moment, "datetime": None}
    event = event_of(payload)
    assert event.timestamp.isoformat() == read
    said = "timestamp: no plausible time; the time of receipt is used"
    assert (said in event.notes) is (read == RECEIVED.isoformat())


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"data":{"event":{}}}', "data.event"),
        (b'{"data":{"event":{"unheard":1,"title":null}}}', "data.event"),
        (b'{"data":{"event":5}}', "data.event"),
        (b'{"data":{"error":{}}}', "data.error"),
        (b'{"data":{"issue":{}}}', "data.issue"),
        (b'{"action":"resolved","data":{"issue":{"title":"x"}}}', "data.issue.id"),
        (b'{"data":{"metric_alert":{}}}', "data.metric_alert"),
        (
            b'{"action":"critical","data":{"metric_alert":{"status":1}}}',
            "data.metric_alert.alert_rule",
        ),
        (b'{"event":{}}', "event"),
        (b'{"event":{},"group":{"id":1}}', "event"),
        (b"{}", "data.event"),
        (b"[]", "body"),
        (b"null", "body"),
        (b"3", "body"),
        (b" ", "body"),
        (b"<html>", "body"),
        (b'{"data":', "body"),
        (b"[" * 100_000, "body"),
        (b'{"data":' * 100_000, "body"),
        (b"\xff\xfe\x00", "body"),
    ],
)
def test_a_body_without_an_event_is_refused_with_what_would_be_right(
    body: bytes, path: str
) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        parse_sentry(body, None, RECEIVED)
    (fault,) = refusal.value.faults
    assert fault.path == path
    assert fault.message
    assert str(refusal.value)


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8-sig", None),
        ("utf-16", "body: encoded as utf-16 rather than UTF-8"),
        ("utf-16-le", "body: encoded as utf-16-le rather than UTF-8"),
        ("utf-32-be", "body: encoded as utf-32-be rather than UTF-8"),
    ],
)
def test_another_encoding_is_read_and_named(encoding: str, note: str | None) -> None:
    body = json.dumps({"data": {"event": {"title": "no \ufffd \xe9"}}}, ensure_ascii=False)
    event = event_of(body.encode(encoding))
    assert event.message == "no \ufffd \xe9"
    assert [each for each in event.notes if each.startswith("body: ")] == ([note] if note else [])


def test_bytes_that_are_no_utf_8_are_replaced_and_it_is_said_only_where_there_are_some() -> None:
    # NaN, so that the body is read leniently though its bytes are right.
    right = '{"data":{"event":{"title":"a \ufffd b"}},"x":NaN}'.encode()
    wrong = right.replace("\ufffd".encode(), b"\xff")
    for body, notes in (
        (right, []),
        (wrong, ["body: not valid UTF-8; the wrong bytes are replaced"]),
    ):
        event = event_of(body)
        assert event.message == "a \ufffd b"
        assert [each for each in event.notes if each.startswith("body: ")] == notes


def test_a_header_that_the_body_does_not_bear_out_is_refused() -> None:
    for resource in ("event_alert", "error", "issue", "metric_alert"):
        with pytest.raises(InvalidPayload):
            parsed({"data": {"comment": "no"}}, resource)


@PATIENT
@given(body=st.binary(max_size=200), resource=RESOURCES)
def test_any_bytes_are_a_delivery_or_a_refusal(body: bytes, resource: str | None) -> None:
    check(body, resource)


@PATIENT
@given(value=JSON, resource=RESOURCES)
def test_any_json_is_a_delivery_or_a_refusal(value: object, resource: str | None) -> None:
    check(json.dumps(value).encode(), resource)


@PATIENT
@given(body=BODIES, data=st.data(), resource=RESOURCES)
def test_any_change_of_a_body_is_a_delivery_or_a_refusal(
    body: bytes, data: st.DataObject, resource: str | None
) -> None:
    payload = json.loads(body)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(paths(payload))))
        replace(payload, path, data.draw(JSON))
    check(json.dumps(payload).encode(), resource)


@PATIENT
@given(body=BODIES, cut=st.floats(0, 1), junk=st.binary(max_size=8))
def test_any_damage_to_the_bytes_is_a_delivery_or_a_refusal(
    body: bytes, cut: float, junk: bytes
) -> None:
    at = int(len(body) * cut)
    check(body[:at] + junk, None)
    check(body[:at] + junk + body[at:], None)


def test_an_event_below_a_level_that_nobody_reads_is_still_read() -> None:
    payload = sample()
    payload["data"]["event"]["contexts"] = {"deep": json.loads("[" * 400 + "]" * 400)}
    (event,) = parsed(payload).entries
    assert isinstance(event, EventEntry)
    assert parsed(shape("fatal-native-crash")).entries


def test_tags_that_are_too_long_are_cut_and_counted() -> None:
    body = sample()
    body["data"]["event"]["tags"] = [["fits", "x" * 2048], ["a", "x" * 2049], ["b", "x" * 5000]]
    event = event_of(body)
    assert [len(event.tags[name]) for name in ("fits", "a", "b")] == [2048, 2048, 2048]
    assert "tags: 2 of the values are cut to 2048 characters" in event.notes


def test_a_service_that_is_named_by_a_number_is_noted() -> None:
    body = sample()
    # Its address names the project, too.
    del body["data"]["event"]["url"]
    read = event_of(body)
    assert read.service == "project-4501"
    assert "project: no slug; the service is named by the project's id" in read.notes
