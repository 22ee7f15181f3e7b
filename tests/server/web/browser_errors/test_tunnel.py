"""Errors of pages reach Sentry, and nothing else gets through there."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from pytest_aiohttp import AiohttpClient

from server.process import log
from server.web.browser_errors.relay import (
    DEFAULT_PAUSE_S,
    MAX_PAUSE_S,
    MAX_UNDER_WAY,
    Outcome,
    Relay,
)
from server.web.browser_errors.routes import (
    LIMIT,
    MAX_ENVELOPE_BYTES,
    MAX_SENDERS,
    REPORTS_A_MINUTE,
    TUNNEL,
)
from tests.fakes.sentry import FakeSentry
from tests.server.web.conftest import Client, build
from tests.waiting import LIMIT_S

Start = Callable[[str], Awaitable[Client]]


@pytest.fixture
async def sentry() -> AsyncIterator[FakeSentry]:
    async with FakeSentry() as fake:
        yield fake


@pytest.fixture
def start(tmp_path: Path, aiohttp_client: AiohttpClient) -> Start:
    """Starts a server with this VITE_SENTRY_DSN, and nobody signed in."""

    async def starts(dsn: str) -> Client:
        return await aiohttp_client(build(tmp_path, environ={"VITE_SENTRY_DSN": dsn}))

    return starts


def envelope(dsn: str, message: str = "x is not a function") -> bytes:
    event_id = "fc6d8c0c43fc4630ad850ee518f1b9d0"
    lines = (
        {"event_id": event_id, "sent_at": "2026-01-02T03:04:05.678Z", "dsn": dsn},
        {"type": "event"},
        {"event_id": event_id, "exception": {"values": [{"type": "TypeError", "value": message}]}},
    )
    return b"\n".join(json.dumps(line).encode() for line in lines)


async def test_an_envelope_arrives_as_it_was_sent_and_nothing_of_its_sender(
    sentry: FakeSentry, start: Start
) -> None:
    client = await start(sentry.dsn)
    sent = envelope(sentry.dsn)
    response = await client.post(
        "/errors",
        data=sent,
        headers={
            "Cookie": "pushlog-3000=hunter2",
            "Referer": "http://localhost:3000/reset/hunter2",
            "X-Forwarded-For": "192.0.2.7",
            "Authorization": "Bearer hunter2",
        },
    )
    assert (response.status, await response.json()) == (200, {})
    assert sentry.envelopes == [sent]
    (request,) = sentry.requests
    assert "hunter2" not in str(request.headers)
    assert "192.0.2.7" not in str(request.headers)
    assert request.headers["Content-Type"] == "application/x-sentry-envelope"


async def test_without_a_dsn_there_is_nothing(start: Start, sentry: FakeSentry) -> None:
    client = await start("")
    assert (await client.post("/errors", data=envelope(sentry.dsn))).status == 404
    assert sentry.requests == []


async def test_what_is_for_another_dsn_is_refused(start: Start, sentry: FakeSentry) -> None:
    client = await start(sentry.dsn)
    async with FakeSentry() as other:
        for dsn in (
            other.dsn,
            sentry.dsn.replace("/42", "/43"),
            sentry.dsn.replace("@", "0@"),
            f"{sentry.dsn}/../43",
            sentry.dsn.replace("http://", "https://"),
        ):
            assert (await client.post("/errors", data=envelope(dsn))).status == 400
        for body in (b"", b"{}", b"no envelope", b"\xff\xfe"):
            assert (await client.post("/errors", data=body)).status == 400
        assert sentry.requests == other.requests == []


async def test_what_is_too_large_is_refused_packed_or_not(start: Start, sentry: FakeSentry) -> None:
    client = await start(sentry.dsn)
    frame = len(envelope(sentry.dsn, ""))
    fits = envelope(sentry.dsn, "x" * (MAX_ENVELOPE_BYTES - frame))
    too_large = envelope(sentry.dsn, "x" * (MAX_ENVELOPE_BYTES - frame + 1))
    assert (await client.post("/errors", data=fits)).status == 200
    assert (await client.post("/errors", data=too_large)).status == 413
    packed = {"Content-Encoding": "gzip"}
    response = await client.post("/errors", data=gzip.compress(too_large), headers=packed)
    assert response.status == 413
    assert (await client.post("/errors", data=b"no gzip", headers=packed)).status == 400
    assert len(sentry.requests) == 1


async def test_a_sender_who_sends_too_many_waits(start: Start, sentry: FakeSentry) -> None:
    client = await start(sentry.dsn)
    # What is refused counts too.
    bodies = [envelope(sentry.dsn), b"no envelope"] * (REPORTS_A_MINUTE // 2)
    statuses = [(await client.post("/errors", data=body)).status for body in bodies]
    assert statuses == [200, 400] * (REPORTS_A_MINUTE // 2)
    response = await client.post("/errors", data=envelope(sentry.dsn))
    assert response.status == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert len(sentry.requests) == REPORTS_A_MINUTE // 2


async def test_many_senders_take_no_more_memory(start: Start, sentry: FakeSentry) -> None:
    reports = (await start(sentry.dsn)).app[TUNNEL].reports
    for number in range(MAX_SENDERS + 5):
        assert await reports.hit(LIMIT, f"10.0.{number // 256}.{number % 256}") == 0
        assert len(reports) <= MAX_SENDERS


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
async def test_a_page_of_another_site_sends_nothing(
    start: Start, sentry: FakeSentry, headers: dict[str, str]
) -> None:
    client = await start(sentry.dsn)
    response = await client.post("/errors", data=envelope(sentry.dsn), headers=headers)
    assert response.status == 403
    assert sentry.requests == []


@pytest.mark.parametrize(
    ("said", "told"),
    [("7", 7), ("999999", MAX_PAUSE_S), ("soon", DEFAULT_PAUSE_S), ("-1", DEFAULT_PAUSE_S)],
)
async def test_when_sentry_has_enough_the_page_pauses_as_long_as_it_says(
    start: Start, sentry: FakeSentry, said: str, told: int
) -> None:
    client = await start(sentry.dsn)
    sentry.retry_after = said
    response = await client.post("/errors", data=envelope(sentry.dsn))
    assert response.status == 429
    assert response.headers["Retry-After"] == str(told)
    assert await response.json() == {}


@pytest.mark.parametrize("status", [301, 307, 400, 403, 413, 500, 503])
async def test_what_sentry_refuses_is_a_line_of_the_log_and_not_tried_again(
    start: Start, sentry: FakeSentry, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    client = await start(sentry.dsn)
    sentry.status = status
    response = await client.post("/errors", data=envelope(sentry.dsn))
    assert (response.status, await response.json()) == (502, {})
    assert len(sentry.requests) == 1
    (line,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert line.getMessage() == (
        f"[server] the error of a page did not reach VITE_SENTRY_DSN: Sentry answered HTTP {status}"
    )


async def test_a_flood_of_refusals_is_folded(
    start: Start,
    sentry: FakeSentry,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    client = await start(sentry.dsn)
    sentry.status = 503
    request.addfinalizer(lambda: log.folding.fold(None))
    log.folding.fold(lambda: 0.0)
    for _ in range(log.LINES_A_SECOND + 2):
        await client.post("/errors", data=envelope(sentry.dsn))
    assert len(sentry.requests) == log.LINES_A_SECOND + 2
    lines = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert len(lines) == log.LINES_A_SECOND


async def test_where_nobody_is_the_answer_is_502(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeSentry() as gone:
        dsn = gone.dsn
    client = await start(dsn)
    assert (await client.post("/errors", data=envelope(dsn))).status == 502
    assert "did not reach VITE_SENTRY_DSN: no connection to 127.0.0.1, port" in caplog.text


async def test_a_sentry_that_hangs_is_not_waited_for(
    sentry: FakeSentry, caplog: pytest.LogCaptureFixture
) -> None:
    sentry.hang = True
    async with aiohttp.ClientSession() as session:
        relay = Relay(session, f"{sentry.url}/api/42/envelope/", timeout_s=0.05)
        assert (await relay.pass_on(envelope(sentry.dsn))).status == 502
    assert "no answer within 0.05 s" in caplog.text


async def test_only_so_many_wait_for_sentry_at_once(sentry: FakeSentry) -> None:
    sentry.hang = True
    sent = envelope(sentry.dsn)
    async with aiohttp.ClientSession() as session:
        relay = Relay(session, f"{sentry.url}/api/42/envelope/", timeout_s=LIMIT_S)
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(relay.pass_on(sent)) for _ in range(MAX_UNDER_WAY)]
            await sentry.wait_for_requests(MAX_UNDER_WAY)
            assert await relay.pass_on(sent) == Outcome(503, DEFAULT_PAUSE_S)
            sentry.hang = False
            sentry.release()
        assert {task.result() for task in waiting} == {Outcome(200)}
        assert await relay.pass_on(sent) == Outcome(200)
