"""Spans of time and how times are written."""

from __future__ import annotations

import re

# Units as Prometheus has them, largest first: the order in which they follow each other.
_UNITS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_PATTERN = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in _UNITS))


class Duration(int):
    """A span of time in whole milliseconds, read from a number of them or a text as
    Prometheus writes durations: `30s`, `5m`, `1h30m`, `250ms`.

    As a field of a configuration it is such a text.
    """

    def __new__(cls, span: int | str) -> Duration:
        """Raises `ValueError` when a text is no duration."""
        if isinstance(span, int):
            return super().__new__(cls, span)
        counts = _PATTERN.fullmatch(span) if span != "0" else None
        if span != "0" and (not span or counts is None):
            raise ValueError(f"a duration such as 30s, 5m or 1h30m is wanted, not {span!r}")
        groups = counts.groups(default="0") if counts else ()
        return super().__new__(cls, sum(int(n) * ms for n, ms in zip(groups, _UNITS.values())))

    def __str__(self) -> str:
        """As Prometheus writes durations."""
        text, rest = "", abs(self)
        for unit, ms in _UNITS.items():
            count, rest = divmod(rest, ms)
            text += f"{count}{unit}" if count else ""
        return ("-" if self < 0 else "") + (text or "0s")


def rfc3339(time_ms: int) -> str:
    """Writes a time in ms since the epoch as RFC 3339 in UTC with milliseconds.

    >>> rfc3339(1_709_210_096_789)
    '2024-02-29T12:34:56.789Z'
    """
    days, ms = divmod(time_ms, 86_400_000)
    year, month, day = _civil(days)
    seconds, ms = divmod(ms, 1_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a day since the epoch, in the Gregorian calendar.

    Counts from the 1st of March of the year 0, so that leap days end a year; 400
    years (an era) have 146,097 days.
    """
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    march_month = (5 * day + 2) // 153
    month = march_month + 3 if march_month < 10 else march_month - 9
    return year + era * 400 + (month <= 2), month, day - (153 * march_month + 2) // 5 + 1
