"""Incidents, what happened to them, and the issues in them."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from server.storage.main.tables.metadata import metadata, where

_LISTED = (
    "opened_seq",
    "incident_id",
    "ended_at",
    "service",
    "environment",
    "trigger",
    "severity",
    "text_id",
    "acknowledged_at",
    "priority_score",
)

incidents = Table(
    "incidents",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("opened_seq", BigInteger, nullable=False),
    Column("changed_seq", BigInteger, nullable=False),
    Column("service", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("trigger", String, nullable=False),
    Column("priority_score", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("end_reason", Text),
    Column("summary", LargeBinary, nullable=False),
    Column("text_id", Integer),
    Column("acknowledged_at", BigInteger),
    Column("acknowledged_by", Text),
    Column("told_at", BigInteger),
    Column("reminded_at", BigInteger),
    Column("handed_on_at", BigInteger),
    Index("ix_incidents_list", *_LISTED),
    Index("ix_incidents_list_of_open", *_LISTED, **where("ended_at IS NULL")),
    *(
        Index(f"ix_incidents_list_of_{name}", name, *(each for each in _LISTED if each != name))
        for name in ("service", "environment")
    ),
    Index("ix_incidents_text_id", "text_id", unique=True),
    Index(None, "service", "environment", "started_at"),
    Index("ix_incidents_ended", "ended_at", **where("ended_at IS NOT NULL")),
    Index(
        "ix_incidents_unacknowledged",
        "told_at",
        **where("told_at IS NOT NULL AND ended_at IS NULL AND acknowledged_at IS NULL"),
    ),
)
"""`summary` is the newest `shared.incident.IncidentSummary`, as JSON. The indexes of the list hold
everything that it is filtered by, so that only the rows that are shown are read. `acknowledged_by`
is a name, which stays when the person is removed. `told_at` is when people were last told that it
opened or got worse; since then they were reminded at `reminded_at`, and others told at
`handed_on_at`.
"""

incident_texts = Table(
    "incident_texts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False),
)
"""What an incident is searched by, under its `text_id`. In SQLite, triggers keep the FTS5 table
`incident_search` in step. A text is removed with its incident.
"""

incident_hours = Table(
    "incident_hours",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("events", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""How many events of an incident came in an hour (hours since 1970)."""

incident_users = Table(
    "incident_users",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("user", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Which users the events of an incident happened to, up to a limit. `user` is a hash of the id that
the events have, so that they can be counted and nothing personal is kept.
"""

incident_changes = Table(
    "incident_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", String, ForeignKey("incidents.incident_id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("change", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("about", Text, nullable=False),
    UniqueConstraint("incident_id", "seq", "change"),
)
"""What happened to an incident, in order. `seq` is 0 if no entry caused it: an incident ends at a
deadline, and the engine need not know of an acknowledgement.
"""

symptoms = Table(
    "symptoms",
    metadata,
    Column("incident_id", String, ForeignKey("incidents.incident_id"), primary_key=True),
    Column("fingerprint", String, primary_key=True),
    Column("exception_type", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "fingerprint"),
)

joined_issues = Table(
    "joined_issues",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", String, ForeignKey("incidents.incident_id"), nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("exception_type", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("told_at", BigInteger),
    UniqueConstraint("incident_id", "fingerprint"),
    Index("ix_joined_issues_untold", "incident_id", "at", **where("told_at IS NULL")),
)
"""Issues that joined an incident after it opened. `at` is when that was stored here, and `told_at`
when people were told of it, or it was settled that nobody need be.
"""

silences = Table(
    "silences",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("title", Text, nullable=False),
    Column("service", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("held_back", Integer, nullable=False, server_default="0"),
    Column("last_at", BigInteger),
)
"""Which incidents' issues nobody wants to hear of. `until` is NULL for good. `held_back` counts the
alarms that the engine held back because of it. There is no foreign key: a silence for good outlives
its incident.
"""
