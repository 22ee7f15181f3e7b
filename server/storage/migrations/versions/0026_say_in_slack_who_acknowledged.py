"""Remember whether a message in Slack says who acknowledged its incident."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "slack_messages",
        sa.Column("said_acknowledged", sa.Boolean(), nullable=False, server_default="0"),
    )
