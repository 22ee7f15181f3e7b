"""What the engine said of one batch of entries, stored in one transaction, and then told.

The engine says again what it had said after the last checkpoint whenever it is restored. What
belongs to an entry up to `recorded_seq` is known already and changes nothing, so that each
incident, decision and notification is stored once, however often it is said.
"""

from collections.abc import Sequence

import msgspec

from server import log
from server.incidents.explain import explain_change
from server.live import Live
from server.metrics import Metrics
from server.notify.recipients import TOLD, recipients
from server.settings import MinSeverity
from server.storage import checkpoints, decisions, deploys, incidents, notifications, people
from server.storage.database import Database, Transaction
from server.storage.journal import JournalEntry
from server.storage.times import to_micros
from shared.event import canonical_environment
from shared.pipe import (
    ChangeWindowEntry,
    Checkpoint,
    Decision,
    DeployVerdict,
    EventEntry,
    Incident,
    IncidentEnded,
    Outbound,
    State,
    UnreadableLine,
    decode_inbound,
)


class Told(msgspec.Struct):
    """What a transaction stored and people or counters are to hear of once it is committed."""

    decisions: list[Decision] = msgspec.field(default_factory=list)
    opened: list[Incident] = msgspec.field(default_factory=list)
    people: set[int] = msgspec.field(default_factory=set)
    incidents_changed: bool = False


class Recorder:
    """Stores what the engine says: each thing once, and all of a batch or nothing."""

    def __init__(
        self,
        database: Database,
        *,
        live: Live,
        metrics: Metrics,
        min_severity: MinSeverity,
    ) -> None:
        self._database = database
        self._live = live
        self._metrics = metrics
        self._min_severity = min_severity

    async def record(self, messages: Sequence[Outbound], entries: Sequence[JournalEntry]) -> None:
        """Store `messages`, said of `entries`; raises what the database raises, storing nothing."""
        async with self._database.write() as tx:
            told = await self._store(tx, messages, entries)
        for incident in told.opened:
            log.incident_opened(
                incident.incident_id,
                incident.trigger,
                incident.service,
                incident.environment,
                incident.title,
            )
            self._metrics.incidents.labels(trigger=incident.trigger).inc()
        for decision in told.decisions:
            self._metrics.decisions.labels(code=decision.code).inc()
        for person_id in told.people:
            self._live.publish(person_id)
        if told.incidents_changed:
            self._live.publish_incidents()

    async def _store(
        self, tx: Transaction, messages: Sequence[Outbound], entries: Sequence[JournalEntry]
    ) -> Told:
        told = Told()
        known = (await checkpoints.progress(tx)).recorded_seq
        states: list[State] = []
        for entry in entries:
            if entry.seq > known:
                await _store_deploy(tx, entry)
        for message in messages:
            match message:
                case Decision():
                    if message.seq > known:
                        told.decisions.append(message)
                case Incident():
                    # An update may be due after its entry was recorded: its row knows if it is new.
                    if message.seq > known or message.change == "updated":
                        await self._store_incident(tx, message, told)
                case IncidentEnded():
                    await _store_end(tx, message, told)
                case DeployVerdict():
                    await deploys.set_verdict(tx, message)
                case State():
                    states.append(message)
                case Checkpoint():
                    await checkpoints.store(tx, message.seq, states)
                    states = []
                case _:
                    # ready, ack, pong and error concern the process, not what it decided.
                    pass
        if told.decisions:
            await decisions.store(tx, told.decisions)
            await checkpoints.set_recorded(tx, told.decisions[-1].seq)
        return told

    async def _store_incident(self, tx: Transaction, incident: Incident, told: Told) -> None:
        await incidents.put(tx, incident)
        told.incidents_changed = True
        if incident.change == "updated":
            return
        at = to_micros(incident.last_seen)
        about = explain_change(incident)
        await incidents.add_change(
            tx, incident.incident_id, incident.seq, incident.change, at, about
        )
        if incident.change == "opened":
            told.opened.append(incident)
        if incident.change not in TOLD:
            return
        for person in recipients(await people.everyone(tx), incident.severity, self._min_severity):
            await notifications.add(
                tx,
                person_id=person.id,
                incident_id=incident.incident_id,
                seq=incident.seq,
                change=incident.change,
                title=incident.title,
                created_at=at,
            )
            told.people.add(person.id)


async def _store_deploy(tx: Transaction, entry: JournalEntry) -> None:
    if b'"change_window"' not in entry.body:
        return
    try:
        read = decode_inbound(entry.body)
    except UnreadableLine:
        # Journalled by another version; the engine cannot read it either and decides so.
        return
    match read:
        case ChangeWindowEntry() as window:
            environment = canonical_environment(window.environment)
            await deploys.store(tx, window.service, environment, window)
        case EventEntry(change_window=window) as event if window is not None:
            environment = canonical_environment(event.environment)
            await deploys.store(tx, event.service, environment, window)
        case _:
            pass


async def _store_end(tx: Transaction, ended: IncidentEnded, told: Told) -> None:
    if await incidents.end(tx, ended):
        told.incidents_changed = True
        await incidents.add_change(
            tx, ended.incident_id, 0, "ended", to_micros(ended.time), ended.reason
        )
