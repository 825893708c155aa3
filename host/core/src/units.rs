//! Durations as Prometheus writes them.

#[cfg(test)]
mod tests;

/// The longest duration, in ms: about 292 years, as in Prometheus, which counts
/// nanoseconds in 64 bits.
pub const DURATION_MS_MAX: i64 = i64::MAX / 1_000_000;

/// Units from the largest to the smallest, with their length in ms.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error(
        "{0:?} is not a duration: write whole numbers with the units y, w, d, h, m, s, ms, \
         each at most once and in that order, such as 1h30m, or 0"
    )]
    Syntax(String),
    #[error("{0:?} is too long for a duration: the longest is about 292 years")]
    Overflow(String),
}

/// Reads a duration such as `1y2w3d4h5m6s7ms` or `0`, into ms.
///
/// A year has 365 days. At most [`DURATION_MS_MAX`].
///
/// # Errors
/// The text is no duration, or too long a one; the message says what is accepted.
pub fn parse_duration_ms(text: &str) -> Result<i64, DurationError> {
    if text == "0" {
        return Ok(0);
    }
    if text.is_empty() {
        return Err(DurationError::Syntax(text.to_owned()));
    }
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut total_ms = 0_i64;
    while !rest.is_empty() {
        let (number, after) = split_at(rest, |c| !c.is_ascii_digit());
        let (name, after) = split_at(after, |c| c.is_ascii_digit());
        let unit_ms = units.find(|unit| unit.0 == name).map(|unit| unit.1); // uses up those before
        let (Some(unit_ms), false) = (unit_ms, number.is_empty()) else {
            return Err(DurationError::Syntax(text.to_owned()));
        };
        total_ms = number
            .parse::<i64>()
            .ok()
            .and_then(|count| count.checked_mul(unit_ms))
            .and_then(|part_ms| total_ms.checked_add(part_ms))
            .filter(|ms| *ms <= DURATION_MS_MAX)
            .ok_or_else(|| DurationError::Overflow(text.to_owned()))?;
        rest = after;
    }
    Ok(total_ms)
}

fn split_at(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

/// Writes a duration in ms as Prometheus does: `1h30m`, `90d`, `0s`.
///
/// Years and weeks are used only for whole ones.
#[must_use]
pub fn format_duration_ms(duration_ms: i64) -> String {
    if duration_ms == 0 {
        return "0s".to_owned();
    }
    let mut text = String::from(if duration_ms < 0 { "-" } else { "" });
    let mut left = duration_ms.unsigned_abs();
    for (unit, unit_ms) in UNITS {
        let unit_ms = unit_ms.unsigned_abs();
        let is_whole_only = matches!(unit, "y" | "w");
        if left < unit_ms || (is_whole_only && !left.is_multiple_of(unit_ms)) {
            continue;
        }
        text.push_str(&format!("{}{unit}", left / unit_ms));
        left %= unit_ms;
    }
    text
}
