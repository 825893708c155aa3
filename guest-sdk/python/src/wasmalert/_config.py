"""Configurations: dataclasses that say which JSON they take.

All looking at types is done when a component is built; what is left for an
evaluation is a tree of closures.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from ._error import Error
from ._time import Duration

#: Reads a JSON value found at a place. Raises `_Misfit`.
_Read = Callable[[Any, str], Any]


class _Misfit(Exception):
    """A JSON value that does not fit."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)


class Shape(NamedTuple):
    """What a type takes: as a JSON Schema, and as a function that reads it."""

    schema: dict[str, Any]
    read: _Read

    def parse(self, text: str) -> Any:
        """Reads a JSON text. Raises `Error` of the code `bad_config`."""
        try:
            return self.read(json.loads(text), "")
        except (_Misfit, ValueError) as misfit:
            raise Error("bad_config", f"the configuration does not fit: {misfit}") from misfit


def shape_of(hint: Any) -> Shape:
    """The shape of a type. Raises `TypeError` for one that no JSON stands for."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return Shape({}, lambda value, place: value)
    if hint in _PLAIN:
        return _plain(hint)
    if hint is Duration:
        return Shape({"type": "string"}, _duration)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record(hint)
    if hint is list or origin is list:
        return _list(shape_of(*args or (Any,)))
    if hint in (dict, Mapping) or origin in (dict, Mapping):
        return _dict(shape_of(args[1] if args else Any))
    if origin is Literal:
        return _literal(args)
    if origin in (Union, UnionType):
        return _union([shape_of(arg) for arg in args])
    raise TypeError(f"a configuration cannot have the type {hint}")


#: JSON Schema's name, the name for people, and the Python types of a JSON value.
_PLAIN: dict[Any, tuple[str, str, tuple[type, ...]]] = {
    bool: ("boolean", "true or false", (bool,)),
    int: ("integer", "an integer", (int, float)),
    float: ("number", "a number", (int, float)),
    str: ("string", "a text", (str,)),
    NoneType: ("null", "null", (NoneType,)),
}


def _plain(hint: Any) -> Shape:
    name, wanted, types = _PLAIN[hint]

    def read(value: Any, place: str) -> Any:
        if type(value) not in types or (hint is int and value != value // 1):
            raise _unfit(place, wanted, value)
        return None if value is None else hint(value)

    return Shape({"type": name}, read)


def _duration(value: Any, place: str) -> Duration:
    if not isinstance(value, str):
        raise _unfit(place, "a duration such as 30s, 5m or 1h30m", value)
    try:
        return Duration(value)
    except ValueError as problem:
        raise _Misfit(place, str(problem)) from problem


def _list(element: Shape) -> Shape:
    def read(value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise _unfit(place, "a list", value)
        return [element.read(one, f"{place}[{at}]") for at, one in enumerate(value)]

    return Shape({"type": "array", **_only("items", element.schema)}, read)


def _dict(element: Shape) -> Shape:
    def read(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _unfit(place, "an object", value)
        return {name: element.read(one, _within(place, name)) for name, one in value.items()}

    return Shape({"type": "object", **_only("additionalProperties", element.schema)}, read)


def _literal(allowed: tuple[Any, ...]) -> Shape:
    def read(value: Any, place: str) -> Any:
        if not any(value == one and type(value) is type(one) for one in allowed):
            raise _unfit(place, "one of " + ", ".join(map(json.dumps, allowed)), value)
        return value

    return Shape({"enum": list(allowed)}, read)


def _union(shapes: list[Shape]) -> Shape:
    def read(value: Any, place: str) -> Any:
        problem: Exception = _unfit(place, "something else", value)
        for shape in shapes:
            try:
                return shape.read(value, place)
            except _Misfit as misfit:
                # `null` may well be left out, so the others' problem says more.
                problem = problem if shape.schema == {"type": "null"} else misfit
        raise problem

    return Shape({"anyOf": [shape.schema for shape in shapes]}, read)


def _record(record: type) -> Shape:
    hints = get_type_hints(record)
    fields = [field for field in dataclasses.fields(record) if field.init]
    shapes = {field.name: shape_of(hints[field.name]) for field in fields}
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise _unfit(place, "an object", value)
        for name in value:
            if name not in shapes:
                raise _Misfit(_within(place, name), f"not known; there is {', '.join(shapes) or 'nothing'}")
        for name in required:
            if name not in value:
                raise _Misfit(_within(place, name), "missing")
        read = {name: shapes[name].read(one, _within(place, name)) for name, one in value.items()}
        try:
            return record(**read)
        except ValueError as problem:  # of the author's __post_init__
            raise _Misfit(place, str(problem)) from problem

    schema: dict[str, Any] = {"type": "object", **_only("required", required), "additionalProperties": False}
    schema["properties"] = {field.name: shapes[field.name].schema | dict(field.metadata) for field in fields}
    return Shape(schema, read)


def _only(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}


def _within(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _unfit(place: str, wanted: str, value: Any) -> _Misfit:
    return _Misfit(place, f"{wanted} is wanted, not {json.dumps(value)[:100]}")
