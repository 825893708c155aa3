"""How a component fails, and where."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections import deque
from types import CodeType

from ._label import Label

#: The most places that a message names, from where it happened outwards.
_PLACES_MAX = 5

_SDK = os.path.join(os.path.dirname(__file__), "")
# Not of `os`, which is built into some interpreters.
_LIBRARY = os.path.join(os.path.dirname(dataclasses.__file__), "")


class Error(Exception):
    """A failure that the component reports itself: `raise Error("too_hot", "…")`.

    It leaves every alert as it was and shows up in the rule's health. Other
    exceptions that nobody catches become an `Error` of the code `exception`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        #: Stable code in snake case, for machines.
        self.code = code
        #: What is wrong and what to do, for people.
        self.message = message
        self.extras: list[Label] = []

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class QueryError(Error):
    """A query that failed.

    Uncaught it fails the evaluation under its own code. Caught it fails it too,
    unless the query `may_fail`.
    """


def error_of(failure: BaseException) -> Error:
    """The error to report for what a component raised, with its place."""
    if isinstance(failure, Error):
        return failure
    message = f"{type(failure).__name__}: {failure}".rstrip(": ")
    if places := _places(failure):
        message = f"{message}, at {places}"
    # A text that no UTF-8 can hold would trap on its way out.
    return Error("exception", message.encode(errors="backslashreplace").decode())


def _places(failure: BaseException) -> str:
    """The lines of the author's that led there, innermost first."""
    places: deque[str] = deque(maxlen=_PLACES_MAX)
    step = failure.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if not code.co_filename.startswith((_SDK, _LIBRARY, "<")):
            places.appendleft(f"{_file(code)}:{step.tb_lineno} ({code.co_name})")
        step = step.tb_next
    return ", ".join(places)


def _file(code: CodeType) -> str:
    """The file of some code, from the folder in which modules are looked for."""
    roots = [root for root in sys.path if root and code.co_filename.startswith(root + "/")]
    return code.co_filename[len(max(roots, key=len, default="")) :].lstrip("/")
