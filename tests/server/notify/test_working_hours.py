"""What can wait comes in somebody's working hours, together; what is critical at once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.incidents.record import Recorder
from server.notify.channel import ChannelName, Letter
from server.notify.delivery.pace import EMAIL, Meter
from server.notify.delivery.worker import Postman
from server.notify.live import Live
from server.notify.outlets import Outlets
from server.notify.recipients import direct_message_to
from server.notify.working_hours import hold, next_begin
from server.process.metrics import Metrics
from server.storage.database import Database
from server.storage.main import notifications, outbox
from server.storage.main.outbox import DeliveryFilter, NewDelivery
from server.storage.main.people import DAYS, Person, WorkingHours
from server.storage.main.slack_messages import SlackMessage
from server.storage.times import to_micros
from shared.incident import Change
from shared.pipe import Incident, IncidentEnded
from tests.clock import Clock
from tests.server.notify.news import incident
from tests.server.notify.turns import turn
from tests.signed_in import OPERATOR, wish

BERLIN = WorkingHours(days=list(DAYS[:5]), begin="09:00", end="18:00", time_zone="Europe/Berlin")
ADDRESS = "ada@acme.example"


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("now", "begin"),
    [
        # 4 March 2025 is a Tuesday.
        ("2025-03-04 09:00", None),
        ("2025-03-04 17:59", None),
        ("2025-03-04 18:00", "2025-03-05 09:00"),
        ("2025-03-04 08:59", "2025-03-04 09:00"),
        ("2025-03-07 20:00", "2025-03-10 09:00"),
        ("2025-03-08 12:00", "2025-03-10 09:00"),
        # In the night before that Monday, the clocks are set forward.
        ("2025-03-29 12:00", "2025-03-31 09:00"),
        ("2025-10-25 12:00", "2025-10-27 09:00"),
    ],
)
def test_working_hours_are_those_of_the_clock_on_the_wall(now: str, begin: str | None) -> None:
    expected = None if begin is None else berlin(begin)
    assert next_begin(BERLIN, berlin(now).astimezone(UTC)) == expected


def test_hours_that_begin_while_the_clocks_are_set_forward_begin_that_day() -> None:
    night = WorkingHours(days=["sun"], begin="02:30", end="04:00", time_zone="Europe/Berlin")
    found = next_begin(night, berlin("2025-03-30 00:00").astimezone(UTC))
    assert found is not None
    assert found.astimezone(UTC) == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)


def test_direct_messages_wait_as_mails_do_and_channels_do_not() -> None:
    ada = Person(1, "Ada", ADDRESS, True, "all", working_hours=BERLIN)
    ways: tuple[tuple[ChannelName, str, bool], ...] = (
        ("email", ADDRESS, True),
        ("email", "bo@acme.example", False),
        ("slack", direct_message_to(ADDRESS), True),
        ("slack", ADDRESS, False),
        ("webhook", ADDRESS, False),
    )
    at_night = to_micros(berlin("2025-03-04 20:00"))
    for channel, receiver, waits in ways:
        for can_wait in (True, False):
            delivery = NewDelivery(
                key="k",
                channel=channel,
                receiver=receiver,
                incident_id=None,
                news=b"",
                can_wait=can_wait,
            )
            (held,) = hold([delivery], [ada], at_night)
            assert (held.held_until is not None) is (waits and can_wait)


hours = st.builds(
    WorkingHours,
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
    begin=st.sampled_from(["00:00", "02:30", "09:00", "17:59"]),
    end=st.sampled_from(["18:00", "23:59"]),
    time_zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]),
)
YEAR = datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2026-01-01")
moments = st.datetimes(*YEAR, timezones=st.just(UTC))


@given(hours, moments)
def test_nothing_waits_longer_than_until_the_next_such_day(of: WorkingHours, now: datetime) -> None:
    begin = next_begin(of, now)
    if begin is None:
        return
    assert timedelta() < begin - now <= timedelta(days=7, hours=2)
    assert DAYS[begin.weekday()] in of.days
    assert next_begin(of, begin.astimezone(UTC) + timedelta(hours=1)) != begin


class Mailbox:
    """The mails of one person, each with the keys of what it told."""

    name: ChannelName = "email"

    def __init__(self) -> None:
        self.meter = Meter(EMAIL.per_minute)
        self.editing = None
        self.mails: list[list[str]] = []

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        self.mails.append([each.key for each in letters])
        return ()


class Scene:
    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.mailbox = Mailbox()
        self.seq = 0
        self.recorder = Recorder(
            database,
            live=Live(),
            metrics=Metrics(),
            min_severity="all",
            outlets=Outlets(email=True),
            now=clock,
        )
        self.postman = Postman(
            database, self.mailbox, EMAIL, Metrics(), now=clock, draw=lambda: 0.5
        )

    async def say(self, change: Change, number: int, **changes: Any) -> None:
        self.seq += 1
        summary = msgspec.structs.asdict(incident(number, **changes))
        await self.recorder.record([Incident(seq=self.seq, change=change, **summary)], [])

    async def deliver(self, now: str) -> list[list[str]]:
        """What was mailed by this moment in Berlin."""
        self.clock.now = berlin(now).astimezone(UTC)
        while await turn(self.postman) == 0.0:
            pass
        return self.mailbox.mails


@pytest.fixture
async def scene(database: Database, clock: Clock) -> Scene:
    async with database.write() as tx:
        await wish(tx, email=ADDRESS, working_hours=BERLIN)
    return Scene(database, clock)


async def test_what_comes_in_the_night_is_one_mail_in_the_morning(scene: Scene) -> None:
    await scene.deliver("2025-03-07 23:00")
    for number in range(1, 21):
        await scene.say("opened", number)
    over = IncidentEnded(incident(1).incident_id, "over", scene.clock.now)
    await scene.recorder.record([over], [])
    assert await scene.deliver("2025-03-10 08:59") == []
    ((*keys,),) = await scene.deliver("2025-03-10 09:00")
    assert len(keys) == 21
    async with scene.database.read() as tx:
        rows = await outbox.newest(tx, DeliveryFilter(), 100)
        bell = await notifications.newest(tx, OPERATOR, 100)
    # After a weekend they still had a day to arrive.
    assert {each.give_up_at for each in rows} == {berlin("2025-03-11 09:00").astimezone(UTC)}
    assert len(bell) == 21


async def test_what_is_critical_comes_at_once_and_so_does_its_end(scene: Scene) -> None:
    await scene.deliver("2025-03-04 23:00")
    await scene.say("opened", 1)
    await scene.say("opened", 2, severity="critical")
    over = IncidentEnded(incident(2).incident_id, "over", scene.clock.now)
    await scene.recorder.record([over], [])
    mails = await scene.deliver("2025-03-04 23:00")
    assert [len(each) for each in mails] == [1, 1]
    assert all(incident(2).incident_id in key for each in mails for key in each)
    assert len(await scene.deliver("2025-03-05 09:00")) == 3


async def test_in_working_hours_mails_come_as_ever(scene: Scene) -> None:
    await scene.deliver("2025-03-04 12:00")
    for number in range(3):
        await scene.say("opened", number)
    assert [len(each) for each in await scene.deliver("2025-03-04 12:00")] == [1, 1, 1]
