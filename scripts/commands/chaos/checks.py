"""Check what the files say in the end: was anything lost, doubled, or decided otherwise?"""

import asyncio
import contextlib
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec

from scripts.commands.chaos.progress import newest_entry, number, recorded_seq
from server.notify.news import IncidentNews, News
from shared.pipe import Decision, EventEntry, decode_inbound, decode_outbound

_TABLES = {
    # Without when people were told, by the clock of this machine.
    "incidents": (
        "SELECT incident_id, opened_seq, changed_seq, service, environment, severity, "
        '"trigger", priority_score, title, started_at, last_seen_at, ended_at, end_reason, '
        "summary, acknowledged_at, acknowledged_by, text_id IS NULL, told_at IS NULL "
        "FROM incidents ORDER BY incident_id"
    ),
    "incident_changes": (
        'SELECT incident_id, seq, "change", at, about FROM incident_changes '
        "ORDER BY incident_id, seq, change, at"
    ),
    "symptoms": "SELECT * FROM symptoms ORDER BY incident_id, fingerprint",
    "joined_issues": (
        "SELECT incident_id, fingerprint, exception_type, message FROM joined_issues "
        "ORDER BY incident_id, fingerprint"
    ),
    "incident_users": 'SELECT * FROM incident_users ORDER BY incident_id, "user"',
    # Without new errors in an incident: when those are told depends on the clock of this machine.
    # So does at which entry people were told of what waited, and whether it was worse by then.
    "notifications": (
        'SELECT person_id, incident_id, seq, "change", title, created_at FROM notifications '
        "WHERE \"change\" != 'joined' AND (\"change\" NOT IN ('opened', 'escalated') "
        "OR incident_id NOT IN (SELECT incident_id FROM not_told WHERE reason = 'route_waits')) "
        "ORDER BY person_id, incident_id, seq, change"
    ),
    # Nor the news of the server's own deaths.
    "outbox": (
        'SELECT "key", channel, receiver, incident_id FROM outbox '
        "WHERE incident_id IS NOT NULL AND \"key\" NOT LIKE '%/joined/%' "
        "AND ((\"key\" NOT LIKE '%/opened/%' AND \"key\" NOT LIKE '%/escalated/%') "
        "OR incident_id NOT IN (SELECT incident_id FROM not_told WHERE reason = 'route_waits')) "
        'ORDER BY "key"'
    ),
    "who was told of what waited": (
        "SELECT DISTINCT channel, receiver, incident_id FROM outbox "
        "WHERE incident_id IN (SELECT incident_id FROM not_told WHERE reason = 'route_waits') "
        "AND \"key\" NOT LIKE '%/joined/%'"
    ),
    "notable_decisions": "SELECT * FROM notable_decisions WHERE code != 'dead_letter' ORDER BY seq",
    "deploys": (
        "SELECT service, environment, deploy_id, deployed_at, release, commits, verdict, "
        "verdict_reasons FROM deploys ORDER BY service, environment, deploy_id"
    ),
    "engine_states": "SELECT * FROM engine_states ORDER BY key",
    "engine_progress": "SELECT * FROM engine_progress",
}
"""What must be equal row by row, without the numbers that a table gives to its rows."""

_OPENED = re.compile(r"\[incident-engine\] incident (inc-[0-9a-f]{16}) \(")


_SHOWN = re.compile(r"\\n([\d,]+), last seen ")
"""The number of events, in the JSON of a message in Slack."""

_decode_said = msgspec.json.Decoder(list[News]).decode

_OLD_MESSAGES = (
    "SELECT count(*) FROM incidents JOIN slack_messages ON subject = incident_id "
    "WHERE ended_at IS NULL AND changed_seq > said_seq"
)

_AT_ONCE = 5
"""Each channel sends this many news without waiting for a digest (`notify.delivery.pace`)."""

_NEWS_S = 20.0
_LOOK_EVERY_S = 0.05


class Counts(msgspec.Struct):
    """The numbers over all rounds. The last two must be 0."""

    accepted: int = 0
    decided: int = 0
    set_aside: int = 0
    incidents: int = 0
    notifications: int = 0
    sent: int = 0
    edits: int = 0
    lost: int = 0
    doubled: int = 0

    def add(self, other: "Counts") -> None:
        """Add the numbers of another round."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Round(msgspec.Struct):
    """What was done in one round, and what was found."""

    counts: Counts
    blows: Counter[str]
    kills: int
    retries: int
    faults: list[str]


def count(
    journal: Path,
    database: Path,
    log: Path,
    accepted: set[str],
    messages: Mapping[str, Sequence[str]],
    faults: list[str],
) -> Counts:
    """Compare what was accepted with what is there; `faults` gets what is wrong, in words."""
    entries = dict(_entries(journal))
    in_journal = Counter(key for key in entries.values() if key is not None)
    decisions = Counter(decision.seq for decision in _decisions(database))
    opened = Counter(_OPENED.findall(log.read_text(errors="replace")))
    counts = Counts(
        accepted=len(accepted),
        decided=sum(1 for seq in entries if decisions[seq] == 1),
        set_aside=number(database, "SELECT count(*) FROM dead_letters"),
        incidents=number(database, "SELECT count(*) FROM incidents"),
        notifications=number(database, "SELECT count(*) FROM notifications"),
        sent=sum(len(received) for received in messages.values()),
    )
    told = _rows(
        database,
        "SELECT DISTINCT channel, incident_id FROM outbox "
        "WHERE state IN ('sent', 'digested') AND incident_id IS NOT NULL",
    )
    missing: dict[str, list[object]] = {
        "accepted but not in the journal": [key for key in accepted if not in_journal[key]],
        "in the journal but not decided": [seq for seq in entries if not decisions[seq]],
        "joined an incident that has ended, and told nobody": [
            *_rows(
                database,
                "SELECT incident_id, fingerprint FROM joined_issues "
                "JOIN incidents USING (incident_id) "
                "WHERE joined_issues.told_at IS NULL AND ended_at IS NOT NULL",
            )
        ],
        "sent, as the outbox says, and never received": [
            f"{incident_id} by {channel}"
            for channel, incident_id in told
            if not any(str(incident_id) in message for message in messages[str(channel)])
        ],
    }
    for what, found in missing.items():
        counts.lost += len(found)
        faults.extend(f"{what}: {each}" for each in found[:5])
    repeated: dict[str, list[object]] = {
        "accepted once and in the journal more often": _more_than_once(in_journal),
        "decided more than once": _more_than_once(decisions),
        "told as opened more than once": _more_than_once(opened),
    }
    for what, found in repeated.items():
        counts.doubled += len(found)
        faults.extend(f"{what}: {each}" for each in found[:5])
    return counts


async def news_is_out(journal: Path, database: Path) -> None:
    """Return once all is decided and each channel has told what goes out at once.

    Also return when that takes too long: what was not told is no fault, and the counts show how
    much was.
    """
    await _wait(lambda: _is_out(journal, database))


async def messages_are_new(database: Path) -> None:
    """Return once each Slack message about an open incident says all of it, or after too long."""
    await _wait(lambda: number(database, _OLD_MESSAGES) == 0)


async def _wait(is_so: Callable[[], bool]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_NEWS_S):
            while not is_so():  # noqa: ASYNC110 - another process
                await asyncio.sleep(_LOOK_EVERY_S)


def _is_out(journal: Path, database: Path) -> bool:
    last = newest_entry(journal)
    if recorded_seq(database) < last:
        return False
    told = _rows(
        database, "SELECT count(*), sum(state IN ('sent', 'digested')) FROM outbox GROUP BY channel"
    )
    return all(int(str(sent)) >= min(int(str(due)), _AT_ONCE) for due, sent in told)


def mails_doubled(mails: Sequence[EmailMessage], deaths: int) -> Iterator[str]:
    """Yield mails that came again (same Message-ID) without a death of the server over them."""
    ids = Counter(str(mail["Message-ID"]) for mail in mails)
    again = len(mails) - len(ids)
    if again > deaths:
        yield f"{again} mails came again after {deaths} deaths: {_more_than_once(ids)}"


def messages_behind(standing: Mapping[str, str], database: Path) -> Iterator[str]:
    """Yield Slack messages that say less than the server had already said in them."""
    for ts, said in _rows(database, "SELECT ts, said FROM slack_messages"):
        if not isinstance(said, bytes):
            raise TypeError(f"what message {ts!r} says is not as it should be")
        news = _decode_said(said)[0]
        if not isinstance(news, IncidentNews):
            continue
        text = standing.get(str(ts), "")
        shown = _SHOWN.search(text)
        events = int(shown[1].replace(",", "")) if shown else 0
        if events < news.incident.event_count or news.incident.incident_id not in text:
            yield (
                f"the message about {news.incident.incident_id} says {events} events, "
                f"and said {news.incident.event_count}"
            )


def differences(disturbed: Path, undisturbed: Path) -> Iterator[str]:
    """Yield each row that one database has and the other does not, in words."""
    for table, query in _TABLES.items():
        ours, theirs = Counter(_rows(disturbed, query)), Counter(_rows(undisturbed, query))
        for row in (ours - theirs).elements():
            yield f"{table}: only after the disturbance: {_shown(row)}"
        for row in (theirs - ours).elements():
            yield f"{table}: only without the disturbance: {_shown(row)}"
    ours_decided = {each.seq: each for each in _decisions(disturbed)}
    theirs_decided = {each.seq: each for each in _decisions(undisturbed)}
    for seq in sorted(ours_decided.keys() | theirs_decided.keys()):
        left, right = ours_decided.get(seq), theirs_decided.get(seq)
        if left != right and (left is None or left.code != "dead_letter"):
            yield f"decision {seq}: {left} after the disturbance, {right} without"


def copy_database(source: Path, target: Path) -> None:
    """Make a consistent copy, also if the last owner was killed."""
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


def copy_dead_letters(source: Path, target: Path) -> None:
    """Copy the dead letters: what was set aside is not given to an undisturbed engine either."""
    with contextlib.closing(sqlite3.connect(target)) as new, new:
        new.execute("ATTACH ? AS old", (str(source),))
        new.execute("INSERT INTO dead_letters SELECT * FROM old.dead_letters")


def last_received(journal: Path) -> int:
    """Return the time stamp of the newest entry, in microseconds."""
    return number(journal, "SELECT max(received) FROM entries")


def _entries(journal: Path) -> Iterator[tuple[int, str | None]]:
    """Yield each entry's number, and the key under which it was sent."""
    for seq, body in _rows(journal, "SELECT seq, body FROM entries ORDER BY seq"):
        if not isinstance(seq, int) or not isinstance(body, bytes):
            raise TypeError(f"entry {seq!r} of {journal} is not as it should be")
        entry = decode_inbound(body)
        yield seq, entry.tags.get("key") if isinstance(entry, EventEntry) else None


def _decisions(database: Path) -> Iterator[Decision]:
    for (packed,) in _rows(database, "SELECT decisions FROM decision_batches"):
        if not isinstance(packed, bytes):
            raise TypeError(f"a batch of decisions in {database} is not as it should be")
        for line in zlib.decompress(packed).splitlines():
            decision = decode_outbound(line)
            if isinstance(decision, Decision):
                yield decision


def _more_than_once(counter: Counter[Any]) -> list[object]:
    return [each for each, times in counter.items() if times > 1]


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def _shown(row: tuple[object, ...]) -> str:
    text = ", ".join(
        each.decode(errors="replace") if isinstance(each, bytes) else str(each) for each in row
    )
    return text if len(text) <= 400 else f"{text[:400]}…"
