"""Searches incidents: the table incident_texts, and its index of trigrams.

In SQLite that is incident_search (FTS5), and triggers of the migration keep the two in step, in
whatever transaction a text is written. PostgreSQL has its own (pg_trgm). Text is compared
casefolded, so that case does not matter in any alphabet.
"""

import re
from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, case, column, func, insert, literal, select, table, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import is_postgresql
from server.storage.main.tables import incident_texts, incidents
from shared.incident import IncidentSummary

FEW = 300
"""Up to this many incidents are looked up one by one, without going through the list at all."""

MANY = 5_000
"""If more incidents than this hold the words, the search goes through the list.

That finds the newest of them sooner than collecting them all. It changes only the cost.
"""

_MAX_MESSAGE = 2_000
_FRAMES = 3
_TRIGRAM = 3

_MARK = "\1"
"""A character that is in no other text.

With it, the beginnings of words are trigrams too, so that the index also finds one or two letters.
"""

_RESERVED = re.compile(r"[\0\1]")
_BEGINNING = re.compile(r"\b\w|[^\W\x00-\x7f]")
"""Where a word begins; in scripts without spaces between words, that may be anywhere."""

_index = table("incident_search", column("incident_search"), column("rowid"))


class Search(msgspec.Struct, frozen=True):
    """Pieces of text, at least three characters long, all of which must be there."""

    pieces: Sequence[str]


def read_search(text: str) -> Search | None:
    """Return the search for a typed `text`, or None if there is no word in it.

    It matches words and parts of words; for one or two characters, only the beginnings of words.
    """
    words = dict.fromkeys(_RESERVED.sub(" ", text).casefold().split())
    return Search([word.rjust(_TRIGRAM, _MARK) for word in words]) if words else None


def searched_text(incident: IncidentSummary) -> str:
    """Return the text that people search: the incident's name, the error, and where it is."""
    ours = [frame for frame in incident.stacktrace if frame.in_app is not False]
    places = [
        " ".join(filter(None, (frame.file or frame.module, frame.function)))
        for frame in (ours or incident.stacktrace)[:_FRAMES]
    ]
    parts = (
        incident.incident_id,
        incident.title,
        f"{incident.exception_type}: {incident.message[:_MAX_MESSAGE]}",
        f"{incident.service} {incident.environment}",
        *places,
        incident.api_route or "",
        incident.alert_rule or "",
        *filter(None, [incident.release]),
    )
    text = _RESERVED.sub(" ", "\n".join(parts)).casefold()
    starts = {match.start() for match in _BEGINNING.finditer(text)}
    beginnings = {
        text[at : at + length].rjust(_TRIGRAM, _MARK) for at in starts for length in (1, 2)
    }
    return f"{text}\n{''.join(sorted(beginnings))}"


async def put(tx: AsyncConnection, incident: IncidentSummary) -> None:
    """Create or renew the text of this incident, whose row exists."""
    text = searched_text(incident)
    this = incidents.c.incident_id == incident.incident_id
    text_id = await tx.scalar(select(incidents.c.text_id).where(this))
    if text_id is None:
        text_id = await tx.scalar(
            insert(incident_texts).values(text=text).returning(incident_texts.c.id)
        )
        await tx.execute(update(incidents).where(this).values(text_id=text_id))
        return
    await tx.execute(
        update(incident_texts)
        .where(incident_texts.c.id == text_id, incident_texts.c.text != text)
        .values(text=text)
    )


async def matching(tx: AsyncConnection, search: Search) -> ColumnElement[bool]:
    """Return the condition on the table incidents that matches the search."""
    if is_postgresql(tx):
        # It knows from its statistics whether to begin with the text or with the list.
        holds = (incident_texts.c.text.contains(each, autoescape=True) for each in search.pieces)
        return incidents.c.text_id.in_(select(incident_texts.c.id).where(*holds))
    # Within quotes, only the quote itself has a special meaning.
    quoted = " AND ".join('"' + piece.replace('"', '""') + '"' for piece in search.pieces)
    hits = select(_index.c.rowid).where(_index.c.incident_search.op("MATCH")(quoted))
    ids = (await tx.scalars(hits.limit(FEW + 1))).all()
    if len(ids) <= FEW:
        return incidents.c.text_id.in_(ids)
    found = hits.limit(MANY + 1).cte("found").prefix_with("MATERIALIZED", dialect="sqlite")
    holds = (func.instr(incident_texts.c.text, piece) > 0 for piece in search.pieces)
    this = incident_texts.c.id == incidents.c.text_id
    few = select(func.count()).select_from(found).scalar_subquery() <= MANY
    among = incidents.c.text_id.in_(select(found.c.rowid))
    return case((few, among), else_=select(literal(1)).where(this, *holds).exists())
