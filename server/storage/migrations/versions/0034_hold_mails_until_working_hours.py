"""Hold mails that can wait until their receiver's working hours."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("working_hours", sa.LargeBinary()))
    op.add_column("outbox", sa.Column("held_until", sa.BigInteger()))
