"""Keep in which minutes each source sends something, to notice when one stops."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "active_hours",
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("who", "hour", name=op.f("pk_active_hours")),
        sqlite_with_rowid=False,
    )
