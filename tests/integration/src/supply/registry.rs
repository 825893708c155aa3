//! An OCI registry inside the test, and the real one of Debian's package.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::fake::Fake;
use crate::harness::process::Process;
use crate::harness::{Api, TempDir, eventually, free_port};

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const WASM: &str = "application/wasm";

/// `sha256:` and 64 hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()})
}

/// A manifest with these layers, each a media type and its bytes.
pub(super) fn manifest(layers: &[(&str, &[u8])]) -> Vec<u8> {
    let layers: Vec<_> = layers
        .iter()
        .map(|(kind, bytes)| descriptor(kind, bytes))
        .collect();
    let config = descriptor("application/vnd.wasm.config.v0+json", b"{}");
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
        .to_string()
        .into_bytes()
}

/// What lies at a path.
#[derive(Clone)]
pub(super) enum Reply {
    /// A media type and bytes.
    Bytes(&'static str, Vec<u8>),
    /// To somewhere else, with 307.
    Redirect(String),
    /// Bytes without end.
    Endless(&'static str),
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) uri: String,
    pub(super) authorization: String,
}

#[derive(Default)]
struct Shared {
    replies: BTreeMap<String, Reply>,
    /// The challenge below `/v2/`, and the `Authorization` that answers it.
    guard: Option<(String, String)>,
    asked: Vec<Asked>,
}

/// A server of fixed replies below `/v2/` and anywhere else.
pub(super) struct Registry {
    fake: Fake,
    shared: Arc<Mutex<Shared>>,
}

impl Registry {
    pub(super) fn start() -> Self {
        let shared = Arc::default();
        let router = Router::new().fallback(reply).with_state(Arc::clone(&shared));
        Self {
            fake: Fake::start(router),
            shared,
        }
    }

    /// With the module `rules/mine:1`; gives the digest of its manifest.
    pub(super) fn with_module(wasm: &[u8]) -> (Self, String) {
        let registry = Self::start();
        let manifest = registry.module(MANIFEST, manifest(&[(WASM, wasm)]));
        registry.put(
            &blob_path(wasm),
            Reply::Bytes("application/octet-stream", wasm.to_vec()),
        );
        (registry, manifest)
    }

    /// Sets what `rules/mine:1` is; gives its digest, under which it lies as well.
    pub(super) fn module(&self, kind: &'static str, manifest: Vec<u8>) -> String {
        let name = digest(&manifest);
        for name in ["1", &name] {
            let reply = Reply::Bytes(kind, manifest.clone());
            self.put(&format!("/v2/rules/mine/manifests/{name}"), reply);
        }
        name
    }

    pub(super) fn put(&self, path: &str, reply: Reply) {
        self.lock().replies.insert(path.to_owned(), reply);
    }

    /// Wants that `Authorization` below `/v2/` from now on.
    pub(super) fn guard(&self, challenge: &str, authorization: &str) {
        self.lock().guard = Some((challenge.to_owned(), authorization.to_owned()));
    }

    /// `127.0.0.1:PORT`
    pub(super) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.fake.port())
    }

    pub(super) fn url(&self) -> String {
        self.fake.url()
    }

    /// Everything that arrived, in order.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn blob_path(wasm: &[u8]) -> String {
    format!("/v2/rules/mine/blobs/{}", digest(wasm))
}

async fn reply(State(shared): State<Arc<Mutex<Shared>>>, uri: Uri, headers: HeaderMap) -> Response {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.map_or("", |value| value.to_str().unwrap_or("?"));
    shared.asked.push(Asked {
        uri: uri.to_string(),
        authorization: authorization.to_owned(),
    });
    if let Some((challenge, wanted)) = &shared.guard
        && uri.path().starts_with("/v2/")
        && authorization != wanted
    {
        let challenge = [(header::WWW_AUTHENTICATE, challenge.clone())];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    match shared.replies.get(uri.path()).cloned() {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Reply::Bytes(kind, bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Some(Reply::Redirect(to)) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
        }
        Some(Reply::Endless(kind)) => {
            let chunk = Bytes::from(vec![0; 64 << 10]);
            let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
            ([(header::CONTENT_TYPE, kind)], Body::from_stream(endless)).into_response()
        }
    }
}

/// The registry of Debian's package `docker-registry`.
pub(super) struct DockerRegistry {
    port: u16,
    _process: Process,
    _dir: TempDir,
}

impl DockerRegistry {
    pub(super) async fn start() -> Self {
        let (dir, port) = (TempDir::new("registry"), free_port());
        let config = format!(
            "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: '127.0.0.1:{port}'}}\n",
            dir.path().join("data").display()
        );
        let config = dir.write("config.yml", &config).display().to_string();
        let args = ["serve".to_owned(), config];
        let api = Api::new(&format!("http://127.0.0.1:{port}"), "");
        let mut process = Process::start(
            "docker-registry",
            dir.path(),
            Path::new("docker-registry"),
            &args,
            &[],
        );
        eventually("the registry is ready", Duration::from_secs(20), async || {
            process.assert_alive();
            api.get("/v2/").await?.ok()
        })
        .await;
        Self {
            port,
            _process: process,
            _dir: dir,
        }
    }

    /// `127.0.0.1:PORT`
    pub(super) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Pushes a module as a tool would; gives the digest of its manifest.
    pub(super) async fn push(&self, repository: &str, tag: &str, wasm: &[u8]) -> String {
        let base = format!("http://{}/v2/{repository}", self.host());
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.expect("a client without settings of the machine can be built");
        for blob in [wasm, b"{}"] {
            let begun = client.post(format!("{base}/blobs/uploads/")).send().await;
            let begun = begun.expect("the registry answers");
            assert_eq!(begun.status(), 202);
            let place = begun.headers()["location"].to_str().expect("a URL").to_owned();
            let joint = if place.contains('?') { '&' } else { '?' };
            let place = format!("{place}{joint}digest={}", digest(blob));
            let put = client
                .put(place)
                .header("content-type", "application/octet-stream")
                .body(blob.to_vec());
            assert_eq!(put.send().await.expect("the registry answers").status(), 201);
        }
        let manifest = manifest(&[(WASM, wasm)]);
        let put = client
            .put(format!("{base}/manifests/{tag}"))
            .header("content-type", MANIFEST)
            .body(manifest.clone());
        let put = put.send().await.expect("the registry answers");
        assert_eq!(put.status(), 201, "{put:?}");
        digest(&manifest)
    }
}
