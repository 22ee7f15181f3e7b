"""The results of old events are removed a year after they ended; what has not ended stays."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from server.process.metrics import Metrics
from server.settings.settings import read_settings
from server.storage.database import Database
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import (
    checkpoints,
    dead_letters,
    deploys,
    incident_hours,
    incident_search,
    incident_users,
    incidents,
    notifications,
    outbox,
    slack_messages,
)
from server.storage.main.incidents import IncidentFilter
from server.storage.main.outbox import NewDelivery
from server.storage.main.slack_messages import SlackMessage
from server.storage.retention import Retention
from server.storage.times import to_micros
from shared.pipe import IncidentEnded
from tests.builders import START, at, change_window, event_entry
from tests.clock import Clock
from tests.server.web.conftest import incident, incident_id, record
from tests.signed_in import OPERATOR

THEN = to_micros(START)
LATER = START + timedelta(days=300)


class Scene:
    """Both databases, with an entry that was decided then, and the time that has passed since."""

    def __init__(self, journal: Journal, database: Database, clock: Clock) -> None:
        self.journal = journal
        self.database = database
        self.clock = clock
        self.retention = Retention(read_settings({}), journal, database, Metrics(), clock.micros)

    async def after(self, days: float) -> None:
        """Something new comes and is decided; then two rounds, the first of which sees it."""
        self.clock.now = START + timedelta(days=days)
        seqs = (await self.journal.append([event_entry(seq=None, received=None)], None)).seqs
        async with self.database.write() as tx:
            await checkpoints.store(tx, seqs[-1], [])
        await self.retention.tidy()
        await self.retention.tidy()

    async def incidents(self) -> list[str]:
        async with self.database.read() as tx:
            found = await incidents.newest(tx, IncidentFilter(), 1000)
        return [each.summary.incident_id for each in found][::-1]

    async def open(self, number: int, seq: int = 1) -> str:
        await record(self.database, incident(number, seq=seq))
        return incident_id(number)

    async def end(self, number: int) -> None:
        ended = IncidentEnded(incident_id(number), "resolved", at(number))
        async with self.database.write() as tx:
            assert await incidents.end(tx, ended)


@pytest.fixture
async def scene(tmp_path: Path, database: Database, clock: Clock) -> AsyncIterator[Scene]:
    path = tmp_path / "pushlog-journal.db"
    async with open_journal(path, wall=clock.micros, monotonic=clock.micros) as journal:
        await journal.append([event_entry(seq=None, received=None)], None)
        yield Scene(journal, database, clock)


async def test_an_incident_goes_a_year_after_its_end_with_all_that_hangs_on_it(
    scene: Scene,
) -> None:
    gone, stays = await scene.open(1), await scene.open(2)
    await scene.end(1)
    async with scene.database.write() as tx:
        await incident_users.add(tx, {gone: [1, 2], stays: [2]})
    await scene.after(days=364)
    assert await scene.incidents() == [gone, stays]
    await scene.after(days=366)
    assert await scene.incidents() == [stays]
    async with scene.database.read() as tx:
        assert await incidents.changes(tx, gone, 10) == []
        assert await incident_users.counts(tx, [gone, stays]) == {gone: 0, stays: 1}
        assert await notifications.of_incident(tx, gone, 10) == []
        assert await notifications.unread_count(tx, OPERATOR) == 1
        searched = IncidentFilter(search=incident_search.read_search(gone))
        assert await incidents.newest(tx, searched, 10) == []


async def test_an_incident_that_the_engine_may_tell_of_again_or_that_is_not_old_yet_stays(
    scene: Scene,
) -> None:
    await scene.open(1, seq=5)
    await scene.end(1)
    ended = to_micros(at(1))
    async with scene.database.write() as tx:
        for before, watermark in ((ended, 5), (ended + 1, 4)):
            assert await incidents.remove_old(tx, before, watermark, 10) == 0
        assert await incidents.remove_old(tx, ended + 1, 5, 10) == 1


async def test_incidents_go_in_steps_until_none_is_left(scene: Scene) -> None:
    for number in range(250):
        await scene.open(number)
        await scene.end(number)
    async with scene.database.write() as tx:
        await incident_hours.count(tx, {(incident_id(each), 7): 1 for each in range(250)})
    await scene.after(days=400)
    assert await scene.incidents() == []
    async with scene.database.read() as tx:
        left = await incident_hours.of_incidents(tx, list(map(incident_id, range(250))), [7])
    assert set(map(tuple, left.values())) == {(0,)}


async def test_an_incident_that_a_restarted_engine_would_end_again_stays(scene: Scene) -> None:
    ended_again = await scene.open(1, seq=1_000)
    await scene.end(1)
    await scene.after(days=400)
    assert await scene.incidents() == [ended_again]


async def test_the_last_deploy_of_a_place_stays_however_old_it_is(scene: Scene) -> None:
    async with scene.database.write() as tx:
        for number, service in enumerate(("shop", "shop", "mail")):
            window = change_window(seconds=number, deploy_id=f"d{number}")
            await deploys.store(tx, service, "production", window)
    await scene.after(days=400)
    async with scene.database.read() as tx:
        shop = await deploys.recent(tx, service="shop", environment=None, limit=9)
        mail = await deploys.recent(tx, service="mail", environment=None, limit=9)
    assert [each.deploy_id for each in shop + mail] == ["d1", "d2"]


async def test_a_delivery_goes_when_it_was_settled_and_its_incident_is_gone(scene: Scene) -> None:
    told = {
        "of nothing": None,
        "still waiting": None,
        "of an open one": await scene.open(1),
        "of one that is gone": incident_id(2),
    }
    async with scene.database.write() as tx:
        for number, (key, subject) in enumerate(told.items(), start=1):
            delivery = NewDelivery(
                key=key, channel="email", receiver="1", incident_id=subject, news=b"{}"
            )
            await outbox.add(tx, [delivery], THEN)
            if key != "still waiting":
                await outbox.mark_sent(tx, [number], THEN)
    await scene.after(days=400)
    async with scene.database.read() as tx:
        kept = [each for number in range(1, 5) if (each := await outbox.get(tx, number))]
    assert [each.key for each in kept] == ["still waiting", "of an open one"]


async def test_a_dead_letter_goes_only_after_somebody_settled_it(scene: Scene) -> None:
    await scene.journal.append([event_entry(seq=None, received=None)], None)
    async with scene.database.write() as tx:
        for entry in await scene.journal.read(0, 2, 10**6):
            await dead_letters.bury(tx, entry, "it kills the engine", THEN)
        assert await dead_letters.mark_discarded(tx, 1)
    await scene.after(days=400)
    async with scene.database.read() as tx:
        assert [each.seq for each in await dead_letters.newest(tx, None, 9)] == [2]


@pytest.mark.parametrize(("watermark", "left"), [(0, [1]), (1, [])])
async def test_a_dead_letter_that_the_engine_may_be_given_again_stays(
    scene: Scene, watermark: int, left: list[int]
) -> None:
    async with scene.database.write() as tx:
        for entry in await scene.journal.read(0, 1, 10**6):
            await dead_letters.bury(tx, entry, "it kills the engine", THEN)
        assert await dead_letters.mark_discarded(tx, 1)
        await dead_letters.remove_old(tx, to_micros(LATER), watermark, 10)
        assert [each.seq for each in await dead_letters.newest(tx, None, 9)] == left


async def test_a_slack_message_is_known_as_long_as_its_incident(scene: Scene) -> None:
    subjects = [await scene.open(1), incident_id(2), "push a", "push b"]
    moments = [START, START, START, LATER]
    async with scene.database.write() as tx:
        for subject, moment in zip(subjects, moments, strict=True):
            ts = f"{moment.timestamp():.6f}"
            await slack_messages.put(tx, SlackMessage(subject, "#a", "C1", ts, b"[]", 0), 0)
    await scene.after(days=400)
    async with scene.database.read() as tx:
        kept = [each for each in subjects if await slack_messages.get(tx, each, "#a")]
    assert kept == [incident_id(1), "push b"]
