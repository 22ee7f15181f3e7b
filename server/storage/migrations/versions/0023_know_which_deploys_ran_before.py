"""Know which deploys are not known to run yet, and which had run before."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "deploys", sa.Column("pending", sa.Boolean(), nullable=False, server_default="0")
    )
    op.add_column("deploys", sa.Column("ran_since", sa.BigInteger()))
