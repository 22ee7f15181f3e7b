"""Keep which issues joined an incident, and whether people were told of them."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "joined_issues",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("exception_type", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.incident_id"],
            name=op.f("fk_joined_issues_incident_id_incidents"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joined_issues")),
        sa.UniqueConstraint(
            "incident_id", "fingerprint", name=op.f("uq_joined_issues_incident_id_fingerprint")
        ),
    )
    op.create_index(
        "ix_joined_issues_untold",
        "joined_issues",
        ["incident_id", "at"],
        sqlite_where=sa.text("told_at IS NULL"),
    )
