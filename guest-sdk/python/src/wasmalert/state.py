"""Bytes under keys that outlive the evaluation; private to the rule, or to the
notifier's receiver. Reads see this run's own writes; writes are kept only if the
run succeeds."""

from __future__ import annotations

import json
from typing import Any

from . import _host
from ._error import Error


def get(key: str) -> bytes | None:
    """The bytes under a key."""
    return _host.state.get(key)


def set(key: str, value: bytes | bytearray | memoryview) -> None:
    """Sets the bytes under a key. Traps over the limits on keys and bytes."""
    _host.state.set(key, bytes(value))


def delete(key: str) -> None:
    """Removes a key; nothing happens where there is none."""
    _host.state.delete(key)


def keys(prefix: str = "") -> list[str]:
    """The keys that start with a prefix, sorted."""
    return _host.state.keys(prefix)


def load(key: str, default: Any = None) -> Any:
    """The value under a key that `save` has put there, or the default where there is none.

    Raises `Error` of the code `bad_json`.
    """
    value = get(key)
    if value is None:
        return default
    try:
        return json.loads(value)
    except ValueError as failure:
        raise Error("bad_json", f"the state under {key!r}: {failure}") from failure


def save(key: str, value: Any) -> None:
    """Sets the value under a key, as JSON."""
    set(key, json.dumps(value, separators=(",", ":")).encode())
