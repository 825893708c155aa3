//! Sends what waits in a queue, a request after the other.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, StatusCode};
use wasmalert_core::delivery::{FailedAttempt, RetryPolicy, Verdict, next_attempt};
use wasmalert_core::quota::Quota;
use wasmalert_ingest::{bounded, remote_write};

use super::queue::{Next, Queue, Queued};
use super::{count, tell};
use crate::http_client::{ERROR_BYTES_MAX, ExecuteError, cause, read_up_to};
use crate::query::Source;
use crate::telemetry::WriteResult;
use crate::{Host, chance};

/// Time for one request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Of an answer that is no success so much is read.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// Halves of one batch that are sent alone since the whole was refused.
const SPLITS_MAX: u32 = 32;
/// A tenant that the operator has stopped is looked at again so often.
const STOPPED_PAUSE: Duration = Duration::from_secs(1);
/// A batch is tried until its target has answered: what is too old makes room in the queue.
const RETRY: RetryPolicy = RetryPolicy {
    delay_ms_base: 500,
    delay_ms_max: 30_000,
    retry_after_ms_max: 300_000,
    age_ms_max: i64::MAX,
    attempts_max: u32::MAX,
};
const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");

/// What has come of a request.
enum Answer {
    Taken,
    /// Another try would end the same.
    Refused(Refused),
    Again {
        after_ms: Option<u64>,
        reason: String,
    },
}

/// Sends until the queue is closed, its source has no target any more, or nothing has come for long.
pub(super) async fn send_all(host: Arc<Host>, queue: Arc<Queue>) {
    loop {
        let sent = match queue.next().await {
            Next::Batch(batch) => tokio::select! {
                sent = send_batch(&host, &queue, &batch) => sent,
                () = queue.closed() => return,
            },
            Next::Idle => match host.remote_write.end(&queue, false) {
                Some(_) => return,
                None => continue,
            },
            Next::Closed => return,
        };
        if let Err(NoTarget { answered }) = sent {
            let all = host.remote_write.end(&queue, true).unwrap_or(0);
            let dropped = all.saturating_sub(answered);
            count(&host, &queue, WriteResult::Dropped, dropped);
            return tell(&host, &queue, || {
                format!("there is no target any more: {dropped} samples are dropped")
            });
        }
        queue.arrived();
    }
}

/// The source has no target any more, or is gone.
struct NoTarget {
    /// Samples of the batch that the target has taken or refused before.
    answered: u64,
}

/// Tries until the target has answered. Of what is refused for what is in it, the halves are sent alone, so that few
/// samples take no others with them.
async fn send_batch(host: &Host, queue: &Queue, batch: &[Queued]) -> Result<(), NoTarget> {
    let (mut parts, mut splits, mut answered) = (vec![batch], 0, 0);
    while let Some(part) = parts.pop() {
        let sent = send_part(host, queue, part).await.ok_or(NoTarget { answered })?;
        if let Err(refused) = sent {
            if refused.is_of_content && part.len() > 1 && splits < SPLITS_MAX {
                splits += 1;
                let (first, rest) = part.split_at(part.len() / 2);
                parts.extend([rest, first]);
                continue;
            }
            count(host, queue, WriteResult::Refused, part.len() as u64);
            tell(host, queue, || {
                format!("{} samples were refused: {}", part.len(), refused.text)
            });
        }
        answered += part.len() as u64;
    }
    Ok(())
}

/// Why samples were refused.
struct Refused {
    text: String,
    /// It may be of some of them only.
    is_of_content: bool,
}

/// Tries until the target has answered; none when there is none any more.
async fn send_part(host: &Host, queue: &Queue, part: &[Queued]) -> Option<Result<(), Refused>> {
    let series = part
        .iter()
        .map(|queued| (&*queued.labels, slice::from_ref(&queued.sample)));
    let body = match remote_write::encode(series) {
        Ok(body) => body,
        // No batch is that large.
        Err(error) => {
            return Some(Err(Refused {
                text: error.to_string(),
                is_of_content: false,
            }));
        }
    };
    let mut attempts = 0;
    loop {
        while host.quarantine.of_tenant(&queue.tenant).is_some() {
            tokio::time::sleep(STOPPED_PAUSE).await;
        }
        let catalog = host.catalog.of(&queue.tenant);
        let source = catalog.sources.written_to(&queue.source)?;
        let (after_ms, reason) = match ask(host, queue, source, body.clone()).await {
            Answer::Taken => {
                count(host, queue, WriteResult::Sent, part.len() as u64);
                return Some(Ok(()));
            }
            Answer::Refused(refused) => return Some(Err(refused)),
            Answer::Again { after_ms, reason } => (after_ms, reason),
        };
        tell(host, queue, || format!("{reason}; it is tried again"));
        host.metrics.remote_write_retries.inc(&queue.tenant, ());
        attempts += 1;
        let failed = FailedAttempt {
            attempts,
            enqueued_at_ms: 0,
            now_ms: 0,
            retry_after_ms: after_ms,
        };
        if let Verdict::RetryAt(delay_ms) = next_attempt(&failed, chance::jitter(), &RETRY) {
            tokio::time::sleep(Duration::from_millis(delay_ms.unsigned_abs())).await;
        }
    }
}

async fn ask(host: &Host, queue: &Queue, source: &Source, body: Vec<u8>) -> Answer {
    let again = |reason: String| Answer::Again {
        after_ms: None,
        reason: source.redact(&reason),
    };
    let request = match request(source, body) {
        Ok(request) => request,
        Err(reason) => return again(reason),
    };
    let claim = host.tenants.of(&queue.tenant).claim(Quota::DeliveriesAtOnce);
    let _turn = host.remote_write.turns.take(&claim).await;
    let client = match host.http.of(&queue.tenant) {
        Ok(client) => client,
        Err(error) => return again(error.to_string()),
    };
    let exchange = async {
        let mut response = client.execute(request).await?;
        let said = match response.status().is_success() {
            true => Vec::new(),
            false => read_up_to(&mut response, ANSWER_BYTES_MAX)
                .await
                .unwrap_or_default(),
        };
        Ok((response, said))
    };
    let (response, said) = match tokio::time::timeout(TIMEOUT, exchange).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(ExecuteError::Denied(denied))) => return again(denied.to_string()),
        Ok(Err(ExecuteError::Failed(failed))) => return again(format!("no answer: {}", cause(&failed))),
        Err(_) => return again(format!("no answer within {} s", TIMEOUT.as_secs())),
    };
    let status = response.status();
    if status.is_success() {
        return Answer::Taken;
    }
    let said = source.redact(&format!(
        "HTTP status {status}: {}",
        String::from_utf8_lossy(&said).trim()
    ));
    let text = bounded(&said, ERROR_BYTES_MAX);
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {}
        status if status.is_server_error() => {}
        status => {
            return Answer::Refused(Refused {
                text,
                is_of_content: matches!(
                    status,
                    StatusCode::BAD_REQUEST
                        | StatusCode::UNPROCESSABLE_ENTITY
                        | StatusCode::PAYLOAD_TOO_LARGE
                ),
            });
        }
    }
    Answer::Again {
        after_ms: retry_after_ms(response.headers()),
        reason: text,
    }
}

fn request(source: &Source, body: Vec<u8>) -> Result<Request, String> {
    let (url, mut headers) = source.write_target()?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(remote_write::CONTENT_TYPE));
    headers.insert(
        CONTENT_ENCODING,
        HeaderValue::from_static(remote_write::CONTENT_ENCODING),
    );
    headers.insert(VERSION, HeaderValue::from_static(remote_write::VERSION));
    let mut request = Request::new(Method::POST, url);
    *request.headers_mut() = headers;
    *request.body_mut() = Some(body.into());
    Ok(request)
}

/// The seconds of `Retry-After`.
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    seconds.checked_mul(1_000)
}
