"""Webhooks: a signed call about each piece of news; what answers mean; no secret leaves."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from aiohttp import web

from server.notify.channel import Channel, DeliveryFailed, Letter
from server.notify.delivery.pace import WEBHOOK
from server.notify.delivery.worker import Postman
from server.notify.news import CrashNews, News
from server.notify.news import TestNews as TryNews
from server.notify.webhook.answers import retry_after_s
from server.notify.webhook.channel import open_webhooks, webhook_receiver
from server.notify.webhook.payload import payload_of
from server.process.metrics import Metrics
from server.settings.settings import Webhooks
from server.storage.database import Database
from server.storage.main import outbox
from server.storage.main.outbox import Delivery, DeliveryFilter, NewDelivery
from server.storage.times import to_micros
from tests.builders import START, at
from tests.clock import Clock
from tests.fakes.webhook import KEY, FakeReceiver
from tests.server.notify.news import (
    ended,
    escalated,
    opened,
    push_news,
    trouble_news,
    verdict_news,
)
from tests.server.notify.turns import turn

PUBLIC_URL = "https://pushlog.example"


@pytest.fixture
async def receiver() -> AsyncIterator[FakeReceiver]:
    async with FakeReceiver(checks_time=False) as fake:
        yield fake


def open_to(address: str, clock: Clock | None = None) -> AbstractAsyncContextManager[Channel]:
    return open_webhooks(Webhooks(urls=(address,), key=KEY), PUBLIC_URL, clock or Clock())


def letter(news: News, address: str, key: str = "a/key") -> Letter:
    return Letter(key=key, receiver=webhook_receiver(address), incident_id=None, news=news)


async def failure(address: str) -> DeliveryFailed:
    async with open_to(address) as channel:
        with pytest.raises(DeliveryFailed) as failed:
            await channel.send([letter(opened(), address)])
    for secret in ("s3cret", "whsec_", "hooks/"):
        assert secret not in str(failed.value)
    return failed.value


async def test_an_incident_is_one_call_whose_signature_and_time_the_receiver_can_check() -> None:
    async with FakeReceiver() as receiver:
        webhooks = Webhooks(urls=(receiver.address,), key=KEY)
        async with open_webhooks(webhooks, PUBLIC_URL) as channel:
            await channel.send([letter(opened(), receiver.address)])
        (call,) = receiver.calls
    assert call.body["id"] == call.id
    assert call.body["type"] == "incident.opened"
    data = call.body["data"]
    assert data["incident_id"] == "inc-0000000000000001"
    assert data["url"] == f"{PUBLIC_URL}/incidents/inc-0000000000000001"
    assert data["source_url"] == "https://sentry.example/issues/1/"
    assert data["why"] == "This error has never been seen before in production."
    assert data["suspects"][0]["commit_id"] == "a1b2c3d4"
    assert (data["ended_at"], data["end_reason"]) == (None, None)


async def test_a_call_that_is_signed_with_another_secret_is_refused_and_tried_again() -> None:
    async with FakeReceiver(b"x" * 32, checks_time=False) as receiver:
        failed = await failure(receiver.address)
    assert not failed.permanent
    assert failed.kind == "settings"
    assert "check WEBHOOK_SECRET" in str(failed)


@pytest.mark.parametrize(
    ("news", "kind", "timestamp"),
    [
        (opened(), "incident.opened", at(5)),
        (escalated(), "incident.escalated", at(5)),
        (ended(), "incident.ended", at(3600)),
        (push_news(), "deploy.pushed", at(0)),
        (verdict_news(), "deploy.verdict", at(0)),
        (trouble_news(), "trouble.opened", at(0)),
        (trouble_news(over=True), "trouble.ended", at(3600)),
        (TryNews(START), "test", START),
        (CrashNews(at=START, error_type="E", message="m", traceback=""), "crash", START),
    ],
)
def test_each_piece_of_news_has_a_type_a_time_and_its_data(
    news: News, kind: str, timestamp: object
) -> None:
    payload = payload_of([letter(news, "https://acme.example/")], PUBLIC_URL)
    assert (payload.type, payload.timestamp) == (kind, timestamp)
    assert msgspec.json.encode(payload.data) != b"{}"


def test_the_end_says_when_and_why() -> None:
    payload = payload_of([letter(ended(), "https://acme.example/")], PUBLIC_URL)
    data = msgspec.to_builtins(payload)["data"]
    assert (data["ended_at"], data["end_reason"]) == (
        "2025-03-04T10:00:00Z",
        "the rate is back at its usual",
    )


@pytest.mark.parametrize(
    ("asked", "route"),
    [
        ({}, None),
        ({"request_url": "https://shop.example/pay?card=4111"}, "https://shop.example/pay?card="),
        ({"api_route": "POST /pay", "request_url": "https://shop.example/pay"}, "POST /pay"),
    ],
)
def test_the_route_is_that_of_the_event_or_else_the_address_without_values(
    asked: dict[str, Any], route: str | None
) -> None:
    payload = payload_of([letter(opened(**asked), "https://acme.example/")], PUBLIC_URL)
    data = msgspec.json.decode(msgspec.json.encode(payload))["data"]
    assert (data["route"] or "").startswith(route or "")
    assert (data["route"] is None) is (route is None)
    assert "4111" not in (data["route"] or "")


def test_secrets_in_texts_are_masked_and_query_values_left_out() -> None:
    news = opened(
        title="login failed: password=hunter22",
        message="api_key=sk_live_juliet8b3c9d4e1f6a2b7c " + "x" * 10_000,
        request_url="https://shop.example/login?code=12345",
    )
    body = msgspec.json.encode(payload_of([letter(news, "https://acme.example/")], PUBLIC_URL))
    for secret in (b"hunter22", b"juliet", b"12345"):
        assert secret not in body
    assert len(body) < 8_000


async def test_several_letters_are_one_digest_of_which_each_keeps_its_own_id(
    receiver: FakeReceiver,
) -> None:
    letters = [
        letter(opened(1), receiver.address, "k1"),
        letter(ended(2), receiver.address, "k2"),
    ]
    async with open_to(receiver.address) as channel:
        await channel.send(letters[:1])
        await channel.send(letters)
        await channel.send(letters)
    single, digest, again = receiver.calls
    assert digest.body["type"] == "digest"
    inner = digest.body["data"]["notifications"]
    assert [each["type"] for each in inner] == ["incident.opened", "incident.ended"]
    assert inner[0] == single.body
    assert digest.id == again.id
    assert len({digest.id, *(each["id"] for each in inner)}) == 3
    assert digest.body["timestamp"] == inner[1]["timestamp"]


@pytest.mark.parametrize(
    ("status", "permanent", "kind"),
    [
        (301, False, "settings"),
        (400, True, "message"),
        (401, False, "settings"),
        (404, False, "settings"),
        (410, True, "settings"),
        (413, True, "message"),
        (418, False, "settings"),
        (429, False, "limit"),
        (500, False, "connection"),
        (503, False, "connection"),
    ],
)
async def test_only_what_a_later_try_cannot_help_is_given_up(
    receiver: FakeReceiver, status: int, permanent: bool, kind: str
) -> None:
    receiver.answers = [web.Response(status=status, text="said s3cret")]
    failed = await failure(receiver.address)
    assert (failed.permanent, failed.kind) == (permanent, kind)
    assert f"HTTP {status}" in str(failed)


async def test_a_redirect_is_not_followed(receiver: FakeReceiver) -> None:
    receiver.answers = [web.Response(status=307, headers={"Location": receiver.address})]
    failed = await failure(receiver.address)
    assert "redirects, which is not followed" in str(failed)
    assert receiver.calls == []


@pytest.mark.parametrize("status", [429, 503])
async def test_the_receiver_says_when_it_wants_to_be_called_again(
    receiver: FakeReceiver, status: int
) -> None:
    receiver.answers = [web.Response(status=status, headers={"Retry-After": "90"})]
    assert (await failure(receiver.address)).retry_after_s == 90


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("0", 0),
        ("120", 120),
        ("9" * 5_000, 86_400),
        ("Tue, 04 Mar 2025 09:01:00 GMT", 60),
        ("Tue, 04 Mar 2025 08:00:00 GMT", 0),
        ("Tue, 04 Mar 2125 08:00:00 GMT", 86_400),
        *(("", None), ("soon", None), ("-5", None), ("²", None), ("Tue, 99 Mar", None)),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_day(
    text: str, wait_s: float | None
) -> None:
    assert retry_after_s(text, START) == wait_s


async def test_a_receiver_that_is_not_there_is_called_again_later() -> None:
    async with FakeReceiver() as receiver:
        address = receiver.address
    failed = await failure(address)
    assert not failed.permanent
    assert "cannot connect to 127.0.0.1" in str(failed)


async def test_a_name_of_the_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, port: int, *_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    failed = await failure("https://hooks.example/hooks/s3cret")
    assert "OUTGOING_NETWORKS does not allow" in str(failed)


async def test_an_address_that_is_no_longer_set_gets_nothing_and_the_reason_is_kept(
    receiver: FakeReceiver,
) -> None:
    async with open_to(receiver.address) as channel:
        with pytest.raises(DeliveryFailed, match="WEBHOOK_URLS no longer has") as failed:
            await channel.send([letter(opened(), "https://other.example/")])
    assert failed.value.permanent
    assert receiver.ids == []


def test_the_name_of_a_receiver_says_its_host_and_nothing_secret() -> None:
    name = webhook_receiver("https://ada:s3cret@hooks.acme.example:8443/T0/s3cret?token=s3cret")
    assert name.startswith("hooks.acme.example#")
    assert "s3cret" not in name
    other = webhook_receiver("https://hooks.acme.example/T0/another")
    assert other.startswith("hooks.acme.example#")
    assert other != name


class House:
    """A database with a postman who calls the receiver, and a clock."""

    def __init__(self, database: Database, channel: Channel, address: str, clock: Clock) -> None:
        self.database, self.address, self.clock = database, address, clock
        self.postman = Postman(database, channel, WEBHOOK, Metrics(), now=clock, draw=lambda: 1.0)

    async def post(self, *keys: str) -> None:
        async with self.database.write() as tx:
            new = [
                NewDelivery(
                    key=key,
                    channel="webhook",
                    receiver=webhook_receiver(self.address),
                    incident_id=None,
                    news=msgspec.json.encode(opened()),
                )
                for key in keys
            ]
            await outbox.add(tx, new, to_micros(self.clock.now))

    async def run_s(self, seconds: float) -> None:
        end = self.clock.now + timedelta(seconds=seconds)
        while self.clock.now <= end:
            self.clock.pass_s(max(await turn(self.postman), 0.001))
        self.clock.now = end

    async def rows(self) -> list[Delivery]:
        async with self.database.read() as tx:
            return (await outbox.newest(tx, DeliveryFilter(), 1_000))[::-1]


@pytest.fixture
async def house(database: Database, receiver: FakeReceiver, clock: Clock) -> AsyncIterator[House]:
    async with open_to(receiver.address, clock) as channel:
        yield House(database, channel, receiver.address, clock)


async def test_a_delivery_has_the_same_id_at_each_try(house: House, receiver: FakeReceiver) -> None:
    receiver.answers = [web.Response(status=500), web.Response(status=404)]
    await house.post("a")
    await house.run_s(60)
    assert len(receiver.ids) == 3
    assert len(set(receiver.ids)) == 1
    assert [(each.state, each.attempts) for each in await house.rows()] == [("sent", 3)]


async def test_a_receiver_that_is_gone_is_not_called_about_that_again(
    house: House, receiver: FakeReceiver
) -> None:
    receiver.answers = [web.Response(status=410)]
    await house.post("a")
    await house.run_s(3600)
    (row,) = await house.rows()
    assert (row.state, len(receiver.ids)) == ("failed", 1)
    assert "take it out of WEBHOOK_URLS" in (row.last_error or "")


async def test_a_receiver_that_wants_a_pause_gets_it(house: House, receiver: FakeReceiver) -> None:
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "100"})]
    await house.post("a", "b")
    await house.run_s(99)
    assert len(receiver.ids) == 1
    await house.run_s(10)
    assert len(receiver.calls) == 2


async def test_a_storm_is_digests_at_a_pace_and_all_of_it_is_told(
    house: House, receiver: FakeReceiver
) -> None:
    await house.post(*(f"k{number}" for number in range(200)))
    await house.run_s(600)
    told = [
        each["id"]
        for call in receiver.calls
        for each in call.body["data"].get("notifications", [call.body])
    ]
    assert len(told) == len(set(told)) == 200
    assert len(receiver.calls) < 70
