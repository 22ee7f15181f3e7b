"""The tables of the main database, as the migrations leave them.

Times are UTC, in microseconds since the epoch: whole numbers compare and index alike everywhere.
JSON columns hold what is only ever read as a whole.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

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
    Index("ix_incidents_list_of_open", *_LISTED, sqlite_where=text("ended_at IS NULL")),
    *(
        Index(f"ix_incidents_list_of_{name}", name, *(each for each in _LISTED if each != name))
        for name in ("service", "environment")
    ),
    Index("ix_incidents_text_id", "text_id", unique=True),
    Index(None, "service", "environment", "started_at"),
    Index("ix_incidents_ended", "ended_at", sqlite_where=text("ended_at IS NOT NULL")),
    Index(
        "ix_incidents_unacknowledged",
        "told_at",
        sqlite_where=text("told_at IS NOT NULL AND ended_at IS NULL AND acknowledged_at IS NULL"),
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
"""What an incident is searched by, under its `text_id`. Triggers keep the FTS5 table
`incident_search` in step, and a text is removed with its incident.
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
    Index("ix_joined_issues_untold", "incident_id", "at", sqlite_where=text("told_at IS NULL")),
)
"""Issues that joined an incident after it opened. `at` is when that was stored here, and `told_at`
when people were told of it, or it was settled that nobody need be.
"""

deploys = Table(
    "deploys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("deploy_id", String, nullable=False),
    Column("deployed_at", BigInteger, nullable=False),
    Column("release", String),
    Column("commits", LargeBinary, nullable=False),
    Column("verdict", String),
    Column("verdict_reasons", LargeBinary),
    Column("cut", Integer, nullable=False, server_default="0"),
    Column("repository", String),
    Column("base", String),
    Column("looked_up_at", BigInteger),
    Column("deployed_by", String),
    Column("events_before", Integer),
    Column("minutes_before", Float),
    Column("events_after", Integer),
    Column("minutes_after", Float),
    Column("pending", Boolean, nullable=False, server_default="0"),
    Column("ran_since", BigInteger),
    UniqueConstraint("service", "environment", "deploy_id"),
    Index(None, "deployed_at", "id", "service", "environment", "verdict"),
    Index(None, "service", "environment", "deployed_at", "id", "verdict"),
    Index(None, "looked_up_at", "deployed_at"),
)
"""`commits` is a JSON list of `shared.event.Commit`, `verdict_reasons` a JSON list of sentences.
The events before and after are the verdict's counts of all errors of the service; NULL means not
known.

`cut`, `repository`, `base`, `pending` and `ran_since` are those of `shared.event.ChangeWindow`.
`looked_up_at` is when everything that the repository can tell about the commits was found out.
"""

incident_deploys = Table(
    "incident_deploys",
    metadata,
    Column(
        "incident_id",
        String,
        ForeignKey("incidents.incident_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("deploy_id", String, primary_key=True),
    Column("confidence", Float, nullable=False),
    Index(None, "deploy_id"),
)
"""Which deploys of its service an incident suspects. `confidence` (0-1) is that of the likeliest of
their commits.
"""

suspected_commits = Table(
    "suspected_commits",
    metadata,
    Column(
        "incident_id",
        String,
        ForeignKey("incidents.incident_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("commit_id", String, primary_key=True),
    sqlite_with_rowid=False,
)
"""Which commits an incident suspects, or did at some time."""

fixes = Table(
    "fixes",
    metadata,
    Column(
        "incident_id",
        String,
        ForeignKey("incidents.incident_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("deploy_id", String, primary_key=True),
    Column("change", String, nullable=False),
    Column("cause", String, nullable=False),
    UniqueConstraint("incident_id", "change", "cause"),
    sqlite_with_rowid=False,
)
"""Which deploys did something about the cause of an incident; people were told. `cause` is what did
it: the reverting commit, for example.
"""

suspect_answers = Table(
    "suspect_answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", String, nullable=False),
    Column("commit_id", String, nullable=False),
    Column("by", Text, nullable=False),
    Column("is_right", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("incident_id", "commit_id", "by"),
)
"""What people (`by` is a name) said about a suspect: whether it is the cause. Answers outlive their
incident, since the ranking is measured by them.
"""

answered_errors = Table(
    "answered_errors",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("error", LargeBinary, nullable=False),
)
"""The error behind each answered incident, as it was known at the last answer: the JSON of a
`server.incidents.answered_error.AnsweredError`. It outlives the incident, too.
"""

people = Table(
    "people",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", String, unique=True),
    Column("email_incidents", Boolean, nullable=False),
    Column("min_severity", String, nullable=False),
    Column("services", LargeBinary),
    Column("environments", LargeBinary),
    Column("role", String, nullable=False, server_default="admin"),
    Column("password_hash", Text),
    Column("appearance", String, nullable=False, server_default="system"),
    Column("my_commits", String, nullable=False, server_default="email"),
    Column("working_hours", LargeBinary),
    Column("summary", String, nullable=False, server_default="off"),
)
"""Who is told, and who signs in. `min_severity` is ``all``, ``error`` or ``critical``. `services`
and `environments` are JSON lists of those that the person wants to hear of; NULL means all. `role`
is ``admin`` or ``member``. Without a `password_hash`, nobody signs in as this person. `appearance`
is ``system``, ``light`` or ``dark``. `my_commits` is how the person hears that one of their commits
is suspected: ``email``, ``slack`` or ``off``. `working_hours` is the JSON of a
`server.storage.main.people.WorkingHours`; with NULL, mails come at any time. `summary` is how often
the person gets a summary by mail: ``off``, ``daily`` or ``weekly``.
"""

commit_authors = Table(
    "commit_authors",
    metadata,
    Column("address", String, primary_key=True),
    Column("login", String),
    Column("name", Text, nullable=False),
    Column("person_id", Integer, ForeignKey("people.id", ondelete="SET NULL")),
    Column("by_hand", Boolean, nullable=False, server_default="0"),
    Column("seen_at", BigInteger, nullable=False),
    Index(None, "login"),
    Index(None, "seen_at"),
)
"""The addresses that commits come from, and the names of the same authors at GitHub, in lower case.
If `by_hand`, an admin said whose address it is: that of `person_id`, or nobody's. `seen_at` is when
a deploy last had a commit of theirs.
"""

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("person_id", Integer, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Index(None, "person_id"),
)
"""Browsers that are signed in. `digest` is that of the secret in the browser's cookie."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("person_id", Integer, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("ending", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("scope", String, nullable=False, server_default="write"),
    Index(None, "person_id"),
)
"""Programs that may use the API as a person. `ending`: the last characters, to recognize it by."""

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("purpose", String, nullable=False),
    Column("email", String, nullable=False),
    Column("role", String),
    Column("person_id", Integer, ForeignKey("people.id", ondelete="CASCADE")),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
"""Links that work once. `purpose`: ``invitation`` (of `email`, in `role`) or ``reset`` (of the
password of `person_id`)."""

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
    Index("ix_notifications_unread", "person_id", sqlite_where=text("read_at IS NULL")),
    Index(
        "ix_notifications_trouble",
        "trouble_id",
        "change",
        "person_id",
        unique=True,
        sqlite_where=text("trouble_id IS NOT NULL"),
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
    Index("ix_troubles_open", "kind", unique=True, sqlite_where=text("closed_at IS NULL")),
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
    Column("channel", String, nullable=False),
    Column("ts", String, nullable=False),
    Column("said", LargeBinary, nullable=False),
    Column("said_seq", BigInteger, nullable=False, server_default="0"),
    Column("edited_at", BigInteger, nullable=False, server_default="0"),
    Column("said_acknowledged", Boolean, nullable=False, server_default="0"),
    Index(None, "ts"),
)
"""Messages of our bot that are edited as their subject (an incident, a push) changes. `channel` and
`ts` are Slack's names for the message. `said` is what it says: a JSON list of `server.notify.news`.
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
