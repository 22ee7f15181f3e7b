"""What people do with an incident, on a page, by the API or in Slack.

Resolving and silencing are journal entries: the engine decides what follows from them, in order
with all other entries, and a replay decides the same. An acknowledgement is none, because the
engine decides nothing by it. It does not change what people are told: an incident that gets worse
is news to whoever looks after it, too. Nor is an answer about a suspect commit: the ranking is
measured by it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

from server.incidents import answered_error
from server.notify.live import Live
from server.storage.database import Database, Transaction
from server.storage.journal.journal import Journal
from server.storage.main import deploys, incidents, suspect_answers, suspected_commits
from server.storage.main.incidents import StoredIncident
from server.storage.main.suspect_answers import SuspectAnswer
from server.storage.times import to_micros
from shared.event import PRODUCTION, UNKNOWN_ENVIRONMENT
from shared.incident import IncidentSummary
from shared.pipe import Resolve, Silence

Judged = Literal["noted", "unknown_incident", "never_suspected"]
"""What became of an answer about a suspect commit."""


class Actions:
    """Does what somebody wants; `by` is that person's name, for the timeline.

    It calls `acknowledged` after an acknowledgement that is news, and `judged` after an answer
    about a suspect commit that is news, with whether the commit is the cause.
    """

    def __init__(
        self,
        database: Database,
        journal: Journal,
        live: Live,
        *,
        acknowledged: Callable[[], None] = lambda: None,
        judged: Callable[[bool], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._journal = journal
        self._live = live
        self._acknowledged = acknowledged
        self._judged = judged
        self._now = now

    async def find(self, incident_id: str) -> StoredIncident | None:
        """Return the incident, or None if there is none of this id."""
        async with self._database.read() as tx:
            return await incidents.get(tx, incident_id)

    async def acknowledge(self, incident_id: str, by: str) -> StoredIncident | None:
        """Acknowledge the incident, and return it as it is then; the first who does it stays.

        Return None if there is none of this id. If it ended without an acknowledgement, it stays
        without one.
        """
        async with self._database.write() as tx:
            is_news = await incidents.acknowledge(tx, incident_id, by, to_micros(self._now()))
            incident = await incidents.get(tx, incident_id)
        if is_news:
            self._live.publish_incidents()
            self._acknowledged()
        return incident

    async def judge_suspect(
        self, incident_id: str, commit_id: str, by: str, *, is_right: bool
    ) -> Judged:
        """Note whether this commit is the cause, instead of what the same person said before.

        The incident may have ended, and may suspect others by now.
        """
        said = SuspectAnswer(commit_id=commit_id, by=by, is_right=is_right, at=self._now())
        async with self._database.write() as tx:
            incident = await incidents.get(tx, incident_id)
            if incident is None:
                return "unknown_incident"
            summary = incident.summary
            is_suspect = any(each.commit_id == commit_id for each in summary.suspected_causes)
            if not is_suspect and not await suspected_commits.has(tx, incident_id, commit_id):
                return "never_suspected"
            is_news = await suspect_answers.put(tx, incident_id, said)
            if is_news:
                await _keep_error(tx, summary)
        if is_news:
            self._live.publish_incidents()
            self._judged(is_right)
        return "noted"

    async def resolve(self, incident_id: str, by: str) -> int:
        """Resolve its issues; return the number of the entry. Raises `JournalUnavailable`."""
        return await self._append(Resolve(incident_id=incident_id, by=by, time=self._now()))

    async def silence(
        self, incident_id: str, by: str, *, until: datetime | None = None, reason: str = ""
    ) -> int:
        """Silence its issues until then, or for good; return the number of the entry.

        A time in the past ends a silence. Raises `JournalUnavailable`.
        """
        return await self._silence(incident_id, by, self._now(), until, reason)

    async def snooze(self, incident_id: str, by: str, minutes: int, reason: str = "") -> int:
        """Silence its issues for so many minutes; otherwise as `silence`."""
        now = self._now()
        return await self._silence(incident_id, by, now, now + timedelta(minutes=minutes), reason)

    async def lift(self, incident_id: str, by: str) -> int:
        """End the silence of its issues; otherwise as `silence`."""
        now = self._now()
        return await self._silence(incident_id, by, now, now)

    async def _silence(
        self, incident_id: str, by: str, at: datetime, until: datetime | None, reason: str = ""
    ) -> int:
        return await self._append(
            Silence(incident_id=incident_id, by=by, time=at, until=until, reason=reason.strip())
        )

    async def _append(self, entry: Resolve | Silence) -> int:
        return (await self._journal.append([entry], None)).seqs[0]


async def _keep_error(tx: Transaction, summary: IncidentSummary) -> None:
    """Store the error that an answer is about, with the deploys that are known now."""
    # Where nobody knows the environment, the engine suspects the deploys of production.
    is_unknown = summary.environment == UNKNOWN_ENVIRONMENT
    found = await deploys.recent(
        tx,
        answered_error.CANDIDATE_DEPLOYS,
        service=summary.service,
        environment=PRODUCTION if is_unknown else summary.environment,
        until=summary.start_time + answered_error.CLOCK_SKEW,
    )
    error = answered_error.answered_error(summary, [deploys.window_of(each) for each in found])
    if error is not None:
        await suspect_answers.put_error(tx, summary.incident_id, answered_error.encode(error))
