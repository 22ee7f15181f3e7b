"""Keep which users an incident affects, from now on, by a hash of their id."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "incident_users",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("user", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "user"),
        sqlite_with_rowid=False,
    )
