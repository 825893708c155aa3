//! The Prometheus HTTP API: one query, one request.

use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::atomic::Ordering::Relaxed;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Url};
use wasmalert_core::frame::Frame;
use wasmalert_core::query::{Query, QueryError, QueryErrorCode, QueryTime};
use wasmalert_ingest::answer::{self, Answer};

use super::source::Source;
use super::spec::{PrometheusSpec, check_base_url};
use crate::fair::{Claim, Lane, Lanes};
use crate::http_client::{ExecuteError, TenantClient, cause, read_up_to};
use crate::secrets::{HostSecrets, Secrets};

/// Bodies above this size are parsed away from the async threads.
const PARSE_INLINE_BYTES_MAX: usize = 64 << 10;

type Params = Vec<(&'static str, String)>;

/// Asks a source. Time is the caller's matter.
pub(super) async fn ask(
    client: &TenantClient,
    lanes: &Lanes,
    claim: &Claim,
    source: &Source,
    spec: &PrometheusSpec,
    query: &Query,
) -> Result<Frame, QueryError> {
    let result = match exchange(client, source, spec, query).await {
        Ok((status, body)) => frame(lanes, claim, status, body).await,
        Err(error) => Err(error),
    };
    redacted(result, source, spec)
}

/// The same where nobody else is: answers are parsed at once.
pub(super) async fn ask_alone(
    client: &TenantClient,
    source: &Source,
    spec: &PrometheusSpec,
    query: &Query,
) -> Result<Frame, QueryError> {
    let answer = exchange(client, source, spec, query).await;
    let result = answer.and_then(|(status, body)| settled(status, answer::parse(&body)));
    redacted(result, source, spec)
}

fn redacted(
    result: Result<Frame, QueryError>,
    source: &Source,
    spec: &PrometheusSpec,
) -> Result<Frame, QueryError> {
    result.map_err(|error| {
        let message = spec.redact(&error.message, &source.secrets);
        QueryError { message, ..error }
    })
}

async fn exchange(
    client: &TenantClient,
    source: &Source,
    spec: &PrometheusSpec,
    query: &Query,
) -> Result<(StatusCode, Vec<u8>), QueryError> {
    let (path, params) = params(spec, query);
    let url = endpoint(spec, &source.secrets, path)?;
    let allowed = source.secrets.for_url(&url);
    let mut response = None;
    if !source.get_only.load(Relaxed) {
        let mut post = Request::new(Method::POST, url.clone());
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        post.headers_mut().insert(CONTENT_TYPE, form_type);
        *post.body_mut() = Some(form(&url, &params).into());
        let answer = send(client, authorized(post, spec, &allowed)?).await?;
        let refused = answer.status() == StatusCode::METHOD_NOT_ALLOWED;
        source.get_only.store(refused, Relaxed);
        response = (!refused).then_some(answer);
    }
    let mut response = match response {
        Some(response) => response,
        None => {
            let mut with_params = url.clone();
            with_params.query_pairs_mut().extend_pairs(&params);
            let get = Request::new(Method::GET, with_params);
            send(client, authorized(get, spec, &allowed)?).await?
        }
    };
    let body = read(&mut response, spec.response_bytes_max()).await?;
    Ok((response.status(), body))
}

fn error(code: QueryErrorCode, message: impl Into<String>) -> QueryError {
    QueryError {
        code,
        message: message.into(),
    }
}

fn params(spec: &PrometheusSpec, query: &Query) -> (&'static str, Params) {
    let timeout_ms = i64::try_from(spec.timeout().as_millis()).unwrap_or(i64::MAX);
    let mut params = vec![
        ("query", query.expr.to_string()),
        ("timeout", seconds(timeout_ms)),
    ];
    let path = match query.time {
        QueryTime::Instant { at_ms } => {
            params.push(("time", seconds(at_ms)));
            "api/v1/query"
        }
        QueryTime::Range {
            start_ms,
            end_ms,
            step_ms,
        } => {
            params.push(("start", seconds(start_ms)));
            params.push(("end", seconds(end_ms)));
            params.push(("step", seconds(step_ms)));
            "api/v1/query_range"
        }
    };
    (path, params)
}

/// Milliseconds as decimal seconds, exactly.
fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    format!("{sign}{}.{:03}", ms / 1_000, ms % 1_000)
}

/// The parameters as the body of a form.
fn form(url: &Url, params: &Params) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.query_pairs_mut().extend_pairs(params);
    url.query().unwrap_or_default().to_owned()
}

/// The base URL's path with the API's, and its own query parameters.
fn endpoint(spec: &PrometheusSpec, secrets: &Secrets, path: &str) -> Result<Url, QueryError> {
    let mut url = secrets
        .fill_url(&spec.url)
        .map_err(|failed| error(QueryErrorCode::Failed, failed.to_string()))?;
    check_base_url(&url)
        .map_err(|reason| error(QueryErrorCode::Failed, format!("the source's url: {reason}")))?;
    let path = format!("{}/{path}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn authorized(
    mut request: Request,
    spec: &PrometheusSpec,
    secrets: &HostSecrets<'_>,
) -> Result<Request, QueryError> {
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let authorized = spec.auth().apply(headers, secrets);
    authorized.map_err(|failed| error(QueryErrorCode::Failed, failed.to_string()))?;
    Ok(request)
}

async fn send(client: &TenantClient, request: Request) -> Result<Response, QueryError> {
    client.execute(request).await.map_err(|failed| {
        let failed = match failed {
            ExecuteError::Denied(denied) => {
                return error(QueryErrorCode::EgressDenied, denied.to_string());
            }
            ExecuteError::Failed(failed) => failed,
        };
        let what = if failed.is_connect() {
            "no connection"
        } else {
            "the connection failed"
        };
        let code = if failed.is_redirect() {
            QueryErrorCode::BadResponse
        } else {
            QueryErrorCode::Unavailable
        };
        error(code, format!("{what}: {}", cause(&failed)))
    })
}

async fn frame(lanes: &Lanes, claim: &Claim, status: StatusCode, body: Vec<u8>) -> Result<Frame, QueryError> {
    let parsed = if body.len() <= PARSE_INLINE_BYTES_MAX {
        answer::parse(&body)
    } else {
        let lane = Lane::for_bytes(body.len());
        let parsed = lanes.run(lane, claim, move || answer::parse(&body)).await;
        parsed
            .map_err(|undone| error(QueryErrorCode::Unavailable, undone.to_string()))?
            .0
    };
    settled(status, parsed)
}

/// What an answer of that status says.
fn settled(status: StatusCode, parsed: Result<Answer, String>) -> Result<Frame, QueryError> {
    match parsed {
        Ok(Answer::Data(frame)) if status.is_success() => Ok(frame),
        Ok(Answer::Error { kind, message }) => {
            let code = match kind.as_str() {
                "timeout" => QueryErrorCode::Timeout,
                "canceled" | "unavailable" => QueryErrorCode::Unavailable,
                _ => QueryErrorCode::Failed,
            };
            Err(error(code, format!("{kind}: {message}")))
        }
        Ok(Answer::Data(_)) => Err(error(
            QueryErrorCode::BadResponse,
            format!("HTTP status {status} with data"),
        )),
        Err(reason) => Err(not_an_answer(status, &reason)),
    }
}

fn not_an_answer(status: StatusCode, reason: &str) -> QueryError {
    use QueryErrorCode::{BadResponse, Failed, Unavailable};
    if status.is_success() {
        return error(
            BadResponse,
            format!("the answer is not of the Prometheus HTTP API: {reason}"),
        );
    }
    let code = match status {
        StatusCode::TOO_MANY_REQUESTS => Unavailable,
        status if status.is_server_error() => Unavailable,
        status if status.is_client_error() => Failed,
        _ => BadResponse,
    };
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ": check the source's credentials",
        status if status.is_client_error() || status.is_redirection() => ": check the source's url",
        _ => "",
    };
    error(code, format!("HTTP status {status}{hint}"))
}

/// The whole body, decompressed. Ends as soon as it is too large.
async fn read(response: &mut Response, bytes_max: u64) -> Result<Vec<u8>, QueryError> {
    let too_large = || {
        let message = format!(
            "the answer is larger than {bytes_max} bytes: narrow the query, or raise the source's max_response_bytes"
        );
        error(QueryErrorCode::TooLarge, message)
    };
    if response.content_length().is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large());
    }
    let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let body = read_up_to(response, bytes_max.saturating_add(1)).await;
    let body = body.map_err(|failed| {
        let code = if is_corrupt(&failed) {
            QueryErrorCode::BadResponse
        } else {
            QueryErrorCode::Unavailable
        };
        error(code, format!("the answer broke off: {}", cause(&failed)))
    })?;
    if body.len() > bytes_max {
        return Err(too_large());
    }
    Ok(body)
}

/// Whether what arrived cannot be decompressed, which asking again would not cure.
fn is_corrupt(failed: &reqwest::Error) -> bool {
    let mut reason = failed.source();
    while let Some(error) = reason {
        let kind = error.downcast_ref().map(std::io::Error::kind);
        if matches!(kind, Some(ErrorKind::InvalidData | ErrorKind::InvalidInput)) {
            return true;
        }
        reason = error.source();
    }
    false
}
