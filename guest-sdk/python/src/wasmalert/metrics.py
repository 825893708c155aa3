"""The rule's own metrics: `metrics.count("seen_total", 3, kind="new")`. Names follow
`[a-zA-Z_:][a-zA-Z0-9_:]*`, label names `[a-zA-Z_][a-zA-Z0-9_]*`; others trap."""

from __future__ import annotations

from . import _host
from ._label import listed


def count(name: str, by: float = 1, /, **labels: object) -> None:
    """Adds to a counter; `by` is at least 0, others trap."""
    _host.metrics.count(name, listed(labels), float(by))


def gauge(name: str, value: float, /, **labels: object) -> None:
    """Sets a gauge."""
    _host.metrics.gauge(name, listed(labels), float(value))


def observe(name: str, value: float, /, **labels: object) -> None:
    """Observes a value in a histogram with the host's buckets."""
    _host.metrics.observe(name, listed(labels), float(value))
