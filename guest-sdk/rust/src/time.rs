//! Spans of time and how times are written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, Unexpected};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Units as Prometheus has them, largest first: the order in which they may follow each other.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * DAY_MS),
    ("w", 7 * DAY_MS),
    ("d", DAY_MS),
    ("h", HOUR_MS),
    ("m", MINUTE_MS),
    ("s", SECOND_MS),
    ("ms", 1),
];

/// A span of time in whole milliseconds. In JSON it is a text as Prometheus
/// writes durations: `30s`, `5m`, `1h30m`, `250ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(i64);

impl Span {
    /// Makes a span of milliseconds.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Makes a span of seconds.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND_MS))
    }

    /// Makes a span of minutes.
    #[must_use]
    pub const fn from_mins(minutes: i64) -> Self {
        Self(minutes.saturating_mul(MINUTE_MS))
    }

    /// Makes a span of hours.
    #[must_use]
    pub const fn from_hours(hours: i64) -> Self {
        Self(hours.saturating_mul(HOUR_MS))
    }

    /// The span in milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Reads a duration as Prometheus writes it. None when it is not one.
    ///
    /// ```
    /// use wasmalert::time::Span;
    /// assert_eq!(Span::parse("1h30m"), Some(Span::from_mins(90)));
    /// assert_eq!(Span::parse("30m1h"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self(0));
        }
        let (mut rest, mut ms) = (text, 0_i64);
        let mut units = UNITS.iter();
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let count: i64 = rest[..digits].parse().ok()?;
            let letters = rest[digits..].bytes().take_while(u8::is_ascii_lowercase).count();
            let unit = &rest[digits..digits + letters];
            let (_, unit_ms) = units.find(|(name, _)| *name == unit)?;
            ms = ms.checked_add(count.checked_mul(*unit_ms)?)?;
            rest = &rest[digits + letters..];
        }
        (!text.is_empty()).then_some(Self(ms))
    }
}

impl fmt::Display for Span {
    /// As Prometheus writes durations.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, unit_ms) in UNITS {
            let count = rest / unit_ms.unsigned_abs();
            if count > 0 {
                write!(f, "{count}{name}")?;
                rest %= unit_ms.unsigned_abs();
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wanted = "a duration such as 30s, 5m or 1h30m";
        Self::parse(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &wanted))
    }
}

/// Writes a time in ms since the epoch as RFC 3339 in UTC with milliseconds.
///
/// ```
/// assert_eq!(wasmalert::time::rfc3339(1_709_210_096_789), "2024-02-29T12:34:56.789Z");
/// ```
#[must_use]
pub fn rfc3339(time_ms: i64) -> String {
    let (days, ms) = (time_ms.div_euclid(DAY_MS), time_ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let (hour, minute) = (ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS);
    let (second, ms) = (ms % MINUTE_MS / SECOND_MS, ms % SECOND_MS);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of a day since the epoch, in the Gregorian calendar.
///
/// Counts from the 1st of March of the year 0, so that leap days end a year; 400
/// years (an era) have 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}
