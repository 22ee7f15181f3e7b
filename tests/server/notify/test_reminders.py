"""An incident that nobody acknowledges is told again, and then to others."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from server.incidents.record import Recorder
from server.notify.channel import Letter
from server.notify.delivery.pace import SLACK_BOT
from server.notify.delivery.worker import Postman
from server.notify.email.compose import Letterhead, compose
from server.notify.live import Live
from server.notify.news import IncidentNews, News
from server.notify.outlets import Outlets
from server.notify.reminders import Reminders
from server.notify.slack.channel import open_slack
from server.process.metrics import Metrics
from server.settings.reminding import Reminding
from server.settings.settings import Slack
from server.storage.database import Database
from server.storage.main import incidents, notifications, outbox
from server.storage.main.outbox import Delivery, DeliveryFilter
from shared.incident import Change
from shared.pipe import Incident, IncidentEnded
from tests.builders import START, at
from tests.clock import Clock
from tests.fakes.slack import FakeSlack, buttons_of, text_of
from tests.server.notify.news import incident
from tests.server.notify.turns import turn
from tests.signed_in import OPERATOR, wish

ADA, LEAD = "ada@acme.example", "lead@acme.example"
OUTLETS = Outlets(email=True, slack="bot", slack_receiver="#alerts")
REMINDING = Reminding(
    remind_after_min={"critical": 5, "error": 15},
    escalate_after_min={"error": 30},
    escalate_to=(LEAD, "#shop"),
)
_decode = msgspec.json.Decoder(News).decode


class Scene:
    def __init__(self, database: Database, clock: Clock, slack: FakeSlack) -> None:
        self.database, self.clock, self.slack = database, clock, slack
        self.seq = 0
        self.live = live = Live()
        self.posted = 0
        self.recorder = Recorder(
            database, live=live, metrics=Metrics(), min_severity="all", outlets=OUTLETS, now=clock
        )
        self.reminders = Reminders(database, live, OUTLETS, REMINDING, self._post, clock)

    def _post(self) -> None:
        self.posted += 1

    async def say(self, change: Change, **changes: Any) -> None:
        self.seq += 1
        said = Incident(seq=self.seq, change=change, **msgspec.structs.asdict(incident(**changes)))
        await self.recorder.record([said], [])

    async def wait(self, minutes: float) -> None:
        self.clock.now += timedelta(minutes=minutes)
        await self.reminders.tell()

    async def told(self, receiver: str = ADA) -> list[str]:
        """The changes that this receiver is told of, in order."""
        return [each.change for each in await self.news(receiver)]

    async def news(self, receiver: str) -> list[IncidentNews]:
        rows = [each for each in await self.rows() if each.receiver == receiver]
        return [each for row in rows if isinstance(each := _decode(row.news), IncidentNews)]

    async def rows(self) -> list[Delivery]:
        async with self.database.read() as tx:
            return (await outbox.newest(tx, DeliveryFilter(), 100))[::-1]


@pytest.fixture
async def scene(database: Database, clock: Clock) -> AsyncIterator[Scene]:
    async with database.write() as tx:
        await wish(tx, email=ADA)
    async with FakeSlack() as slack:
        yield Scene(database, clock, slack)


async def test_who_heard_of_it_hears_again_and_then_others_hear_each_once(scene: Scene) -> None:
    await scene.say("opened")
    await scene.wait(14.9)
    assert await scene.told() == ["opened"]
    await scene.wait(0.1)
    assert await scene.told() == ["opened", "reminded"]
    assert await scene.told("#alerts") == ["opened", "reminded"]
    assert await scene.told(LEAD) == []
    await scene.wait(15)
    assert await scene.told(LEAD) == await scene.told("#shop") == ["handed_on"]
    await scene.wait(600)
    assert await scene.told() == ["opened", "reminded"]
    assert len(await scene.told(LEAD)) == 1
    assert (await scene.news(LEAD))[0].waited == "Nobody has acknowledged it for 30 min."
    async with scene.database.read() as tx:
        changes = await incidents.changes(tx, incident().incident_id, 10)
        bell = await notifications.newest(tx, OPERATOR, 10)
    assert [each.change for each in changes] == ["opened", "reminded", "handed_on"]
    assert [each.change for each in bell] == ["reminded", "opened"]


async def test_a_reminder_rings_the_bell_and_is_sent_at_once(scene: Scene) -> None:
    await scene.say("opened")
    with scene.live.listen(OPERATOR) as bell:
        await scene.wait(1)
        assert (await bell.news(0), scene.posted) == (frozenset(), 0)
        await scene.wait(600)
        assert (await bell.news(0), scene.posted) == (frozenset(["bell"]), 1)


async def test_who_acknowledges_it_in_time_hears_no_more_of_it(scene: Scene) -> None:
    await scene.say("opened")
    async with scene.database.write() as tx:
        await incidents.acknowledge(tx, incident().incident_id, "ada", scene.clock.micros())
    await scene.wait(60)
    assert await scene.told() == ["opened"]
    assert await scene.told(LEAD) == []


async def test_of_what_has_ended_nobody_is_reminded(scene: Scene) -> None:
    await scene.say("opened")
    await scene.recorder.record([IncidentEnded(incident().incident_id, "over", at(60))], [])
    await scene.wait(60)
    assert await scene.told() == ["opened", "ended"]


async def test_each_severity_has_its_time_and_the_mild_ones_none(scene: Scene) -> None:
    await scene.say("opened", severity="critical")
    await scene.wait(5)
    assert await scene.told() == ["opened", "reminded"]
    await scene.wait(600)
    # Nothing is said of whom to tell of critical ones.
    assert await scene.told(LEAD) == []


async def test_of_a_severity_without_a_time_nobody_is_reminded(scene: Scene) -> None:
    await scene.say("opened", severity="warning")
    await scene.wait(600)
    assert await scene.told() == ["opened"]


async def test_when_it_gets_worse_waiting_begins_anew(scene: Scene) -> None:
    await scene.say("opened")
    await scene.wait(14)
    await scene.say("escalated", event_count=900)
    await scene.wait(14)
    assert await scene.told() == ["opened", "escalated"]
    await scene.wait(1)
    assert await scene.told() == ["opened", "escalated", "reminded"]


async def test_of_what_nobody_was_told_nobody_is_reminded(scene: Scene) -> None:
    scene.recorder = Recorder(
        scene.database,
        live=Live(),
        metrics=Metrics(),
        min_severity="critical",
        outlets=OUTLETS,
        now=scene.clock,
    )
    await scene.say("opened")
    await scene.wait(600)
    assert await scene.rows() == []


async def test_who_turned_mails_off_meanwhile_gets_none(scene: Scene) -> None:
    await scene.say("opened")
    async with scene.database.write() as tx:
        await wish(tx, email=ADA, email_incidents=False)
    await scene.wait(15)
    assert await scene.told() == ["opened"]


async def test_in_slack_the_channel_hears_of_it_and_others_get_a_message_of_their_own(
    scene: Scene,
) -> None:
    slack = scene.slack
    settings = Slack(
        bot_token=slack.token, channel="#alerts", api_url=slack.api_url, signing_secret="s"
    )
    async with open_slack(settings, "https://pushlog.example", scene.clock) as channel:
        postman = Postman(
            scene.database, channel, SLACK_BOT, Metrics(), now=scene.clock, draw=lambda: 0.5
        )

        async def deliver() -> None:
            while await turn(postman) == 0.0:
                pass

        await scene.say("opened")
        await deliver()
        await scene.wait(15)
        await deliver()
        (root,) = slack.roots()
        (reply,) = slack.replies(root["ts"])
        assert reply["text"] == "*Not acknowledged*: Nobody has acknowledged it for 15 min."
        assert reply["reply_broadcast"] is True
        await scene.wait(15)
        await deliver()
        _, other = slack.roots()
        assert other["channel"] == "#shop"
        assert "*Not acknowledged*\nNobody has acknowledged it for 30 min." in text_of(other)
        assert len(buttons_of(other)) >= 3
        await scene.recorder.record([IncidentEnded(incident().incident_id, "over", at(60))], [])
        await deliver()
        first, other = slack.roots()
        assert "ended" in text_of(first)
        assert "ended" in text_of(other)


async def test_whom_a_setting_names_is_offered_no_way_to_unsubscribe(scene: Scene) -> None:
    await scene.say("opened")
    await scene.wait(30)
    (news,) = await scene.news(LEAD)
    letterhead = Letterhead(
        sender="pushlog@acme.example",
        public_url="https://pushlog.example",
        unsubscribe_url=lambda address: f"https://pushlog.example/unsubscribe/{address}",
    )
    letter = Letter(key="k", receiver=LEAD, incident_id="inc-1", news=news)
    mail = compose([letter], letterhead, START)
    assert mail["List-Unsubscribe"] is None
    assert "Nobody has acknowledged it for 30 min." in mail.as_string()
