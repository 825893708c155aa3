"""What the components of both worlds need: the imports they share, prints that become
lines of the log, exceptions that become errors."""

from __future__ import annotations

import builtins
import sys
import time
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn, TypeVar

from componentize_py_types import Err
from wit_world.imports import log, state

from .. import _host
from .. import log as lines
from .._error import error_of
from .._label import Label

T = TypeVar("T")

_LEVELS = list(log.Level)


class _Log:
    """The log, in which a level is a number."""

    def write(self, level: int, message: str, fields: list[Label]) -> None:
        log.write(_LEVELS[level], message, fields)


class _Printed:
    """An output whose lines go to the log."""

    encoding = "utf-8"

    def __init__(self, level: int) -> None:
        self._level = level
        self._line = ""

    def write(self, text: str) -> int:
        *ended, self._line = (self._line + text).split("\n")
        for line in ended:
            lines.write(self._level, line)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back but a line that has not ended."""

    def end(self) -> None:
        if self._line:
            self.write("\n")


_OUTPUTS = (_Printed(lines.INFO), _Printed(lines.WARN))


_NOW = "the time is context.now_ms"

#: What would trap without a word in an evaluation, and what there is instead.
_ABSENT = (
    (time, "time", _NOW),
    (time, "time_ns", _NOW),
    (time, "monotonic", _NOW),
    (time, "monotonic_ns", _NOW),
    (time, "perf_counter", _NOW),
    (time, "perf_counter_ns", _NOW),
    (time, "sleep", "a timer wakes a rule up"),
    (builtins, "open", "what is read at the top of a module is there"),
    (builtins, "input", "a component has its configuration alone"),
)


def _refusing(message: str) -> Callable[..., NoReturn]:
    def refuse(*given: object, **named: object) -> NoReturn:
        raise RuntimeError(message)

    return refuse


def component(module: ModuleType, kind: type[T]) -> T:
    """The rule or notifier that the author's module has."""
    there = [name for name, value in vars(module).items() if isinstance(value, kind)]
    if len(there) != 1:
        problem = f"has {len(there)} objects of the type {kind.__name__}, and has to have one"
        raise TypeError(f"{module.__name__}.py {problem}: {', '.join(there)}".rstrip(": "))
    made: T = getattr(module, there[0])
    return made


def answer(function: Callable[..., T], *given: Any) -> T:
    """Calls what an author wrote, and reports what it raises."""
    try:
        return function(*given)
    except BaseException as failure:
        raise Err(error_of(failure)) from None
    finally:
        for output in _OUTPUTS:
            output.end()


def built() -> None:
    """Ends the making of a component: what runs after this is an evaluation."""
    _host.log, _host.state = _Log(), state
    sys.stdout, sys.stderr = _OUTPUTS
    for module, name, instead in _ABSENT:
        setattr(module, name, _refusing(f"a component has no {name}(): {instead}"))
    # Each frame has a finalizer, and the first one of all imports a module: a third of
    # what a small evaluation costs.
    weakref.finalize(built, print).detach()
