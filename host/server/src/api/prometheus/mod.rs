//! `/api/v1`: the embedded source in the words of Prometheus' HTTP API, so that
//! Grafana and other clients can read it.
//!
//! Shapes and errors are those of <https://prometheus.io/docs/prometheus/latest/querying/api/>.

mod answer;
mod params;
mod rules;
mod shape;

pub(super) use self::params::parse_time;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use wasmalert_core::TenantId;
use wasmalert_core::query::QueryTime;
use wasmalert_core::quota::Quota;
use wasmalert_ingest::limits::WriteLimits;
use wasmalert_ingest::remote_write::{self, WriteError};
use wasmalert_promql::{Limits, Matcher, Outcome, Query};
use wasmalert_tsdb::{Db, Entry};

use self::answer::{Refusal, Refused, Success};
use self::params::Params;
use self::shape::{InstantParams, RangeParams, RulesParams, SelectParams};
use super::Caller;
use crate::Host;
use crate::fair::{Claim, Lane};

/// Names and series that one answer has at most.
const FOUND_MAX: usize = 100_000;
/// Selectors of one call.
const SELECTORS_MAX: usize = 64;

type Answer = Result<Response, Refused>;

macro_rules! get_and_post {
    ($($(#[doc = $doc:literal])+ $get:ident, $post:ident, $path:literal, $params:ident => $answer:ident;)+) => {$(
        $(#[doc = $doc])+
        #[utoipa::path(
            get, path = $path, tag = "prometheus", params($params),
            responses(
                (status = 200, body = Success<Value>, description = "As in Prometheus"),
                (status = 400, body = Refusal), (status = 422, body = Refusal), (status = 503, body = Refusal)
            )
        )]
        pub(super) async fn $get(
            State(host): State<Arc<Host>>,
            Extension(tenant): Caller,
            RawQuery(query): RawQuery,
        ) -> Answer {
            $answer(&host, &tenant, Params::new(query.as_deref(), "")).await
        }

        /// The same with the parameters in a form.
        #[utoipa::path(
            post, path = $path, tag = "prometheus",
            request_body(content = Option<$params>, content_type = "application/x-www-form-urlencoded"),
            responses(
                (status = 200, body = Success<Value>, description = "As in Prometheus"),
                (status = 400, body = Refusal), (status = 422, body = Refusal), (status = 503, body = Refusal)
            )
        )]
        pub(super) async fn $post(
            State(host): State<Arc<Host>>,
            Extension(tenant): Caller,
            RawQuery(query): RawQuery,
            form: String,
        ) -> Answer {
            $answer(&host, &tenant, Params::new(query.as_deref(), &form)).await
        }
    )+};
}

get_and_post! {
    /// Evaluates an expression at one time.
    query, post_query, "/api/v1/query", InstantParams => answer_query;
    /// Evaluates an expression at each step of a range.
    query_range, post_query_range, "/api/v1/query_range", RangeParams => answer_query_range;
    /// Lists the series that selectors match.
    series, post_series, "/api/v1/series", SelectParams => answer_series;
    /// Lists the names of labels.
    labels, post_labels, "/api/v1/labels", SelectParams => answer_labels;
}

/// Lists the values of a label.
#[utoipa::path(
    get, path = "/api/v1/label/{name}/values", tag = "prometheus", params(("name" = String, Path), SelectParams),
    responses((status = 200, body = Success<Value>, description = "As in Prometheus"), (status = 400, body = Refusal))
)]
pub(super) async fn label_values(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::new(query.as_deref(), "");
    let (limit, (start_ms, end_ms)) = (params.limit(FOUND_MAX)?, params.span()?);
    let selections = selections(&params)?;
    let look = move |db: &Db| {
        let found = db.label_values(&name, &borrowed(&selections), start_ms, end_ms, limit);
        answer::found(found)
    };
    Ok(host.embedded.look_up(&claim(&host, &tenant), look).await?)
}

/// Lists rules with their alerts, by group.
#[utoipa::path(
    get, path = "/api/v1/rules", tag = "prometheus", params(RulesParams),
    responses((status = 200, body = Success<Value>, description = "As in Prometheus"), (status = 400, body = Refusal))
)]
pub(super) async fn list_rules(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    RawQuery(query): RawQuery,
) -> Answer {
    rules::rules(
        &host.groups.of_tenant(&tenant),
        &Params::new(query.as_deref(), ""),
    )
}

/// Lists the alerts that are pending or firing.
#[utoipa::path(
    get, path = "/api/v1/alerts", tag = "prometheus",
    responses((status = 200, body = Success<Value>, description = "As in Prometheus"))
)]
pub(super) async fn list_alerts(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Response {
    rules::alerts(&host.groups.of_tenant(&tenant))
}

/// Tells what answers, so that clients know what they may ask of it.
#[utoipa::path(
    get, path = "/api/v1/status/buildinfo", tag = "prometheus",
    responses((status = 200, body = Success<Value>, description = "As in Prometheus"))
)]
pub(super) async fn build_info() -> Response {
    rules::build_info()
}

async fn answer_query(host: &Host, tenant: &TenantId, params: Params) -> Answer {
    let at_ms = params.time("time")?.unwrap_or_else(|| host.clock.now_ms());
    answer_at(host, tenant, &params, QueryTime::Instant { at_ms }).await
}

async fn answer_query_range(host: &Host, tenant: &TenantId, params: Params) -> Answer {
    answer_at(host, tenant, &params, params.range()?).await
}

async fn answer_at(host: &Host, tenant: &TenantId, params: &Params, time: QueryTime) -> Answer {
    let expr = params.required("query")?.into();
    let answer = move |outcome: Outcome| answer::outcome(&outcome, time.newest_ms());
    let (claim, timeout) = (claim(host, tenant), params.timeout()?);
    Ok(host.embedded.query(&claim, expr, time, timeout, answer).await?)
}

async fn answer_series(host: &Host, tenant: &TenantId, params: Params) -> Answer {
    let (limit, (start_ms, end_ms)) = (params.limit(FOUND_MAX)?, params.span()?);
    let selections = selections(&params)?;
    if selections.is_empty() {
        return Err(Refused::bad_data("no match[] parameter provided"));
    }
    let look = move |db: &Db| {
        let found = db.series(&borrowed(&selections), start_ms, end_ms, limit);
        answer::found_series(found)
    };
    Ok(host.embedded.look_up(&claim(host, tenant), look).await?)
}

async fn answer_labels(host: &Host, tenant: &TenantId, params: Params) -> Answer {
    let (limit, (start_ms, end_ms)) = (params.limit(FOUND_MAX)?, params.span()?);
    let selections = selections(&params)?;
    let look = move |db: &Db| {
        let found = db.label_names(&borrowed(&selections), start_ms, end_ms, limit);
        answer::found(found)
    };
    Ok(host.embedded.look_up(&claim(host, tenant), look).await?)
}

fn claim(host: &Host, tenant: &TenantId) -> Claim {
    host.tenants.of(tenant).claim(Quota::QueriesAtOnce)
}

/// The matchers of each `match[]`.
fn selections(params: &Params) -> Result<Vec<Vec<Matcher>>, Refused> {
    let texts = params.all("match[]");
    if texts.len() > SELECTORS_MAX {
        return Err(Refused::bad_data(format!("more than {SELECTORS_MAX} match[]")));
    }
    let matchers = |text: &&str| {
        let query = Query::parse(text, &Limits::default())?;
        match query.selector() {
            Some(matchers) => Ok(matchers.to_vec()),
            None => Err(Refused::bad_data(format!(
                "match[]={text}: is not a selector, such as up{{job=\"a\"}}"
            ))),
        }
    };
    texts.iter().map(matchers).collect()
}

fn borrowed(selections: &[Vec<Matcher>]) -> Vec<&[Matcher]> {
    selections.iter().map(Vec::as_slice).collect()
}

/// Takes samples: remote write 1.0.
#[utoipa::path(
    post, path = "/api/v1/write", tag = "prometheus",
    request_body(content = Vec<u8>, content_type = remote_write::CONTENT_TYPE, description = "prometheus.WriteRequest, compressed by snappy"),
    responses(
        (status = 204, description = "All samples are taken"),
        (status = 400, body = Refusal, description = "Not a write request, or samples were refused; those that were not are taken"),
        (status = 413, body = Refusal, description = "Over a limit"),
        (status = 415, body = Refusal, description = "Another version or compression")
    )
)]
pub(super) async fn write(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Refused> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    remote_write::check_headers(header(CONTENT_TYPE), header(CONTENT_ENCODING))
        .map_err(|error| Refused::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))?;
    let lane = Lane::for_bytes(body.len());
    // Decoding and appending take processor time, up to a second for the largest.
    let (claim, taker) = (claim(&host, &tenant), host.clone());
    let take = move || take(&taker, &tenant, &body);
    match host.samplers.run(lane, &claim, take).await {
        Ok((taken, _)) => taken,
        // Who writes tries again what was answered with a 5xx.
        Err(undone) => Err(Refused::of(StatusCode::SERVICE_UNAVAILABLE, undone)),
    }
}

fn take(host: &Host, tenant: &TenantId, body: &[u8]) -> Result<StatusCode, Refused> {
    let request = remote_write::decode(body, &WriteLimits::default()).map_err(|error| match error {
        WriteError::Exceeded(_) => Refused::of(StatusCode::PAYLOAD_TOO_LARGE, error),
        _ => Refused::of(StatusCode::BAD_REQUEST, error),
    })?;
    let entries: Vec<Entry<'_>> = request
        .iter()
        .map(|(labels, samples)| Entry { labels, samples })
        .collect();
    let appended = host.embedded.of(tenant).append(&entries, host.clock.now_ms());
    match appended.refusals() {
        None => Ok(StatusCode::NO_CONTENT),
        // Sending them again would not help, so it is a 400, as Prometheus answers.
        Some(refusals) => Err(Refused::of(StatusCode::BAD_REQUEST, refusals)),
    }
}
