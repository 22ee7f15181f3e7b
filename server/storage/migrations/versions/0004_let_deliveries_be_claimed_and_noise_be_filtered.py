"""Let deliveries be claimed and given up, remember messages that are edited, and filter noise."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DAY_US = 86_400_000_000

SUGGESTED = (
    ("ResizeObserver loop*", "A browser that draws one frame later; nothing is broken."),
    ("*Script error.", "A script of another site, of which the browser tells nothing."),
    ("*Non-Error promise rejection captured*", "Mostly extensions and crawlers."),
    ("*AbortError*", "A request that the page itself gave up, as when somebody leaves it."),
    ("*chrome-extension://*", "An extension of the visitor's browser."),
)


def upgrade() -> None:
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("give_up_at", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.create_index(
            batch_op.f("ix_outbox_channel_receiver_sent_at"),
            ["channel", "receiver", "sent_at"],
            unique=False,
        )
    op.execute(f"UPDATE outbox SET give_up_at = created_at + {DAY_US}")
    op.create_table(
        "slack_messages",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_slack_messages")),
    )
    filters = op.create_table(
        "noise_filters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("held_back", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_incident_id", sa.String(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_noise_filters")),
        sa.UniqueConstraint("pattern", name=op.f("uq_noise_filters_pattern")),
    )
    op.bulk_insert(
        filters,
        [{"pattern": each, "about": about, "enabled": False} for each, about in SUGGESTED],
    )
