//! Numbers as Go's `strconv` reads them, and OpenMetrics has them written.

use wasmalert_core::number;

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
    let text = number::go(value + 0.0);
    if !value.is_finite() || text.contains(['.', 'e']) {
        text
    } else {
        format!("{text}.0")
    }
}
