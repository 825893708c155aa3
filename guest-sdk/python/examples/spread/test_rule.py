import unittest

from rule import evaluate
from wasmalert.testing import FakeHost


class Test(unittest.TestCase):
    def setUp(self) -> None:
        self.host = FakeHost({"expr": "load", "by": ["dc"], "factor": 2})

    def test_groups_far_apart_are_found(self) -> None:
        load = {'{dc="a",n="1"}': 1, '{dc="a",n="2"}': 3, '{dc="b"}': 1, '{dc="c"}': float("nan")}
        self.host.instant("load", load)
        evaluation = self.host.evaluate(evaluate)
        self.assertEqual(evaluation.found, ['{dc="a"}'])
        self.assertEqual(evaluation.findings[0].value, 3)
        self.assertEqual(evaluation.findings[0].annotations, {"series": "2"})
        self.assertEqual(evaluation.metrics, [("gauge", "spread_groups", {}, 2.0)])

    def test_fewer_groups_are_told(self) -> None:
        self.host.state = {"groups": b"3"}
        self.host.instant("load", {'{dc="a"}': 1})
        (line,) = self.host.evaluate(evaluate).log
        self.assertEqual((line.level, line.message), ("warn", "1 groups, 3 before"))
        self.assertEqual(self.host.state, {"groups": b"1"})
