"""What databases raise: when they cannot be used now, and when they will never take it."""

import sqlite3

from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)

from server.storage.journal_file import JournalUnavailable

STORAGE_TROUBLE = (SQLAlchemyError, sqlite3.Error, JournalUnavailable, OSError)
"""Worth another try, and no defect of ours, unless it is one of these:"""

REFUSED_BY_STORAGE = (IntegrityError, DataError, ProgrammingError, NotSupportedError)
"""What is to be stored breaks a rule of the tables, and will again."""
