"""Keep routes: who is told of which incidents, and when; and what waits because of one."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notification_routes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("severity", sa.String()),
        sa.Column("trigger", sa.String()),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("timing", sa.LargeBinary()),
        sa.Column("people", sa.LargeBinary()),
        sa.Column("targets", sa.LargeBinary()),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "waiting_incidents",
        sa.Column(
            "incident_id", sa.String(), sa.ForeignKey("incidents.incident_id"), primary_key=True
        ),
        sa.Column("events", sa.Integer()),
        sa.Column("users", sa.Integer()),
        sa.Column("until", sa.BigInteger()),
    )
