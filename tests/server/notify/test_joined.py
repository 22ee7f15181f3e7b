"""Who heard of an incident hears of new errors in it: by name, together, and not too often.

The real engine, recorder, teller, outbox and channels work on one clock.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from engine.fold import fold
from engine.memory.state import State
from server.incidents.record import Recorder
from server.notify.channel import ChannelName, Letter
from server.notify.delivery.pace import EMAIL, SLACK_BOT, Meter
from server.notify.delivery.worker import Postman
from server.notify.email.content import content_of
from server.notify.joined import EVERY_S, GATHER_S, JoinedTeller
from server.notify.live import Live
from server.notify.news import IncidentNews
from server.notify.outlets import Outlets
from server.notify.slack.channel import open_slack
from server.process.metrics import Metrics
from server.settings.settings import Slack
from server.storage.database import Database
from server.storage.main import incidents, joined_issues, noise, notifications
from server.storage.main.noise import FilterValues
from server.storage.main.notifications import Notification
from server.storage.main.slack_messages import SlackMessage
from server.storage.times import to_micros
from shared.event import Severity
from shared.pipe import Incident, IncidentEnded, Outbound, Tick
from tests.builders import START, event_entry, frame, settings
from tests.clock import Clock
from tests.fakes.slack import FakeSlack
from tests.server.notify.turns import turn
from tests.signed_in import wish

ADDRESS = "ada@acme.example"
OPERATOR = 1


class Mailbox:
    """The news of the mails to one person."""

    name: ChannelName = "email"

    def __init__(self) -> None:
        self.meter = Meter(EMAIL.per_minute)
        self.editing: asyncio.Lock | None = None
        self.letters: list[Letter] = []

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        self.letters += letters
        return ()

    @property
    def news(self) -> list[IncidentNews]:
        return [each.news for each in self.letters if isinstance(each.news, IncidentNews)]

    @property
    def changes(self) -> list[str]:
        return [each.change for each in self.news]


class Scene:
    def __init__(self, database: Database, clock: Clock, slack: FakeSlack) -> None:
        self.database, self.clock, self.slack = database, clock, slack
        self.mailbox = Mailbox()
        self.postmen: list[Postman] = []
        self.live = Live()
        self.engine = State()
        self.seq = 1
        outlets = Outlets(email=True, slack="bot", slack_receiver="#alerts")
        self.recorder = Recorder(
            database,
            live=self.live,
            metrics=Metrics(),
            min_severity="all",
            outlets=outlets,
            now=clock,
        )
        self.teller = JoinedTeller(database, self.live, outlets, lambda: None, clock)
        fold(self.engine, settings(1, production_environments=["production"]))

    async def fail(self, name: str, severity: Severity = "error", service: str = "shop") -> None:
        """An error of this name, now."""
        self.seq += 1
        seconds = self.clock.seconds()
        entry = event_entry(
            self.seq,
            seconds,
            service=service,
            severity=severity,
            exception_type=name,
            message=f"{name} happened",
            stacktrace=[frame(f"app/{name.lower()}.py")],
        )
        await self.record(fold(self.engine, entry))

    async def record(self, said: Sequence[Outbound]) -> None:
        await self.recorder.record(list(said), [])

    async def end(self, news: IncidentNews) -> None:
        over = IncidentEnded(news.incident.incident_id, "it is over", self.clock.now)
        await self.record([over])

    async def deliver(self) -> None:
        await self.teller.tell()
        for postman in self.postmen:
            while await turn(postman) == 0.0:
                pass

    async def wait(self, seconds: float) -> None:
        self.clock.pass_s(seconds)
        await self.deliver()

    async def bell(self) -> list[Notification]:
        async with self.database.read() as tx:
            return await notifications.newest(tx, OPERATOR, 100)

    def replies(self) -> list[str]:
        (root,) = self.slack.roots()
        return [each["text"] for each in self.slack.replies(root["ts"])]


@pytest.fixture
async def scene(database: Database, clock: Clock) -> AsyncIterator[Scene]:
    async with database.write() as tx:
        await wish(tx, email=ADDRESS)
    async with FakeSlack() as slack:
        scene = Scene(database, clock, slack)
        bot = Slack(bot_token=slack.token, channel="#alerts", api_url=slack.api_url)
        async with open_slack(bot, "https://pushlog.example", clock) as channel:
            scene.postmen = [
                Postman(database, way, pace, Metrics(), now=clock, draw=lambda: 0.5)
                for way, pace in ((scene.mailbox, EMAIL), (channel, SLACK_BOT))
            ]
            yield scene


async def test_who_heard_of_it_hears_of_new_errors_together_after_a_minute(scene: Scene) -> None:
    await scene.fail("KeyError")
    await scene.deliver()
    await scene.fail("TypeError")
    await scene.wait(GATHER_S - 1)
    assert scene.mailbox.changes == ["opened"]
    await scene.fail("OSError")
    await scene.wait(1)
    assert scene.mailbox.changes == ["opened", "joined"]
    names = ["TypeError: TypeError happened", "OSError: OSError happened"]
    assert scene.mailbox.news[1].joined == names
    content = content_of(scene.mailbox.news[1], "https://pushlog.example")
    assert (content.kicker, content.sections[0].title) == ("New errors in it", "New errors in it")
    assert scene.replies() == [
        "*New errors in it*\n• TypeError: TypeError happened\n• OSError: OSError happened"
    ]
    newest, opened = await scene.bell()
    assert (opened.change, newest.change) == ("opened", "joined")
    assert newest.title == "2 new errors in it: TypeError, OSError"


async def test_then_people_hear_of_more_of_them_every_ten_minutes_at_most(scene: Scene) -> None:
    await scene.fail("KeyError")
    await scene.fail("TypeError")
    await scene.wait(GATHER_S)
    await scene.fail("OSError")
    await scene.wait(EVERY_S - 1)
    await scene.fail("EOFError")
    assert scene.mailbox.changes == ["opened", "joined"]
    await scene.wait(1)
    assert scene.mailbox.changes == ["opened", "joined", "joined"]
    # The second of them has waited less than a minute, and need not wait ten more.
    assert scene.mailbox.news[-1].joined == [
        "OSError: OSError happened",
        "EOFError: EOFError happened",
    ]


async def test_the_bell_has_one_entry_of_them_which_is_unread_again(scene: Scene) -> None:
    await scene.fail("KeyError")
    await scene.fail("TypeError")
    await scene.wait(GATHER_S)
    async with scene.database.write() as tx:
        newest = await notifications.newest_id(tx, OPERATOR)
        await notifications.mark_all_read(tx, OPERATOR, newest, scene.clock.micros())
    await scene.fail("OSError")
    await scene.wait(EVERY_S)
    joined, opened = await scene.bell()
    assert (opened.read_at is None, joined.read_at is None) == (False, True)
    assert joined.id > newest
    assert joined.title == "New error in it: OSError: OSError happened"


async def test_news_that_it_got_worse_names_them_so_that_nobody_is_told_twice(
    scene: Scene,
) -> None:
    await scene.fail("KeyError")
    await scene.deliver()
    await scene.fail("TypeError", "critical")
    await scene.wait(GATHER_S)
    assert scene.mailbox.changes == ["opened", "escalated"]
    assert scene.mailbox.news[1].joined == ["TypeError: TypeError happened"]
    (reply,) = scene.replies()
    assert reply.startswith("*Got worse*")
    assert reply.endswith("*New errors in it*\n• TypeError: TypeError happened")


async def test_the_end_names_those_that_nobody_was_told_of(scene: Scene) -> None:
    await scene.fail("KeyError")
    await scene.fail("TypeError")
    await scene.deliver()
    (opened,) = scene.mailbox.news
    await scene.end(opened)
    await scene.wait(EVERY_S)
    assert scene.mailbox.changes == ["opened", "ended"]
    assert scene.mailbox.news[1].joined == ["TypeError: TypeError happened"]
    titles = [each.title for each in content_of(scene.mailbox.news[1], "http://x").sections]
    assert "New errors in it" in titles


async def test_who_did_not_hear_of_it_hears_of_no_error_in_it(scene: Scene) -> None:
    async with scene.database.write() as tx:
        await wish(tx, email=ADDRESS, min_severity="critical")
    await scene.fail("KeyError")
    await scene.fail("TypeError")
    await scene.wait(GATHER_S)
    assert scene.mailbox.changes == []
    assert await scene.bell() == []
    assert len(scene.replies()) == 1


async def test_noise_is_not_told_and_does_not_wait(scene: Scene) -> None:
    await scene.fail("KeyError")
    await scene.deliver()
    async with scene.database.write() as tx:
        await noise.add(tx, FilterValues(pattern="TypeError*", about="", enabled=True), "ada")
    await scene.fail("TypeError")
    await scene.wait(GATHER_S)
    assert scene.mailbox.changes == ["opened"]
    assert await untold(scene) == []


async def test_of_very_many_the_first_are_named_and_the_others_counted(scene: Scene) -> None:
    await scene.fail("KeyError")
    for number in range(40):
        await scene.fail(f"Error{number}")
    await scene.wait(GATHER_S)
    assert scene.mailbox.news[-1].joined == [
        *(f"Error{number}: Error{number} happened" for number in range(10)),
        "and 30 more",
    ]


async def test_what_the_engine_repeats_after_its_death_is_told_once(scene: Scene) -> None:
    await scene.fail("KeyError")
    seq = scene.seq + 1
    await scene.fail("TypeError")
    await scene.wait(GATHER_S)
    (opened, joined) = scene.mailbox.news
    repeated = Incident(
        **{name: getattr(joined.incident, name) for name in joined.incident.__struct_fields__},
        seq=seq,
        change="joined",
        joined=joined.incident.top_symptoms[:1],
    )
    await scene.record([repeated])
    await scene.wait(EVERY_S)
    assert scene.mailbox.changes == ["opened", "joined"]
    assert opened.incident.incident_id == joined.incident.incident_id


async def test_an_incident_that_is_removed_takes_them_along(scene: Scene) -> None:
    await scene.fail("KeyError")
    await scene.fail("TypeError")
    await scene.deliver()
    (opened,) = scene.mailbox.news
    await scene.end(opened)
    async with scene.database.write() as tx:
        later = to_micros(START + timedelta(days=400))
        assert await incidents.remove_old(tx, later, 1_000_000, 10) == 1


async def untold(scene: Scene) -> list[str]:
    async with scene.database.read() as tx:
        return await joined_issues.due(
            tx, joined_by=scene.clock.micros(), told_by=scene.clock.micros(), limit=10
        )


async def test_of_a_storm_of_10_000_events_everybody_knows_all_500_errors_by_a_few_messages(
    scene: Scene,
) -> None:
    said: list[Outbound] = []
    for number in range(10_000):
        name = f"Error{number * 7 % 500}"
        said += fold(
            scene.engine,
            event_entry(
                number + 2,
                number * 0.03,
                exception_type=name,
                message=f"{name} happened",
                stacktrace=[frame(f"app/{name}.py")],
            ),
        )
        if number % 200 == 199:
            scene.clock.now = START + timedelta(seconds=number * 0.03)
            await scene.record(said)
            await scene.deliver()
            said = []
    for minute in range(1, 31):
        scene.clock.now = START + timedelta(minutes=5 + minute)
        await scene.record(fold(scene.engine, Tick(scene.clock.now)))
        await scene.deliver()
    assert {each.incident.incident_id for each in scene.mailbox.news} == {
        scene.mailbox.news[0].incident.incident_id
    }
    told = 1
    for news in scene.mailbox.news[1:]:
        more = [each for each in news.joined if each.startswith("and ")]
        told += len(news.joined) - len(more)
        told += sum(int(each.split()[1].replace(",", "")) for each in more)
    assert told == 500
    assert len(scene.mailbox.letters) < 10
    assert len(scene.slack.roots()) == 1
    assert len(scene.replies()) < 10
