//! The parameters of calls as the description of the API shows them; `params` reads them.
#![expect(dead_code, reason = "they are only described")]

use utoipa::{IntoParams, ToSchema};

/// An expression and a time.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub(super) struct InstantParams {
    query: String,
    /// Seconds since the epoch, or RFC 3339; now without it.
    time: Option<String>,
    /// A number of seconds or a duration; `2m` without it, at most `10m`.
    timeout: Option<String>,
}

/// An expression and a range of times.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub(super) struct RangeParams {
    query: String,
    /// Seconds since the epoch, or RFC 3339.
    start: String,
    /// As `start`, and not before it.
    end: String,
    /// A number of seconds or a duration, above zero.
    step: String,
    /// A number of seconds or a duration; `2m` without it, at most `10m`.
    timeout: Option<String>,
}

/// Selectors of series, and a span of time.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub(super) struct SelectParams {
    /// At most 64 selectors, such as `up{job="a"}`.
    #[param(rename = "match[]")]
    #[schema(rename = "match[]")]
    selectors: Option<Vec<String>>,
    /// Seconds since the epoch, or RFC 3339; all there is without it.
    start: Option<String>,
    /// As `start`.
    end: Option<String>,
    /// A whole number: entries at most, 100,000 without it.
    limit: Option<String>,
}
