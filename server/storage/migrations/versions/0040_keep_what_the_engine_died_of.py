"""Keep what the engine died of, so that the next server knows it too."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "engine_deaths",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("one_by_one_to", sa.BigInteger(), nullable=False),
        sa.Column("died_of", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine_deaths")),
    )
