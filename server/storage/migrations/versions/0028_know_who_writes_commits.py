"""Know the addresses of those who write commits, and who wants to hear of a suspicion."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "commit_authors",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("login", sa.String()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer()),
        sa.Column("by_hand", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_commit_authors_person_id_people"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_commit_authors")),
    )
    op.create_index(op.f("ix_commit_authors_login"), "commit_authors", ["login"])
    op.create_index(op.f("ix_commit_authors_seen_at"), "commit_authors", ["seen_at"])
    op.add_column(
        "people", sa.Column("my_commits", sa.String(), nullable=False, server_default="email")
    )
