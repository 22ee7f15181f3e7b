"""What the engine keeps and decides, and what it died on."""

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

engine_progress = Table(
    "engine_progress",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("watermark", BigInteger, nullable=False),
    Column("recorded_seq", BigInteger, nullable=False),
)
"""One row. `watermark`: the states are those after this entry. `recorded_seq`: the engine's results
for entries up to here are stored, so a repeat of them changes nothing.
"""

engine_deaths = Table(
    "engine_deaths",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("one_by_one_to", BigInteger, nullable=False),
    Column("died_of", BigInteger),
)
"""One row. `one_by_one_to`: up to this entry, no two are in flight together. `died_of`: the entry
that the engine has died of once, alone with it.
"""

engine_states = Table(
    "engine_states",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

decision_batches = Table(
    "decision_batches",
    metadata,
    Column("last_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("decisions", LargeBinary, nullable=False),
)
"""The decisions of one recorded batch, JSON lines, compressed."""

notable_decisions = Table(
    "notable_decisions",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("code", String, nullable=False),
    Column("incident_id", String),
    Index(None, "incident_id", "seq"),
)
"""An index into the batches: the decisions that are not plain "known"."""

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("received", BigInteger, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("buried_at", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("replayed_as", BigInteger),
)
"""Entries that the engine died on. `state`: ``waiting``, ``replayed`` or ``discarded``."""
