"""Each channel of Slack that is told of an incident has its own message, and its own thread."""

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from server.incidents.actions import Actions
from server.incidents.record import Recorder
from server.interactions.payload import read_payload
from server.interactions.presses import Presses
from server.notify.delivery.pace import SLACK_BOT, Pace
from server.notify.delivery.refresh import EDIT_EVERY_S, EDITS_A_TURN, Refresher
from server.notify.delivery.worker import Postman
from server.notify.live import Live
from server.notify.news import News
from server.notify.outlets import Outlets
from server.notify.planning.deliveries import make_delivery
from server.notify.reminders import Reminders
from server.notify.slack.channel import BotChannel, open_slack
from server.process.metrics import Metrics
from server.settings.reminding import Reminding
from server.settings.settings import Slack
from server.storage.database import Database, migrate, open_database
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import notification_routes, outbox, slack_messages
from server.storage.main.notification_routes import RouteTarget, RouteValues
from server.storage.main.slack_messages import EVERYBODY
from shared.event import Severity
from shared.incident import Change
from shared.pipe import Incident, IncidentEnded
from tests.clock import Clock
from tests.fakes.slack import FakeSlack, buttons_of, not_ok, text_of
from tests.server.notify.news import incident, push_news, trouble_news, verdict_news
from tests.server.notify.turns import turn
from tests.server.storage.test_migrations_with_data import migrated_to

OUTLETS = Outlets(slack="bot", slack_receiver="#alerts")
REMINDING = Reminding(escalate_after_min={"error": 30}, escalate_to=("#shop",))
SHORT_OF_SINGLES = msgspec.structs.replace(SLACK_BOT, singles=1)
"""A receiver gets one message by itself, and then digests."""


class Scene:
    """All that tells of incidents in Slack, on one clock, which the test moves."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        slack: FakeSlack,
        bot: BotChannel,
        clock: Clock,
        session: aiohttp.ClientSession,
    ) -> None:
        self.database, self.slack, self.bot, self.clock = database, slack, bot, clock
        self.seq = 0
        live, self.metrics = Live(), Metrics()
        self.recorder = Recorder(
            database,
            live=live,
            metrics=self.metrics,
            min_severity="all",
            outlets=OUTLETS,
            now=clock,
        )
        self.reminders = Reminders(database, live, OUTLETS, REMINDING, lambda: None, clock)
        self.postman = self.make_postman(SLACK_BOT)
        self.refresher = Refresher(database, bot, self.metrics, now=clock, draw=lambda: 1.0)
        self.presses = Presses(Actions(database, journal, live, now=clock), session)

    def make_postman(self, pace: Pace) -> Postman:
        return Postman(
            self.database, self.bot, pace, self.metrics, now=self.clock, draw=lambda: 0.0
        )

    async def route(self, *receivers: str, severity: Severity | None = None) -> None:
        """From now on, incidents of this severity go to these channels."""
        targets = [RouteTarget("slack", each) for each in receivers]
        async with self.database.write() as tx:
            await notification_routes.add(
                tx, RouteValues(severity=severity, targets=targets), "ada"
            )

    async def say(self, change: Change, number: int = 1, **changes: Any) -> None:
        """The engine says so of an incident, and whoever is told of it is."""
        self.seq += 1
        fields = msgspec.structs.asdict(incident(number, **changes))
        await self.recorder.record([Incident(seq=self.seq, change=change, **fields)], [])
        await self.deliver()

    async def tell(self, receiver: str, key: str, news: News) -> None:
        """Tell one channel of something that is no incident."""
        async with self.database.write() as tx:
            letter = make_delivery(key, "slack", receiver, None, news)
            await outbox.add(tx, [letter], self.clock.micros())
        await self.deliver()

    async def end(self, number: int = 1) -> None:
        ended = IncidentEnded(incident(number).incident_id, "quiet for 30 minutes", self.clock.now)
        await self.recorder.record([ended], [])
        await self.deliver()

    async def hand_on(self) -> None:
        """Nobody acknowledges anything for half an hour."""
        self.clock.pass_s(1800)
        await self.reminders.tell()
        await self.deliver()

    async def press(self, button: str, ts: str) -> None:
        """Ada presses a button of a message, a moment after she saw it."""
        self.clock.pass_s(1)
        (pressed,) = read_payload(json.dumps(self.slack.press(button, ts)))
        await self.presses.do(pressed)

    async def deliver(self) -> None:
        while await turn(self.postman) == 0.0:
            pass

    async def refresh(self) -> None:
        """Time passes, and the messages that are out of date are edited."""
        self.clock.pass_s(EDIT_EVERY_S + 1)
        await self.refresher.turn()

    def messages(self, receiver: str) -> list[dict[str, Any]]:
        """The messages in this channel that are no replies."""
        return [each for each in self.slack.roots() if each["channel"] == receiver]

    def shown(self, receiver: str) -> str:
        """What the one message in this channel says."""
        (root,) = self.messages(receiver)
        return text_of(root)

    def replies(self, receiver: str) -> list[str]:
        """What the thread below it says."""
        (root,) = self.messages(receiver)
        return [each["text"] for each in self.slack.replies(root["ts"])]


@contextlib.asynccontextmanager
async def open_scene(path: Path, slack: FakeSlack, clock: Clock) -> AsyncIterator[Scene]:
    settings = Slack(
        webhook_url=None,
        bot_token=slack.token,
        channel="#alerts",
        signing_secret="s",
        api_url=slack.api_url,
    )
    async with (
        open_database(path) as database,
        open_journal(path.with_name("pushlog-journal.db")) as journal,
        open_slack(settings, "https://pushlog.example", clock) as bot,
        aiohttp.ClientSession() as session,
    ):
        assert isinstance(bot, BotChannel)
        yield Scene(database, journal, slack, bot, clock, session)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def scene(database_path: Path, slack: FakeSlack, clock: Clock) -> AsyncIterator[Scene]:
    async with open_scene(database_path, slack, clock) as scene:
        yield scene


async def test_two_channels_have_a_message_each_that_is_edited_and_replied_to_where_it_is(
    scene: Scene,
) -> None:
    await scene.route("", "#shop")
    await scene.say("opened")
    await scene.say("updated", event_count=50)
    await scene.refresh()
    for receiver in ("#alerts", "#shop"):
        assert "50, last seen" in scene.shown(receiver)
    await scene.say("escalated", event_count=900)
    await scene.end()
    for receiver in ("#alerts", "#shop"):
        assert "ended: quiet for 30 minutes" in scene.shown(receiver)
        worse, over = scene.replies(receiver)
        assert worse == "*Got worse*: now error, after 900 events."
        assert over == "*Ended*: quiet for 30 minutes."


async def test_a_channel_that_hears_only_of_the_worst_has_its_message_and_the_first_is_edited(
    scene: Scene,
) -> None:
    await scene.route("#deploys", severity="critical")
    await scene.say("opened")
    assert scene.messages("#deploys") == []
    await scene.say("escalated", severity="critical", event_count=900)
    (worse,) = scene.messages("#deploys")
    assert worse["text"].startswith("got worse")
    assert scene.replies("#deploys") == scene.replies("#alerts") == []
    await scene.refresh()
    assert "*Severity*\ncritical" in scene.shown("#alerts")
    assert "900, last seen" in scene.shown("#alerts")
    await scene.end()
    for receiver in ("#alerts", "#deploys"):
        assert "ended" in scene.shown(receiver)
        assert scene.replies(receiver) == ["*Ended*: quiet for 30 minutes."]


async def test_the_message_of_whom_it_was_handed_on_to_says_what_becomes_of_it(
    scene: Scene,
) -> None:
    await scene.say("opened")
    await scene.hand_on()
    about = "*Not acknowledged*\nNobody has acknowledged it for 30 min."
    assert about in scene.shown("#shop")
    assert about not in scene.shown("#alerts")
    await scene.say("updated", event_count=50)
    await scene.refresh()
    assert "50, last seen" in scene.shown("#shop")
    assert about in scene.shown("#shop")
    (other,) = scene.messages("#shop")
    await scene.press("Acknowledge", other["ts"])
    await scene.refresher.turn()
    for receiver in ("#alerts", "#shop"):
        assert "open, acknowledged by ada (Slack)" in scene.shown(receiver)
        assert "Not acknowledged" not in scene.shown(receiver)
    (other,) = scene.messages("#shop")
    assert other["text"].startswith("acknowledged: ValueError")
    assert "Acknowledge" not in [each["text"]["text"] for each in buttons_of(other)]
    await scene.end()
    for receiver in ("#alerts", "#shop"):
        assert "ended" in scene.shown(receiver)
        assert scene.replies(receiver) == ["*Ended*: quiet for 30 minutes."]


async def test_that_nobody_acknowledged_it_is_still_said_when_it_gets_worse(scene: Scene) -> None:
    await scene.route("", "#shop", severity="critical")
    await scene.say("opened")
    await scene.hand_on()
    await scene.say("escalated", severity="critical", event_count=900)
    assert "open, got worse" in scene.shown("#shop")
    assert "Nobody has acknowledged it for 30 min." in scene.shown("#shop")
    assert "Nobody has acknowledged it" not in scene.shown("#alerts")
    await scene.end()
    assert "Nobody has acknowledged it" not in scene.shown("#shop")


async def test_a_channel_that_knew_of_it_hears_in_its_thread_that_it_was_handed_on_to_it(
    scene: Scene,
) -> None:
    await scene.route("", "#shop")
    await scene.say("opened")
    await scene.hand_on()
    assert scene.replies("#shop") == ["*Not acknowledged*: Nobody has acknowledged it for 30 min."]
    (root,) = scene.messages("#shop")
    (reply,) = scene.slack.replies(root["ts"])
    assert reply["reply_broadcast"] is True
    assert scene.replies("#alerts") == []


async def test_after_a_press_in_one_channel_all_messages_show_it(scene: Scene) -> None:
    await scene.route("", "#shop", "#deploys")
    await scene.say("opened")
    (second,) = scene.messages("#shop")
    await scene.press("Acknowledge", second["ts"])
    await scene.refresher.turn()
    for receiver in ("#alerts", "#shop", "#deploys"):
        assert "open, acknowledged by ada (Slack)" in scene.shown(receiver)
    assert scene.slack.calls.count("chat.update") == 3


async def test_messages_of_one_incident_take_turns_like_those_of_many(scene: Scene) -> None:
    await scene.route("", "#shop", "#deploys")
    for number in (1, 2):
        await scene.say("opened", number)
    for number in (1, 2):
        await scene.say("updated", number, event_count=50)
    await scene.refresh()
    assert scene.slack.calls.count("chat.update") == EDITS_A_TURN
    await scene.refresher.turn()
    assert scene.slack.calls.count("chat.update") == 6
    assert all("50, last seen" in text_of(each) for each in scene.slack.roots())


async def test_an_edit_that_fails_in_one_channel_is_tried_after_that_in_the_other(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.route("", "#shop")
    await scene.say("opened")
    await scene.say("updated", event_count=50)
    scene.slack.answers = [not_ok("invalid_blocks")]
    await scene.refresh()
    assert f"slack {incident().incident_id} in #alerts not brought up to date" in caplog.text
    await scene.refresher.turn()
    assert "50, last seen" in scene.shown("#shop")
    assert "50, last seen" not in scene.shown("#alerts")


async def test_a_message_that_was_deleted_in_one_channel_is_edited_on_in_the_other(
    scene: Scene,
) -> None:
    await scene.route("", "#shop")
    await scene.say("opened")
    (first,) = scene.messages("#alerts")
    del scene.slack.messages[first["ts"]]
    await scene.say("updated", event_count=50)
    await scene.refresh()
    assert scene.messages("#alerts") == []
    assert "50, last seen" in scene.shown("#shop")


async def test_a_digest_edits_the_messages_of_its_own_channel(scene: Scene) -> None:
    await scene.route("", "#shop")
    await scene.say("opened")
    scene.postman = scene.make_postman(SHORT_OF_SINGLES)
    await scene.say("escalated", event_count=900)
    await scene.say("opened", 2)
    scene.clock.pass_s(SHORT_OF_SINGLES.digest_every_s)
    await scene.deliver()
    for receiver in ("#alerts", "#shop"):
        of_the_first, digest = scene.messages(receiver)
        assert "open, got worse" in text_of(of_the_first)
        assert "2 notifications" in text_of(digest)
        assert scene.slack.replies(of_the_first["ts"]) == []


async def test_a_verdict_is_written_into_the_push_whichever_channel_it_is_for(
    scene: Scene,
) -> None:
    await scene.tell("#shop", "push", push_news(services=["shop", "web"]))
    await scene.tell("#alerts", "verdict", verdict_news(service="web"))
    assert scene.messages("#alerts") == []
    assert "*web in production*: 🔴 faulty" in scene.shown("#shop")
    assert len(scene.replies("#shop")) == 1


async def test_the_end_of_a_trouble_is_said_where_its_beginning_was(scene: Scene) -> None:
    await scene.tell("#alerts", "began", trouble_news())
    # Meanwhile somebody gave SLACK_CHANNEL another value.
    await scene.tell("#shop", "over", trouble_news(over=True))
    assert scene.messages("#shop") == []
    assert scene.replies("#alerts") == ["*Over*: PushLog is well again."]


async def test_of_a_message_for_everybody_that_was_deleted_each_has_a_new_one(
    scene: Scene,
) -> None:
    await scene.route("", "#shop")
    incident_id = incident().incident_id
    await scene.say("opened")
    async with scene.database.write() as tx:
        known = await slack_messages.get(tx, incident_id, "#alerts")
        assert known is not None
        for receiver in ("#alerts", "#shop"):
            await slack_messages.forget(tx, incident_id, receiver)
        deleted = msgspec.structs.replace(known, receiver=EVERYBODY, ts="1600000000.000000")
        await slack_messages.put(tx, deleted, 0)
    scene.slack.messages.clear()
    await scene.say("escalated", event_count=900)
    for receiver in ("#alerts", "#shop"):
        assert "open, got worse" in scene.shown(receiver)
    await scene.refresh()
    async with scene.database.read() as tx:
        assert await slack_messages.get(tx, incident_id, EVERYBODY) is None
    assert len(scene.slack.roots()) == 2


def as_before_0038(path: Path, told: tuple[str, ...]) -> None:
    """Make it a database of schema 0037 that knows that these channels were told of incident 1."""
    model = path.with_name("0037.db")
    migrated_to(model, "0037")
    with contextlib.closing(sqlite3.connect(model)) as connection:
        (table,) = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE name = 'slack_messages'"
        ).fetchone()
    columns = "subject, channel, ts, said, said_seq, edited_at, said_acknowledged"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE slack_messages RENAME TO newer")
        connection.execute("DROP INDEX ix_slack_messages_ts")
        connection.execute(table)
        connection.execute("CREATE INDEX ix_slack_messages_ts ON slack_messages (ts)")
        connection.execute(f"INSERT INTO slack_messages SELECT {columns} FROM newer")
        connection.execute("DROP TABLE newer")
        connection.execute("DROP TABLE engine_deaths")
        connection.execute("DROP TABLE entry_ids")
        connection.execute("UPDATE alembic_version SET version_num = '0037'")
        if not told:
            connection.execute("DELETE FROM outbox")
        for number, receiver in enumerate(told[1:]):
            connection.execute(
                "INSERT INTO outbox (key, channel, receiver, incident_id, news, state, created_at,"
                " next_at) SELECT key || ?, channel, ?, incident_id, news, state, created_at,"
                " next_at FROM outbox WHERE receiver = ?",
                (f"/{number}", receiver, told[0]),
            )


@pytest.mark.parametrize(
    ("told", "receiver"),
    [
        (("#alerts",), "#alerts"),
        (("#alerts", "direct message to ada@acme.example"), "#alerts"),
        (("#alerts", "#deploys"), EVERYBODY),
        ((), EVERYBODY),
    ],
)
async def test_an_upgrade_posts_no_incident_again(
    database_path: Path, slack: FakeSlack, clock: Clock, told: tuple[str, ...], receiver: str
) -> None:
    async with open_scene(database_path, slack, clock) as scene:
        await scene.say("opened")
    as_before_0038(database_path, told)
    migrate(database_path)
    async with open_scene(database_path, slack, clock) as scene:
        scene.seq = 1
        async with scene.database.read() as tx:
            kept = await slack_messages.get(tx, incident().incident_id, receiver)
        assert kept is not None
        await scene.say("updated", event_count=50)
        await scene.refresh()
        assert "50, last seen" in scene.shown("#alerts")
        await scene.say("escalated", event_count=900)
        assert "open, got worse" in scene.shown("#alerts")
        assert scene.replies("#alerts") == ["*Got worse*: now error, after 900 events."]
        assert len(slack.roots()) == 1
        # Those to whom it is handed on never had a part in that message.
        await scene.hand_on()
        assert "Nobody has acknowledged it" in scene.shown("#shop")
        await scene.end()
        assert "ended" in scene.shown("#alerts")
        assert "ended" in scene.shown("#shop")
        assert len(slack.roots()) == 2
