"""People, how they sign in, and who writes commits."""

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
)

from server.storage.main.tables.metadata import metadata

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
`server.storage.main.people.WorkingHours`; with NULL, messages come at any time. `summary` is how
often the person gets a summary by mail: ``off``, ``daily`` or ``weekly``.
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
