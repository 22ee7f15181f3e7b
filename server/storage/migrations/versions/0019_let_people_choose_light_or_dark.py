"""Let people choose light or dark pages; for those there are it stays as their system is."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "people", sa.Column("appearance", sa.String(), nullable=False, server_default="system")
    )
