"""Let a token be for reading only; those there are may change things, as before."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "api_tokens", sa.Column("scope", sa.String(), nullable=False, server_default="write")
    )
