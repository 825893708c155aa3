//! Numbers as Go's `strconv` reads and writes them.

use crate::NORMAL_NAN_BITS;

/// Reads a value as Prometheus does: decimal, `Inf` and `NaN` in any case; no
/// underscores, and no hexadecimal either, since that needs a `p`, which
/// Prometheus refuses. `None` if it is none of these, or too large for a float.
pub(super) fn parse_value(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    if value.is_finite() {
        return Some(value);
    }
    if value.is_nan() {
        return text
            .eq_ignore_ascii_case("nan")
            .then_some(f64::from_bits(NORMAL_NAN_BITS));
    }
    let is_spelled_out = !text.bytes().any(|byte| byte.is_ascii_digit());
    is_spelled_out.then_some(value)
}

/// Writes the bound of a bucket or a quantile as OpenMetrics has it: always with
/// a point or an exponent.
pub(super) fn canonical(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if value != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    let plain = (value + 0.0).to_string();
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}
