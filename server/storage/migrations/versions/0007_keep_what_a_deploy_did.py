"""Keep the errors before and after a deploy, who deployed it, and which incidents suspect it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deploys", sa.Column("deployed_by", sa.String(), nullable=True))
    op.add_column("deploys", sa.Column("events_before", sa.Integer(), nullable=True))
    op.add_column("deploys", sa.Column("minutes_before", sa.Float(), nullable=True))
    op.add_column("deploys", sa.Column("events_after", sa.Integer(), nullable=True))
    op.add_column("deploys", sa.Column("minutes_after", sa.Float(), nullable=True))
    # The list is found by these indexes alone, because a verdict is stored after large commits.
    op.drop_index(op.f("ix_deploys_deployed_at"), "deploys")
    op.create_index(
        op.f("ix_deploys_deployed_at_id_service_environment_verdict"),
        "deploys",
        ["deployed_at", "id", "service", "environment", "verdict"],
    )
    op.create_index(
        op.f("ix_deploys_service_environment_deployed_at_id_verdict"),
        "deploys",
        ["service", "environment", "deployed_at", "id", "verdict"],
    )
    op.create_table(
        "incident_deploys",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("deploy_id", sa.String(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.incident_id"],
            name=op.f("fk_incident_deploys_incident_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("incident_id", "deploy_id", name=op.f("pk_incident_deploys")),
    )
    op.create_index(op.f("ix_incident_deploys_deploy_id"), "incident_deploys", ["deploy_id"])
