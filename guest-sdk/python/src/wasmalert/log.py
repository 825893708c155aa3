"""Lines for people, shown in the host's log and with the evaluation:
`log.warn("too few", host=host, n=3)`. `print` writes lines at the level info."""

from __future__ import annotations

from . import _host
from ._label import listed

#: The levels' numbers in the contract.
TRACE, DEBUG, INFO, WARN, ERROR = range(5)


def write(level: int, message: object, /, **fields: object) -> None:
    """Writes one line with named fields."""
    _host.log.write(level, str(message), listed(fields))


def trace(message: object, /, **fields: object) -> None:
    """Writes one line at the level `trace`."""
    write(TRACE, message, **fields)


def debug(message: object, /, **fields: object) -> None:
    """Writes one line at the level `debug`."""
    write(DEBUG, message, **fields)


def info(message: object, /, **fields: object) -> None:
    """Writes one line at the level `info`."""
    write(INFO, message, **fields)


def warn(message: object, /, **fields: object) -> None:
    """Writes one line at the level `warn`."""
    write(WARN, message, **fields)


def error(message: object, /, **fields: object) -> None:
    """Writes one line at the level `error`."""
    write(ERROR, message, **fields)
