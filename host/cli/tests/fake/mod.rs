//! A server that answers what a test says, and runs of commands against it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use wasmalert_cli::Io;

pub(crate) struct Request {
    /// Method and path with its query, as sent.
    pub(crate) line: String,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Status, content type, body.
pub(crate) type Answer = (u16, &'static str, String);

pub(crate) fn ok(value: Value) -> Answer {
    (200, "application/json", value.to_string())
}

pub(crate) fn empty() -> Answer {
    (204, "application/json", String::new())
}

pub(crate) fn problem(status: u16, value: Value) -> Answer {
    (status, "application/problem+json", value.to_string())
}

pub(crate) fn events(body: &str) -> Answer {
    (200, "text/event-stream", body.to_owned())
}

type Respond = dyn Fn(&Request) -> Answer + Send + Sync;

struct Shared {
    respond: Box<Respond>,
    /// What an assertion in `respond` said.
    failure: Mutex<Option<String>>,
}

pub(crate) struct Fake {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    pub(crate) fn start(respond: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            respond: Box::new(respond),
            failure: Mutex::new(None),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Request {
        line: format!("{method} {uri}"),
        headers,
        body: body.to_vec(),
    };
    let answered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (shared.respond)(&request)));
    match answered {
        Ok((status, kind, body)) => (
            StatusCode::from_u16(status).unwrap(),
            [(header::CONTENT_TYPE, kind), (header::LOCATION, "/elsewhere")],
            body,
        )
            .into_response(),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .unwrap_or_else(|| "panic".to_owned());
            *shared.failure.lock().unwrap() = Some(text);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// How a command ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn run(server: &Fake, args: &[&str]) -> Ran {
    run_with(server, args, "")
}

pub(crate) fn run_with(server: &Fake, args: &[&str], input: &str) -> Ran {
    let ran = run_at(&format!("http://{}", server.address), args, input);
    if let Some(failure) = server.shared.failure.lock().unwrap().take() {
        panic!("the server saw something wrong: {failure}\n{ran:?}");
    }
    ran
}

pub(crate) fn run_at(url: &str, args: &[&str], input: &str) -> Ran {
    let global = ["wasmalert", "--url", url, "--token", "t0ken"];
    let args = global.iter().chain(args).map(Into::into);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io {
        input: &mut input.as_bytes(),
        out: &mut out,
        err: &mut err,
        width: None,
    };
    let code = wasmalert_cli::run(args, &mut io);
    Ran {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// A folder of files that is removed at the end.
pub(crate) struct Folder(PathBuf);

pub(crate) fn folder(name: &str, files: &[(&str, &str)]) -> Folder {
    let path = std::env::temp_dir().join(format!("wasmalert-commands-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    for (file, content) in files {
        std::fs::write(path.join(file), content).unwrap();
    }
    Folder(path)
}

impl Folder {
    pub(crate) fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
