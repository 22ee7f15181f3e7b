"""List what is silenced; what people silenced before is read from the incidents' timelines."""

import re
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SAID = re.compile(r"By (.*?), (?:for good|until (.{1,20}) UTC)(?:: (.*))?\.", re.DOTALL)


def upgrade() -> None:
    silences = op.create_table(
        "silences",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("held_back", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_silences")),
    )
    rows = op.get_bind().execute(
        sa.text(
            "SELECT c.incident_id, c.change, c.at, c.about, i.title, i.service, i.environment "
            "FROM incident_changes c JOIN incidents i ON i.incident_id = c.incident_id "
            "WHERE c.change IN ('silenced', 'snoozed', 'unsilenced') ORDER BY c.id"
        )
    )
    last = {row.incident_id: row for row in rows}
    found = [
        {
            "incident_id": row.incident_id,
            "title": row.title,
            "service": row.service,
            "environment": row.environment,
            "by": said[1],
            "reason": said[3] or "",
            "at": row.at,
            "until": _micros(said[2]),
        }
        for row in last.values()
        if row.change != "unsilenced" and (said := _SAID.fullmatch(row.about))
    ]
    if found:
        op.bulk_insert(silences, found)


def _micros(text: str | None) -> int | None:
    if text is None:
        return None
    return int(datetime.strptime(text, "%d %b %Y, %H:%M").replace(tzinfo=UTC).timestamp()) * 10**6
