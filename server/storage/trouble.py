"""What a database that cannot be used now raises: worth another try, and no defect of ours."""

import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from server.storage.journal_file import JournalUnavailable

STORAGE_TROUBLE = (SQLAlchemyError, sqlite3.Error, JournalUnavailable, OSError)
