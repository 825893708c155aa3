//! The engine against servers on loopback.

mod engine;
mod faults;
mod requests;
mod spec;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wasmalert_core::TenantId;
use wasmalert_core::fair::Share;
use wasmalert_core::query::{Query, QueryErrorCode, QueryResult, QueryTime};
use wasmalert_tsdb::Settings;

use super::*;
use crate::egress::{Egress, EgressPolicy};
use crate::embedded::Embedded;
use crate::fair::{Claim, Crew, Lanes};
use crate::http_client::HttpClient;
use crate::secrets::Secrets;
use crate::telemetry::{Metrics, QueryOutcome};

const UP: &str =
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]}}"#;

/// An engine with default settings but for what a test changes.
fn engine(config: &QueryConfig) -> (Arc<QueryEngine>, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new(true));
    let egress = Arc::new(Egress::new(EgressPolicy::unrestricted()));
    let client = HttpClient::new(egress, metrics.clone()).expect("a client");
    let engine = QueryEngine::new(client, embedded(), lanes(), config, metrics.clone());
    (Arc::new(engine), metrics)
}

fn embedded() -> Arc<Embedded> {
    Arc::new(Embedded::new(
        Settings::default(),
        PathBuf::new(),
        lanes(),
        Arc::default(),
    ))
}

fn lanes() -> Arc<Lanes> {
    Arc::new(Lanes::start(&Crew {
        name: "test",
        threads: 1,
        waiting_max: 100,
        stack_bytes: 2 << 20,
        nice: 0,
        prepare: || {},
    }))
}

/// A tenant who may ask as much as it likes.
fn tenant(name: &str) -> Claim {
    Claim {
        tenant: TenantId::new(name).expect("a name"),
        share: Share {
            weight: 1,
            at_once: usize::MAX,
            waiting: usize::MAX,
        },
    }
}

fn instant(expr: &str) -> Query {
    Query {
        source: "prom".into(),
        expr: expr.into(),
        time: QueryTime::Instant {
            at_ms: 1_700_000_000_123,
        },
    }
}

/// A source from its JSON, `url` put in, with two secrets.
fn source(url: &str, settings: &serde_json::Value) -> Arc<Source> {
    let mut spec = serde_json::json!({"kind": "prometheus", "url": url});
    let settings = settings.as_object().cloned().unwrap_or_default();
    spec.as_object_mut().expect("an object").extend(settings);
    let spec: SourceSpec = serde_json::from_value(spec).expect("a spec");
    let secrets: Secrets = [("token", "s3cr3t"), ("path", "prefix")]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .into_iter()
        .collect();
    Arc::new(Source::new("prom", 1, spec, Arc::new(secrets)).expect("a source"))
}

fn plain(url: &str) -> Arc<Source> {
    source(url, &serde_json::json!({}))
}

/// An engine for tenants that may not reach this machine.
fn guarded_engine() -> (QueryEngine, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new(true));
    let policy = serde_json::json!({"allow": [{"host": "*"}]});
    let policy = serde_json::from_value(policy).expect("a policy");
    let client = HttpClient::new(Arc::new(Egress::new(policy)), metrics.clone()).expect("a client");
    let engine = QueryEngine::new(
        client,
        embedded(),
        lanes(),
        &QueryConfig::default(),
        metrics.clone(),
    );
    (engine, metrics)
}

/// Asks one query with a fresh engine.
async fn ask(source: &Source) -> QueryResult {
    engine(&QueryConfig::default())
        .0
        .fetch(&tenant("t"), source, &instant("up"))
        .await
}

#[track_caller]
fn check_error(result: &QueryResult, code: QueryErrorCode, says: &str) {
    let error = result.as_ref().expect_err("must fail");
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.contains(says), "{error} does not say {says:?}");
    assert!(!error.message.contains("s3cr3t"), "{error}");
}

/// Serves on a free port until the test ends; the base URL.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Answers each connection's first request with these bytes and closes.
async fn serve_raw(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            // The body is a form that ends with the time and its milliseconds.
            while !request.ends_with(b".123") {
                if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let _sent = connection.write_all(&answer).await;
        }
    });
    url
}

/// A request as a server saw it.
#[derive(Debug, Clone)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    /// A parameter of the form, still encoded.
    fn param(&self, name: &str) -> Option<&str> {
        let text = if self.method == Method::GET {
            self.uri.query().unwrap_or("")
        } else {
            &self.body
        };
        text.split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }
}

/// A server that answers everything alike and hands over what it saw.
async fn recorder(
    answer: impl Fn(&Seen) -> axum::response::Response + Clone + Send + Sync + 'static,
) -> (String, tokio::sync::mpsc::UnboundedReceiver<Seen>) {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
        let seen = Seen {
            method,
            uri,
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let response = answer(&seen);
        let _sent = sender.send(seen);
        async { response }
    };
    (serve(Router::new().fallback(handler)).await, receiver)
}

const SHORT: Duration = Duration::from_millis(50);
