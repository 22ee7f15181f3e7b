"""Sorts what databases raise: unusable for now, or data that they will never accept."""

import sqlite3

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from server.storage.journal.entry import JournalUnavailable
from server.storage.journal.file import REASONS

STORAGE_TROUBLE = (SQLAlchemyError, sqlite3.Error, JournalUnavailable, OSError)
"""Errors that are worth another try and no defect of ours, except for these:"""

REFUSED_BY_STORAGE = (IntegrityError, DataError, ProgrammingError, NotSupportedError)
"""The data to be stored breaks a rule of the tables, and will do so again."""


_LASTING = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def why_unusable(error: BaseException) -> str | None:
    """Return why a database cannot be used at the moment, or None if `error` is of another kind.

    A missing table also raises `OperationalError`, but it is a defect. A damaged file does not
    recover in a moment.
    """
    match error:
        case JournalUnavailable():
            return str(error)
        case PoolTimeout():
            return "all connections to it are in use"
        case sqlite3.Error():
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            return None if code in _LASTING else REASONS.get(code)
        case DBAPIError(orig=BaseException() as cause) if hasattr(cause, "sqlstate"):
            from server.storage.postgres_driver import why_unavailable  # noqa: PLC0415 - is loaded

            return why_unavailable(cause)
        case DBAPIError(orig=BaseException() as cause):
            return why_unusable(cause)
    return None
