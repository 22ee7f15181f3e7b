"""Structs made of other objects."""

from typing import TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def made_of(source: object, kind: type[S], **own: object) -> S:
    """Return a `kind` with the attributes of `source` that have its fields' names.

    `own` are the fields that `source` does not have, or has otherwise. Values are taken as they
    are, without a check of their types.
    """
    values = {
        name: own[name] if name in own else getattr(source, name) for name in kind.__struct_fields__
    }
    return kind(**values)
