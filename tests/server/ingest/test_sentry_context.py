"""Source, request, user and breadcrumbs are kept as Sentry sent them, within limits."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.event import MAX_PAIRS
from shared.event_context import (
    MAX_BODY,
    MAX_BREADCRUMBS,
    MAX_LINE,
    MAX_SOURCES,
    NO_CONTEXT,
    Breadcrumb,
    EventContext,
    HttpRequest,
    SourceLines,
    unpack_context,
)
from tests.server.ingest.sentry_payloads import event_of, sample, shape


def context_of(payload: bytes | dict[str, Any]) -> EventContext:
    return unpack_context(event_of(payload).context)


def changed(**event: object) -> EventContext:
    """The context of our own sample, with these fields of its event."""
    payload = sample()
    payload["data"]["event"] |= event
    return context_of(payload)


def raised(*frames: dict[str, Any]) -> dict[str, Any]:
    """The `exception` of an event with these frames, newest first."""
    trace = {"frames": [{"function": "f", "lineno": 9, **each} for each in reversed(frames)]}
    return {"values": [{"type": "Boom", "value": "no", "stacktrace": trace}]}


def test_an_alert_keeps_what_was_around_it() -> None:
    assert context_of(sample()) == EventContext(
        sources=[
            SourceLines(
                frame=0,
                before=["        try:"],
                line="            return self._session.post(url, json=body, timeout=timeout)",
                after=[
                    "        except Timeout as error:",
                    "            raise GatewayTimeout(self.host, timeout) from error",
                ],
            ),
            SourceLines(
                frame=1,
                before=[
                    "    request = ChargeRequest.of(order)",
                    "    for attempt in range(ATTEMPTS):",
                ],
                line="        reply = gateway.charge(request, timeout=TIMEOUT_S)",
                after=["        if reply.accepted:", "            return reply"],
            ),
            SourceLines(
                exception=1,
                frame=0,
                before=["    except GatewayTimeout as error:"],
                line="        raise PaymentFailed(order) from error",
            ),
            SourceLines(
                exception=1,
                frame=1,
                before=["def pay(order_id):", "    order = orders.get(order_id)"],
                line="    receipt = payment.charge_card(order)",
                after=["    return receipt.to_json()"],
            ),
        ],
        request=HttpRequest(
            method="POST",
            headers={
                "Accept": "application/json",
                "Host": "shop.example.com",
                "User-Agent": (
                    "Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0"
                ),
            },
        ),
        user={"id": "4711", "ip_address": "203.0.113.7"},
        breadcrumbs=[
            Breadcrumb(
                message="POST https://payments.example.com/v2/charges: 502",
                category="httplib",
                level="info",
                time=datetime(2025, 3, 4, 8, 59, 59, 350_000, UTC),
            ),
            Breadcrumb(
                message="gateway said 502, trying once more",
                category="checkout.payment",
                level="warning",
                time=datetime(2025, 3, 4, 8, 59, 59, 850_000, UTC),
            ),
        ],
    )


def test_an_event_without_any_of_it_has_no_context() -> None:
    nothing = {"request": None, "user": None, "breadcrumbs": None}
    assert changed(exception=raised({}), **nothing) == NO_CONTEXT
    event = event_of(sample() | {"data": {"event": {"title": "no", "user": {}}}})
    assert bytes(event.context) == b"null"


def test_a_service_hook_has_its_source_in_numbered_lines() -> None:
    payload = json.loads(shape("service-hook"))
    frame = {
        "filename": "a.py", "function": "f", "lineNo": 3, "inApp": True,
        "context": [[1, "one"], [2, "two"], [3, "three"], [4, "four"], "five", [6]],
    }  # fmt: skip
    exception = {"type": "Boom", "value": "no", "stacktrace": {"frames": [frame]}}
    payload["event"]["entries"] = [
        {"type": "exception", "data": {"values": [exception]}},
        {"type": "breadcrumbs", "data": {"values": [{"message": "before", "category": "log"}]}},
        {"type": "request", "data": {"method": "GET", "query": [["a", "1"], ["b", "2"]]}},
    ]
    context = context_of(payload)
    assert context.sources == [
        SourceLines(frame=0, before=["one", "two"], line="three", after=["four"])
    ]
    assert context.breadcrumbs == [Breadcrumb(message="before", category="log")]
    assert context.request == HttpRequest(method="GET", query="a=1&b=2")


@pytest.mark.parametrize(
    "frame", [{"lineNo": 9}, {"lineNo": None}, {"context": "x"}, {"context": None}]
)
def test_numbered_lines_without_that_of_the_frame_are_no_source(frame: dict[str, Any]) -> None:
    payload = json.loads(shape("service-hook"))
    whole = {"filename": "a.py", "lineNo": 3, "context": [[3, "three"]]} | frame
    exception = {"type": "Boom", "value": "no", "stacktrace": {"frames": [whole]}}
    payload["event"]["entries"] = [{"type": "exception", "data": {"values": [exception]}}]
    assert context_of(payload).sources == []


def test_the_source_of_libraries_is_kept_only_where_there_is_no_other() -> None:
    own = {"context_line": "own", "in_app": True}
    unknown = {"context_line": "unknown", "in_app": None}
    library = {"context_line": "library", "in_app": False}
    blank = {"context_line": "   ", "in_app": True}
    mixed = changed(exception=raised(library, blank, own, library, unknown))
    assert [(each.frame, each.line) for each in mixed.sources] == [(2, "own"), (4, "unknown")]
    libraries = changed(exception=raised({}, library, library, library, library))
    assert [each.frame for each in libraries.sources] == [1, 2, 3]


def test_the_lines_nearest_to_the_frame_are_kept_and_long_ones_are_cut() -> None:
    lines = [str(number) for number in range(9)]
    (source,) = changed(
        exception=raised(
            {"pre_context": lines, "context_line": "x" * (MAX_LINE + 1), "post_context": lines}
        )
    ).sources
    assert (source.before, source.after) == (lines[-5:], lines[:5])
    assert source.line == "x" * (MAX_LINE - 1) + "…"
    (whole,) = changed(exception=raised({"context_line": "x" * MAX_LINE})).sources
    assert whole.line == "x" * MAX_LINE


@pytest.mark.parametrize(
    ("given", "kept"), [(MAX_SOURCES, MAX_SOURCES), (MAX_SOURCES + 1, MAX_SOURCES)]
)
def test_the_source_of_the_newest_frames_is_kept(given: int, kept: int) -> None:
    frames = [{"context_line": f"line {number}"} for number in range(given)]
    sources = changed(exception=raised(*frames)).sources
    assert [each.line for each in sources] == [f"line {number}" for number in range(kept)]


def test_what_logs_a_client_in_is_not_kept() -> None:
    secret = ("Cookie", "AUTHORIZATION", "Set-Cookie", "Proxy-Authorization")
    headers = [*([name, "s3cret"] for name in secret), ["Accept", "*/*"]]
    request = {"method": "GET", "headers": headers, "cookies": [["sid", "1"]], "env": {"A": "b"}}
    assert changed(request=request).request == HttpRequest(method="GET", headers={"Accept": "*/*"})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"Host": ["shop.example"], "X": ["a", "b"]}, {"Host": "shop.example", "X": '["a", "b"]'}),
        ([["Host", "shop.example"], ["odd"], None], {"Host": "shop.example"}),
        ([["", "nameless"], ["Empty", ""], ["Null", None]], {}),
        ("Host: shop.example", {}),
    ],
)
def test_headers_come_in_many_forms(given: object, kept: dict[str, str]) -> None:
    request = changed(request={"method": "GET", "headers": given}).request
    assert request == HttpRequest(method="GET", headers=kept)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a=1&b=2", "a=1&b=2"), ([["a", "1"], ["b", None]], "a=1&b="), ({"a": 1}, "a=1"), (7, None)],
)
def test_a_query_comes_in_many_forms(given: object, kept: str | None) -> None:
    request = changed(request={"method": "GET", "query_string": given}).request
    assert request == HttpRequest(method="GET", query=kept)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plain\ntext", "plain\ntext"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
        (None, None),
        ("", None),
        ("x" * (MAX_BODY + 1), "x" * (MAX_BODY - 1) + "…"),
    ],
)
def test_a_body_is_kept_as_text(given: object, kept: str | None) -> None:
    request = changed(request={"method": "PUT", "data": given}).request
    assert request == HttpRequest(method="PUT", body=kept)


def test_the_newest_breadcrumbs_are_kept() -> None:
    for given in (MAX_BREADCRUMBS, MAX_BREADCRUMBS + 1):
        values = [{"message": str(number)} for number in range(given)]
        expected = [str(number) for number in range(given)][-MAX_BREADCRUMBS:]
        for breadcrumbs in (values, {"values": [*values, None]}):
            kept = changed(breadcrumbs=breadcrumbs).breadcrumbs
            assert [each.message for each in kept] == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": {"method": "GET", "url": "/x", "status_code": 404}}, "GET /x: 404"),
        ({"data": {"method": "GET", "url": "/x"}}, "GET /x"),
        ({"data": {"from": "/a", "to": "/b"}}, "from: /a, to: /b"),
        ({"data": "text"}, "text"),
        ({"message": "said", "data": {"a": 1}}, "said"),
        ({}, ""),
    ],
)
def test_a_breadcrumb_without_a_message_says_its_data(given: dict[str, Any], message: str) -> None:
    (kept,) = changed(breadcrumbs=[{"type": "http", **given}]).breadcrumbs
    assert kept == Breadcrumb(message=message, category="http")


def test_of_a_user_all_that_is_known_is_kept_up_to_the_limit() -> None:
    user = {"id": 7, "geo": {"city": "Vienna"}, "paying": True, "none": None}
    assert changed(user=user).user == {"id": "7", "geo": '{"city": "Vienna"}', "paying": "true"}
    many = {f"key{number}": "v" for number in range(MAX_PAIRS + 1)}
    assert list(changed(user=many).user) == list(many)[:MAX_PAIRS]
