"""The engine's output is stored once, however often it is repeated, and all of it or nothing."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import Table, select

from server.incidents.last_day import HOURS, read_last_day
from server.incidents.masked import masked
from server.incidents.record import Recorder
from server.notify.live import Live
from server.process.metrics import Metrics
from server.settings.settings import MinSeverity
from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main import checkpoints, decisions, incident_users
from server.storage.main import incidents as incidents_table
from server.storage.main.incident_hours import HOUR_US
from server.storage.main.incident_users import user_hash
from server.storage.main.tables import (
    deploys,
    incident_changes,
    incidents,
    notable_decisions,
    notifications,
    symptoms,
)
from server.storage.main.tables import incident_users as incident_users_table
from server.storage.times import from_micros, to_micros
from shared.decisions import Code
from shared.incident import Symptom
from shared.pipe import (
    Checkpoint,
    Decision,
    Incident,
    IncidentEnded,
    Outbound,
    State,
    encode_lines,
)
from tests.builders import at, deploy_entry, event_entry

TABLES = (incidents, incident_changes, symptoms, notifications, notable_decisions, deploys)


def recorder(database: Database, min_severity: MinSeverity = "all") -> Recorder:
    return Recorder(database, live=Live(), metrics=Metrics(), min_severity=min_severity)


async def rows(database: Database, table: Table) -> list[dict[str, Any]]:
    async with database.read() as tx:
        return [row._asdict() for row in await tx.execute(select(table))]


def incident(seq: int = 5, change: str = "opened", **changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "incident_id": "inc-0123456789abcdef",
        "title": "ValueError: price is negative",
        "source": "sentry",
        "service": "shop",
        "environment": "production",
        "severity": "error",
        "priority_score": 60,
        "trigger": "new_issue",
        "exception_type": "ValueError",
        "message": "price is negative",
        "start_time": at(0),
        "last_seen": at(seq),
        "peak_time": at(0),
        "top_symptoms": [Symptom("f1", "ValueError", "price is negative", seq)],
    }
    return Incident(seq=seq, change=change, **(fields | changes))  # type: ignore[arg-type]


OPENED: list[Outbound] = [incident(), Decision(5, Code.OPENED, "inc-0123456789abcdef")]


async def test_what_is_due_later_opens_its_incident_once_after_its_entry(
    database: Database,
) -> None:
    late = incident(3, environment="unknown")
    await recorder(database).record([Decision(5, Code.KNOWN)], [])
    for _ in range(2):
        await recorder(database).record([late], [])
    (row,) = await rows(database, incidents)
    assert (row["opened_seq"], row["environment"]) == (3, "unknown")
    assert len(await rows(database, notifications)) == 1


async def test_an_incident_may_turn_out_to_be_in_another_environment(database: Database) -> None:
    await recorder(database).record([incident(3, environment="unknown")], [])
    await recorder(database).record([incident(5, "updated", environment="staging")], [])
    (row,) = await rows(database, incidents)
    assert row["environment"] == "staging"


async def test_what_is_said_again_after_a_restart_changes_nothing(database: Database) -> None:
    said: list[Outbound] = [
        *OPENED,
        incident(6, "escalated", severity="critical"),
        Decision(6, Code.ESCALATED, "inc-0123456789abcdef"),
        IncidentEnded("inc-0123456789abcdef", "the rate is back", at(60)),
    ]
    await recorder(database).record(said, [])
    once = [await rows(database, table) for table in TABLES]
    assert [len(found) for found in once] == [1, 3, 1, 3, 2, 0]
    await recorder(database).record(said, [])
    assert [await rows(database, table) for table in TABLES] == once


async def test_an_update_that_falls_due_after_its_entry_was_recorded_is_stored(
    database: Database,
) -> None:
    store = recorder(database)
    await store.record(OPENED, [])
    await store.record([incident(5, "updated", event_count=7)], [])
    await store.record([incident(4, "updated", event_count=3)], [])
    (row,) = await rows(database, incidents)
    assert msgspec.json.decode(row["summary"])["event_count"] == 7


async def test_a_batch_that_cannot_be_stored_whole_is_not_stored_at_all(
    database: Database,
) -> None:
    unknown = incident(6, "joined", incident_id="inc-1")
    twice: list[Outbound] = [*OPENED, unknown, unknown]
    with pytest.raises(Exception, match="UNIQUE"):
        await recorder(database).record(twice, [])
    assert await rows(database, incidents) == []
    assert await rows(database, notifications) == []


async def test_the_watermark_moves_with_the_states_and_only_with_a_checkpoint(
    database: Database,
) -> None:
    await recorder(database).record(OPENED, [])
    async with database.read() as tx:
        assert await checkpoints.progress(tx) == checkpoints.Progress(0, 5)
    said: list[Outbound] = [State("issue:f1", msgspec.Raw(b'{"n":1}')), Checkpoint(5)]
    await recorder(database).record(said, [])
    async with database.read() as tx:
        assert await checkpoints.progress(tx) == checkpoints.Progress(5, 5)
        slices = [each async for each in checkpoints.read_states(tx, 10)]
    assert [list(each) for each in slices] == [[("issue:f1", b'{"n":1}')]]


async def test_every_decision_can_be_looked_up_and_only_notable_ones_are_indexed(
    database: Database,
) -> None:
    said = [Decision(seq, Code.KNOWN, None, {"rate": 0.1 * seq}) for seq in range(1, 100)]
    await recorder(database).record([*said, Decision(100, Code.JOINED, "inc-1")], [])
    async with database.read() as tx:
        found = await decisions.get(tx, 42)
        assert await decisions.get(tx, 101) is None
    assert found == said[41]
    assert [row["seq"] for row in await rows(database, notable_decisions)] == [100]


async def test_each_decision_is_counted_once_by_its_code_however_often_it_is_said(
    database: Database,
) -> None:
    metrics = Metrics()
    store = Recorder(database, live=Live(), metrics=metrics, min_severity="all")
    said: list[Outbound] = [
        *(Decision(seq, Code.KNOWN) for seq in (1, 2, 3)),
        incident(4),
        Decision(4, Code.OPENED, "inc-0123456789abcdef"),
    ]
    await store.record(said, [])
    await store.record([*said, Decision(5, Code.KNOWN), Decision(6, Code.NOT_PRODUCTION)], [])
    await store.record([Decision(6, Code.NOT_PRODUCTION)], [])
    counted = {
        sample.labels["code"]: sample.value
        for metric in metrics.decisions.collect()
        for sample in metric.samples
        if sample.name == "pushlog_decisions_total"
    }
    assert counted == {"known": 4, "opened": 1, "not_production": 1}
    assert (
        metrics.registry.get_sample_value("pushlog_incidents_total", {"trigger": "new_issue"}) == 1
    )


async def test_what_could_not_be_stored_is_not_counted(database: Database) -> None:
    metrics = Metrics()
    store = Recorder(database, live=Live(), metrics=metrics, min_severity="all")
    unknown = incident(6, "joined", incident_id="inc-1")
    with pytest.raises(Exception, match="UNIQUE"):
        await store.record([*OPENED, unknown, unknown], [])
    opened = {"code": "opened"}
    assert metrics.registry.get_sample_value("pushlog_decisions_total", opened) is None
    await store.record(OPENED, [])
    assert metrics.registry.get_sample_value("pushlog_decisions_total", opened) == 1


async def test_below_the_severity_floor_an_incident_is_stored_and_nobody_is_told(
    database: Database,
) -> None:
    await recorder(database, "critical").record(OPENED, [])
    assert len(await rows(database, incidents)) == 1
    assert await rows(database, notifications) == []


async def test_a_listening_tab_is_woken_after_the_transaction(database: Database) -> None:
    live = Live()
    told = Recorder(database, live=live, metrics=Metrics(), min_severity="all")
    with live.listen(1) as listener:
        await told.record(OPENED, [])
        assert await listener.news(0) == {"bell", "incidents"}


async def test_a_decided_deploy_is_stored_with_its_commits(database: Database) -> None:
    body = encode_lines((deploy_entry(None, received=None),)).rstrip()
    entry = JournalEntry(7, 0, body)
    await recorder(database).record([Decision(7, Code.NOTED)], [entry])
    (deploy,) = await rows(database, deploys)
    assert (deploy["service"], deploy["environment"]) == ("shop", "production")
    assert b"Round prices half up" in deploy["commits"]


async def test_the_events_of_an_incident_are_counted_by_the_hour_in_which_they_came(
    database: Database,
) -> None:
    first = to_micros(at(0)) // HOUR_US
    entries = [
        JournalEntry(seq, (first + hours) * HOUR_US + minute * 60_000_000, b"{}")
        for seq, hours, minute in ((5, 0, 0), (6, 0, 59), (7, 2, 0), (8, 2, 1), (9, 2, 2))
    ]
    said: list[Outbound] = [
        *OPENED,
        Decision(6, Code.IN_INCIDENT, "inc-0123456789abcdef"),
        Decision(7, Code.IN_INCIDENT, "inc-0123456789abcdef"),
        Decision(8, Code.SILENCED, "inc-0123456789abcdef"),
        Decision(9, Code.KNOWN),
    ]
    store = recorder(database)
    await store.record(said[:3], entries[:2])
    await store.record(said[3:], entries[2:])
    # Said again after a restart, they are not counted again.
    await store.record(said, entries)
    async with database.read() as tx:
        stored = await incidents_table.get(tx, "inc-0123456789abcdef")
        assert stored is not None
        for hours, counted in ((2, [2, 0, 1]), (3, [2, 0, 1, 0]), (0, [2])):
            now = from_micros((first + hours + 1) * HOUR_US - 1)
            (day,) = await read_last_day(tx, [stored], now)
            assert day == [0] * (HOURS - len(counted)) + counted
        for hours, seen in ((HOURS - 1, 3), (HOURS, 1)):
            (day,) = await read_last_day(tx, [stored], from_micros((first + hours) * HOUR_US))
            assert sum(day) == seen
        assert await read_last_day(tx, [], at(0)) == []


def named_entry(seq: int, user_id: str | None) -> JournalEntry:
    """An event of this user, as it stands in the journal."""
    event = event_entry(None, received=None, user_id=user_id)
    return JournalEntry(seq, to_micros(at(seq)), encode_lines((event,)).rstrip())


async def test_the_users_of_an_incident_are_counted_from_the_event_that_opened_it_on(
    database: Database,
) -> None:
    ours, other = "inc-0123456789abcdef", "inc-1"
    users = {5: "ada", 6: "bob", 7: "ada", 8: "eve", 9: "mallory", 10: None, 11: "bob", 12: "zoe"}
    entries = [named_entry(seq, user_id) for seq, user_id in users.items()]
    said: list[Outbound] = [
        *OPENED,
        Decision(6, Code.IN_INCIDENT, ours),
        Decision(7, Code.JOINED, ours),
        # Held back, and in no incident.
        Decision(8, Code.SILENCED, ours),
        Decision(9, Code.KNOWN),
        Decision(10, Code.IN_INCIDENT, ours),
        Decision(11, Code.IN_INCIDENT, other),
        Decision(12, Code.ESCALATED, ours),
    ]
    store = recorder(database)
    await store.record(said[:2], entries[:1])
    await store.record(said[2:6], entries[1:5])
    # Said again after a restart, with more after it.
    for _ in range(2):
        await store.record(said, entries)
    async with database.read() as tx:
        assert await incident_users.counts(tx, [ours, other]) == {ours: 3, other: 1}
    stored = await rows(database, incident_users_table)
    assert {row["user"] for row in stored} == {user_hash(name) for name in ("ada", "bob", "zoe")}


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"tags":{"user_id":"ada"}}',
        b'{"user_id":null}',
        b'{"user_id":""}',
        b'{"user_id":7}',
        b'{"user_id":"\xff"}',
        b'{"user_id":',
        b'"user_id"',
        b'{"user_id":"ada","tags":' + b"[" * 100_000,
    ],
)
async def test_an_entry_that_names_nobody_has_no_user_and_stops_nothing(
    database: Database, body: bytes
) -> None:
    await recorder(database).record(OPENED, [JournalEntry(5, 0, body)])
    assert len(await rows(database, incidents)) == 1
    assert await rows(database, incident_users_table) == []


async def test_no_secret_of_an_error_is_stored_told_or_logged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    said = "cannot sign in with password=hunter2"
    secretive = incident(
        title=f"ValueError: {said}",
        message=said,
        top_symptoms=[Symptom("f1", "ValueError", said, 1)],
        tags={"session_id": "hunter2", "browser": "Firefox"},
        links={"source_url": "https://ada:hunter2@sentry.example/issues/1/"},
        request_url="https://shop.example/pay?token=hunter2",
    )
    await recorder(database).record(
        [secretive, Decision(5, Code.OPENED, secretive.incident_id)], []
    )
    everything = [row for table in TABLES for row in await rows(database, table)]
    assert "hunter2" not in f"{everything}{caplog.text}"
    async with database.read() as tx:
        stored = await incidents_table.get(tx, secretive.incident_id)
    assert stored is not None
    assert stored.summary.title == "ValueError: cannot sign in with password=***"
    assert stored.summary.tags == {"session_id": "***", "browser": "Firefox"}


def test_an_incident_without_secrets_stays_as_it_is() -> None:
    assert masked(incident()) == incident()
