//! The one seam between errors and HTTP: problem+json (RFC 9457) with a stable
//! `code`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::quota::Quota;

use crate::access::quota::QuotaError;
use crate::configure::Refused;
use crate::schema::SchemaError;
use crate::store::StoreError;

/// The media type of a problem.
pub(super) const CONTENT_TYPE: &str = "application/problem+json";

/// An error as the API answers it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the code tells problems apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable, in snake case, for programs.
    #[schema(example = "not_found")]
    pub code: String,
    /// What is wrong and what to do, for people.
    pub detail: String,
    /// Each thing that is wrong, where there may be several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

impl Problem {
    #[must_use]
    pub(super) fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.into(),
            detail: detail.into(),
            problems: Vec::new(),
        }
    }

    #[must_use]
    pub(super) fn with(mut self, problems: Vec<String>) -> Self {
        self.problems = problems;
        self
    }

    #[must_use]
    pub(super) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what}"))
    }

    #[must_use]
    pub(super) fn invalid(detail: impl Into<String>, problems: Vec<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).with(problems)
    }

    /// Why `what`, such as `the group a/b`, was not changed.
    #[must_use]
    pub(super) fn refused(what: &str, refused: Refused) -> Self {
        let invalid = |problems| Self::invalid(format!("{what} is not valid"), problems);
        match refused {
            Refused::Invalid(mut wrong) if wrong.len() == 1 && !what.ends_with("configuration") => {
                invalid(wrong.pop().map(|(_, problems)| problems).unwrap_or_default())
            }
            Refused::Invalid(wrong) => {
                let all = wrong.into_iter().flat_map(|(key, problems)| {
                    let placed = move |problem| format!("{key}: {problem}");
                    problems.into_iter().map(placed)
                });
                invalid(all.collect())
            }
            Refused::Missing(problem) => invalid(vec![problem]),
            Refused::Schema(error) => error.into(),
            Refused::Quota(error) => error.into(),
            Refused::Store(error) => error.into(),
            refused @ Refused::Promotion => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", refused.to_string())
            }
            Refused::TenantGone(tenant) => {
                Self::not_found(format!("tenant {tenant}: it was deleted meanwhile"))
            }
        }
    }

    #[must_use]
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static(CONTENT_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InUse { kind, name, by } => {
                let detail = format!("the {kind} {name} is in use: change or delete what uses it first");
                Self::new(StatusCode::CONFLICT, "in_use", detail).with(by)
            }
            error @ StoreError::Unexpected { .. } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "revision_mismatch",
                error.to_string(),
            ),
            StoreError::Unfit(why) => Self::invalid(why, Vec::new()),
            error => {
                tracing::error!(%error, "the store failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "store_failed",
                    "the store failed; see the server's log",
                )
            }
        }
    }
}

impl From<QuotaError> for Problem {
    fn from(error: QuotaError) -> Self {
        match &error {
            QuotaError::Over { quota, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, quota.code(), error.to_string())
            }
            QuotaError::Interval { .. } => {
                let code = Quota::IntervalMinMs.code();
                Self::new(StatusCode::TOO_MANY_REQUESTS, code, error.to_string())
            }
            QuotaError::Store(_) => {
                tracing::error!(%error, "the store failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "store_failed",
                    "the store failed; see the server's log",
                )
            }
        }
    }
}

impl From<SchemaError> for Problem {
    fn from(error: SchemaError) -> Self {
        let code = match &error {
            SchemaError::Mismatch(_) => "config_invalid",
            SchemaError::Schema { .. } => "schema_invalid",
            SchemaError::Costly { .. } => "schema_too_costly",
            SchemaError::Host(why) => {
                tracing::error!(why, "configurations cannot be checked");
                let detail = "the server could not check the configuration; see its log";
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "host_error", detail);
            }
        };
        let detail = match &error {
            SchemaError::Mismatch(_) => {
                "the configuration does not match the schema of its module".to_owned()
            }
            error => error.to_string(),
        };
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        match error {
            SchemaError::Mismatch(mismatches) => problem.with(mismatches),
            _ => problem,
        }
    }
}

/// What a handler answers.
pub(super) type Answer<T> = Result<T, Problem>;
