"""What the engine said of one batch of entries, stored in one transaction, and then told.

The engine says again what it had said after the last checkpoint whenever it is restored. What
belongs to an entry up to `recorded_seq` is known already and changes nothing, so that each
incident, decision and notification is stored once, however often it is said.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from server.incidents.entries import store_entry
from server.notify.announce import Announcer
from server.notify.live import Live
from server.notify.plan import Outlets, Plan
from server.process import log
from server.process.metrics import Metrics
from server.settings.settings import MinSeverity
from server.storage.database import Database, Transaction
from server.storage.journal.journal import JournalEntry
from server.storage.main import checkpoints, decisions, deploys, incidents
from server.storage.times import to_micros
from server.wording.explain import explain_change
from shared.pipe import (
    Checkpoint,
    Decision,
    DeployVerdict,
    Incident,
    IncidentEnded,
    Outbound,
    State,
)

NOBODY_OUTSIDE = Outlets()


class Told(msgspec.Struct):
    """What a transaction stored and people or counters are to hear of once it is committed."""

    decisions: list[Decision] = msgspec.field(default_factory=list)
    opened: list[Incident] = msgspec.field(default_factory=list)
    people: set[int] = msgspec.field(default_factory=set)
    incidents_changed: bool = False
    outbox_changed: bool = False

    def tell(self, plan: Plan) -> None:
        """These people, and the outbox's workers."""
        self.people.update(plan.people)
        self.outbox_changed |= bool(plan.deliveries)


class Recorder:
    """Stores what the engine says: each thing once, and all of a batch or nothing.

    `posted` is called when there is something new in the outbox, once it is committed.
    """

    def __init__(
        self,
        database: Database,
        *,
        live: Live,
        metrics: Metrics,
        min_severity: MinSeverity,
        outlets: Outlets = NOBODY_OUTSIDE,
        posted: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._live = live
        self._metrics = metrics
        self._announcer = Announcer(min_severity, outlets, now)
        self._posted = posted

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
        if told.outbox_changed:
            self._posted()

    async def _store(
        self, tx: Transaction, messages: Sequence[Outbound], entries: Sequence[JournalEntry]
    ) -> Told:
        told = Told()
        known = (await checkpoints.progress(tx)).recorded_seq
        states: list[State] = []
        for entry in entries:
            if entry.seq > known:
                told.tell(await store_entry(tx, entry, self._announcer))
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
                    await self._store_end(tx, message, told)
                case DeployVerdict():
                    if await deploys.set_verdict(tx, message):
                        # The list of deploys renews itself with that of incidents.
                        told.incidents_changed = True
                        told.tell(await self._announcer.verdict(tx, message))
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
        told.tell(await self._announcer.change(tx, incident))

    async def _store_end(self, tx: Transaction, ended: IncidentEnded, told: Told) -> None:
        if not await incidents.end(tx, ended):
            return
        told.incidents_changed = True
        await incidents.add_change(
            tx, ended.incident_id, 0, "ended", to_micros(ended.time), ended.reason
        )
        told.tell(await self._announcer.end(tx, ended))
