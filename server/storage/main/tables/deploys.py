"""Deploys, and which commits incidents suspect."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from server.storage.main.tables.metadata import metadata

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
    Column("change", String, primary_key=True),
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
