//! Functions of one number, which Rust's library lacks or defines otherwise.

/// Go's `math.Pow`, which differs from C's in nothing.
pub(crate) fn pow(base: f64, exponent: f64) -> f64 {
    base.powf(exponent)
}

pub(super) fn deg(radians: f64) -> f64 {
    radians * 180.0 / std::f64::consts::PI
}

pub(super) fn rad(degrees: f64) -> f64 {
    degrees * std::f64::consts::PI / 180.0
}

/// The sign: -1, 0 or 1; zero and NaN stay as they are.
pub(super) fn sgn(value: f64) -> f64 {
    if value == 0.0 || value.is_nan() {
        value
    } else {
        value.signum()
    }
}

/// The larger one; NaN if either is.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.min(b)
    }
}

fn param(params: &[f64], at: usize) -> f64 {
    params.get(at).copied().unwrap_or(f64::NAN)
}

pub(super) fn clamp(value: f64, params: &[f64]) -> Option<f64> {
    let (min, max) = (param(params, 0), param(params, 1));
    if max < min {
        return None;
    }
    Some(larger(min, smaller(max, value)))
}

pub(super) fn clamp_min(value: f64, params: &[f64]) -> Option<f64> {
    Some(larger(value, param(params, 0)))
}

pub(super) fn clamp_max(value: f64, params: &[f64]) -> Option<f64> {
    Some(smaller(value, param(params, 0)))
}

/// To the nearest multiple of the parameter, 1 by default; ties go up.
pub(super) fn round(value: f64, params: &[f64]) -> Option<f64> {
    // Multiplying by the inverse is more precise for fractions such as 0.1.
    let inverse = 1.0 / params.first().copied().unwrap_or(1.0);
    Some((value * inverse + 0.5).floor() / inverse)
}
