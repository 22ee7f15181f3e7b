"""The metadata that all tables share."""

from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData, String, text
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def where(condition: str) -> dict[str, Any]:
    """Return the arguments that make an index hold only the rows that meet the condition."""
    return {f"{dialect}_where": text(condition) for dialect in ("sqlite", "postgresql")}


def suit_postgresql() -> None:
    """Give all columns the types with which PostgreSQL counts as far, and sorts, as SQLite does."""
    for table in metadata.tables.values():
        for column in table.columns:
            like_sqlite: TypeEngine[Any]
            if isinstance(column.type, String):
                like_sqlite = column.type.copy(collation="C")
            elif isinstance(column.type, Integer):
                like_sqlite = BigInteger()
            else:
                continue
            column.type = column.type.with_variant(like_sqlite, "postgresql")
