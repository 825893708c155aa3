"""A host for tests, which need no WebAssembly tool.

`FakeHost` answers queries, and keeps state and timers from one evaluation to the next. It
keeps the host's contract: effects are dropped when an evaluation fails; a failed query
fails it, even when the rule swallows the error, unless the query may fail; two findings
with the same labels fail it. Every evaluation runs twice and fails the test when the runs
differ, since the real host may run a rule as often as it likes. Limits it has none.

Series are written as Prometheus writes them: `up{job="node", host="a"}`.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, TypeVar

from . import _host
from ._error import Error, QueryError
from ._label import Label, mapping
from ._notifier import Alert, Batch, Disposition, Notifier, Request, Response
from ._query import Query, RangeQuery, Series
from ._rule import Context, Finding, Rule, Sample, Trigger
from .timers import Timer

#: When a fake host starts, in ms since the epoch: 2027-01-15T08:00:00Z.
START_MS = 1_800_000_000_000

_LEVELS = ("trace", "debug", "info", "warn", "error")
_SERIES = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(.*)\})?\s*", re.DOTALL)
_LABEL = re.compile(r'\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.DOTALL)

T = TypeVar("T")
_Labels = dict[str, str]
_Samples = Sequence[tuple[int, float]]


def labels(series: str) -> _Labels:
    """Reads the labels of a series: `up{host="a"}`, `{host="a", job="b"}`, `up` or `{}`."""
    parts = _SERIES.fullmatch(series)
    if parts is None or _LABEL.sub("", parts[2] or "").strip():
        raise ValueError(f"not a series: {series!r}; write it as up{{host=\"a\"}}")
    found = {"__name__": parts[1]} if parts[1] else {}
    for name, value in _LABEL.findall(parts[2] or ""):
        found[name] = re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], value)
    return dict(sorted(found.items()))


def series(labels: Mapping[str, str]) -> str:
    """Writes labels as Prometheus does: `{a="1", b="2"}`."""
    texts = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(labels.items()))
    return "{" + ", ".join(texts) + "}"


def alert(text: str, /, *, status: str = "firing", value: float = 1, **annotations: str) -> Alert:
    """Makes an alert that fires since `START_MS`: `alert('{alertname="Down"}', summary="…")`."""
    ends = START_MS + 240_000
    return Alert(status, labels(text), annotations, value, START_MS, ends, "", "0123456789abcdef", {})


def response(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Response:
    """Makes an answer to a request."""
    return Response(status, [Label(name, value) for name, value in (headers or {}).items()], body, {})


@dataclass
class Found:
    """A finding with all labels that it gives the alert, those of its series included."""

    labels: _Labels
    value: float
    annotations: _Labels

    def __str__(self) -> str:
        return series(self.labels)


@dataclass
class Line:
    """A line of the log."""

    level: str
    message: str
    fields: _Labels


@dataclass
class Evaluation:
    """What a successful evaluation found and did."""

    findings: list[Found]
    #: Labels and values of the samples to record.
    samples: list[tuple[_Labels, float]]
    log: list[Line]
    #: What was done to a metric (`count`, `gauge`, `observe`), its name, labels and the number.
    metrics: list[tuple[str, str, _Labels, float]]
    #: What was asked, in order.
    queries: list[Query | RangeQuery]

    @property
    def found(self) -> list[str]:
        """The labels of the findings, as texts."""
        return [str(finding) for finding in self.findings]


class FakeHost:
    """A host for tests; see the module."""

    def __init__(self, config: Mapping[str, Any] | None = None, labels: Mapping[str, str] | None = None) -> None:
        #: The component's configuration.
        self.config: Mapping[str, Any] = config or {}
        #: The rule's own labels.
        self.labels: Mapping[str, str] = labels or {}
        #: The time in ms since the epoch; a test moves it.
        self.now_ms = START_MS
        #: The group's interval in ms.
        self.interval_ms = 60_000
        #: What the component keeps.
        self.state: dict[str, bytes] = {}
        #: The timers that are set, by name.
        self.timers: dict[str, Timer] = {}
        self._answers: dict[tuple[type, str, str], QueryError | list[tuple[_Labels, _Samples]]] = {}

    def instant(self, expr: str, series: Mapping[str, float], *, source: str = "") -> None:
        """Gives the answer to a query: each series with its value."""
        self._answers[Query, source, expr] = [
            (labels(text), [(START_MS, value)]) for text, value in series.items()
        ]

    def range(self, expr: str, series: Mapping[str, _Samples], *, source: str = "") -> None:
        """Gives the answer to a range query: each series with times in ms and values, oldest first."""
        self._answers[RangeQuery, source, expr] = [(labels(text), samples) for text, samples in series.items()]

    def fail(self, expr: str, code: str, message: str = "", *, source: str = "") -> None:
        """Lets queries fail, instant and range."""
        for kind in (Query, RangeQuery):
            self._answers[kind, source, expr] = QueryError(code, message)

    def evaluate(self, rule: Rule, *, timer: str | None = None) -> Evaluation:
        """Evaluates a rule at a slot, or for one of its timers, which is gone then.

        Raises what the rule raises, `QueryError` for a failed query even when the rule
        swallows it, and `Error` for what the host does not take.
        """
        due = None
        if timer is not None:
            due = self.timers.pop(timer)
            self.now_ms = max(self.now_ms, due.due_ms)
        trigger = Trigger("interval", "", self.now_ms, b"")
        if due is not None:
            trigger = Trigger("timer", due.name, due.due_ms, due.payload)
        names = ("default", "test", "test", "Test")
        config = json.dumps(self.config)
        context = Context(*names, self.now_ms, self.interval_ms, trigger, config, self.labels, {})
        run, outcome = self._twice(lambda run: run.judged(rule.evaluate(context), self.labels))
        return Evaluation(*outcome, run.lines, run.updates, run.asked)

    def notify(self, notifier: Notifier, alerts: Iterable[Alert]) -> list[Request]:
        """Has a notifier turn alerts into requests. Raises what the notifier raises."""
        names = ("default", "test", "test", "test", "Test")
        batch = Batch(*names, json.dumps(self.config), self.now_ms, "key-1", "", list(alerts), {})
        return self._twice(lambda run: notifier.requests(batch), _request_facts)[1]

    def interpret(self, notifier: Notifier, response: Response, request: int = 0) -> Disposition:
        """Has a notifier say what the answer to a request means."""
        config = json.dumps(self.config)
        return self._twice(lambda run: notifier.disposition(config, request, response))[1]

    def _twice(
        self, component: Callable[[_Run], T], facts: Callable[[T], Any] = lambda answer: answer
    ) -> tuple[_Run, T]:
        run, answer = self._once(component)
        again, other = self._once(component)
        if repr(facts(answer)) != repr(facts(other)) or run.effects() != again.effects():
            raise AssertionError(f"two runs on the same inputs differ: {facts(answer)} and {facts(other)}")
        self.state, self.timers = run.kept, run.due
        return run, answer

    def _once(self, component: Callable[[_Run], T]) -> tuple[_Run, T]:
        run = _Run(self._answers, dict(self.state), dict(self.timers))
        before = _host.query, _host.state, _host.timers, _host.log, _host.metrics
        _host.query, _host.log, _host.metrics = run, run, run
        _host.state, _host.timers = _State(run.kept), _Timers(run.due)
        try:
            answer = component(run)
        finally:
            _host.query, _host.state, _host.timers, _host.log, _host.metrics = before
        if run.failure is not None:
            raise run.failure
        return run, answer


def _request_facts(requests: list[Request]) -> list[Any]:
    return [(one.method, one.url, one.headers, one.body) for one in requests]


@dataclass
class _Run:
    """What one run has read and done so far: queries, log and metrics."""

    answers: Mapping[tuple[type, str, str], QueryError | list[tuple[_Labels, _Samples]]]
    kept: dict[str, bytes]
    due: dict[str, Timer]
    frames: list[_Frame] = field(default_factory=list)
    asked: list[Query | RangeQuery] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    updates: list[tuple[str, str, _Labels, float]] = field(default_factory=list)
    #: Why the run fails, whatever the rule answers.
    failure: QueryError | None = None

    def effects(self) -> tuple[Any, ...]:
        return self.kept, self.due, self.lines, repr(self.updates)

    def instant(self, query: Query) -> _Frame:
        return self._ask(query)

    def range(self, query: RangeQuery) -> _Frame:
        return self._ask(query)

    def prefetch(self, instants: list[Query], ranges: list[RangeQuery]) -> None:
        """All is there already."""

    def _ask(self, query: Query | RangeQuery) -> _Frame:
        self.asked.append(query)
        try:
            answer = self.answers[type(query), query.source, query.expr]
        except KeyError:
            raise AssertionError(f"the test has no answer to {query}; give one with instant, range or fail") from None
        if isinstance(answer, QueryError):
            if not query.may_fail:
                self.failure = self.failure or answer
            raise answer
        self.frames.append(_Frame(len(self.frames), answer))
        return self.frames[-1]

    def write(self, level: int, message: str, fields: list[Label]) -> None:
        self.lines.append(Line(_LEVELS[level], message, mapping(fields)))

    def count(self, name: str, labels: list[Label], by: float) -> None:
        self.updates.append(("count", name, mapping(labels), by))

    def gauge(self, name: str, labels: list[Label], value: float) -> None:
        self.updates.append(("gauge", name, mapping(labels), value))

    def observe(self, name: str, labels: list[Label], value: float) -> None:
        self.updates.append(("observe", name, mapping(labels), value))

    def judged(self, outcome: Any, rule_labels: Mapping[str, str]) -> tuple[list[Found], list[tuple[_Labels, float]]]:
        """What an outcome comes to: findings and samples with all their labels."""
        findings = [self._found(finding) for finding in outcome.findings]
        seen = set()
        for finding in findings:
            identity = series({**finding.labels, **rule_labels})
            if identity in seen:
                raise Error("duplicate_labels", f"two findings are both {identity}")
            seen.add(identity)
        return findings, [(self._labels(sample), sample.value) for sample in outcome.samples]

    def _found(self, finding: Finding) -> Found:
        labels = self._labels(finding)
        labels.pop("__name__", None)
        return Found(labels, finding.value, mapping(finding.annotations))

    def _labels(self, given: Finding | Sample) -> _Labels:
        own: _Labels = {}
        if isinstance(given.series, Series):
            own = self.frames[given.series.frame].answer[given.series.series][0]
        labels = {**own, **mapping(given.labels)}
        return {name: value for name, value in sorted(labels.items()) if value}


@dataclass
class _Column:
    values: list[str]
    codes: list[int]


@dataclass
class _Frame:
    number: int
    answer: list[tuple[_Labels, _Samples]]

    def id(self) -> int:
        return self.number

    def values_packed(self) -> bytes:
        return array("d", (samples[-1][1] for _, samples in self.answer)).tobytes()

    def timestamps_ms_packed(self) -> bytes:
        return array("q", (samples[-1][0] for _, samples in self.answer)).tobytes()

    def label(self, name: str) -> _Column:
        texts = [labels.get(name, "") for labels, _ in self.answer]
        values = list(dict.fromkeys(texts))
        return _Column(values, [values.index(text) for text in texts])

    def labels_of(self, series: list[int]) -> list[list[Label]]:
        return [[Label(*label) for label in self.answer[one][0].items()] for one in series]

    def sample_offsets(self) -> list[int]:
        return list(accumulate((len(samples) for _, samples in self.answer), initial=0))

    def all_timestamps_ms_packed(self) -> bytes:
        return array("q", (time for _, samples in self.answer for time, _ in samples)).tobytes()

    def all_values_packed(self) -> bytes:
        return array("d", (value for _, samples in self.answer for _, value in samples)).tobytes()


class _State:
    def __init__(self, kept: dict[str, bytes]) -> None:
        self._kept = kept

    def get(self, key: str) -> bytes | None:
        return self._kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        self._kept[key] = value

    def delete(self, key: str) -> None:
        self._kept.pop(key, None)

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self._kept if key.startswith(prefix))


class _Timers:
    def __init__(self, due: dict[str, Timer]) -> None:
        self._due = due

    def set(self, name: str, due_ms: int, payload: bytes) -> None:
        self._due[name] = Timer(name, due_ms, payload)

    def cancel(self, name: str) -> None:
        self._due.pop(name, None)

    def pending(self) -> list[Timer]:
        return [timer for _, timer in sorted(self._due.items())]
