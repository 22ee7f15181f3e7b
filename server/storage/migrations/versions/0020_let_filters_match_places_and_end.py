"""Let a noise filter match a service or an environment, end by itself, and name who made it."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("noise_filters") as filters:
        for name in ("service", "environment", "made_by"):
            filters.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        filters.add_column(sa.Column("until", sa.BigInteger()))
        filters.drop_constraint("uq_noise_filters_pattern", type_="unique")
        filters.create_unique_constraint(
            "uq_noise_filters_pattern_service_environment", ["pattern", "service", "environment"]
        )
