"""Reads the valid parts of an object that does not fit its type.

The types of a payload are declared once, as Structs. A well-formed payload is decoded into them in
one go. If that fails, this module walks the same types: a part of the wrong type loses only itself,
and a note says which part it was.
"""

import types
import typing
from typing import TypeVar

import msgspec

from server.ingest.notes import Notes
from server.ingest.text import encodable

S = TypeVar("S", bound=msgspec.Struct)

_JSON_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    types.NoneType: "null",
}


class _Unfit:
    """Stands for a part of which nothing could be kept."""


_UNFIT = _Unfit()


def salvage(value: dict[str, object], struct: type[S], path: str, notes: Notes) -> S:
    """Return the `struct` in `value`, with the default in place of each part that does not fit.

    `value` comes from a JSON decoder. Every field of `struct`, and of the Structs in it, must have
    a default.
    """
    fields: dict[str, object] = {}
    for field in msgspec.structs.fields(struct):
        if field.encode_name in value:
            part = _part(
                value[field.encode_name], field.type, _below(path, field.encode_name), notes
            )
            if part is not _UNFIT:
                fields[field.name] = part
    return struct(**fields)


def _part(value: object, wanted: object, path: str, notes: Notes) -> object:
    """Return `value` as the type `wanted`, or as much of it as fits."""
    try:
        return _convert(value, wanted)
    except ValueError:
        pass
    arms = typing.get_args(wanted) if _is_union(wanted) else (wanted,)
    for arm in arms:
        match value:
            case dict() if isinstance(arm, type) and issubclass(arm, msgspec.Struct):
                return salvage(value, arm, path, notes)
            case dict() if typing.get_origin(arm) is dict:
                return _items(value, typing.get_args(arm)[1], path, notes)
            case list() if typing.get_origin(arm) is list:
                return _members(value, typing.get_args(arm)[0], path, notes)
    try:
        return _convert(encodable(value) if isinstance(value, str) else value, wanted, strict=False)
    except ValueError:
        found = _JSON_NAMES.get(type(value), "something")
        wanted_names = dict.fromkeys(_json_name(arm) for arm in arms if arm is not types.NoneType)
        notes.add(f"{path}: {found} where {' or '.join(wanted_names)} belongs; left out")
        return _UNFIT


def _items(value: dict[str, object], wanted: object, path: str, notes: Notes) -> dict[str, object]:
    parts = {
        encodable(key): _part(item, wanted, _below(path, key), notes) for key, item in value.items()
    }
    return {key: part for key, part in parts.items() if part is not _UNFIT}


def _members(value: list[object], wanted: object, path: str, notes: Notes) -> list[object]:
    parts = [_part(item, wanted, f"{path}[{at}]", notes) for at, item in enumerate(value)]
    return [part for part in parts if part is not _UNFIT]


def _convert(value: object, wanted: object, *, strict: bool = True) -> object:
    """Return `value` as `wanted`; raise `ValueError`, also for text that cannot be encoded."""
    return msgspec.convert(value, typing.cast("type[object]", wanted), strict=strict)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_union(wanted: object) -> bool:
    return isinstance(wanted, types.UnionType) or typing.get_origin(wanted) is typing.Union


def _json_name(arm: object) -> str:
    kind = typing.get_origin(arm) or arm
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "an object"
    return _JSON_NAMES.get(typing.cast("type", kind), "something else")
