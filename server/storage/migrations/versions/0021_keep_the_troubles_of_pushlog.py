"""Keep what is wrong with PushLog itself, and let bells ring for it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "troubles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_troubles")),
    )
    op.create_index(
        "ix_troubles_open",
        "troubles",
        ["kind"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(op.f("ix_troubles_closed_at"), "troubles", ["closed_at"])
    _make_notifications_anew()
    op.create_index(
        "ix_notifications_trouble",
        "notifications",
        ["trouble_id", "change", "person_id"],
        unique=True,
        sqlite_where=sa.text("trouble_id IS NOT NULL"),
    )


def _make_notifications_anew() -> None:
    """SQLite cannot change a column. Alembic's own way has the constraints in no certain order."""
    op.create_table(
        "new_notifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String()),
        sa.Column("trouble_id", sa.Integer()),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name="fk_notifications_incident_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_notifications_person_id"),
        sa.ForeignKeyConstraint(
            ["trouble_id"], ["troubles.id"], name="fk_notifications_trouble_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        sa.UniqueConstraint(
            "incident_id",
            "seq",
            "change",
            "person_id",
            name="uq_notifications_incident_id_seq_change_person_id",
        ),
    )
    columns = "id, person_id, incident_id, seq, change, title, created_at, read_at"
    op.execute(f"INSERT INTO new_notifications ({columns}) SELECT {columns} FROM notifications")  # noqa: S608
    op.drop_table("notifications")
    op.rename_table("new_notifications", "notifications")
    op.create_index("ix_notifications_person_id_id", "notifications", ["person_id", "id"])
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["person_id"],
        sqlite_where=sa.text("read_at IS NULL"),
    )
