"""What a route lets wait is told once there is what it waits for, and not before."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from server.incidents.record import Recorder
from server.notify.delivery.pace import EMAIL, Send, next_step
from server.notify.email.content import content_of
from server.notify.live import Live
from server.notify.news import IncidentNews, News
from server.notify.outlets import Outlets, Target
from server.notify.summary.due import next_morning
from server.notify.waiting import WaitingTeller
from server.process.metrics import Metrics
from server.storage.database import Database
from server.storage.main import (
    accounts,
    incident_users,
    incidents,
    noise,
    not_told,
    notification_routes,
    notifications,
    outbox,
    unacknowledged,
)
from server.storage.main.noise import FilterValues
from server.storage.main.notification_routes import RouteTarget, RouteValues, Timing
from server.storage.main.outbox import Delivery, DeliveryFilter
from server.storage.times import to_micros
from shared.incident import Change
from shared.pipe import Incident, IncidentEnded
from tests.builders import at
from tests.clock import Clock
from tests.server.notify.news import incident
from tests.signed_in import OPERATOR, wish

ADA = "ada@acme.example"
NTFY: Target = ("apprise", "ntfy#1")
OUTLETS = Outlets(email=True, slack="bot", slack_receiver="#alerts", targets=(NTFY,))
ID = incident().incident_id
_decode = msgspec.json.Decoder(News).decode


class Scene:
    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.seq = 0
        live = Live()
        self.recorder = Recorder(
            database, live=live, metrics=Metrics(), min_severity="all", outlets=OUTLETS, now=clock
        )
        self.teller = WaitingTeller(database, live, OUTLETS, "all", lambda: None, clock)

    async def route(self, **values: Any) -> None:
        async with self.database.write() as tx:
            await notification_routes.add(tx, RouteValues(**values), "ada")

    async def say(self, change: Change, number: int = 1, **changes: Any) -> None:
        self.seq += 1
        fields = msgspec.structs.asdict(incident(number, **changes))
        await self.recorder.record([Incident(seq=self.seq, change=change, **fields)], [])
        await self.teller.tell()

    async def end(self) -> None:
        await self.recorder.record([IncidentEnded(ID, "the rate is back", at(60))], [])

    async def told(self, receiver: str = ADA) -> list[str]:
        """The changes that this receiver is told of, in order."""
        return [each.change for each in await self.news(receiver)]

    async def news(self, receiver: str = ADA) -> list[IncidentNews]:
        rows = [each for each in await self.rows() if each.receiver == receiver]
        return [each for row in rows if isinstance(each := _decode(row.news), IncidentNews)]

    async def rows(self) -> Sequence[Delivery]:
        async with self.database.read() as tx:
            return (await outbox.newest(tx, DeliveryFilter(), 100))[::-1]

    async def reasons(self) -> list[tuple[str, str | None]]:
        async with self.database.read() as tx:
            return [(each.reason, each.detail) for each in await not_told.of_incident(tx, ID, 10)]

    async def bell(self) -> list[str]:
        async with self.database.read() as tx:
            return [each.change for each in await notifications.newest(tx, OPERATOR, 10)]


@pytest.fixture
async def scene(database: Database, clock: Clock) -> Scene:
    async with database.write() as tx:
        await wish(tx, email=ADA)
    return Scene(database, clock)


async def test_after_so_many_events_it_is_told_once(scene: Scene) -> None:
    await scene.route(timing=Timing("after_events", 10))
    await scene.say("opened", event_count=1)
    await scene.say("updated", event_count=9)
    assert await scene.told() == await scene.told("#alerts") == await scene.bell() == []
    assert await scene.reasons() == [("route_waits", "after 10 events")]
    await scene.say("updated", event_count=10)
    assert await scene.told() == await scene.told("#alerts") == await scene.bell() == ["opened"]
    (news,) = await scene.news()
    assert (news.incident.event_count, news.seq) == (10, 3)
    await scene.say("updated", event_count=20)
    await scene.say("escalated", event_count=1000)
    await scene.end()
    assert await scene.told() == ["opened", "escalated", "ended"]


async def test_with_so_many_events_at_once_it_need_not_wait(scene: Scene) -> None:
    await scene.route(timing=Timing("after_events", 10))
    await scene.say("opened", trigger="spike", event_count=50)
    assert await scene.told() == ["opened"]


async def test_after_so_many_users_it_is_told(scene: Scene) -> None:
    await scene.route(timing=Timing("after_users", 3))
    await scene.say("opened", event_count=500)
    for user in (1, 2, 2):
        async with scene.database.write() as tx:
            await incident_users.add(tx, {ID: [user]})
        await scene.teller.tell()
        assert await scene.told() == []
    async with scene.database.write() as tx:
        await incident_users.add(tx, {ID: [3]})
    await scene.teller.tell()
    assert await scene.told() == ["opened"]


async def test_what_ends_before_is_told_nobody(scene: Scene) -> None:
    await scene.route(timing=Timing("after_events", 10))
    await scene.say("opened")
    await scene.end()
    await scene.say("updated", event_count=10)
    assert (await scene.told(), await scene.bell()) == ([], [])


async def test_what_gets_worse_waits_on_until_it_is_critical(scene: Scene) -> None:
    await scene.route(timing=Timing("after_events", 100))
    await scene.say("opened", severity="warning")
    await scene.say("escalated", severity="error")
    assert await scene.told() == []
    await scene.say("escalated", severity="critical")
    await scene.say("updated", severity="critical", event_count=100)
    assert await scene.told() == ["escalated"]


async def test_in_the_morning_all_come_as_one_also_what_has_ended(scene: Scene) -> None:
    scene.clock.now = next_morning(scene.clock.now) + timedelta(hours=10)
    await scene.route(timing=Timing("daily"))
    await scene.say("opened")
    await scene.say("opened", 2)
    await scene.end()
    scene.clock.now = next_morning(scene.clock.now) - timedelta(microseconds=1)
    await scene.teller.tell()
    assert await scene.told() == []
    scene.clock.pass_s(0.000001)
    await scene.teller.tell()
    assert await scene.told() == ["opened", "opened"]
    over, still_open = await scene.news()
    assert (over.is_over, still_open.is_over) == (True, False)
    for news, says_so in ((over, True), (still_open, False)):
        sections = content_of(news, "http://pushlog.example").sections
        assert ("It is over" in [each.title for each in sections]) is says_so
    mails = [each for each in await scene.rows() if each.channel == "email"]
    together = any(each.held_until for each in mails)
    now = to_micros(scene.clock.now)
    assert next_step(EMAIL, [], len(mails), now, together=together) == Send(2)


async def test_never_is_never_but_it_is_shown_why(scene: Scene) -> None:
    await scene.route(timing=Timing("never"))
    await scene.say("opened", severity="critical")
    await scene.say("escalated", severity="critical", event_count=100_000)
    await scene.end()
    assert (await scene.told(), await scene.bell()) == ([], [])
    assert await scene.reasons() == [("route_never", None)] * 2


async def test_a_route_to_others_tells_nobody_else(scene: Scene) -> None:
    async with scene.database.write() as tx:
        bo = await accounts.add(tx, name="Bo", email="bo@acme.example", role="member", hashed="x")
    target = RouteTarget("slack", "#billing")
    await scene.route(people=[bo], targets=[target])
    await scene.say("opened")
    await scene.end()
    assert await scene.told("bo@acme.example") == ["opened", "ended"]
    assert await scene.told("#billing") == ["opened", "ended"]
    assert await scene.told() == await scene.told("#alerts") == await scene.told("ntfy#1") == []
    assert await scene.bell() == []
    assert await scene.reasons() == [("route_names_others", None)] * 2


async def test_several_channels_of_slack_hear_of_it_each(scene: Scene) -> None:
    await scene.route(targets=[RouteTarget("slack"), RouteTarget("slack", "#billing")])
    await scene.say("opened")
    await scene.end()
    assert await scene.told("#alerts") == await scene.told("#billing") == ["opened", "ended"]


async def test_who_is_told_is_decided_when_they_are(scene: Scene) -> None:
    await scene.route(timing=Timing("after_events", 10))
    await scene.say("opened")
    await scene.route(targets=[RouteTarget("apprise", "ntfy#1")])
    await scene.say("updated", event_count=10)
    assert await scene.told("ntfy#1") == ["opened"]
    assert await scene.told("#alerts") == []


async def test_why_somebody_is_not_told_then_is_kept_too(scene: Scene) -> None:
    await scene.route(timing=Timing("after_events", 10))
    await scene.say("opened")
    async with scene.database.write() as tx:
        await wish(tx, email=ADA, min_severity="critical")
    await scene.say("updated", event_count=10)
    assert await scene.told() == []
    reasons = [reason for reason, _ in await scene.reasons()]
    assert reasons == ["route_waits", "below_own_severity"]


async def test_what_became_noise_while_it_waited_is_told_nobody(scene: Scene) -> None:
    await scene.route(timing=Timing("after_events", 10))
    await scene.say("opened")
    async with scene.database.write() as tx:
        await noise.add(tx, FilterValues(pattern="ValueError*"), "ada")
    await scene.say("updated", event_count=10)
    assert await scene.told() == []


@pytest.mark.parametrize("only_the_bell", [True, False])
async def test_reminding_begins_when_people_are_told(scene: Scene, only_the_bell: bool) -> None:
    await scene.route(timing=Timing("after_events", 10), targets=[] if only_the_bell else None)
    async with scene.database.write() as tx:
        await wish(tx, email=None if only_the_bell else ADA)
    await scene.say("opened")
    async with scene.database.read() as tx:
        assert await unacknowledged.told_since(tx, ID) is None
    scene.clock.pass_s(500)
    await scene.say("updated", event_count=10)
    async with scene.database.read() as tx:
        assert await unacknowledged.told_since(tx, ID) == scene.clock.micros()


async def test_retention_removes_what_waits_with_its_incident(scene: Scene) -> None:
    await scene.route(timing=Timing("daily"))
    await scene.say("opened")
    await scene.end()
    async with scene.database.write() as tx:
        assert await incidents.remove_old(tx, to_micros(at(9999)), 999, 10) == 1
    scene.clock.pass_days(2)
    await scene.teller.tell()
    assert await scene.told() == []
