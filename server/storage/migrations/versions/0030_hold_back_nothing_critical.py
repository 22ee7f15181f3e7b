"""Mark deliveries that no pace holds back."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "outbox", sa.Column("urgent", sa.Boolean(), nullable=False, server_default="0")
    )
