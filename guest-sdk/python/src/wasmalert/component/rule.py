"""The world `rule`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rule as author
from componentize_py_types import Err
from wit_world.imports import metrics, query, timers

from .. import _host
from .._component import Description
from .._error import QueryError
from .._label import mapping
from .._rule import Context, Outcome, Rule, Trigger
from ._world import answer, built, component

_RULE = component(author, Rule)


def _frame(ask: Callable[[Any], _host.HostFrame], asked: Any) -> _host.HostFrame:
    try:
        return ask(asked)
    except Err as failure:
        raise QueryError(failure.value.code, failure.value.message) from None


class _Query:
    """Queries, whose failures are exceptions of the package."""

    def instant(self, asked: Any) -> _host.HostFrame:
        return _frame(query.instant, asked)

    def range(self, asked: Any) -> _host.HostFrame:
        return _frame(query.range, asked)

    def prefetch(self, instants: list[Any], ranges: list[Any]) -> None:
        query.prefetch(instants, ranges)


def _evaluate(given: Any) -> Outcome:
    return _RULE.evaluate(
        Context(
            given.tenant,
            given.namespace,
            given.group,
            given.rule,
            given.now_ms,
            given.interval_ms,
            Trigger(given.trigger.kind, given.trigger.timer, given.trigger.due_ms, given.trigger.payload),
            given.config,
            mapping(given.labels),
            mapping(given.extras),
        )
    )


class Rules:
    """What the component exports."""

    def describe(self) -> Description:
        return _RULE.description

    def evaluate(self, given: Any) -> Outcome:
        return answer(_evaluate, given)


_host.query, _host.timers, _host.metrics = _Query(), timers, metrics
built()
