"""Wake-ups besides the interval. A timer that is due causes one evaluation, in which
`context.timer` is its name, and is gone."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index

from . import _host


@dataclass(slots=True)
class Timer:
    """A timer that is set."""

    name: str
    #: Due time in ms since the epoch.
    due_ms: int
    payload: bytes


def set(name: str, due_ms: int, payload: bytes | bytearray | memoryview = b"") -> None:
    """Sets or replaces the timer of that name, due in ms since the epoch. A time that
    has passed is due at once."""
    _host.timers.set(name, index(due_ms), bytes(payload))


def cancel(name: str) -> None:
    """Removes a timer; nothing happens where there is none."""
    _host.timers.cancel(name)


def pending() -> list[Timer]:
    """The timers that are set, sorted by name, this run's changes included."""
    return [Timer(timer.name, timer.due_ms, timer.payload) for timer in _host.timers.pending()]
