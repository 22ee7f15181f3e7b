"""A Slack message of an open incident is edited in place as its numbers grow."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from server.incidents.record import Recorder
from server.notify.delivery.pace import SLACK_BOT
from server.notify.delivery.refresh import EDIT_EVERY_S, EDITS_A_TURN, TURN_S, Refresher
from server.notify.delivery.worker import Postman
from server.notify.live import Live
from server.notify.news import IncidentNews
from server.notify.outlets import Outlets
from server.notify.slack.channel import BotChannel, open_slack
from server.process.metrics import Metrics
from server.settings.settings import Slack
from server.storage.database import Database, open_database
from server.storage.main import incidents, outbox, slack_messages
from server.storage.main.outbox import DeliveryFilter
from server.storage.main.slack_messages import SlackMessage
from server.storage.times import to_micros
from shared.incident import Change
from shared.pipe import Incident, IncidentEnded
from tests.builders import START
from tests.clock import Clock
from tests.fakes.slack import FakeSlack, not_ok, text_of, too_many
from tests.server.notify.news import incident
from tests.server.notify.turns import turn
from tests.waiting import limit, until


class Scene:
    """A recorder, the postman of Slack and the refresher on one clock, which the test moves."""

    def __init__(self, database: Database, slack: FakeSlack) -> None:
        self.database = database
        self.slack = slack
        self.clock = Clock()
        self.seq = 0
        self.metrics = Metrics()
        self.recorder = Recorder(
            database,
            live=Live(),
            metrics=self.metrics,
            min_severity="all",
            outlets=Outlets(slack="bot", slack_receiver="#alerts"),
            now=self.clock,
        )

    def start(self, bot: BotChannel) -> None:
        """What works for Slack, as after a start of the server."""
        self.bot = bot
        self.postman = Postman(
            self.database, bot, SLACK_BOT, self.metrics, now=self.clock, draw=lambda: 0.0
        )
        self.refresher = Refresher(
            self.database, bot, self.metrics, now=self.clock, draw=lambda: 1.0
        )

    def incident(self, change: Change, number: int, **changes: Any) -> Incident:
        """What the engine says of incident `number` because of a next entry."""
        self.seq += 1
        summary = msgspec.structs.asdict(incident(number, **changes))
        return Incident(seq=self.seq, change=change, **summary)

    async def say(self, change: Change, number: int = 1, **changes: Any) -> None:
        """The recorder stores that of incident `number`."""
        await self.recorder.record([self.incident(change, number, **changes)], [])

    async def end(self, number: int = 1) -> None:
        """The recorder stores that incident `number` is over."""
        ended = IncidentEnded(incident(number).incident_id, "quiet for 30 minutes", self.clock.now)
        await self.recorder.record([ended], [])

    async def acknowledge(self, number: int = 1) -> None:
        """Ada acknowledges it."""
        async with self.database.write() as tx:
            at = to_micros(self.clock.now)
            assert await incidents.acknowledge(tx, incident(number).incident_id, "ada", at)

    async def open_and_tell(self, number: int = 1) -> None:
        """An incident with its message; so long ago that it may be edited."""
        await self.say("opened", number)
        await turn(self.postman)
        self.clock.pass_s(EDIT_EVERY_S + 1)

    async def rest(self) -> float:
        """Let the refresher take its turn, and the time pass that it rests then, in seconds."""
        pause_s = await self.refresher.turn()
        self.clock.pass_s(pause_s)
        return pause_s

    async def claimed(self) -> None:
        """Return once the postman has taken a message up."""
        async with limit():
            while True:
                async with self.database.read() as tx:
                    if (await outbox.newest(tx, DeliveryFilter(), 1))[0].state == "sending":
                        return

    def refreshes(self, outcome: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "pushlog_slack_refreshes_total", {"outcome": outcome}
        )
        return value or 0.0

    @property
    def edits(self) -> int:
        """How often Slack was asked for an edit."""
        return self.slack.calls.count("chat.update")

    def shown(self) -> str:
        """The one message in the channel that is no reply."""
        (root,) = self.slack.roots()
        return text_of(root)


def settings_of(slack: FakeSlack) -> Slack:
    return Slack(webhook_url=None, bot_token=slack.token, channel="#alerts", api_url=slack.api_url)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def scene(database: Database, slack: FakeSlack) -> AsyncIterator[Scene]:
    scene = Scene(database, slack)
    async with open_slack(settings_of(slack), "https://pushlog.example", scene.clock) as bot:
        assert isinstance(bot, BotChannel)
        scene.start(bot)
        yield scene


async def test_growth_is_shown_by_an_edit_and_told_nobody(scene: Scene) -> None:
    await scene.open_and_tell()
    assert "1, last seen" in scene.shown()
    await scene.say("updated", event_count=1234, last_seen=START + timedelta(minutes=7))
    assert await scene.rest() == TURN_S
    assert "1,234, last seen 2025-03-04 09:07 UTC" in scene.shown()
    assert len(scene.slack.messages) == 1
    async with scene.database.read() as tx:
        assert len(await outbox.newest(tx, DeliveryFilter(), 10)) == 1
    assert scene.refreshes("edited") == 1


async def test_an_incident_that_does_not_grow_is_left_alone(scene: Scene) -> None:
    await scene.open_and_tell()
    for _ in range(10):
        await scene.rest()
    assert scene.edits == 0


async def test_a_message_is_edited_every_30_s_however_fast_its_incident_grows(
    scene: Scene,
) -> None:
    await scene.open_and_tell()
    end = scene.clock.now + timedelta(minutes=10)
    while scene.clock.now < end:
        await scene.say("updated", event_count=scene.seq)
        await scene.rest()
    assert 10 <= scene.edits <= 20


async def test_an_acknowledgement_is_shown_at_once_and_only_once(scene: Scene) -> None:
    await scene.open_and_tell()
    await scene.say("updated", event_count=2)
    await scene.rest()
    await scene.acknowledge()
    await scene.refresher.turn()
    assert "open, acknowledged by ada" in scene.shown()
    edits = scene.edits
    for _ in range(10):
        await scene.rest()
    assert scene.edits == edits


async def test_an_acknowledgement_stays_in_the_message_when_it_gets_worse(scene: Scene) -> None:
    await scene.open_and_tell()
    await scene.say("escalated", event_count=900)
    await scene.acknowledge()
    await scene.refresher.turn()
    await turn(scene.postman)
    assert "open, got worse, acknowledged by ada" in scene.shown()


async def test_an_acknowledgement_is_shown_though_news_was_written_into_the_message_since(
    scene: Scene,
) -> None:
    await scene.open_and_tell()
    await scene.acknowledge()
    scene.clock.pass_s(1)
    await scene.say("escalated", event_count=900)
    await turn(scene.postman)
    assert "acknowledged" not in scene.shown()
    scene.clock.pass_s(EDIT_EVERY_S + 1)
    await scene.refresher.turn()
    assert "open, got worse, acknowledged by ada" in scene.shown()


async def test_an_acknowledgement_that_slack_refuses_holds_up_no_other_message(
    scene: Scene,
) -> None:
    await scene.open_and_tell(1)
    await scene.open_and_tell(2)
    await scene.acknowledge(1)
    scene.slack.answers = [not_ok("invalid_blocks")]
    assert await scene.rest() == 30
    await scene.say("updated", 2, event_count=22)
    scene.clock.pass_s(EDIT_EVERY_S)
    await scene.refresher.turn()
    assert "22, last seen" in text_of(scene.slack.roots()[1])


async def test_whoever_waits_to_see_something_need_not_wait_for_a_turn(scene: Scene) -> None:
    await scene.open_and_tell()
    running = asyncio.create_task(scene.refresher.run())
    try:
        await scene.acknowledge()
        scene.refresher.wake()
        await scene.slack.wait_until_shown("acknowledged by ada")
    finally:
        running.cancel()


async def test_200_open_incidents_stay_within_slacks_limit_and_each_has_its_turn(
    scene: Scene,
) -> None:
    numbers = range(200)
    await scene.recorder.record([scene.incident("opened", number) for number in numbers], [])
    async with scene.database.write() as tx:
        for number in numbers:
            told = IncidentNews(change="opened", incident=incident(number))
            message = SlackMessage(
                told.incident.incident_id,
                "#alerts",
                "C0ALERTS",
                f"1700000000.{number:06}",
                msgspec.json.encode([told]),
                said_seq=0,
            )
            await slack_messages.put(tx, message, edited_at=0)
            posted = {"channel": "#alerts", "ts": message.ts, "text": "opened", "blocks": []}
            scene.slack.messages[message.ts] = posted
    grown = [scene.incident("updated", number, event_count=77) for number in numbers]
    await scene.recorder.record(grown, [])
    began = scene.clock.now
    turns = 0
    while scene.edits < 200:
        before = scene.edits
        await scene.rest()
        turns += 1
        assert scene.edits - before <= EDITS_A_TURN
    assert scene.edits / ((scene.clock.now - began).total_seconds() / 60) <= 20
    assert turns == 200 / EDITS_A_TURN
    assert all("77, last seen" in text_of(each) for each in scene.slack.messages.values())
    await scene.rest()
    assert scene.edits == 200


async def test_retry_after_is_obeyed_by_edits_and_by_what_is_told(scene: Scene) -> None:
    await scene.open_and_tell()
    await scene.say("updated", event_count=2)
    scene.slack.answers = [too_many(300)]
    assert await scene.refresher.turn() == 300
    scene.clock.pass_s(100)
    await scene.say("escalated", event_count=900)
    await turn(scene.postman)
    await scene.refresher.turn()
    assert scene.edits == 1
    scene.clock.pass_s(201)
    await turn(scene.postman)
    assert scene.edits == 2
    assert "900, last seen" in scene.shown()


async def test_a_closed_method_of_slack_closes_no_other(scene: Scene) -> None:
    await scene.open_and_tell(1)
    await scene.say("updated", 1, event_count=2)
    scene.slack.answers = [too_many(300)]
    await scene.refresher.turn()
    await scene.say("opened", 2)
    await turn(scene.postman)
    assert len(scene.slack.roots()) == 2


async def test_a_slack_that_is_down_is_asked_less_and_less_often(scene: Scene) -> None:
    await scene.open_and_tell()
    await scene.say("updated", event_count=2)
    scene.slack.down = True
    pauses = []
    for _ in range(7):
        pauses.append(await scene.rest())
        scene.clock.pass_s(EDIT_EVERY_S)
    assert pauses == [30, 60, 120, 240, 480, 600, 600]
    assert scene.refreshes("failed") == scene.edits == 7
    scene.slack.down = False
    assert await scene.rest() == TURN_S
    assert "2, last seen" in scene.shown()
    scene.slack.down = True
    await scene.say("updated", event_count=3)
    scene.clock.pass_s(EDIT_EVERY_S)
    assert await scene.rest() == 30


async def test_edits_that_fail_hold_up_no_news(scene: Scene) -> None:
    await scene.open_and_tell(1)
    await scene.say("updated", 1, event_count=2)
    scene.slack.answers = [web.Response(status=503)]
    assert await scene.refresher.turn() == 30
    await scene.say("opened", 2)
    await turn(scene.postman)
    assert len(scene.slack.roots()) == 2


async def test_one_message_that_slack_refuses_keeps_no_other_from_its_turn(scene: Scene) -> None:
    await scene.open_and_tell(1)
    await scene.open_and_tell(2)
    await scene.say("updated", 1, event_count=2)
    await scene.say("updated", 2, event_count=22)
    scene.slack.answers = [not_ok("invalid_blocks")]
    await scene.rest()
    await scene.rest()
    first, second = (text_of(each) for each in scene.slack.roots())
    assert "22, last seen" in second
    assert "1, last seen" in first


async def test_a_message_that_was_deleted_is_tried_once_and_not_posted_again(scene: Scene) -> None:
    await scene.open_and_tell()
    scene.slack.messages.clear()
    for count in range(2, 7):
        await scene.say("updated", event_count=count)
        await scene.rest()
        scene.clock.pass_s(EDIT_EVERY_S)
    assert scene.edits == 1
    assert scene.slack.messages == {}
    assert (scene.refreshes("gone"), scene.refreshes("failed")) == (1, 0)
    await scene.say("escalated", severity="critical")
    await turn(scene.postman)
    assert "got worse" in scene.slack.roots()[0]["text"]


async def test_a_message_that_cannot_be_remembered_yet_is_posted_once_and_remembered(
    scene: Scene, database_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.say("opened")
    scene.slack.hang = True
    telling = asyncio.create_task(turn(scene.postman))
    await scene.slack.wait_for_calls(1)
    with contextlib.closing(sqlite3.connect(database_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        scene.slack.hang = False
        scene.slack.release()
        await until(lambda: "slack waits for the database: " in caplog.text)
        other.execute("ROLLBACK")
    await telling
    # It is known, so what comes next is an edit of it.
    await scene.end()
    await turn(scene.postman)
    assert "ended" in scene.shown()


async def test_an_edit_whose_reply_is_refused_is_not_taken_back(scene: Scene) -> None:
    await scene.open_and_tell()
    await scene.say("escalated", severity="critical", event_count=900)
    scene.slack.answers = [web.json_response({"ok": True}), not_ok("msg_too_long")]
    await turn(scene.postman)
    await scene.say("updated", severity="critical", event_count=950)
    scene.clock.pass_s(EDIT_EVERY_S + 1)
    await scene.rest()
    (root,) = scene.slack.roots()
    assert root["text"].startswith("got worse")
    assert "950, last seen" in text_of(root)


async def test_an_edit_that_is_under_way_never_overwrites_newer_news(scene: Scene) -> None:
    await scene.open_and_tell()
    await scene.say("updated", event_count=2)
    scene.slack.hang = True
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(scene.refresher.turn())
        await scene.slack.wait_for_calls(2)
        # From here on Slack answers at once, except for that edit.
        scene.slack.hang = False
        await scene.end()
        tasks.create_task(turn(scene.postman))
        await scene.claimed()
        # Turns for the postman to be first, if nothing kept it.
        for _ in range(1_000):
            await asyncio.sleep(0)
        scene.slack.release()
    assert "ended: quiet for 30 minutes" in scene.shown()
    assert "2, last seen" in scene.shown()


async def test_news_that_waited_does_not_set_the_numbers_back(scene: Scene) -> None:
    await scene.open_and_tell()
    await scene.say("escalated", severity="critical", event_count=900)
    await scene.say("updated", severity="critical", event_count=5000)
    await scene.refresher.turn()
    assert "5,000, last seen" in scene.shown()
    await turn(scene.postman)
    (root,) = scene.slack.roots()
    assert root["text"].startswith("got worse")
    assert "5,000, last seen" in text_of(root)
    (reply,) = scene.slack.replies(root["ts"])
    assert "after 900 events" in reply["text"]


async def test_an_ended_incident_is_not_edited_any_more(scene: Scene) -> None:
    await scene.open_and_tell()
    await scene.say("updated", event_count=2)
    await scene.end()
    scene.slack.down = True
    await turn(scene.postman)
    calls = len(scene.slack.calls)
    scene.clock.pass_s(EDIT_EVERY_S)
    await scene.rest()
    assert len(scene.slack.calls) == calls


async def test_a_defect_in_one_message_is_said_and_ends_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.open_and_tell()
    await scene.say("updated", event_count=2)
    async with scene.database.write() as tx:
        known = await slack_messages.get(tx, incident().incident_id, "#alerts")
        assert known is not None
        broken = msgspec.structs.replace(known, said=b"[{}]")
        await slack_messages.put(tx, broken, edited_at=0)
    assert await scene.refresher.turn() == 30
    assert "slack broke" in caplog.text


async def test_after_a_restart_it_goes_on_where_it_was(
    database_path: Path, slack: FakeSlack
) -> None:
    async with open_database(database_path) as database:
        scene = Scene(database, slack)
        async with open_slack(settings_of(slack), "https://p.example", scene.clock) as bot:
            assert isinstance(bot, BotChannel)
            scene.start(bot)
            await scene.open_and_tell()
            await scene.say("updated", event_count=2)
    async with open_database(database_path) as database:
        after = Scene(database, slack)
        after.clock.now = scene.clock.now
        async with open_slack(settings_of(slack), "https://p.example", after.clock) as bot:
            assert isinstance(bot, BotChannel)
            after.start(bot)
            await after.rest()
            assert "2, last seen" in after.shown()
            assert after.edits == 1
            await after.rest()
            assert after.edits == 1
