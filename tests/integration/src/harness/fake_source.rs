//! A query source that can misbehave.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::fake::Fake;

/// What a query gets.
#[derive(Clone)]
pub(crate) enum Reply {
    /// One series `{instance="a"}` with this value.
    Value(f64),
    /// No series.
    Nothing,
    /// This text with status 200.
    Text(&'static str),
    /// Prometheus' own error for a query it refuses.
    Refused,
    /// Nothing for a minute.
    Slow,
    /// A valid start, then zeros up to so many bytes.
    Endless { bytes: usize },
}

/// Answers every query of the Prometheus API in the way it was told last.
pub(crate) struct FakeSource {
    fake: Fake,
    reply: Arc<Mutex<Reply>>,
}

impl FakeSource {
    pub(crate) fn start(reply: Reply) -> Self {
        let reply = Arc::new(Mutex::new(reply));
        let router = Router::new().fallback(answer).with_state(reply.clone());
        Self {
            fake: Fake::start(router),
            reply,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.fake.url()
    }

    pub(crate) fn set(&self, reply: Reply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    pub(crate) fn stop(&mut self) {
        self.fake.stop();
    }

    pub(crate) fn resume(&mut self) {
        self.fake.resume();
    }
}

async fn answer(State(reply): State<Arc<Mutex<Reply>>>) -> Response {
    let reply = reply.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match reply {
        Reply::Value(value) => vector(&format!(
            r#"{{"metric":{{"__name__":"load","instance":"a"}},"value":[1700000000,"{value}"]}}"#
        )),
        Reply::Nothing => vector(""),
        Reply::Text(text) => text.into_response(),
        Reply::Refused => {
            let body = r#"{"status":"error","errorType":"bad_data","error":"parse error: no such thing"}"#;
            (axum::http::StatusCode::BAD_REQUEST, json(body.into())).into_response()
        }
        Reply::Slow => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            vector("")
        }
        Reply::Endless { bytes } => endless(bytes),
    }
}

fn json(body: String) -> Response {
    ([("content-type", "application/json")], body).into_response()
}

fn vector(series: &str) -> Response {
    json(format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#
    ))
}

fn endless(bytes: usize) -> Response {
    const CHUNK_BYTES: usize = 64 << 10;
    let start = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":""#;
    let chunk = Bytes::from(vec![b'0'; CHUNK_BYTES]);
    let chunks = std::iter::once(Bytes::from(start)).chain(std::iter::repeat_n(chunk, bytes / CHUNK_BYTES));
    let body = Body::from_stream(stream::iter(chunks.map(Ok::<_, std::io::Error>)));
    ([("content-type", "application/json")], body).into_response()
}
