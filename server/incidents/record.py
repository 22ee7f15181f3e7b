"""Store what the engine said about one batch of entries in one transaction, then tell people.

Whenever the engine is restored, it repeats what it said after the last checkpoint. Anything that
belongs to an entry up to `recorded_seq` is known already and changes nothing. So each incident,
decision and notification is stored once, however often it is said.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from server.incidents.affected_users import users_by_incident
from server.incidents.entries import store_entry
from server.incidents.fixes import store_fixes
from server.incidents.live_fixes import store_live_fix
from server.incidents.masked import masked
from server.notify.announce import announce
from server.notify.batch import Deployed, Happened, Over
from server.notify.live import Live
from server.notify.outlets import Outlets
from server.notify.planning.plan import Plan
from server.notify.ring import ring
from server.process import log
from server.process.metrics import Metrics
from server.settings.settings import MinSeverity
from server.storage.database import Database, Transaction
from server.storage.journal.entry import JournalEntry
from server.storage.main import (
    checkpoints,
    decisions,
    deploys,
    incident_hours,
    incident_users,
    incidents,
    joined_issues,
    silences,
)
from server.storage.main.incidents import StoredIncident
from server.storage.times import to_micros
from server.wording.explain import explain_change
from server.wording.reasons import say
from shared.decisions import Code
from shared.incident import Reason
from shared.pipe import (
    Checkpoint,
    Decision,
    DeployVerdict,
    FixLive,
    Incident,
    IncidentEnded,
    Outbound,
    Resolve,
    Silence,
    State,
)

NOBODY_OUTSIDE = Outlets()


class Recorded(msgspec.Struct):
    """The outcome of a batch of entries, in the order in which it happened."""

    decisions: list[Decision] = msgspec.field(default_factory=list)
    happened: list[Happened] = msgspec.field(default_factory=list)
    incidents_changed: bool = False


class Recorder:
    """Stores what the engine says: each thing once, and all of a batch or nothing.

    It calls `posted` when there is something new in the outbox, after the commit. The authors of
    suspect commits are told from a confidence of `tell_authors_from` (0-1) on.
    """

    def __init__(
        self,
        database: Database,
        *,
        live: Live,
        metrics: Metrics,
        min_severity: MinSeverity,
        outlets: Outlets = NOBODY_OUTSIDE,
        tell_authors_from: float = 1.0,
        posted: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._live = live
        self._metrics = metrics
        self._floor: MinSeverity = min_severity
        self._outlets = outlets
        self._tell_authors_from = tell_authors_from
        self._posted = posted
        self._now = now

    async def record(self, messages: Sequence[Outbound], entries: Sequence[JournalEntry]) -> None:
        """Store `messages`, which were said about `entries`, and tell people.

        Raises what the database raises; then nothing is stored and nobody is told.
        """
        now = to_micros(self._now())

        async def store(tx: Transaction) -> tuple[Recorded, Sequence[Plan]]:
            recorded = await _store(tx, messages, entries, now)
            await _count_silenced(tx, recorded.decisions, now)
            await _count_by_hour(tx, recorded.decisions, entries)
            await incident_users.add(tx, users_by_incident(recorded.decisions, entries))
            return recorded, await announce(
                tx,
                recorded.happened,
                floor=self._floor,
                outlets=self._outlets,
                tell_authors_from=self._tell_authors_from,
                now=now,
            )

        recorded, plans = await self._database.write_at_once(store)
        self._count(recorded)
        self._wake(recorded, plans)

    def _count(self, recorded: Recorded) -> None:
        for each in recorded.happened:
            if isinstance(each, Incident) and each.change == "opened":
                log.incident_opened(
                    each.incident_id, each.trigger, each.service, each.environment, each.title
                )
                self._metrics.incidents.labels(trigger=each.trigger).inc()
        for decision in recorded.decisions:
            self._metrics.decisions.labels(code=decision.code).inc()

    def _wake(self, recorded: Recorded, plans: Sequence[Plan]) -> None:
        if recorded.incidents_changed:
            self._live.publish_incidents()
        ring(plans, self._live, self._posted)


async def _store(
    tx: Transaction, messages: Sequence[Outbound], entries: Sequence[JournalEntry], now: int
) -> Recorded:
    recorded = Recorded()
    known = (await checkpoints.progress(tx)).recorded_seq
    states: list[State] = []
    for entry in entries:
        if entry.seq > known:
            match await store_entry(tx, entry):
                case Deployed() as deployed:
                    recorded.happened.append(deployed)
                case Resolve() | Silence():
                    recorded.incidents_changed = True
    for message in messages:
        match message:
            case Decision():
                if message.seq > known:
                    recorded.decisions.append(message)
            case Incident():
                if message.seq > known or await _is_due_later(tx, message):
                    incident = masked(message)
                    await incidents.put(tx, incident)
                    await joined_issues.add(tx, incident.incident_id, incident.joined, now)
                    recorded.incidents_changed = True
                    if incident.change != "updated":
                        await _add_change(tx, incident)
                    recorded.happened.append(incident)
            case IncidentEnded():
                if stored := await _store_end(tx, message):
                    recorded.happened.append(Over(stored, _by(message)))
                    recorded.incidents_changed = True
            case DeployVerdict():
                verdict = replace(message, reasons=[say(each) for each in message.reasons])
                if await deploys.set_verdict(tx, verdict):
                    recorded.happened.append(verdict)
                    # The list of deploys is refreshed together with the list of incidents.
                    recorded.incidents_changed = True
            case FixLive():
                if live := await store_live_fix(tx, message):
                    recorded.happened.append(live)
                    recorded.incidents_changed = True
            case State():
                states.append(message)
            case Checkpoint():
                await checkpoints.store(tx, message.seq, states)
                states = []
            case _:
                # ready, ack, pong and error are about the process, not about what it decided.
                pass
    # The batch may have opened the incident, told of its suspects, or ended it.
    deploys_told = [each for each in recorded.happened if isinstance(each, Deployed)]
    fixed = await store_fixes(tx, deploys_told)
    recorded.happened += fixed
    recorded.incidents_changed |= bool(fixed)
    if recorded.decisions:
        await decisions.store(tx, recorded.decisions)
        await checkpoints.set_recorded(tx, recorded.decisions[-1].seq)
    return recorded


async def _is_due_later(tx: Transaction, incident: Incident) -> bool:
    """Return whether it is new though its entry was recorded: what is due later comes afterwards.

    For an update, its row knows.
    """
    match incident.change:
        case "updated":
            return True
        case "opened":
            return not await incidents.exists(tx, incident.incident_id)
    return False


async def _count_silenced(tx: Transaction, made: Sequence[Decision], now: int) -> None:
    silenced = Counter(
        each.incident_id for each in made if each.code is Code.SILENCED and each.incident_id
    )
    for incident_id, alarms in silenced.items():
        await silences.count(tx, incident_id, alarms, now)


async def _count_by_hour(
    tx: Transaction, made: Sequence[Decision], entries: Sequence[JournalEntry]
) -> None:
    """Count the events of incidents by the hour in which they came."""
    hours = {entry.seq: entry.received // incident_hours.HOUR_US for entry in entries}
    events = Counter(
        (each.incident_id, hours[each.seq])
        for each in made
        if each.incident_id and each.code is not Code.SILENCED and each.seq in hours
    )
    await incident_hours.count(tx, events)


async def _add_change(tx: Transaction, incident: Incident) -> None:
    at = to_micros(incident.last_seen)
    about = explain_change(incident)
    await incidents.add_change(tx, incident.incident_id, incident.seq, incident.change, at, about)


def _by(ended: IncidentEnded) -> str | None:
    """Return the name of the person who ended it, or None if nobody did."""
    by = ended.reason.numbers.get("by") if isinstance(ended.reason, Reason) else None
    return None if by is None else str(by)


async def _store_end(tx: Transaction, ended: IncidentEnded) -> StoredIncident | None:
    """Store the end and return the incident that it ended, or None if that was over already."""
    reason = say(ended.reason)
    stored = await incidents.end(tx, replace(ended, reason=reason))
    if stored is not None:
        await incidents.add_change(tx, ended.incident_id, 0, "ended", to_micros(ended.time), reason)
    return stored
