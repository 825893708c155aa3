"""What rules and notifiers have in common."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from ._config import Shape, shape_of
from ._label import Label, listed


@dataclass(slots=True)
class Description:
    """What a component says of itself."""

    name: str
    doc: str
    config_schema: str
    queries: list[str]
    extras: list[Label]


@dataclass(slots=True)
class NoConfig:
    """The configuration of a component that takes none: `{}`."""


def parameters(function: Callable[..., Any]) -> int:
    """How many parameters a function takes."""
    return len(inspect.signature(function).parameters)


def config_of(function: Callable[..., Any]) -> Shape:
    """The shape of the configuration that a function takes as its second parameter."""
    names = list(inspect.signature(function).parameters)
    if len(names) < 2:
        return shape_of(NoConfig)
    hints = get_type_hints(function)
    if names[1] not in hints:
        raise TypeError(f"{function.__qualname__}: the parameter {names[1]} needs a type")
    return shape_of(hints[names[1]])


def described(
    function: Callable[..., Any],
    config: Shape,
    name: str,
    doc: str | None,
    schema: Mapping[str, Any] | None,
    queries: Iterable[str],
    extras: Mapping[str, object] | None,
) -> Description:
    """Describes a component; what is not said comes from its function."""
    text = doc if doc is not None else inspect.getdoc(function) or ""
    taken = json.dumps(config.schema if schema is None else schema, separators=(",", ":"))
    return Description(name, text, taken, list(queries), listed(extras or {}))
