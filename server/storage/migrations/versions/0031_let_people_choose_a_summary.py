"""Let people choose to get a summary by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("summary", sa.String(), nullable=False, server_default="off"))
