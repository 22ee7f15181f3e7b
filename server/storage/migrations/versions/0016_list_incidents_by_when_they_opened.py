"""List incidents by when PushLog opened them, and find them by their release.

An event's own time may be that of a wrong clock.
"""

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

LISTED = ["opened_seq", "incident_id", "ended_at", "service", "environment", "trigger", "severity"]
LISTED += ["text_id", "acknowledged_at", "priority_score"]


def upgrade() -> None:
    for name in ("", "_of_open", "_of_service", "_of_environment"):
        op.drop_index(f"ix_incidents_list{name}", "incidents")
    op.create_index("ix_incidents_list", "incidents", LISTED)
    op.create_index(
        "ix_incidents_list_of_open", "incidents", LISTED, sqlite_where=sa.text("ended_at IS NULL")
    )
    for name in ("service", "environment"):
        columns = [name, *(each for each in LISTED if each != name)]
        op.create_index(f"ix_incidents_list_of_{name}", "incidents", columns)
    write_releases()


def write_releases() -> None:
    """Add the releases to the texts, as `server.storage.main.incident_search` did."""
    run = op.get_bind().exec_driver_sql
    texts = (
        "SELECT t.id, t.text, i.summary FROM incidents i JOIN incident_texts t ON t.id = i.text_id "
        "WHERE t.id > ? ORDER BY t.id LIMIT 500"
    )
    last = -1
    while rows := run(texts, (last,)).fetchall():
        for text_id, text, summary in rows:
            if release := json.loads(summary).get("release"):
                text = with_beginnings(f"{without_beginnings(text)}\n{fold(release)}")
                run("UPDATE incident_texts SET text = ? WHERE id = ?", (text, text_id))
        last = rows[-1][0]


def fold(release: str) -> str:
    return re.sub(r"[\0\1]", " ", release).casefold()


def without_beginnings(text: str) -> str:
    # They stand after a line feed, but may hold some too.
    ends = [match.start() for match in re.finditer("\n", text)]
    found = (text[:end] for end in reversed(ends) if with_beginnings(text[:end]) == text)
    return next(found, text)


def with_beginnings(text: str) -> str:
    starts = {match.start() for match in re.finditer(r"\b\w|[^\W\x00-\x7f]", text)}
    beginnings = {text[at : at + length].rjust(3, "\1") for at in starts for length in (1, 2)}
    return f"{text}\n{''.join(sorted(beginnings))}"
