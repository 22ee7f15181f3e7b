"""A name in a setting cannot turn calls to the inside; an address or an allowed network may."""

import socket
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from server.heartbeat import Heartbeat
from server.notify.channel import DeliveryFailed
from server.notify.slack.api import post_to_webhook
from server.process.outgoing import InsideAddress, OutsideResolver, open_session, why_not_connected
from tests.fakes.local_server import LocalServer

PUBLIC = "93.184.215.14"


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, Sequence[str]]:
    """What the system's DNS answers: addresses by name."""
    known: dict[str, Sequence[str]] = {}

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in known[host]
        ]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    return known


@pytest.fixture
async def inside() -> AsyncIterator[LocalServer]:
    """A server inside that must not be called."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with LocalServer(app) as server:
        yield server


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.8.8.8", "0.0.0.0"),
        *("169.254.169.254", "100.64.0.1", "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "::"),
    ],
)
async def test_a_name_that_stands_for_an_inside_address_is_refused(
    dns: dict[str, Sequence[str]], address: str
) -> None:
    dns["hooks.example"] = [address]
    with pytest.raises(InsideAddress, match="stands for an address of an inside network"):
        await OutsideResolver(()).resolve("hooks.example", 443)


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::6810:84e5"])
async def test_an_outside_address_is_called(dns: dict[str, Sequence[str]], address: str) -> None:
    dns["hooks.example"] = [address]
    (found,) = await OutsideResolver(()).resolve("hooks.example", 443)
    assert found["host"] == address


async def test_of_several_addresses_only_those_outside_are_called(
    dns: dict[str, Sequence[str]],
) -> None:
    dns["hooks.example"] = ["10.0.0.1", PUBLIC]
    found = await OutsideResolver(()).resolve("hooks.example", 443)
    assert [each["host"] for each in found] == [PUBLIC]


async def test_a_network_that_is_allowed_is_called(dns: dict[str, Sequence[str]]) -> None:
    dns["monitor.lan"] = ["10.0.0.7", "10.9.0.7", "::ffff:10.0.0.8"]
    found = await OutsideResolver([ip_network("10.0.0.0/24")]).resolve("monitor.lan", 80)
    assert [each["host"] for each in found] == ["10.0.0.7", "::ffff:10.0.0.8"]


async def test_an_address_that_the_setting_spells_out_and_localhost_are_called(
    inside: LocalServer,
) -> None:
    port = inside.url.rpartition(":")[2]
    async with open_session(()) as session:
        for url in (inside.url, f"http://localhost:{port}"):
            async with session.get(url) as response:
                assert response.status == 200


async def test_who_calls_says_why_it_did_not(
    inside: LocalServer, dns: dict[str, Sequence[str]], caplog: pytest.LogCaptureFixture
) -> None:
    dns["hooks.example"] = ["127.0.0.1"]
    url = f"http://hooks.example:{inside.url.rpartition(':')[2]}/s3cret"
    said = (
        "the name hooks.example stands for an address of an inside network, which "
        "OUTGOING_NETWORKS does not allow"
    )
    async with open_session(()) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as refused:
            await session.get(url)
        assert why_not_connected(refused.value) == said
        with pytest.raises(DeliveryFailed, match=said):
            await post_to_webhook(session, url, {})

    async def nothing() -> None:
        return None

    heartbeat = Heartbeat(url, nothing)
    async with open_session(()) as session:
        assert await heartbeat._call(session) == said
