"""Keep a message in Slack for each receiver, and no longer one for all."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slack_messages_of_receivers",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("receiver", sa.String(), nullable=False, server_default=""),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.Column("said_seq", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("edited_at", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("said_acknowledged", sa.Boolean(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("subject", "receiver", name=op.f("pk_slack_messages")),
    )
    # The rows know Slack's own name of the channel, and not the receiver. Where one receiver alone
    # was told of an incident, its message is there. Of any other message nobody knows whose it is:
    # without a receiver, it stays the one for all of them.
    op.execute(
        """
        INSERT INTO slack_messages_of_receivers (
            subject, receiver, channel, ts, said, said_seq, edited_at, said_acknowledged
        )
        SELECT subject, coalesce(
            (
                SELECT CASE count(DISTINCT outbox.receiver) WHEN 1 THEN min(outbox.receiver) END
                FROM outbox
                WHERE outbox.incident_id = slack_messages.subject
                AND outbox.channel = 'slack'
                AND outbox.state IN ('sent', 'digested')
                AND outbox.receiver NOT LIKE 'direct message to %'
                AND outbox.key NOT LIKE '%/handed_on/%'
            ),
            ''
        ), channel, ts, said, said_seq, edited_at, said_acknowledged
        FROM slack_messages ORDER BY slack_messages.rowid
        """
    )
    op.drop_table("slack_messages")
    op.rename_table("slack_messages_of_receivers", "slack_messages")
    op.create_index(op.f("ix_slack_messages_ts"), "slack_messages", ["ts"])
