"""How every connection to PostgreSQL is made, and what its errors mean for people."""

from datetime import timedelta
from typing import Any

import psycopg

APPLICATION = "pushlog"
"""What PostgreSQL lists the connections as."""

CONNECT_ARGS: dict[str, Any] = {
    # Poolers give each transaction another session, which does not know what was prepared.
    "prepare_threshold": None,
    "connect_timeout": 5,
    # A machine that is gone without a word is noticed.
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
    "application_name": APPLICATION,
}

IDLE_TIMEOUT = timedelta(seconds=8)
"""How long a server that is stopped in the middle of a transaction may hold up the others."""

_LASTING = ("22", "23", "42")
"""Wrong data, a broken rule of the tables, a statement that is none: not better in a moment."""

_BY_CLASS = {
    "08": "the connection to PostgreSQL was lost",
    "28": "PostgreSQL does not let this user in",
    "3D": "PostgreSQL has no such database",
    "53": "PostgreSQL has no room or no connection left",
    "55": "PostgreSQL is kept from it by another server",
    "57": "PostgreSQL was stopped or cancelled the statement",
    "58": "PostgreSQL's disk cannot be read or written",
    "25": "PostgreSQL is read-only or ended the transaction",
}
"""By the first two characters of SQLSTATE."""


def why_not(error: psycopg.Error) -> str:
    """Return why PostgreSQL did not do what it was asked, with its own first line."""
    reason = _BY_CLASS.get((error.sqlstate or "08")[:2], "PostgreSQL refused it")
    first_line, *_ = str(error).splitlines() or [type(error).__name__]
    return f"{reason} ({first_line})"


def why_unavailable(error: BaseException) -> str | None:
    """Return why PostgreSQL cannot be used at the moment, or None if `error` is of another kind."""
    if not isinstance(error, psycopg.Error) or (error.sqlstate or "08").startswith(_LASTING):
        return None
    return why_not(error)
