"""Rules, and the fake host that runs them."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from typing import Any

from wasmalert import (
    Context,
    Error,
    Finding,
    Query,
    QueryError,
    RangeQuery,
    Sample,
    log,
    metrics,
    prefetch,
    query,
    query_all,
    rule,
    state,
    timers,
)
from wasmalert._error import error_of
from wasmalert.testing import START_MS, FakeHost, labels, series

CPU = {'cpu{host="a",dc="x"}': 0.5, 'cpu{host="b"}': 2.0, 'cpu{host="c",dc="x"}': float("inf")}


class Queries(unittest.TestCase):
    def setUp(self) -> None:
        self.host = FakeHost()
        self.host.instant("cpu", CPU)

    def test_columns(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> None:
            frame = query("cpu")
            self.assertEqual(len(frame), 3)
            self.assertEqual(list(frame.values), [0.5, 2.0, float("inf")])
            self.assertEqual(list(frame.timestamps_ms), [START_MS] * 3)
            self.assertEqual(list(frame.label("dc")), ["x", "", "x"])
            self.assertEqual((frame.label("host")[1], len(frame.label("host"))), ("b", 3))
            self.assertEqual(frame.labels_of([2, frame[1]])[1], {"__name__": "cpu", "host": "b"})
            self.assertEqual((frame[-1].series, frame[-1].label("host")), (2, "c"))
            self.assertEqual([one.value for one in frame], list(frame.values))
            self.assertRaises(IndexError, frame.__getitem__, 3)

        self.host.evaluate(evaluate)

    def test_ranges(self) -> None:
        samples = [(START_MS - 60_000, 1.0), (START_MS, 3.0)]
        self.host.range("cpu", {'{host="a"}': samples, '{host="b"}': samples[1:]}, source="other")

        @rule("x")
        def evaluate(context: Context) -> Iterator[Finding]:
            asked = RangeQuery.last("cpu", "5m", context.now_ms, 60_000, source="other")
            self.assertEqual(asked, RangeQuery("cpu", START_MS - 300_000, START_MS, 60_000, "other"))
            for one in asked.run():
                yield Finding(one, sum(one.samples.values), annotations={"points": list(zip(*one.samples))})

        first, second = self.host.evaluate(evaluate).findings
        self.assertEqual((first.value, second.value), (4.0, 3.0))
        self.assertEqual(second.annotations, {"points": f"[({START_MS}, 3.0)]"})

    def test_several_at_once(self) -> None:
        self.host.instant("up", {"up": 1})

        @rule("x")
        def evaluate(context: Context) -> None:
            prefetch("cpu", RangeQuery("cpu", 0, 1, 1))
            cpu, up = query_all("cpu", Query("up"))
            self.assertEqual((len(cpu), len(up)), (3, 1))

        self.assertEqual(self.host.evaluate(evaluate).queries, [Query("cpu"), Query("up")])

    def test_a_swallowed_failure_fails_the_evaluation(self) -> None:
        self.host.fail("cpu", "query_timeout", "took too long")

        @rule("x")
        def evaluate(context: Context) -> None:
            state.set("asked", b"1")
            self.assertRaises(QueryError, query, "cpu")

        with self.assertRaisesRegex(QueryError, "query_timeout: took too long"):
            self.host.evaluate(evaluate)
        self.assertEqual(self.host.state, {})

    def test_a_query_that_may_fail(self) -> None:
        self.host.fail("cpu", "query_timeout")

        @rule("x")
        def evaluate(context: Context) -> Iterator[Finding]:
            try:
                query("cpu", may_fail=True)
            except QueryError as error:
                yield Finding(labels={"code": error.code})

        self.assertEqual(self.host.evaluate(evaluate).found, ['{code="query_timeout"}'])


class Outcomes(unittest.TestCase):
    def setUp(self) -> None:
        self.host = FakeHost(labels={"severity": "page"})
        self.host.instant("cpu", CPU)

    def test_findings(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> Iterator[Finding]:
            yield Finding(query("cpu")[0], labels={"dc": "", "n": 1})
            yield Finding(value=3, annotations={"summary": "something"})

        first, second = self.host.evaluate(evaluate).findings
        self.assertEqual((str(first), first.value), ('{host="a", n="1"}', 0.5))
        self.assertEqual((str(second), second.value, second.annotations), ("{}", 3.0, {"summary": "something"}))

    def test_samples(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> Iterator[Sample]:
            yield Sample("cpu:copy", query("cpu")[1])
            yield Sample("answer", value=42, labels={"unit": "x"})

        self.assertEqual(
            self.host.evaluate(evaluate).samples,
            [({"__name__": "cpu:copy", "host": "b"}, 2.0), ({"__name__": "answer", "unit": "x"}, 42.0)],
        )

    def test_findings_are_told_apart_by_their_labels(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> list[Finding]:
            return [Finding(labels={"severity": "a"}), Finding(labels={"severity": "b"})]

        with self.assertRaisesRegex(Error, "duplicate_labels: two findings are both {severity="):
            self.host.evaluate(evaluate)

    def test_something_else_is_refused(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> Any:
            return ["a"]

        with self.assertRaisesRegex(TypeError, "a rule answers Finding and Sample, not str"):
            self.host.evaluate(evaluate)

    def test_what_two_runs_differ_in_is_told(self) -> None:
        runs: list[int] = []

        @rule("x")
        def evaluate(context: Context) -> Iterator[Finding]:
            runs.append(1)
            yield Finding(value=len(runs))

        with self.assertRaisesRegex(AssertionError, "two runs on the same inputs differ"):
            self.host.evaluate(evaluate)


class Effects(unittest.TestCase):
    def setUp(self) -> None:
        self.host = FakeHost()

    def test_state(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> None:
            state.save("seen", {"n": state.load("seen", {"n": 0})["n"] + 1})
            state.set("raw", bytearray(b"\xff"))
            state.delete("gone")
            self.assertEqual(state.keys("s"), ["seen"])
            self.assertIsNone(state.load("none"))

        self.host.evaluate(evaluate)
        self.host.evaluate(evaluate)
        self.assertEqual(self.host.state, {"seen": b'{"n":2}', "raw": b"\xff"})
        self.host.state["seen"] = b"{"
        with self.assertRaisesRegex(Error, "bad_json: the state under 'seen'"):
            self.host.evaluate(evaluate)

    def test_timers(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> None:
            if context.timer is None:
                timers.set("wake", context.now_ms + 5, b"hi")
                timers.set("other", context.now_ms)
                timers.cancel("other")
                self.assertEqual([timer.name for timer in timers.pending()], ["wake"])
            else:
                self.assertEqual((context.timer, context.trigger.payload), ("wake", b"hi"))
                self.assertEqual(context.now_ms, START_MS + 5)

        self.host.evaluate(evaluate)
        self.host.evaluate(evaluate, timer="wake")
        self.assertEqual(self.host.timers, {})

    def test_log_and_metrics(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> None:
            log.warn("few", host="a", n=3)
            metrics.count("seen_total", kind="new")
            metrics.observe("took_seconds", 0.5)

        evaluation = self.host.evaluate(evaluate)
        (line,) = evaluation.log
        self.assertEqual((line.level, line.message, line.fields), ("warn", "few", {"host": "a", "n": "3"}))
        seen = ("count", "seen_total", {"kind": "new"}, 1.0)
        self.assertEqual(evaluation.metrics, [seen, ("observe", "took_seconds", {}, 0.5)])

    def test_outside_an_evaluation_there_is_no_host(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "outside an evaluation"):
            query("cpu")


class Errors(unittest.TestCase):
    def test_an_exception_has_its_place(self) -> None:
        def helper() -> None:
            raise RuntimeError("boom")

        try:
            helper()
        except RuntimeError as failure:
            error = error_of(failure)
        self.assertEqual(error.code, "exception")
        place = r"\S*test_rule\.py:\d+"
        self.assertRegex(error.message, rf"^RuntimeError: boom, at {place} \(helper\), {place} \(test_an_exc\w+\)$")

    def test_frames_of_the_library_are_left_out(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> None:
            timers.set("wake", 1.5)  # type: ignore[arg-type]

        try:
            FakeHost().evaluate(evaluate)
        except TypeError as failure:
            error = error_of(failure)
        self.assertRegex(error.message, r"an integer, at \S*test_rule\.py:\d+ \(evaluate\), ")

    def test_an_error_stays_as_it_is(self) -> None:
        error = Error("too_hot", "5 degrees too hot")
        self.assertIs(error_of(error), error)


class Texts(unittest.TestCase):
    def test_labels(self) -> None:
        text = r'up{ host = "a\"\\\n,}", job="b" , }'
        self.assertEqual(labels(text), {"__name__": "up", "host": 'a"\\\n,}', "job": "b"})
        self.assertEqual((labels("{}"), labels("up")), ({}, {"__name__": "up"}))
        for wrong in ("{", '{a}', '{a="b"c="d"}x', '{a="b" c="d"}'):
            self.assertRaises(ValueError, labels, wrong)
        self.assertEqual(series({"b": 'x"', "a": "1"}), r'{a="1", b="x\""}')
