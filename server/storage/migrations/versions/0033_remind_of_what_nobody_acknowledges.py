"""Remind people of incidents that nobody acknowledges."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("told_at", "reminded_at", "handed_on_at"):
        op.add_column("incidents", sa.Column(name, sa.BigInteger()))
    op.create_index(
        "ix_incidents_unacknowledged",
        "incidents",
        ["told_at"],
        sqlite_where=sa.text(
            "told_at IS NOT NULL AND ended_at IS NULL AND acknowledged_at IS NULL"
        ),
    )
