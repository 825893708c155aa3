"""Durations and dates."""

from __future__ import annotations

import unittest

from wasmalert import Duration, rfc3339


class Durations(unittest.TestCase):
    def test_texts(self) -> None:
        for text, ms in [("30s", 30_000), ("1h30m", 5_400_000), ("250ms", 250), ("1y1w1d", 32_227_200_000), ("0", 0)]:
            self.assertEqual(Duration(text), ms)
        self.assertEqual([str(Duration(ms)) for ms in (0, 90_061_001, -5)], ["0s", "1d1h1m1s1ms", "-5ms"])

    def test_what_is_none(self) -> None:
        for text in ("", "30m1h", "5", "5 m", "-5m", "m", "1.5h", "٣s"):
            self.assertRaises(ValueError, Duration, text)


class Dates(unittest.TestCase):
    def test_dates(self) -> None:
        self.assertEqual(rfc3339(1_709_210_096_789), "2024-02-29T12:34:56.789Z")
        self.assertEqual(rfc3339(0), "1970-01-01T00:00:00.000Z")
        self.assertEqual(rfc3339(-1), "1969-12-31T23:59:59.999Z")
        self.assertEqual(rfc3339(951_868_800_000), "2000-03-01T00:00:00.000Z")
