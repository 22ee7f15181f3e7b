"""A stop starts nothing new, and waits for what is under way on every channel."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import get_args

import msgspec
import pytest

from server.notify.channel import ChannelName, DeliveryFailed, Letter
from server.notify.channels import PostOffice, outlets_of
from server.notify.delivery.pace import EMAIL, SLACK_WEBHOOK, Meter
from server.notify.delivery.worker import AT_ONCE, Postman
from server.notify.news import TestNews as TryNews
from server.notify.outlets import WEBHOOK_RECEIVER, Outlets, Target
from server.notify.webhook.channel import webhook_receiver
from server.process.metrics import Metrics
from server.settings.settings import read_settings
from server.storage.database import Database
from server.storage.main import outbox
from server.storage.main.outbox import DeliveryFilter, NewDelivery
from server.storage.main.slack_messages import SlackMessage
from server.storage.times import to_micros
from tests.builders import START
from tests.waiting import LIMIT_S, limit, until

SMTP = {"SMTP_HOST": "mail.acme.example", "SMTP_FROM": "pushlog@acme.example"}
WEBHOOK = {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x"}
OWN_URLS = ("https://a.example/1", "https://b.example/2")
OWN = {"WEBHOOK_URLS": ", ".join(OWN_URLS), "WEBHOOK_SECRET": f"whsec_{'a' * 32}"}
OWN_TARGETS: tuple[Target, ...] = tuple(("webhook", webhook_receiver(url)) for url in OWN_URLS)
BOT = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL": "#alerts"}


class SlowChannel:
    """Accepts each letter only when it is let through; urgent ones at once."""

    def __init__(self, name: ChannelName) -> None:
        self.name: ChannelName = name
        self.hurried: set[str] = set()
        self.meter = Meter(100)
        self.editing: asyncio.Lock | None = None
        self.begun: list[str] = []
        self.under_way = asyncio.Event()
        self.through = asyncio.Event()
        self.fails = False

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        self.begun += [letter.key for letter in letters]
        self.under_way.set()
        if letters[0].receiver not in self.hurried:
            await self.through.wait()
        if self.fails:
            raise DeliveryFailed("nobody at home", permanent=True)
        return ()


class Post:
    """An office of two slow channels, in the middle of a send on each."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.mail, self.slack = SlowChannel("email"), SlowChannel("slack")
        self.office = PostOffice(
            (self.mail, self.slack),
            (
                Postman(database, self.mail, EMAIL, Metrics()),
                Postman(database, self.slack, SLACK_WEBHOOK, Metrics()),
            ),
        )

    async def add(self, channel: ChannelName, key: str, receiver: str) -> None:
        letter = NewDelivery(
            key=key,
            channel=channel,
            receiver=receiver,
            incident_id=None,
            news=msgspec.json.encode(TryNews(START)),
        )
        async with self.database.write() as tx:
            await outbox.add(tx, [letter], to_micros(START))

    async def states(self) -> dict[str, str]:
        async with self.database.read() as tx:
            return {row.key: row.state for row in await outbox.newest(tx, DeliveryFilter(), 100)}


@pytest.fixture
async def post(database: Database) -> AsyncIterator[Post]:
    made = Post(database)
    await made.add("email", "mail 1", "ada@acme.example")
    await made.add("email", "mail 2", "ada@acme.example")
    await made.add("slack", "slack 1", "#alerts")
    running = [asyncio.create_task(postman.run()) for postman in made.office.postmen]
    async with limit():
        await made.mail.under_way.wait()
        await made.slack.under_way.wait()
    yield made
    for task in running:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def turns() -> None:
    """Let everything that can go on do so for a while."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_stop_waits_for_the_sends_that_are_under_way_and_begins_no_other(
    post: Post,
) -> None:
    stopping = asyncio.create_task(post.office.stop(LIMIT_S))
    await turns()
    assert not stopping.done()
    post.mail.through.set()
    await post.office.postmen[0].stop(LIMIT_S)
    assert (await post.states())["mail 1"] == "sent"
    await turns()
    # The other channel is waited for too.
    assert not stopping.done()
    post.slack.through.set()
    await stopping
    assert await post.states() == {"mail 1": "sent", "mail 2": "waiting", "slack 1": "sent"}
    assert post.mail.begun == ["mail 1"]


async def test_a_send_that_fails_during_a_stop_is_noted_before_the_stop_is_over(
    post: Post,
) -> None:
    post.mail.fails = True
    stopping = asyncio.create_task(post.office.stop(LIMIT_S))
    await turns()
    post.mail.through.set()
    post.slack.through.set()
    await stopping
    assert await post.states() == {"mail 1": "failed", "mail 2": "waiting", "slack 1": "sent"}


async def test_a_send_that_takes_too_long_holds_up_no_stop_and_is_tried_again_by_the_next_start(
    post: Post,
) -> None:
    await post.office.stop(0)
    assert await post.states() == {"mail 1": "sending", "mail 2": "waiting", "slack 1": "sending"}
    async with post.database.write() as tx:
        assert await outbox.release(tx, "email", to_micros(START)) == 1
    assert (await post.states())["mail 1"] == "waiting"


async def test_a_second_stop_is_over_as_the_first(post: Post) -> None:
    post.mail.through.set()
    post.slack.through.set()
    await post.office.stop(LIMIT_S)
    async with limit():
        await post.office.stop(LIMIT_S)


async def test_one_slow_receiver_delays_nobody(post: Post) -> None:
    post.mail.hurried = {"bob@acme.example", "cat@acme.example"}
    for number in range(3):
        await post.add("email", f"bob {number}", "bob@acme.example")
    await post.add("email", "cat", "cat@acme.example")
    post.office.wake()
    await until(lambda: len(post.mail.begun) == 5)
    # The slow one gets the next only when the first has come through.
    assert sorted(post.mail.begun) == ["bob 0", "bob 1", "bob 2", "cat", "mail 1"]
    post.mail.through.set()
    await until(lambda: "mail 2" in post.mail.begun)


async def test_only_a_few_are_delivered_to_at_the_same_time(post: Post) -> None:
    for number in range(2 * AT_ONCE):
        await post.add("email", f"k{number}", f"p{number}@acme.example")
    post.office.wake()
    await until(lambda: len(post.mail.begun) == AT_ONCE)
    await turns()
    assert len(post.mail.begun) == AT_ONCE
    post.mail.through.set()
    await until(lambda: len(post.mail.begun) == 2 * AT_ONCE + 2)


@pytest.mark.parametrize(
    ("environ", "outlets"),
    [
        ({}, Outlets()),
        (SMTP, Outlets(email=True)),
        (WEBHOOK, Outlets(slack="webhook", slack_receiver=WEBHOOK_RECEIVER)),
        (SMTP | WEBHOOK, Outlets(email=True, slack="webhook", slack_receiver=WEBHOOK_RECEIVER)),
        (BOT, Outlets(slack="bot", slack_receiver="#alerts")),
        (SMTP | BOT, Outlets(email=True, slack="bot", slack_receiver="#alerts")),
        (WEBHOOK | BOT, Outlets(slack="bot", slack_receiver="#alerts")),
        (OWN | SMTP, Outlets(email=True, targets=OWN_TARGETS)),
        (OWN | BOT, Outlets(slack="bot", slack_receiver="#alerts", targets=OWN_TARGETS)),
    ],
)
def test_people_are_told_by_each_way_that_is_set_up(
    environ: dict[str, str], outlets: Outlets
) -> None:
    assert outlets_of(read_settings(environ)) == outlets


def test_what_becomes_of_deliveries_is_counted_for_each_channel_from_the_start() -> None:
    metrics = Metrics()
    for counter in (metrics.deliveries, metrics.delivery_failures):
        samples = [sample for family in counter.collect() for sample in family.samples]
        assert {each.labels["channel"] for each in samples} == set(get_args(ChannelName))
