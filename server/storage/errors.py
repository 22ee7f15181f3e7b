"""What databases raise: when they cannot be used now, and when they will never take it."""

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

from server.storage.journal.file import REASONS, JournalUnavailable

STORAGE_TROUBLE = (SQLAlchemyError, sqlite3.Error, JournalUnavailable, OSError)
"""Worth another try, and no defect of ours, unless it is one of these:"""

REFUSED_BY_STORAGE = (IntegrityError, DataError, ProgrammingError, NotSupportedError)
"""What is to be stored breaks a rule of the tables, and will again."""


_LASTING = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def why_unusable(error: BaseException) -> str | None:
    """Why a database cannot be used at the moment; none where `error` is of another kind.

    A table that is missing is an `OperationalError` as well, but a defect; and a file that is
    damaged is not well in a moment.
    """
    match error:
        case JournalUnavailable():
            return str(error)
        case PoolTimeout():
            return "all connections to it are in use"
        case sqlite3.Error():
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            return None if code in _LASTING else REASONS.get(code)
        case DBAPIError(orig=BaseException() as cause):
            return why_unusable(cause)
    return None
