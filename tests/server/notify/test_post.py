"""Everything is delivered once and at a steady pace; failures are kept with the reason."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from server.notify.channel import ChannelName, DeliveryFailed, Letter
from server.notify.delivery.pace import EMAIL, SLACK_BOT, URGENT_EVERY_S, Meter, Pace
from server.notify.delivery.worker import Postman
from server.notify.news import TestNews as TryNews
from server.process.metrics import Metrics
from server.storage.database import Database
from server.storage.journal.entry import JournalUnavailable
from server.storage.main import outbox
from server.storage.main.outbox import Delivery, DeliveryFilter, NewDelivery
from server.storage.main.slack_messages import SlackMessage
from server.storage.times import to_micros
from tests.builders import START
from tests.clock import Clock
from tests.server.notify.turns import turn
from tests.waiting import LIMIT_S


class Box:
    """A channel into a list; `answers` come first, one for each message."""

    name: ChannelName = "email"

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self.meter = Meter(pace.per_minute, clock)
        self.editing: asyncio.Lock | None = None
        self.messages: list[list[str]] = []
        self.tries = 0
        self.answers: list[Exception | None] = []
        self.down: set[str] = set()
        self.afterwards: Callable[[], object] = lambda: None

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        self.tries += 1
        assert len({letter.receiver for letter in letters}) == 1
        answer = self.answers.pop(0) if self.answers else None
        if letters[0].receiver in self.down:
            answer = DeliveryFailed("nobody at home", permanent=False)
        if answer is not None:
            raise answer
        self.messages.append([letter.key for letter in letters])
        self.afterwards()
        return ()


class Scene:
    """A database, a box and a clock, and one postman after the other."""

    def __init__(self, database: Database, pace: Pace = EMAIL) -> None:
        self.database = database
        self.clock = Clock()
        self.box = Box(pace, self.clock)
        self.pace = pace
        self.start()

    def start(self) -> None:
        self.postman = Postman(
            self.database,
            self.box,
            self.pace,
            Metrics(),
            now=self.clock,
            draw=lambda: 1.0,
        )

    async def post(
        self, *keys: str, receiver: str = "ada@acme.example", urgent: bool = False
    ) -> None:
        async with self.database.write() as tx:
            news = msgspec.json.encode(TryNews(START))
            new = [
                NewDelivery(
                    key=key,
                    channel="email",
                    receiver=receiver,
                    incident_id=None,
                    news=news,
                    urgent=urgent,
                )
                for key in keys
            ]
            await outbox.add(tx, new, to_micros(self.clock.now))

    async def run_s(self, seconds: float) -> None:
        """Let the postman work for this long."""
        end = self.clock.now + timedelta(seconds=seconds)
        while self.clock.now <= end:
            self.clock.pass_s(max(await turn(self.postman), 0.001))
        self.clock.now = end

    async def rows(self) -> list[Delivery]:
        async with self.database.read() as tx:
            return (await outbox.newest(tx, DeliveryFilter(), 10_000))[::-1]

    async def states(self) -> list[str]:
        return [row.state for row in await self.rows()]


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


async def test_what_is_critical_waits_for_no_digest(scene: Scene) -> None:
    await scene.post(*(f"k{number}" for number in range(100)))
    await scene.run_s(10)
    assert len(scene.box.messages) == EMAIL.singles
    await scene.post("critical", urgent=True)
    await scene.run_s(URGENT_EVERY_S)
    assert scene.box.messages[-1] == ["critical"]
    # In a storm of them, those of some seconds come together.
    for number in range(60):
        await scene.post(f"c{number}", urgent=True)
        await scene.run_s(1)
    await scene.run_s(URGENT_EVERY_S)
    messages = scene.box.messages[EMAIL.singles + 1 :]
    critical = [each for each in messages if each[0].startswith("c")]
    assert sum(map(len, critical)) == 60
    assert len(critical) <= 60 / URGENT_EVERY_S + 2


async def test_a_row_is_sent_once(scene: Scene) -> None:
    await scene.post("a", "b")
    await scene.post("a")
    await scene.run_s(600)
    assert scene.box.messages == [["a"], ["b"]]
    assert [(row.state, row.attempts) for row in await scene.rows()] == [("sent", 1)] * 2


async def test_a_storm_is_ten_messages_in_ten_minutes_and_all_of_it_is_told(scene: Scene) -> None:
    keys = [f"k{number:03}" for number in range(500)]
    for start in range(0, 500, 50):
        await scene.post(*keys[start : start + 50])
        await scene.run_s(20)
    await scene.run_s(400)
    assert len(scene.box.messages) <= 10
    assert [key for message in scene.box.messages for key in message] == keys
    states = await scene.states()
    assert states.count("sent") == len(scene.box.messages)
    assert set(states) == {"sent", "digested"}


async def test_what_fails_is_tried_again_with_the_same_key_later_each_time(scene: Scene) -> None:
    scene.box.answers = [DeliveryFailed("busy", permanent=False)] * 3
    await scene.post("a")
    await scene.run_s(4.9)
    assert scene.box.tries == 1
    (row,) = await scene.rows()
    assert (row.state, row.last_error) == ("waiting", "busy")
    await scene.run_s(10)
    assert scene.box.tries == 2
    await scene.run_s(60)
    assert scene.box.messages == [["a"]]
    (row,) = await scene.rows()
    assert (row.state, row.attempts, row.last_error) == ("sent", 4, None)


async def test_a_receiver_who_says_when_to_come_back_is_obeyed(scene: Scene) -> None:
    scene.box.answers = [DeliveryFailed("slow down", permanent=False, retry_after_s=100)]
    await scene.post("a", "b")
    await scene.run_s(99)
    assert scene.box.tries == 1
    await scene.run_s(10)
    assert sorted(scene.box.messages) == [["a"], ["b"]]


async def test_one_who_cannot_be_reached_holds_up_nobody_else(scene: Scene) -> None:
    scene.box.down = {"bo@acme.example"}
    await scene.post("b1", "b2", receiver="bo@acme.example")
    await scene.post("a1", "a2")
    await scene.run_s(1)
    assert scene.box.messages == [["a1"], ["a2"]]
    scene.box.down = set()
    await scene.run_s(60)
    assert sorted(scene.box.messages[2:]) == [["b1"], ["b2"]]


async def test_a_letter_that_never_goes_through_holds_up_no_other(scene: Scene) -> None:
    scene.box.answers = [DeliveryFailed("odd", permanent=False)]
    await scene.post("odd", "b", "c")
    await scene.run_s(6)
    assert scene.box.messages == [["b"], ["c"], ["odd"]]


async def test_what_can_never_be_delivered_is_given_up_with_the_reason_until_it_is_sent_again(
    scene: Scene,
) -> None:
    scene.box.answers = [DeliveryFailed("no such mailbox", permanent=True)]
    await scene.post("a", "b")
    await scene.run_s(600)
    first, second = await scene.rows()
    assert (first.state, first.last_error) == ("failed", "no such mailbox")
    assert second.state == "sent"
    async with scene.database.write() as tx:
        assert await outbox.resend(tx, first.id, to_micros(scene.clock.now))
        assert not await outbox.resend(tx, first.id, to_micros(scene.clock.now))
    await scene.run_s(10)
    assert await scene.states() == ["sent", "sent"]
    assert scene.box.messages == [["b"], ["a"]]


async def test_a_failure_that_repeats_is_said_when_it_changes(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.box.down = {"ada@acme.example"}
    await scene.post("a")
    await scene.run_s(3600)
    assert scene.box.tries > 5
    assert caplog.text.count("email a not delivered: nobody at home") == 1
    (row,) = await scene.rows()
    assert row.failure == "connection"
    scene.box.answers = [DeliveryFailed("mailbox full", permanent=False, kind="limit")]
    scene.box.down = set()
    await scene.run_s(3600)
    assert caplog.text.count("not delivered: mailbox full") == 1
    assert await scene.states() == ["sent"]
    (row,) = await scene.rows()
    assert row.failure is None
    scene.box.down = {"ada@acme.example"}
    await scene.post("b")
    await scene.run_s(60)
    assert caplog.text.count("email b not delivered: nobody at home") == 1


async def test_after_a_day_it_is_given_up(scene: Scene) -> None:
    scene.box.down = {"ada@acme.example"}
    await scene.post(*[f"k{number}" for number in range(10)])
    await scene.run_s(25 * 3600)
    assert set(await scene.states()) == {"failed"}
    assert {row.last_error for row in await scene.rows()} == {"nobody at home"}
    assert scene.box.tries < 200


async def test_a_database_that_a_channel_finds_locked_is_waited_for(scene: Scene) -> None:
    locked = OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))
    scene.box.answers = [locked, JournalUnavailable("another program has locked the file")]
    await scene.post("a")
    await scene.run_s(60)
    (row,) = await scene.rows()
    assert (row.state, row.attempts) == ("sent", 3)


async def test_what_no_table_takes_is_a_defect_and_is_given_up(scene: Scene) -> None:
    scene.box.answers = [IntegrityError("INSERT", {}, sqlite3.IntegrityError("NOT NULL"))]
    await scene.post("a")
    await scene.run_s(60)
    (row,) = await scene.rows()
    assert (row.state, row.attempts) == ("failed", 1)
    assert "IntegrityError" in (row.last_error or "")


async def test_a_defect_of_a_channel_is_kept_as_the_reason_and_ends_nothing(scene: Scene) -> None:
    scene.box.answers = [ZeroDivisionError("oh")]
    await scene.post("a", "b")
    await scene.run_s(60)
    first, second = await scene.rows()
    assert (first.state, second.state) == ("failed", "sent")
    assert "ZeroDivisionError" in (first.last_error or "")


async def test_what_a_dead_process_was_sending_is_sent_again_with_the_same_key(
    scene: Scene,
) -> None:
    await scene.post("a")
    async with scene.database.write() as tx:
        now = to_micros(scene.clock.now)
        (row,) = await outbox.due(tx, "email", "ada@acme.example", now, 10)
        assert await outbox.claim(tx, [row.id], now, now + 300_000_000) == [row.id]
        assert await outbox.claim(tx, [row.id], now, now + 300_000_000) == []
    await scene.run_s(299)
    assert scene.box.messages == []
    await scene.run_s(2)
    assert scene.box.messages == [["a"]]


async def test_news_of_another_version_is_given_up_with_the_reason(scene: Scene) -> None:
    async with scene.database.write() as tx:
        odd = NewDelivery(
            key="odd", channel="email", receiver="a", incident_id=None, news=b'{"type":"later"}'
        )
        await outbox.add(tx, [odd], to_micros(scene.clock.now))
    await scene.run_s(1)
    (row,) = await scene.rows()
    assert row.state == "failed"
    assert "another version" in (row.last_error or "")


async def test_a_channel_tries_only_so_many_a_minute_whoever_they_are_for(
    database: Database,
) -> None:
    scene = Scene(database, msgspec.structs.replace(EMAIL, per_minute=4))
    for number in range(10):
        await scene.post(f"k{number}", receiver=f"p{number}@acme.example")
    await scene.run_s(59)
    assert len(scene.box.messages) == 4
    await scene.run_s(119)
    assert len(scene.box.messages) == 10


async def test_what_was_sent_is_marked_also_by_a_stop_in_that_moment(scene: Scene) -> None:
    running = asyncio.create_task(scene.postman.run())
    scene.box.afterwards = running.cancel
    await scene.post("a")
    scene.postman.wake()
    await asyncio.wait((running,), timeout=LIMIT_S)
    assert running.cancelled()
    assert scene.box.messages == [["a"]]
    assert await scene.states() == ["sent"]


async def test_a_digest_has_only_as_many_letters_as_calls_are_left_for(database: Database) -> None:
    scene = Scene(database, msgspec.structs.replace(SLACK_BOT, singles=1, messages=100))
    await scene.post(*[f"k{number:02}" for number in range(60)])
    for _ in range(20):
        scene.box.meter.count()
    await scene.run_s(59)
    # A call for the first, and one for the message and each of its letters: no more than 50.
    assert [len(message) for message in scene.box.messages] == [1, 28]
    await scene.run_s(60)
    assert [len(message) for message in scene.box.messages] == [1, 28, 31]
