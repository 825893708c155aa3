//! Numbers as Go writes them, with the fewest digits that read back to the same number.

#[cfg(test)]
mod tests;

/// As Go's `%v`: plain, and with an exponent from seven digits before or five after the point on.
#[must_use]
pub fn go(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        value.to_string()
    } else {
        with_exponent(value)
    }
}

/// A finite number as Go's `%e`, whose exponents have a sign and at least two digits: `1e+06`.
#[must_use]
pub fn with_exponent(value: f64) -> String {
    let rust = format!("{value:e}");
    let (mantissa, exponent) = rust.split_once('e').unwrap_or((&rust, "0"));
    let (sign, digits) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}
