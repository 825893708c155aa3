"""Queries, and the frames they come back as.

A *frame* holds `n` *series*, numbered from 0, as columns. It stays in the host;
a column is copied when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from . import _host
from ._label import mapping
from ._time import Duration


@dataclass(frozen=True, slots=True)
class Query:
    """A query of the present: one value for each series."""

    expr: str
    #: Name of the source; empty for the rule's own.
    source: str = ""
    #: When to look, in ms since the epoch; the slot's time unless set.
    time_ms: int | None = None
    #: Lets the rule decide what a failure means. Without this a failure fails the
    #: whole evaluation, so that no alert changes.
    may_fail: bool = False

    def run(self) -> Frame:
        """Asks. Raises `QueryError`."""
        return Frame(_host.query.instant(self))


@dataclass(frozen=True, slots=True)
class RangeQuery:
    """A query of a span of time: many samples for each series."""

    expr: str
    #: First sample time, ms since the epoch, inclusive.
    start_ms: int
    #: Last sample time, ms since the epoch, inclusive.
    end_ms: int
    #: Distance of samples in ms, at least 1.
    step_ms: int
    #: As in `Query`.
    source: str = ""
    #: As in `Query`.
    may_fail: bool = False

    @classmethod
    def last(
        cls,
        expr: str,
        span: Duration | int | str,
        end_ms: int,
        step: Duration | int | str,
        *,
        source: str = "",
        may_fail: bool = False,
    ) -> RangeQuery:
        """Makes a query of the span that ends at a time in ms since the epoch, usually
        `context.now_ms`. Spans are ms or texts such as `5m`."""
        return cls(expr, end_ms - Duration(span), end_ms, Duration(step), source, may_fail)

    def run(self) -> Frame:
        """Asks. Raises `QueryError`."""
        return Frame(_host.query.range(self))


def query(expr: str, *, source: str = "", time_ms: int | None = None, may_fail: bool = False) -> Frame:
    """Asks for the present: one value for each series. The parameters are those of `Query`.

    Raises `QueryError`; the evaluation then fails, so there is rarely a reason to
    catch it. See `Query.may_fail` for the exception.
    """
    return Query(expr, source, time_ms, may_fail).run()


def query_all(*queries: str | Query | RangeQuery) -> list[Frame]:
    """Asks several queries at once, which saves rounds: `errors, requests = query_all("…", "…")`.

    Raises the first `QueryError`, as `query` does.
    """
    asked = [Query(one) if isinstance(one, str) else one for one in queries]
    prefetch(*asked)
    return [one.run() for one in asked]


def prefetch(*queries: str | Query | RangeQuery) -> None:
    """Has several queries fetched at once, so that asking for each later costs no
    further round. Failures show up where a query is asked."""
    asked = [Query(one) if isinstance(one, str) else one for one in queries]
    instants = [one for one in asked if isinstance(one, Query)]
    ranges = [one for one in asked if isinstance(one, RangeQuery)]
    _host.query.prefetch(instants, ranges)


@dataclass(slots=True, eq=False)
class Series:
    """One series of a frame, with its newest value."""

    #: Number of the frame, as the contract has it.
    frame: int
    #: Its number in the frame.
    series: int
    #: Its newest value.
    value: float
    #: The frame itself.
    of: Frame

    def label(self, name: str) -> str:
        """The value of one label; the empty text stands for an absent one. One call
        of the host: for many series take the column, `Frame.label`."""
        return self.labels.get(name, "")

    @property
    def labels(self) -> dict[str, str]:
        """All labels. One call of the host: for many series use `Frame.labels_of`."""
        return self.of.labels_of((self.series,))[0]

    @property
    def samples(self) -> Samples:
        """All samples, oldest first; one in the result of a `Query`."""
        return self.of.samples(self.series)


class Samples(NamedTuple):
    """The samples of one series, oldest first; `zip(*samples)` gives pairs."""

    #: Times in ms since the epoch.
    timestamps_ms: memoryview[int]
    values: memoryview[float]


class LabelColumn:
    """One label of all series: `column[i]` is the text of series `i`, empty where the
    label is absent."""

    __slots__ = ("codes", "values")

    def __init__(self, values: list[str], codes: list[int]) -> None:
        #: The texts there are.
        self.values = values
        #: For each series the index of its text in `values`.
        self.codes = codes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, series: int) -> str:
        return self.values[self.codes[series]]

    def __iter__(self) -> Iterator[str]:
        return map(self.values.__getitem__, self.codes)


class Frame:
    """A query's result: series in the order the source gave them.

    `for series in frame` goes through them, `frame[i]` is one, `len(frame)` is how
    many there are.
    """

    def __init__(self, host: _host.HostFrame) -> None:
        self._host = host

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Series]:
        frame = self.id
        for series, value in enumerate(self.values):
            yield Series(frame, series, value, self)

    def __getitem__(self, series: int) -> Series:
        value = self.values[series]
        return Series(self.id, series if series >= 0 else series + len(self.values), value, self)

    @cached_property
    def id(self) -> int:
        """Number by which findings and recorded samples point at this frame."""
        return self._host.id()

    @cached_property
    def values(self) -> memoryview[float]:
        """The newest value of each series."""
        return memoryview(self._host.values_packed()).cast("d")

    @cached_property
    def timestamps_ms(self) -> memoryview[int]:
        """The time of the newest value of each series in ms since the epoch."""
        return memoryview(self._host.timestamps_ms_packed()).cast("q")

    def label(self, name: str) -> LabelColumn:
        """One label of all series; much cheaper than the labels of each."""
        column = self._host.label(name)
        return LabelColumn(column.values, column.codes)

    def labels_of(self, series: Iterable[int | Series]) -> list[dict[str, str]]:
        """All labels of many series in one call, in the order asked."""
        numbers = [one.series if isinstance(one, Series) else one for one in series]
        return [mapping(labels) for labels in self._host.labels_of(numbers)]

    def samples(self, series: int) -> Samples:
        """All samples of one series, oldest first. The first call copies those of all."""
        start, end = self.sample_offsets[series], self.sample_offsets[series + 1]
        return Samples(self.all_timestamps_ms[start:end], self.all_values[start:end])

    @cached_property
    def sample_offsets(self) -> list[int]:
        """Where each series' samples lie in the `all_*` columns: series `i` has
        `offsets[i]:offsets[i + 1]`; one longer than there are series."""
        return self._host.sample_offsets()

    @cached_property
    def all_timestamps_ms(self) -> memoryview[int]:
        """Sample times of all series, one after the other, ms since the epoch."""
        return memoryview(self._host.all_timestamps_ms_packed()).cast("q")

    @cached_property
    def all_values(self) -> memoryview[float]:
        """Sample values of all series, one after the other."""
        return memoryview(self._host.all_values_packed()).cast("d")

