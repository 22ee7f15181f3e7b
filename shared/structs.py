"""Structs made of other objects."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def made_of(source: object, kind: type[S], **own: object) -> S:
    """Return a `kind` with the attributes of `source` that have its fields' names.

    `own` are the fields that `source` does not have, or has otherwise. Values are taken as they
    are, without a check of their types.
    """
    return kind(**fields_of(source, kind, own))


def fields_of(
    source: object, kind: type[msgspec.Struct], own: Mapping[str, object]
) -> dict[str, Any]:
    """Return a value for each field of `kind`, from `own` or else from `source`."""
    return {
        name: own[name] if name in own else getattr(source, name) for name in kind.__struct_fields__
    }
