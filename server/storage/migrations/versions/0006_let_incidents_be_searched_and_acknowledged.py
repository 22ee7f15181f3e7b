"""Let incidents be acknowledged, and searched and filtered without reading their rows."""

import json
import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

A_BATCH = 500

TRIGGERS = (
    """
    CREATE TRIGGER incident_texts_insert AFTER INSERT ON incident_texts BEGIN
        INSERT INTO incident_search (rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER incident_texts_update AFTER UPDATE OF text ON incident_texts BEGIN
        INSERT INTO incident_search (incident_search, rowid, text)
        VALUES ('delete', old.id, old.text);
        INSERT INTO incident_search (rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER incident_texts_delete AFTER DELETE ON incident_texts BEGIN
        INSERT INTO incident_search (incident_search, rowid, text)
        VALUES ('delete', old.id, old.text);
    END
    """,
    """
    CREATE TRIGGER incidents_delete AFTER DELETE ON incidents BEGIN
        DELETE FROM incident_texts WHERE id = old.text_id;
    END
    """,
)

LISTED = (
    "started_at",
    "incident_id",
    "ended_at",
    "service",
    "environment",
    "trigger",
    "severity",
    "text_id",
)


def upgrade() -> None:
    op.create_table(
        "incident_texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_texts")),
    )
    op.execute(
        "CREATE VIRTUAL TABLE incident_search USING fts5("
        "text, content='incident_texts', content_rowid='id', "
        "tokenize='trigram case_sensitive 1', columnsize=0)"
    )
    op.add_column("incidents", sa.Column("text_id", sa.Integer(), nullable=True))
    op.add_column("incidents", sa.Column("acknowledged_at", sa.BigInteger(), nullable=True))
    op.add_column("incidents", sa.Column("acknowledged_by", sa.Text(), nullable=True))
    for trigger in TRIGGERS:
        op.execute(trigger)
    write_texts()
    op.drop_index("ix_incidents_started_at_incident_id", table_name="incidents")
    op.drop_index("ix_incidents_ended_at", table_name="incidents")
    op.create_index("ix_incidents_list", "incidents", LISTED)
    op.create_index(
        "ix_incidents_list_of_open",
        "incidents",
        LISTED,
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    for name in ("service", "environment"):
        columns = (name, *(each for each in LISTED if each != name))
        op.create_index(f"ix_incidents_list_of_{name}", "incidents", columns)
    op.create_index("ix_incidents_text_id", "incidents", ["text_id"], unique=True)
    op.create_index(
        "ix_incidents_ended",
        "incidents",
        ["ended_at"],
        sqlite_where=sa.text("ended_at IS NOT NULL"),
    )
    op.drop_index("ix_notable_decisions_incident_id", table_name="notable_decisions")
    op.create_index(
        "ix_notable_decisions_incident_id_seq", "notable_decisions", ["incident_id", "seq"]
    )
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["person_id"],
        sqlite_where=sa.text("read_at IS NULL"),
    )


def write_texts() -> None:
    """Write the texts of the incidents that exist, as `server.storage.main.incident_search` did."""
    run = op.get_bind().exec_driver_sql
    last = ""
    while True:
        rows = run(
            "SELECT incident_id, summary FROM incidents WHERE incident_id > ? "
            "ORDER BY incident_id LIMIT ?",
            (last, A_BATCH),
        ).fetchall()
        if not rows:
            return
        for incident_id, summary in rows:
            text_id = run(
                "INSERT INTO incident_texts (text) VALUES (?)", (text_of(json.loads(summary)),)
            ).lastrowid
            run("UPDATE incidents SET text_id = ? WHERE incident_id = ?", (text_id, incident_id))
        last = rows[-1][0]


def text_of(summary: dict[str, Any]) -> str:
    frames = summary.get("stacktrace", [])
    ours = [frame for frame in frames if frame.get("in_app") is not False]
    places = [
        " ".join(filter(None, (frame.get("file") or frame.get("module"), frame.get("function"))))
        for frame in (ours or frames)[:3]
    ]
    parts = (
        summary["incident_id"],
        summary["title"],
        f"{summary['exception_type']}: {summary['message'][:2000]}",
        f"{summary['service']} {summary['environment']}",
        *places,
        summary.get("api_route") or "",
        summary.get("alert_rule") or "",
    )
    text = re.sub(r"[\0\1]", " ", "\n".join(parts)).casefold()
    starts = {match.start() for match in re.finditer(r"\b\w|[^\W\x00-\x7f]", text)}
    beginnings = {text[at : at + length].rjust(3, "\1") for at in starts for length in (1, 2)}
    return f"{text}\n{''.join(sorted(beginnings))}"
