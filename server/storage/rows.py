"""Rows of tables as structs."""

import functools
from datetime import datetime
from typing import Any, TypeVar, get_args

import msgspec
from sqlalchemy import Row

from server.storage.times import from_micros
from shared.structs import fields_of

S = TypeVar("S", bound=msgspec.Struct)


def struct_of(row: Row[*tuple[Any, ...]], kind: type[S], **known: object) -> S:
    """Return a `kind` with the columns that have the names of its fields.

    Microseconds become a datetime where the field is one. `known` are fields whose columns hold
    something else.
    """
    values = fields_of(row, kind, known)
    for name in _moments(kind):
        if isinstance(values[name], int):
            values[name] = from_micros(values[name])
    return msgspec.convert(values, kind)


@functools.cache
def _moments(kind: type[msgspec.Struct]) -> list[str]:
    """Return the fields that hold a datetime, or a datetime or None."""
    return [
        field.name
        for field in msgspec.structs.fields(kind)
        if datetime in (field.type, *get_args(field.type))
    ]
