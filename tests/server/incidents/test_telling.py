"""Everything that reports an incident is made once, in the incident's transaction."""

import pytest

from server.incidents.record import Recorder
from server.notify.live import Live
from server.notify.outlets import Outlets
from server.process.metrics import Metrics
from server.settings.settings import MinSeverity
from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main import incidents, noise, notifications, outbox
from server.storage.main.noise import FilterValues
from server.storage.main.outbox import DeliveryFilter
from server.storage.times import to_micros
from shared.decisions import Code
from shared.incident import Symptom
from shared.pipe import (
    ChangeWindowEntry,
    Decision,
    DeployVerdict,
    Entry,
    IncidentEnded,
    Outbound,
    encode_lines,
)
from tests.builders import (
    at,
    change_window,
    change_window_entry,
    deploy_entry,
    resolve,
    silence,
)
from tests.server.incidents.test_record import incident
from tests.server.notify.news import push
from tests.signed_in import wish

ID = "inc-0123456789abcdef"
OUTLETS = Outlets(email=True, slack="bot", slack_receiver="#alerts")


@pytest.fixture(autouse=True)
async def wishes(database: Database) -> None:
    """Mail of one service."""
    async with database.write() as tx:
        await wish(tx, services=["shop"])


class Desk:
    """A recorder, and how often it said that something is posted."""

    def __init__(self, database: Database, min_severity: MinSeverity = "all") -> None:
        self.posted = 0
        self.recorder = Recorder(
            database,
            live=Live(),
            metrics=Metrics(),
            min_severity=min_severity,
            outlets=OUTLETS,
            posted=self._count,
        )

    def _count(self) -> None:
        self.posted += 1


async def told(database: Database) -> tuple[list[str], list[str]]:
    """What rang the bell, and the keys in the outbox, oldest first."""
    async with database.read() as tx:
        bell = await notifications.newest(tx, 1, 100)
        found = await outbox.newest(tx, DeliveryFilter(), 100)
    return [each.change for each in bell][::-1], [each.key for each in found][::-1]


def journalled(entry: Entry, seq: int) -> JournalEntry:
    return JournalEntry(seq, to_micros(at(seq)), encode_lines((entry,))[:-1])


OPENED: list[Outbound] = [incident(), Decision(5, Code.OPENED, ID)]


async def test_opened_worse_and_ended_are_told_once_each_however_often_they_are_said(
    database: Database,
) -> None:
    desk = Desk(database)
    said: list[Outbound] = [
        *OPENED,
        incident(6, "escalated", severity="critical"),
        Decision(6, Code.ESCALATED, ID),
        IncidentEnded(ID, "the rate is back", at(60)),
    ]
    await desk.recorder.record(said, [])
    once = await told(database)
    assert once == (
        ["opened", "escalated", "ended"],
        [
            f"{ID}/{change}/{channel}"
            for change in ("opened/5", "escalated/6", "ended/0")
            for channel in ("email/person-1", "slack")
        ],
    )
    assert desk.posted == 1
    await desk.recorder.record(said, [])
    assert await told(database) == once


async def test_a_service_that_a_person_does_not_follow_is_told_in_slack_only(
    database: Database,
) -> None:
    other = incident(service="web")
    await Desk(database).recorder.record([other, Decision(5, Code.OPENED, ID)], [])
    await Desk(database).recorder.record([IncidentEnded(ID, "over", at(60))], [])
    assert await told(database) == ([], [f"{ID}/opened/5/slack", f"{ID}/ended/0/slack"])


async def test_noise_is_counted_and_told_nobody_until_it_is_more_than_noise(
    database: Database,
) -> None:
    async with database.write() as tx:
        added = await noise.add(tx, FilterValues(pattern="ValueError*"), "Ada")
    await Desk(database).recorder.record(OPENED, [])
    assert await told(database) == ([], [])
    async with database.read() as tx:
        counted = await noise.get(tx, added.id)
        assert await incidents.get(tx, ID) is not None
    assert counted is not None
    assert (counted.held_back, counted.last_incident_id) == (1, ID)
    both = [Symptom("f1", "ValueError", "price", 5), Symptom("f2", "KeyError", "id", 1)]
    joined = incident(6, "joined", top_symptoms=both)
    await Desk(database).recorder.record([joined, Decision(6, Code.JOINED, ID)], [])
    await Desk(database).recorder.record(
        [incident(7, "joined", top_symptoms=both), Decision(7, Code.JOINED, ID)], []
    )
    bell, keys = await told(database)
    assert bell == ["opened"]
    assert keys == [f"{ID}/opened/6/email/person-1", f"{ID}/opened/6/slack"]


@pytest.mark.parametrize(
    "entry",
    [
        deploy_entry(5, change_window=change_window(0, push=push())),
        change_window_entry(5, push=push()),
    ],
    ids=["as an incident", "as context only"],
)
async def test_a_push_is_one_message_and_its_verdict_another_row(
    database: Database, entry: Entry
) -> None:
    desk = Desk(database)
    for _ in range(2):
        await desk.recorder.record([Decision(5, Code.NOTED)], [journalled(entry, 5)])
    assert (await told(database))[1] == ["push/5/slack"]
    deployed = entry.deploy_time if isinstance(entry, ChangeWindowEntry) else at(0)
    for _ in range(2):
        await desk.recorder.record(
            [DeployVerdict("shop", "production", deployed, "faulty", ["two new issues"])], []
        )
    assert (await told(database))[1][1:] == [
        f"verdict/shop/production/{to_micros(deployed)}/faulty/slack"
    ]


async def test_what_people_want_of_an_incident_stands_on_its_timeline(database: Database) -> None:
    desk = Desk(database)
    await desk.recorder.record(OPENED, [])
    wishes: list[Entry] = [
        silence(6, incident_id=ID, until=at(7200), reason="known since the move"),
        resolve(7, incident_id=ID),
        resolve(8, incident_id="inc-ffffffffffffffff"),
        silence(9, 60, incident_id=ID, until=at(0)),
        silence(10, incident_id=ID),
    ]
    journal = [journalled(wish, seq) for seq, wish in enumerate(wishes, 6)]
    await desk.recorder.record([Decision(10, Code.NOTED)], journal)
    async with database.read() as tx:
        changes = await incidents.changes(tx, ID, 10)
    assert [(each.change, each.about) for each in changes[1:]] == [
        ("snoozed", "By ada, until 4 Mar 2025, 11:00 UTC: known since the move."),
        ("resolved", "By ada."),
        ("unsilenced", "By ada."),
        ("silenced", "By ada, for good."),
    ]
