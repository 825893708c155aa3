//! Numbers as Go writes and reads them.

/// Bits of a hexadecimal number that are kept exactly; a float has 53.
const MANTISSA_MAX: u64 = 1 << 59;

/// A float such as `1.5`, `-1e+06`, `NaN`, `+Inf` or `0x1.8p+01`; none when it
/// is not one.
pub(super) fn parse(text: &str) -> Option<f64> {
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => parse_hex(&text[2..]),
        [b'-', b'0', b'x' | b'X', ..] => parse_hex(&text[3..]).map(|value| -value),
        [b'+', b'0', b'x' | b'X', ..] => parse_hex(&text[3..]),
        _ => text.parse().ok(),
    }
}

/// `1.8p+01`: hexadecimal digits, and after `p` the power of two.
fn parse_hex(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let mut exponent = exponent.parse::<i32>().ok()?.clamp(-100_000, 100_000);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa: u64 = 0;
    for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16)?);
        let in_fraction = at >= whole.len();
        if mantissa < MANTISSA_MAX {
            mantissa = mantissa * 16 + digit;
            exponent = exponent.saturating_sub(if in_fraction { 4 } else { 0 });
        } else {
            mantissa |= u64::from(digit != 0); // for rounding alone
            exponent = exponent.saturating_add(if in_fraction { 0 } else { 4 });
        }
    }
    Some(scaled(mantissa as f64, exponent))
}

/// `value * 2^exponent`, in steps that neither overflow nor vanish too early.
fn scaled(mut value: f64, mut exponent: i32) -> f64 {
    while exponent != 0 && value != 0.0 && value.is_finite() {
        let step = exponent.clamp(-512, 512);
        value *= 2f64.powi(step);
        exponent -= step;
    }
    value
}
