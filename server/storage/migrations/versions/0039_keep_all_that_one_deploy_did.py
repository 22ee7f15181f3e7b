"""Let one deploy both take back a suspect and bring the fix, so that both are told."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite changes no primary key in place, and Alembic would forget that there is no rowid.
    op.create_table(
        "fixes_by_change",
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
        sa.PrimaryKeyConstraint("incident_id", "deploy_id", "change", name=op.f("pk_fixes")),
        sa.UniqueConstraint(
            "incident_id", "change", "cause", name=op.f("uq_fixes_incident_id_change_cause")
        ),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO fixes_by_change (incident_id, deploy_id, change, cause)"
        " SELECT incident_id, deploy_id, change, cause FROM fixes"
    )
    op.drop_table("fixes")
    op.rename_table("fixes_by_change", "fixes")
