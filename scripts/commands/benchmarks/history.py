"""Fills an installation with incidents and events, as if the engine had decided on them."""

import asyncio
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from scripts.commands.benchmarks.reader_token import give_token
from scripts.commands.chaos.server_process import Server
from server.storage.database import Database, Transaction, migrate, open_database
from server.storage.indexing import STRETCH
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import checkpoints, entry_ids, incident_hours, incidents
from server.storage.main.entry_ids import Stretch
from server.storage.main.tables import decision_batches, notable_decisions
from server.storage.times import micros_now, to_micros
from shared.decisions import Code
from shared.event import Frame
from shared.incident import Symptom
from shared.pipe import Decision, EventEntry, Incident, IncidentEnded, encode_lines

OPEN = 200
FIRST = "f" * 32
"""The id of the oldest event."""

_AT_ONCE = STRETCH
_SERVICES = 20

_TRACE = [
    Frame(file=f"shop/module_{number}.py", function=f"function_{number}", line=number, in_app=True)
    for number in range(50)
]
"""Makes an event as large as those of Sentry are in the journal (docs/OPERATIONS.md)."""


async def fill(server: Server, count: int, events: int) -> None:
    """Add `count` incidents, of which the newest `OPEN` are open, and `events` events."""
    await asyncio.to_thread(migrate, server.database)
    async with open_database(server.database) as database:
        async with database.write() as tx:
            await give_token(tx)
        for first in range(0, count, _AT_ONCE):
            async with database.write() as tx:
                for number in range(first, min(first + _AT_ONCE, count)):
                    await _add(tx, number, is_open=number >= count - OPEN)
        async with open_journal(server.journal) as journal:
            for first in range(0, events, _AT_ONCE):
                await _decided(database, journal, first, min(_AT_ONCE, events - first), count)


async def _decided(
    database: Database, journal: Journal, first: int, size: int, incident_count: int
) -> None:
    """Add `size` events, each of an incident, as if the engine had decided on them."""
    entries = [_event(number) for number in range(first, first + size)]
    seqs = (await journal.append(entries, None)).seqs
    made = [Decision(seq, Code.IN_INCIDENT, f"inc-{seq % incident_count:016x}", {}) for seq in seqs]
    hour = micros_now() // incident_hours.HOUR_US
    by_hour = Counter((f"inc-{seq % incident_count:016x}", hour - seq % 24) for seq in seqs)
    async with database.write() as tx:
        # Each in a batch of its own, as at a few events a second.
        await tx.execute(insert(decision_batches), [_batch(each) for each in made])
        await tx.execute(
            insert(notable_decisions),
            [
                {"seq": each.seq, "code": each.code, "incident_id": each.incident_id}
                for each in made
            ],
        )
        await incident_hours.count(tx, by_hour)
        stretch = Stretch(seqs[0], seqs[-1])
        await entry_ids.store(tx, stretch, (each.event_id for each in entries if each.event_id))
        await checkpoints.set_recorded(tx, seqs[-1])
        await checkpoints.store(tx, seqs[-1], [])


def _batch(decision: Decision) -> dict[str, object]:
    packed = zlib.compress(encode_lines([decision]), level=1)
    return {"first_seq": decision.seq, "last_seq": decision.seq, "decisions": packed}


def _event(number: int) -> EventEntry:
    return EventEntry(
        source="sentry",
        service=f"service-{number % _SERVICES}",
        environment="production",
        timestamp=datetime.now(UTC),
        severity="error",
        exception_type=f"Error{number % 5_000}",
        message=f"price {number} of sku-{number % 977} is negative",
        stacktrace=_TRACE,
        event_id=FIRST if number == 0 else f"{number:032x}",
    )


async def _add(tx: Transaction, number: int, *, is_open: bool) -> None:
    began = datetime.now(UTC) - timedelta(minutes=200_000 - number)
    name, message = f"Error{number % 5_000}", f"price {number} of sku-{number % 977} is negative"
    incident = Incident(
        seq=number + 1,
        change="opened",
        incident_id=f"inc-{number:016x}",
        title=f"{name}: {message}",
        source="sentry",
        service=f"service-{number % _SERVICES}",
        environment="production" if number % 3 else "staging",
        severity="error" if number % 10 else "critical",
        priority_score=number % 100,
        trigger="new_issue" if number % 7 else "regression",
        trigger_numbers={"environment": "production"},
        exception_type=name,
        message=message,
        start_time=began,
        last_seen=began,
        peak_time=began,
        top_symptoms=[Symptom(f"{number:016x}", name, message, 1)],
    )
    await incidents.put(tx, incident)
    await incidents.add_change(
        tx, incident.incident_id, incident.seq, "opened", to_micros(began), "It is new."
    )
    if not is_open:
        await incidents.end(tx, IncidentEnded(incident.incident_id, "it is quiet", began))
