//! What handlers read from requests, and small shapes they share.

use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wasmalert_core::id::check_name;
use wasmalert_core::units::parse_duration_ms;

use super::problem::{Answer, Problem};
use crate::store::Expected;

/// Rows of a page that asks for no number.
const PAGE_DEFAULT: u32 = 100;
/// Rows of a page.
const PAGE_MAX: u32 = 1_000;

/// The largest JSON body: room for a group of 10,000 rules.
pub(super) const BODY_BYTES_MAX: usize = 16 << 20;

/// A JSON body of at most [`BODY_BYTES_MAX`].
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.status();
            let code = if status == StatusCode::PAYLOAD_TOO_LARGE {
                "too_large"
            } else {
                "bad_request"
            };
            Problem::new(status, code, rejection.body_text())
        })?;
        let wrong =
            |why: String| Problem::new(StatusCode::BAD_REQUEST, "bad_json", format!("the body: {why}"));
        // A list would be taken for the fields in their order.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(wrong("it is a list, not an object".to_owned()));
        }
        let body = serde_json::from_slice(&bytes);
        body.map(Self).map_err(|error| wrong(error.to_string()))
    }
}

/// A part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Rows at most, 1 to 1,000; 100 without it.
    pub(super) limit: Option<u32>,
    /// The `next` of the page before.
    pub(super) before: Option<String>,
}

impl Page {
    pub(super) fn limit(&self) -> Answer<u32> {
        page_limit(self.limit)
    }
}

pub(super) fn page_limit(limit: Option<u32>) -> Answer<u32> {
    match limit.unwrap_or(PAGE_DEFAULT) {
        limit @ 1..=PAGE_MAX => Ok(limit),
        other => Err(Problem::bad_request(format!(
            "limit is {other}, not from 1 to {PAGE_MAX}"
        ))),
    }
}

/// The `before` of the next page: the last row's id, where a page is full.
pub(super) fn next_page<R>(rows: &[R], limit: u32, id: impl Fn(&R) -> &str) -> Option<String> {
    let last = rows.last().filter(|_| rows.len() == limit as usize);
    last.map(|row| id(row).to_owned())
}

/// Checks the name of a module, source, receiver or secret.
pub(super) fn name(name: &str) -> Answer<()> {
    check_name(name).map_err(|error| Problem::invalid(format!("the name {name:?} {error}"), Vec::new()))
}

/// A time as RFC 3339 in UTC with milliseconds.
pub(super) fn time(ms: i64) -> String {
    /// The last moment of the year 9999.
    const LAST_MS: u64 = 253_402_300_799_999;
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0).min(LAST_MS));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// Reads a time: in RFC 3339, or as a duration back from now.
pub(super) fn moment(name: &str, text: &str, now_ms: i64) -> Answer<i64> {
    let back = |ms: i64| now_ms.saturating_sub(ms);
    let at = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    };
    let duration = parse_duration_ms(text).ok().map(back);
    let time = || humantime::parse_rfc3339(text).ok().map(at);
    duration.or_else(time).ok_or_else(|| {
        Problem::bad_request(format!(
            "{name} is {text:?}, neither a time such as 2026-01-31T00:00:00Z nor a duration such as 7d"
        ))
    })
}

/// Answer to a change of something that has a name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    pub(super) name: String,
    /// Grows with every change of the tenant's configuration.
    pub(super) revision: i64,
    /// False when it was like this already.
    pub(super) changed: bool,
}

/// The status of a PUT: 201 for what is new.
#[must_use]
pub(super) fn put_status(was_there: bool) -> StatusCode {
    if was_there {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    }
}

/// The header `ETag`: what `If-Match` of a later change may give.
pub(super) type ETag = [(HeaderName, String); 1];

pub(super) fn etag(revision: i64) -> ETag {
    [(header::ETAG, format!("\"{revision}\""))]
}

/// What the headers `If-Match` and `If-None-Match` ask of what is to be changed.
pub(super) fn expected(headers: &HeaderMap) -> Answer<Expected> {
    let value = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (value(header::IF_MATCH), value(header::IF_NONE_MATCH)) {
        (None, None) => Ok(Expected::Anything),
        (None, Some("*")) => Ok(Expected::Absent),
        (Some("*"), None) => Ok(Expected::Present),
        (Some(etag), None) => revision_of(etag).map(Expected::Revision),
        _ => Err(Problem::bad_request(
            "give either `If-Match` with an ETag, or `If-None-Match: *`",
        )),
    }
}

/// The revision that an ETag of ours stands for.
pub(super) fn revision_of(etag: &str) -> Answer<i64> {
    let quoted = etag
        .trim()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    quoted.and_then(|revision| revision.parse().ok()).ok_or_else(|| {
        Problem::bad_request(format!(
            "If-Match is {etag:?}, and not one ETag as this server gives them, such as \"12\""
        ))
    })
}

/// A row as it is shown; 404 where there is none.
pub(super) fn shown<R, T>(
    row: Option<R>,
    show: impl FnOnce(R) -> Option<T>,
    what: impl Display,
) -> Answer<Json<T>> {
    row.and_then(show)
        .map(Json)
        .ok_or_else(|| Problem::not_found(what))
}

/// The answer to a call that leaves nothing to say; 404 where there is no such thing.
pub(super) fn no_content(was_there: bool, what: impl Display) -> Answer<StatusCode> {
    if was_there {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found(what))
    }
}
