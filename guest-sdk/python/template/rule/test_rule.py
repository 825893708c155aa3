import unittest

from rule import evaluate
from wasmalert.testing import FakeHost

CPU = "avg by (host) (rate(cpu_seconds_total[5m]))"


class Test(unittest.TestCase):
    def test_busy_hosts_are_found(self) -> None:
        host = FakeHost({"above": 0.9})
        host.instant(CPU, {'{host="a"}': 0.97, '{host="b"}': 0.12})
        evaluation = host.evaluate(evaluate)
        self.assertEqual(evaluation.found, ['{host="a"}'])
        self.assertEqual(evaluation.findings[0].annotations, {"summary": "a is busy"})
