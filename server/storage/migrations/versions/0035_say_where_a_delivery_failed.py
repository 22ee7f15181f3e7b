"""Keep where the last failure of a delivery lies, by a word of a closed list."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("failure", sa.String()))
