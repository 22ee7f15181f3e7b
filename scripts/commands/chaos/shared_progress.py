"""Tells how far servers that share a PostgreSQL have come, from another process."""

import psycopg

from server.storage.shared.lease import LEADER

_ALL_DECIDED = (
    "SELECT (SELECT seq FROM journal_head) <= "
    "(SELECT coalesce(max(recorded_seq), 0) FROM engine_progress)"
)


def ask(url: str, query: str) -> object:
    """Return the one value that the query finds; None for none, or without an answer."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute(query.encode()).fetchone()
    except psycopg.Error:
        return None
    return None if row is None else row[0]


def number(url: str, query: str) -> int:
    """Return the one number that the query finds; 0 for none."""
    found = ask(url, query)
    return found if isinstance(found, int) else 0


def leader(url: str) -> str | None:
    """Return the name of the server that leads, or None if none does."""
    found = ask(url, LEADER)
    return None if found is None else str(found)


def recorded_seq(url: str) -> int:
    """Return the entry up to which all decisions are stored."""
    return number(url, "SELECT max(recorded_seq) FROM engine_progress")


def all_decided(url: str) -> bool:
    """Return whether the decision on the newest entry is stored."""
    return ask(url, _ALL_DECIDED) is True
