"""What people are told, and what they are not."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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

notifications = Table(
    "notifications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", Integer, ForeignKey("people.id"), nullable=False),
    Column("incident_id", String, ForeignKey("incidents.incident_id")),
    Column("trouble_id", Integer, ForeignKey("troubles.id", ondelete="CASCADE")),
    Column("seq", BigInteger, nullable=False),
    Column("change", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    UniqueConstraint("incident_id", "seq", "change", "person_id"),
    Index(None, "person_id", "id"),
    Index("ix_notifications_unread", "person_id", **where("read_at IS NULL")),
    Index(
        "ix_notifications_trouble",
        "trouble_id",
        "change",
        "person_id",
        unique=True,
        **where("trouble_id IS NOT NULL"),
    ),
)
"""The bell of each person: about an incident, or about a trouble, with `seq` 0. `id` is also the id
of the message in the live stream.
"""

troubles = Table(
    "troubles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Index("ix_troubles_open", "kind", unique=True, **where("closed_at IS NULL")),
    Index(None, "closed_at"),
)
"""What is or was wrong with PushLog itself: of each kind, at most one at a time is open."""

not_told = Table(
    "not_told",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", String, ForeignKey("incidents.incident_id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("change", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("person_id", Integer, ForeignKey("people.id")),
    Column("way", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", Text),
    Index(None, "incident_id"),
)
"""Why somebody was not told of a change, by one way or any. No `person_id`: nobody was told."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("channel", String, nullable=False),
    Column("receiver", String, nullable=False),
    Column("incident_id", String),
    Column("news", LargeBinary, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("last_error", Text),
    Column("give_up_at", BigInteger, nullable=False, server_default="0"),
    Column("urgent", Boolean, nullable=False, server_default="0"),
    Column("held_until", BigInteger),
    Column("failure", String),
    Index(None, "channel", "state", "next_at"),
    Index(None, "incident_id"),
    Index(None, "channel", "receiver", "sent_at"),
    Index(None, "created_at"),
)
"""One row for each message to somebody outside. `key` makes it unique: what happened, by which
channel and to whom. `state` is ``waiting``, ``sending`` (claimed; due again at `next_at` in case
its worker has died), ``sent``, ``failed`` (given up, with `last_error`) or ``digested`` (told as
part of another row's message). What is `urgent` is not held back for a digest.
Until `held_until`, a row waits for the working hours of its receiver. `failure` is where
`last_error` lies: a `server.storage.main.outbox.FailureKind`.
"""

slack_messages = Table(
    "slack_messages",
    metadata,
    Column("subject", String, primary_key=True),
    Column("receiver", String, primary_key=True, server_default=""),
    Column("channel", String, nullable=False),
    Column("ts", String, nullable=False),
    Column("said", LargeBinary, nullable=False),
    Column("said_seq", BigInteger, nullable=False, server_default="0"),
    Column("edited_at", BigInteger, nullable=False, server_default="0"),
    Column("said_acknowledged", Boolean, nullable=False, server_default="0"),
    Index(None, "ts"),
)
"""Messages of our bot that are edited as their subject (an incident, a push) changes: one for each
`receiver`, as the outbox names it, or with the receiver '' one for all of them. `channel` and `ts`
are Slack's names for the message. `said` is what it says: a JSON list of `server.notify.news`.
`said_seq` is the entry up to which it tells its incident, and `said_acknowledged` whether it says
who acknowledged it. `edited_at` is when it was posted, edited or tried last.
"""

noise_filters = Table(
    "noise_filters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pattern", Text, nullable=False),
    Column("service", Text, nullable=False, server_default=""),
    Column("environment", Text, nullable=False, server_default=""),
    Column("until", BigInteger),
    Column("about", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("held_back", Integer, nullable=False, server_default="0"),
    Column("last_incident_id", String),
    Column("last_at", BigInteger),
    Column("made_by", Text, nullable=False, server_default=""),
    UniqueConstraint("pattern", "service", "environment"),
)
"""Which errors nobody wants to hear of: in which service and environment (patterns; empty means
all), and until when. `held_back` counts what nobody was told because of the filter; the last was
`last_incident_id` at `last_at`. `made_by` is empty if PushLog brought the filter along.
"""

notification_routes = Table(
    "notification_routes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("service", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("severity", String),
    Column("trigger", String),
    Column("path", Text, nullable=False),
    Column("timing", LargeBinary),
    Column("people", LargeBinary),
    Column("targets", LargeBinary),
    Column("about", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("made_by", Text, nullable=False),
)
"""Who is told of which incidents, and when, in the order of `position`. `timing`, `people` and
`targets` are JSON, and NULL where the route leaves that to later ones.
See `server.storage.main.notification_routes.Route`.
"""

waiting_incidents = Table(
    "waiting_incidents",
    metadata,
    Column("incident_id", String, ForeignKey("incidents.incident_id"), primary_key=True),
    Column("events", Integer),
    Column("users", Integer),
    Column("until", BigInteger),
)
"""Incidents that nobody was told of yet because of a route: until they have this many `events` or
`users`, or until a time.
"""
