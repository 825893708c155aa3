//! A receiver of webhooks that keeps what it got and can be told to fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;
use wasmalert_ingest::limits::WriteLimits;
use wasmalert_ingest::remote_write::decode;

use super::fake::Fake;

/// A byte that no text in UTF-8 has.
const NO_TEXT: u8 = 0xff;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Captured {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) idempotency_key: String,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) bytes: Bytes,
    /// What it was answered with.
    pub(crate) status: u16,
    pub(crate) at: Instant,
}

struct Shared {
    status: u16,
    retry_after: Option<&'static str>,
    delay: Duration,
    echoes: bool,
    /// The name of a series of which requests are answered with 400.
    refused: Option<&'static str>,
    captured: Vec<Captured>,
}

/// Takes every request, answers with the status it was told last.
pub(crate) struct Webhook {
    fake: Fake,
    shared: Arc<Mutex<Shared>>,
}

impl Webhook {
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            status: 200,
            retry_after: None,
            delay: Duration::ZERO,
            echoes: false,
            refused: None,
            captured: Vec::new(),
        }));
        let router = Router::new().fallback(capture).with_state(shared.clone());
        Self {
            fake: Fake::start(router),
            shared,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.fake.url()
    }

    /// Answers with this status from now on.
    pub(crate) fn answer(&self, status: u16) {
        let mut shared = self.lock();
        shared.status = status;
        shared.retry_after = None;
    }

    /// Answers 429 with a `Retry-After` from now on.
    pub(crate) fn ask_to_wait(&self, seconds: &'static str) {
        let mut shared = self.lock();
        shared.status = 429;
        shared.retry_after = Some(seconds);
    }

    /// Answers 400 from now on to requests of remote write that have a series of that name.
    pub(crate) fn refuse_with(&self, name: &'static str) {
        self.lock().refused = Some(name);
    }

    /// Waits so long before each answer from now on.
    pub(crate) fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// Answers with the path and the headers that it got from now on, and with a byte
    /// that makes it no text.
    pub(crate) fn echo(&self) {
        self.lock().echoes = true;
    }

    /// Everything that arrived, in order.
    pub(crate) fn captured(&self) -> Vec<Captured> {
        self.lock().captured.clone()
    }

    /// What was answered with 200.
    pub(crate) fn accepted(&self) -> Vec<Captured> {
        let mut captured = self.captured();
        captured.retain(|request| request.status == 200);
        captured
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Captured {
    /// The alerts of Alertmanager's webhook payload.
    pub(crate) fn alerts(&self) -> &[Value] {
        self.body["alerts"].as_array().map_or(&[], Vec::as_slice)
    }
}

/// Whether a body of remote write has a series of that name.
fn has_series(body: &[u8], name: &str) -> bool {
    let request = decode(body, &WriteLimits::default());
    request.is_ok_and(|request| {
        request
            .iter()
            .any(|(labels, _)| labels.get("__name__") == Some(name))
    })
}

async fn capture(
    State(shared): State<Arc<Mutex<Shared>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut echo = format!("{uri} {headers:?}").into_bytes();
    echo.push(NO_TEXT);
    let (status, delay, retry_after, echoes) = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
        let is_refused = shared.refused.is_some_and(|name| has_series(&body, name));
        let status = if is_refused { 400 } else { shared.status };
        let captured = Captured {
            idempotency_key: key.unwrap_or_default().into(),
            path: uri.path().to_owned(),
            headers: headers.clone(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            bytes: body,
            status,
            at: Instant::now(),
        };
        shared.captured.push(captured);
        (status, shared.delay, shared.retry_after, shared.echoes)
    };
    tokio::time::sleep(delay).await;
    let mut answer = HeaderMap::new();
    if let Some(seconds) = retry_after {
        answer.insert(
            "retry-after",
            seconds.parse().expect("a number is a header value"),
        );
    }
    let body = if echoes { echo } else { Vec::new() };
    (
        StatusCode::from_u16(status).expect("a valid status"),
        answer,
        body,
    )
}
