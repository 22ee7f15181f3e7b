"""Keep which deploys did something about the cause of an incident."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fixes",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("deploy_id", sa.String(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.incident_id"],
            name=op.f("fk_fixes_incident_id_incidents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("incident_id", "deploy_id", name=op.f("pk_fixes")),
        sa.UniqueConstraint(
            "incident_id", "change", "cause", name=op.f("uq_fixes_incident_id_change_cause")
        ),
        sqlite_with_rowid=False,
    )
