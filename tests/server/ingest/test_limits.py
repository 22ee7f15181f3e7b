"""Bodies, headers and clients beyond the limits, and who keeps failing, by a real server."""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from server.ingest.body_budget import FREE_BYTES, MAX_BYTES, BodyBudget
from server.ingest.failing import MAX_SENDERS, Failing
from tests.builders import event
from tests.processes import ServerProcess, running_server
from tests.waiting import limit

FAILURES_A_MINUTE = 60
"""As docs/API.md promises."""

SECRET = "s3cret"
ALERT = json.dumps(
    {"action": "triggered", "data": {"event": {"title": "ValueError: no", "level": "error"}}}
).encode()
SIGNED = {"Sentry-Hook-Signature": hmac.new(SECRET.encode(), ALERT, hashlib.sha256).hexdigest()}
WRONG = {"Sentry-Hook-Signature": "0" * 64}


class Wire:
    """A connection on which any bytes can be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> str:
        """The answer to its end, or to where the server closes."""
        return (await self.reader.read(100_000)).decode()


@asynccontextmanager
async def wire(url: str, data: bytes) -> AsyncIterator[Wire]:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        await writer.drain()
        yield Wire(reader, writer)
    finally:
        writer.close()


def head(*headers: str, path: str = "/api/webhooks/sentry") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


@pytest.fixture
async def signed(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with running_server(tmp_path, env={"SENTRY_WEBHOOK_SECRET": SECRET}) as process:
        yield process


async def post(
    url: str, body: bytes, count: int = 1, headers: dict[str, str] | None = None
) -> Counter[int]:
    async with aiohttp.ClientSession() as http:

        async def one() -> int:
            async with http.post(url, data=body, headers=headers) as response:
                if response.status == 429:
                    assert 1 <= int(response.headers["Retry-After"]) <= 60
                return response.status

        return Counter([await one() for _ in range(count)])


async def test_who_keeps_signing_wrongly_gets_429_and_who_signs_rightly_202_from_the_same_address(
    signed: ServerProcess,
) -> None:
    url = f"{signed.url}/api/webhooks/sentry"
    assert await post(url, ALERT, FAILURES_A_MINUTE + 40, WRONG) == {
        401: FAILURES_A_MINUTE,
        429: 40,
    }
    assert await post(url, ALERT, 5, SIGNED) == {202: 5}
    # A valid webhook in between does not let the others in again.
    assert await post(url, ALERT, 1, WRONG) == {429: 1}
    # Another source is another sender.
    incidents = f"{signed.url}/api/webhooks/incidents"
    assert await post(incidents, msgspec.json.encode(event())) == {202: 1}


async def test_who_signs_rightly_is_heard_however_many_of_its_bodies_cannot_be_read(
    signed: ServerProcess,
) -> None:
    url = f"{signed.url}/api/webhooks/sentry"
    bad = b'{"data":'
    by_us = {"Sentry-Hook-Signature": hmac.new(SECRET.encode(), bad, hashlib.sha256).hexdigest()}
    assert await post(url, bad, 2 * FAILURES_A_MINUTE, by_us) == {400: 2 * FAILURES_A_MINUTE}
    assert await post(url, ALERT, 1, SIGNED) == {202: 1}


async def test_who_sends_only_what_cannot_be_read_gets_429_where_nothing_is_signed(
    server: ServerProcess,
) -> None:
    url = f"{server.url}/api/webhooks/incidents"
    many = FAILURES_A_MINUTE + 20
    assert await post(url, b"{}", many) == {400: FAILURES_A_MINUTE, 429: 20}
    # The log says it ten times a second at most, and how often it did not say it.
    await server.log.wait_for(r"Incident webhook error: refused with 429 \(and \d+ more like it")


async def test_who_sends_good_ones_among_the_bad_is_not_cut_off(server: ServerProcess) -> None:
    url = f"{server.url}/api/webhooks/incidents"
    for _ in range(3):
        assert await post(url, b"{}", FAILURES_A_MINUTE - 1) == {400: FAILURES_A_MINUTE - 1}
        assert await post(url, msgspec.json.encode(event())) == {202: 1}


@pytest.mark.parametrize(("trusted", "status"), [("127.0.0.1", 202), ("192.0.2.1", 429), ("", 429)])
async def test_only_behind_a_trusted_proxy_each_sender_is_counted_by_itself(
    tmp_path: Path, trusted: str, status: int
) -> None:
    bad, good = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "198.51.100.1"}
    async with running_server(tmp_path, env={"TRUSTED_PROXIES": trusted}) as server:
        url = f"{server.url}/api/webhooks/incidents"
        assert (await post(url, b"{}", FAILURES_A_MINUTE + 1, bad))[429] == 1
        assert await post(url, msgspec.json.encode(event()), 1, good) == {status: 1}


async def test_the_addresses_of_one_network_of_ipv6_are_one_sender_and_all_together_are_few() -> (
    None
):
    failing = Failing()
    for number in range(FAILURES_A_MINUTE):
        await failing.count("sentry", f"2001:db8::{number:x}")
    assert 0 < await failing.wait_s("sentry", "2001:db8::ffff") <= 60
    assert await failing.wait_s("sentry", "2001:db8:0:1::1") == 0
    assert await failing.wait_s("github", "2001:db8::1") == 0
    for number in range(2 * MAX_SENDERS):
        await failing.count("sentry", f"10.0.{number // 256}.{number % 256}")
    assert len(failing) <= MAX_SENDERS


async def test_a_body_that_comes_a_byte_a_second_is_cut_off(server: ServerProcess) -> None:
    async def dribble(path: str) -> None:
        form = "Content-Type: application/x-www-form-urlencoded"
        async with wire(server.url, head("Content-Length: 1000", form, path=path)) as slow:
            answering = asyncio.create_task(slow.answer())
            while not answering.done():
                slow.writer.write(b" ")
                await asyncio.wait([answering], timeout=1)
            assert "408 Request Timeout" in await answering

    await asyncio.gather(dribble("/api/webhooks/sentry"), dribble("/login"))
    await server.log.wait_for("Sentry webhook error: the body did not arrive within 10 s")
    await server.log.wait_for(r"\[server\] POST /login: its body did not come within 20 s")


async def test_who_hangs_up_in_the_middle_of_a_body_or_packs_it_wrongly_is_no_crash(
    server: ServerProcess,
) -> None:
    for headers in (("Content-Length: 9",), ("Transfer-Encoding: chunked",)):
        seen = server.log.position()
        async with wire(server.url, head(*headers) + b"abc"):
            await server.log.wait_for("Request received", since=seen)
        await server.log.wait_for("Sentry webhook error: the sender hung up", since=seen)
    packed = head("Content-Length: 3", "Content-Encoding: gzip")
    async with wire(server.url, packed + b"abc") as unpackable:
        assert "HTTP/1.1 400 " in await unpackable.answer()
    form = "Content-Type: application/x-www-form-urlencoded"
    login = head(form, "Content-Length: 3", "Content-Encoding: gzip", path="/login")
    async with wire(server.url, login + b"abc") as unpackable:
        assert "HTTP/1.1 400 " in await unpackable.answer()
    assert not server.log.matching("Traceback|crash|ERROR")


ODD_HEADERS = {
    "Got more than 8190 bytes when reading": ["Authorization: " + "s3cret" * 2000],
    "Too many headers received": [f"A{number}: 1" for number in range(200)],
    "Invalid header token": ["A\x00: s3cret"],
    "Duplicate Content-Length": ["Content-Length: 1", "Content-Length: 2"],
}


async def test_headers_beyond_the_limits_get_400_and_a_short_line_without_what_was_in_them(
    server: ServerProcess,
) -> None:
    for reason, lines in ODD_HEADERS.items():
        async with wire(server.url, head(*lines)) as odd:
            assert (await odd.answer()).startswith("HTTP/1.0 400 "), reason
        await server.log.wait_for(f"WARNING \\[server\\] a request that is no HTTP: {reason}")
    assert not server.log.matching("Traceback|s3cret")


async def test_a_body_nested_deeper_than_anyone_can_read_gets_400(server: ServerProcess) -> None:
    for depth in (1_000, 100_000):
        nested = b'{"data":' * depth + b"1" + b"}" * depth
        for source in ("sentry", "incidents", "github"):
            assert await post(f"{server.url}/api/webhooks/{source}", nested) == {400: 1}
    assert not server.log.matching("Traceback")


async def test_headers_that_come_a_byte_at_a_time_end_with_the_time_for_idle_connections() -> None:
    # The server's own time is minutes; what it relies on is that this time holds for headers.
    runner = web.AppRunner(web.Application(), keepalive_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with wire(
            f"http://127.0.0.1:{runner.addresses[0][1]}", b"GET / HTTP/1.1\r\n"
        ) as slow:
            answering = asyncio.create_task(slow.answer())
            async with limit():
                while not answering.done():
                    slow.writer.write(b"a")
                    await asyncio.wait([answering], timeout=0.1)
            assert await answering == ""
    finally:
        await runner.cleanup()


async def test_large_bodies_that_are_under_way_are_bounded_and_keep_no_usual_one_out(
    server: ServerProcess,
) -> None:
    size = 20 * 1024 * 1024
    started = head(f"Content-Length: {size + 1}", path="/api/webhooks/github") + b" " * size
    async with AsyncExitStack() as stack:
        under_way = [await stack.enter_async_context(wire(server.url, started)) for _ in range(4)]
        answers = [asyncio.create_task(each.answer()) for each in under_way]
        done, _ = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        # Three fit; whichever was the last to come does not.
        (refused,) = done
        assert (await refused).startswith("HTTP/1.1 503 ")
        assert "Retry-After: 5" in await refused
        assert await post(f"{server.url}/api/webhooks/sentry", ALERT) == {202: 1}
    # They hung up: there is room again.
    await server.log.wait_for_count("the sender hung up before the end", 3)
    async with wire(server.url, started + b" ") as whole:
        assert (await whole.answer()).startswith("HTTP/1.1 400 ")


@given(st.lists(st.lists(st.integers(1, 3 * FREE_BYTES), max_size=8), max_size=8))
def test_what_is_held_is_given_back_to_the_last_byte(bodies: list[list[int]]) -> None:
    budget, requests = BodyBudget(), []
    for chunks in bodies:
        request = make_mocked_request("POST", "/")
        requests.append(request)
        read = sum(size for size in chunks if budget.take(request, size))
        assert read == sum(chunks)
    assert budget.held_bytes == sum(max(0, sum(chunks) - FREE_BYTES) for chunks in bodies)
    for request in requests:
        budget.give_back(request)
    assert budget.held_bytes == 0


def test_beyond_the_budget_nothing_more_is_taken() -> None:
    budget = BodyBudget()
    large, other = make_mocked_request("POST", "/"), make_mocked_request("POST", "/")
    assert budget.take(large, FREE_BYTES + MAX_BYTES)
    assert budget.take(other, FREE_BYTES)
    assert not budget.take(other, 1)
    budget.give_back(large)
    assert budget.take(other, 1)
