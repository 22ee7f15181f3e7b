"""Store where a deploy is known from, what ran before it, and what was left out of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("deploys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cut", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("repository", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("base", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("looked_up_at", sa.BigInteger(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_deploys_looked_up_at_deployed_at"),
            ["looked_up_at", "deployed_at"],
            unique=False,
        )

