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

/// Which rules, and how many groups of them.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub(super) struct RulesParams {
    /// `alert` or `record`; both without it.
    #[param(rename = "type")]
    #[schema(rename = "type")]
    kind: Option<String>,
    /// Names of rules.
    #[param(rename = "rule_name[]")]
    #[schema(rename = "rule_name[]")]
    names: Option<Vec<String>>,
    /// Names of groups.
    #[param(rename = "rule_group[]")]
    #[schema(rename = "rule_group[]")]
    groups: Option<Vec<String>>,
    /// Namespaces.
    #[param(rename = "file[]")]
    #[schema(rename = "file[]")]
    files: Option<Vec<String>>,
    /// At most 64 selectors; the labels of a rule, as they are written, match one of them.
    #[param(rename = "match[]")]
    #[schema(rename = "match[]")]
    selectors: Option<Vec<String>>,
    /// `true` leaves alerts out.
    exclude_alerts: Option<String>,
    /// Groups of one answer, above zero.
    group_limit: Option<String>,
    /// `groupNextToken` of the answer before.
    group_next_token: Option<String>,
}
