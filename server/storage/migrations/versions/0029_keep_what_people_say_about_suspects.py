"""Keep what people say about suspect commits, with the error as it was known then."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suspected_commits",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.incident_id"],
            name=op.f("fk_suspected_commits_incident_id_incidents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("incident_id", "commit_id", name=op.f("pk_suspected_commits")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "suspect_answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("is_right", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspect_answers")),
        sa.UniqueConstraint(
            "incident_id",
            "commit_id",
            "by",
            name=op.f("uq_suspect_answers_incident_id_commit_id_by"),
        ),
    )
    op.create_table(
        "answered_errors",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("error", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_answered_errors")),
    )
