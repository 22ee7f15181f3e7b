"""A storm: 10,000 events of 500 issues, through the real engine, recorder, outbox and channels.

Time is the test's own, so that an hour takes seconds.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec
import pytest

from engine.fold import fold
from engine.memory.state import State
from server.incidents.record import Recorder
from server.notify.channel import Channel, ChannelName, Letter
from server.notify.delivery.pace import EMAIL, SLACK_BOT, Meter
from server.notify.delivery.worker import Postman
from server.notify.joined import JoinedTeller
from server.notify.live import Live
from server.notify.news import IncidentNews, News
from server.notify.outlets import Outlets
from server.notify.slack.channel import open_slack
from server.process.metrics import Metrics
from server.settings.settings import Slack
from server.storage.database import Database
from server.storage.main import outbox
from server.storage.main.outbox import Delivery, DeliveryFilter
from server.storage.main.slack_messages import SlackMessage
from server.storage.times import to_micros
from shared.pipe import Incident, Outbound, Tick
from tests.builders import at, event_entry, frame, settings
from tests.clock import Clock
from tests.fakes.slack import FakeSlack
from tests.server.notify.turns import turn
from tests.signed_in import wish
from tests.waiting import LIMIT_S

ISSUES, EVENTS = 500, 10_000
STORM_S = 300
ADDRESS = "ada@acme.example"
TEN_MINUTES_US = 600_000_000
_decode = msgspec.json.Decoder(News).decode


class Mailbox:
    """The mails of one person, each with the keys of what it told."""

    name: ChannelName = "email"

    def __init__(self) -> None:
        self.meter = Meter(EMAIL.per_minute)
        self.editing: asyncio.Lock | None = None
        self.mails: list[list[str]] = []
        self.hangs = False
        self.got_mail = asyncio.Event()

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        if self.hangs:
            await asyncio.Event().wait()
        assert {letter.receiver for letter in letters} == {ADDRESS}
        self.mails.append([letter.key for letter in letters])
        self.got_mail.set()
        return ()


class Scene:
    """A recorder and two postmen on one clock."""

    def __init__(self, database: Database, clock: Clock, mailbox: Mailbox, slack: Channel) -> None:
        self.database = database
        self.clock = clock
        self.postmen = [
            Postman(database, channel, pace, Metrics(), now=self.clock, draw=lambda: 0.5)
            for channel, pace in ((mailbox, EMAIL), (slack, SLACK_BOT))
        ]
        live, outlets = Live(), Outlets(email=True, slack="bot", slack_receiver="#alerts")
        self.recorder = Recorder(
            database,
            live=live,
            metrics=Metrics(),
            min_severity="all",
            outlets=outlets,
            now=self.clock,
        )
        self.joined = JoinedTeller(database, live, outlets, lambda: None, self.clock)

    async def work_until(self, moment: datetime) -> None:
        """Let the postmen deliver what is due until then."""
        while self.clock.now < moment:
            pause_s = min([await turn(postman) for postman in self.postmen])
            self.clock.pass_s(max(pause_s, 0.001))
            self.clock.now = min(self.clock.now, moment)

    async def rows(self, channel: ChannelName) -> list[Delivery]:
        async with self.database.read() as tx:
            wanted = DeliveryFilter(channel=channel)
            return (await outbox.newest(tx, wanted, 100_000))[::-1]


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def bot(slack: FakeSlack, database: Database, clock: Clock) -> AsyncIterator[Channel]:
    settings = Slack(
        webhook_url=None, bot_token=slack.token, channel="#alerts", api_url=slack.api_url
    )
    async with open_slack(settings, "https://pushlog.example", clock) as channel:
        yield channel


@pytest.fixture
async def mailbox(database: Database) -> Mailbox:
    async with database.write() as tx:
        await wish(tx, email=ADDRESS)
    return Mailbox()


def most_in_ten_minutes(rows: Sequence[Delivery]) -> int:
    """The most messages within any ten minutes; a digest is one."""
    times = sorted(to_micros(row.sent_at) for row in rows if row.state == "sent" and row.sent_at)
    return max(sum(at <= each < at + TEN_MINUTES_US for each in times) for at in times)


async def storm(scene: Scene, services: int) -> set[str]:
    """Send the storm, let two hours pass, and return its incidents."""
    engine = State()
    said: list[Outbound] = fold(engine, settings(1, production_environments=["production"]))
    incidents: set[str] = set()
    for number in range(EVENTS):
        issue, second = number % ISSUES, number * STORM_S / EVENTS
        said += fold(
            engine,
            event_entry(
                number + 2,
                second,
                service=f"service-{issue % services}",
                exception_type=f"Error{issue}",
                stacktrace=[frame(f"app/part{issue}.py")],
            ),
        )
        if number % 250 == 249:
            await scene.work_until(at(second))
            await scene.recorder.record(said, [])
            await scene.joined.tell()
            incidents |= {each.incident_id for each in said if isinstance(each, Incident)}
            said = []
    for minutes in range(10, 120, 10):
        await scene.work_until(at(60 * minutes))
        await scene.joined.tell()
        await scene.recorder.record(fold(engine, Tick(scene.clock.now)), [])
    return incidents


def errors_told(rows: Sequence[Delivery]) -> tuple[set[str], int]:
    """The errors that joined and are named in these messages, and how many more they speak of."""
    names: set[str] = set()
    more = 0
    for news in (_decode(row.news) for row in rows):
        for each in news.joined if isinstance(news, IncidentNews) else ():
            if counted := re.fullmatch(r"and (\d+) more", each):
                more += int(counted[1])
            else:
                names.add(each)
    return names, more


async def test_a_storm_is_told_calmly_and_nothing_of_it_is_lost(
    database: Database, clock: Clock, mailbox: Mailbox, bot: Channel, slack: FakeSlack
) -> None:
    scene = Scene(database, clock, mailbox, bot)
    incidents = await storm(scene, services=ISSUES)
    assert len(incidents) == ISSUES

    mails, posts = await scene.rows("email"), await scene.rows("slack")
    for rows in (mails, posts):
        assert {row.state for row in rows} == {"sent", "digested"}
        opened = Counter(row.incident_id for row in rows if "/opened/" in row.key)
        assert opened == Counter(incidents)
        assert {row.incident_id for row in rows if "/ended/" in row.key} == incidents
    assert most_in_ten_minutes(mails) <= 10
    assert most_in_ten_minutes(posts) <= SLACK_BOT.messages
    told = Counter(key for mail in mailbox.mails for key in mail)
    assert told == Counter(row.key for row in mails)
    shown = str(list(slack.messages.values()))
    assert all(f"/incidents/{incident_id}" in shown for incident_id in incidents)


async def test_of_a_storm_in_ten_services_everybody_hears_of_each_error_by_name_or_number(
    database: Database, clock: Clock, mailbox: Mailbox, bot: Channel
) -> None:
    scene = Scene(database, clock, mailbox, bot)
    incidents = await storm(scene, services=10)
    assert len(incidents) == 10
    mails, posts = await scene.rows("email"), await scene.rows("slack")
    for rows in (mails, posts):
        assert {row.state for row in rows} <= {"sent", "digested"}
        names, more = errors_told(rows)
        assert names
        assert len(names) + more == ISSUES - len(incidents)
        assert {row.incident_id for row in rows if "/ended/" in row.key} == incidents
    assert most_in_ten_minutes(mails) <= 10
    assert most_in_ten_minutes(posts) <= SLACK_BOT.messages


async def test_a_channel_that_hangs_delays_no_other_and_ends_with_the_server(
    database: Database, clock: Clock, mailbox: Mailbox, bot: Channel, slack: FakeSlack
) -> None:
    mailbox.hangs = True
    scene = Scene(database, clock, mailbox, bot)
    said = fold(State(), event_entry(1))
    await scene.recorder.record(said, [])
    tasks = [asyncio.create_task(postman.run()) for postman in scene.postmen]
    await slack.wait_for(1)
    by_mail, by_slack = scene.postmen
    await by_slack.stop(LIMIT_S)
    await by_mail.stop(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [row.state for row in await scene.rows("slack")] == ["sent"]
    assert [row.state for row in await scene.rows("email")] == ["sending"]
    mailbox.hangs = False
    restarted = Scene(database, clock, mailbox, bot).postmen[0]
    task = asyncio.create_task(restarted.run())
    await asyncio.wait_for(mailbox.got_mail.wait(), LIMIT_S)
    await restarted.stop(LIMIT_S)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [row.state for row in await scene.rows("email")] == ["sent"]
