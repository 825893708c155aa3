"""Labels: named texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Label:
    """One label, or one entry of a list of named texts."""

    name: str
    value: str


def listed(labels: Mapping[str, object]) -> list[Label]:
    """The labels as the contract has them; a value that is no text becomes one."""
    return [Label(name, str(value)) for name, value in labels.items()]


def mapping(labels: Iterable[Any]) -> dict[str, str]:
    """The labels as an author has them."""
    return {label.name: label.value for label in labels}
