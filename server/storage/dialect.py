"""What the functions of the tables must say differently to SQLite and to PostgreSQL."""

from typing import Any

from sqlalchemy import JSON, ColumnElement, FromClause, cast, func

# Both databases spell INSERT … ON CONFLICT alike.
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["greater", "insert", "is_postgresql", "json_ints"]


def is_postgresql(tx: AsyncConnection) -> bool:
    """Return whether this transaction is one of PostgreSQL's."""
    return tx.dialect.name == "postgresql"


def json_ints(tx: AsyncConnection, document: ColumnElement[Any]) -> FromClause:
    """Return the rows of a JSON list of whole numbers: `value`, and `key`, which grows."""
    if not is_postgresql(tx):
        return func.json_each(document).table_valued("value", "key")
    items = func.json_array_elements_text(cast(document, JSON))
    return items.table_valued("value", with_ordinality="key").render_derived()


def greater(tx: AsyncConnection, one: Any, other: Any) -> ColumnElement[Any]:
    """Return the greater of two values."""
    return func.greatest(one, other) if is_postgresql(tx) else func.max(one, other)
