"""What arrived, and when sources send."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from server.storage.main.tables.metadata import metadata

unentered_webhooks = Table(
    "unentered_webhooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("source", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("size_bytes", Integer),
    Column("delivery_id", String),
    Column("event_id", String),
    Column("first_seq", BigInteger),
    Column("more_like_it", Integer, nullable=False, server_default="0"),
    Index(None, "source", "outcome", "id"),
)
"""Webhooks that made no entry in the journal: refused, duplicate, without an event. In a flood this
is a sample: `more_like_it` counts later ones that were not kept. `first_seq` is the entry that a
duplicate repeats. No row holds anything from a body that was not verified.
"""

webhook_sources = Table(
    "webhook_sources",
    metadata,
    Column("source", String, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("outcome", String, nullable=False),
    Column("signature", String),
    Column("about", Text, nullable=False),
    Column("accepted_at", BigInteger),
)
"""The last webhook of each source, and when the last one came that was not refused."""

active_hours = Table(
    "active_hours",
    metadata,
    Column("who", String, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("minutes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""In which minutes of an hour (hours since 1970) a source of webhooks sent something, or PushLog
itself ran: bit 0 of `minutes` is the first.
"""

entry_ids = Table(
    "entry_ids",
    metadata,
    Column("last_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)
"""Hashes of the ids in a stretch of the journal's entries, one after the other."""
