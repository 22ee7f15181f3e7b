"""Find the incidents of a place by when they began."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_incidents_service_environment_started_at",
        "incidents",
        ["service", "environment", "started_at"],
    )
