//! A client for tests: every answer is a value, and says all of itself when it
//! is not what was expected.

use std::sync::Once;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::{Client, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::certificates::Trust;
use super::events::Events;
use super::shapes::{Alert, Evaluation, Module, Notification, RuleStatus};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Talks to one server with one token.
#[derive(Clone)]
pub(crate) struct Api {
    base: String,
    token: String,
    tenant: Option<String>,
    client: Client,
}

/// A response that has arrived whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) etag: String,
    pub(crate) body: Vec<u8>,
    asked: String,
}

impl Answer {
    /// # Errors
    /// For any status but 2xx.
    pub(crate) fn ok(&self) -> Result<(), String> {
        if (200..300).contains(&self.status) {
            Ok(())
        } else {
            Err(self.to_string())
        }
    }

    /// The body; null when it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a problem.
    ///
    /// # Panics
    /// When the answer is not a problem with that status.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(self.content_type, "application/problem+json", "{self}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{self}");
        assert!(problem["title"].is_string(), "{self}");
        problem["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no code: {self}"))
            .to_owned()
    }

    fn parsed<T: DeserializeOwned>(&self) -> Result<T, String> {
        self.ok()?;
        serde_json::from_slice(&self.body).map_err(|e| format!("{e} in {self}"))
    }

    /// A list, either bare or as the only list of an object.
    fn list<T: DeserializeOwned>(&self) -> Result<Vec<T>, String> {
        self.ok()?;
        let list = match self.json() {
            Value::Object(fields) => fields.into_values().find(Value::is_array).unwrap_or_default(),
            list => list,
        };
        serde_json::from_value(list).map_err(|e| format!("{e} in {self}"))
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = self.text().chars().take(2_000).collect();
        write!(
            f,
            "{} answered {} {}: {text}",
            self.asked, self.status, self.content_type
        )
    }
}

impl Api {
    pub(crate) fn new(base: &str, token: &str) -> Self {
        Self::trusting(base, token, &Trust::default())
    }

    /// A client that trusts and shows what it is told, with connections of its own.
    pub(crate) fn trusting(base: &str, token: &str, trust: &Trust) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut client = Client::builder().timeout(TIMEOUT).no_proxy();
        if let Some(pem) = &trust.authority {
            let authority = reqwest::Certificate::from_pem(pem).expect("a certificate");
            client = client.tls_certs_only([authority]);
        }
        if let Some(pem) = &trust.client {
            let identity = reqwest::Identity::from_pem(pem).expect("a certificate with its key");
            client = client.identity(identity);
        }
        let client = client.build();
        Self {
            base: base.into(),
            token: token.into(),
            tenant: None,
            client: client.expect("a client without settings of the machine can be built"),
        }
    }

    /// Its address, `http://127.0.0.1:PORT`, or with https.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The same server, asked with another token; an empty one sends none.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.into(),
            ..self.clone()
        }
    }

    /// The same server, asked for that tenant.
    pub(crate) fn for_tenant(&self, tenant: &str) -> Self {
        Self {
            tenant: Some(tenant.into()),
            ..self.clone()
        }
    }

    /// # Errors
    /// When no answer comes.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Answer, String> {
        self.ask_with(method, path, body, &[]).await
    }

    /// As [`Api::ask`], with headers.
    pub(crate) async fn ask_with(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, String> {
        let asked = format!("{method} {path}");
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("x-scope-orgid", tenant);
        }
        if body.starts_with(b"{") {
            request = request.header("content-type", "application/json");
        }
        let failed = |e: reqwest::Error| format!("{asked}: {e:?}");
        let response = request.body(body).send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let content_type = header("content-type").unwrap_or_default().to_owned();
        let etag = header("etag").unwrap_or_default().to_owned();
        let body = response.bytes().await.map_err(failed)?.to_vec();
        Ok(Answer {
            status,
            content_type,
            etag,
            body,
            asked,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, String> {
        self.ask(Method::GET, path, Vec::new()).await
    }

    /// Opens a stream of server-sent events.
    ///
    /// # Panics
    /// When the server does not answer with one.
    pub(crate) async fn events(&self, path: &str) -> Events {
        let request = self.client.get(format!("{}{path}", self.base));
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let response = request
            .send()
            .await
            .unwrap_or_else(|e| panic!("GET {path}: {e:?}"));
        assert_eq!(response.status(), 200, "GET {path}");
        assert_eq!(
            response.headers()["content-type"],
            "text/event-stream",
            "GET {path}"
        );
        Events::new(response)
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answer, String> {
        self.ask(Method::DELETE, path, Vec::new()).await
    }

    /// # Panics
    /// When it is not accepted.
    pub(crate) async fn put(&self, path: &str, body: &Value) {
        let answer = self.ask(Method::PUT, path, body.to_string().into_bytes()).await;
        answer
            .and_then(|answer| answer.ok())
            .unwrap_or_else(|e| panic!("{e}\nsent: {body}"));
    }

    /// Uploads a module that has to be accepted.
    ///
    /// # Panics
    /// When it is not.
    pub(crate) async fn push(&self, name: &str, wasm: Vec<u8>) -> Module {
        let answer = self.upload(name, wasm).await;
        answer.parsed().unwrap_or_else(|e| panic!("{e}"))
    }

    /// The modules there are.
    pub(crate) async fn modules(&self) -> Result<Vec<Module>, String> {
        self.get("/v1/modules").await?.list()
    }

    /// Uploads anything, and promotes it.
    ///
    /// # Panics
    /// When no answer comes.
    pub(crate) async fn upload(&self, name: &str, wasm: Vec<u8>) -> Answer {
        let path = format!("/v1/modules/{name}?promote=true");
        let answer = self.ask(Method::POST, &path, wasm).await;
        answer.unwrap_or_else(|e| panic!("{e}"))
    }

    /// Uploads anything, with the text of its signature.
    ///
    /// # Panics
    /// When no answer comes.
    pub(crate) async fn upload_signed(&self, name: &str, wasm: Vec<u8>, signature: Option<&str>) -> Answer {
        let encoded = signature.map(|text| BASE64.encode(text));
        let header = encoded.as_deref().map(|text| ("wasmalert-signature", text));
        let path = format!("/v1/modules/{name}?promote=true");
        let answer = self.ask_with(Method::POST, &path, wasm, header.as_slice()).await;
        answer.unwrap_or_else(|e| panic!("{e}"))
    }

    /// What a call of Prometheus' API answers as data.
    pub(crate) async fn data(&self, path: &str, params: &[(&str, &str)]) -> Result<Value, String> {
        let url = reqwest::Url::parse_with_params(&format!("http://x{path}"), params).expect("a path");
        let query = url.query().unwrap_or_default();
        let answer = self.get(&format!("{path}?{query}")).await?;
        answer.ok()?;
        let mut body = answer.json();
        if body["status"] != "success" {
            return Err(answer.to_string());
        }
        Ok(body["data"].take())
    }

    /// The series that an expression of PromQL finds now.
    pub(crate) async fn query(&self, expr: &str) -> Result<Vec<Value>, String> {
        let mut data = self.data("/api/v1/query", &[("query", expr)]).await?;
        match data["result"].take() {
            Value::Array(series) => Ok(series),
            other => Err(format!("{expr}: {other}")),
        }
    }

    pub(crate) async fn alerts(&self) -> Result<Vec<Alert>, String> {
        self.get("/v1/alerts").await?.list()
    }

    /// The only alert of that name.
    pub(crate) async fn alert(&self, alertname: &str) -> Result<Alert, String> {
        let mut alerts = self.alerts().await?;
        alerts.retain(|alert| {
            alert
                .labels
                .get("alertname")
                .is_some_and(|name| name == alertname)
        });
        match alerts.len() {
            1 => Ok(alerts.remove(0)),
            count => Err(format!("{count} alerts {alertname}: {alerts:?}")),
        }
    }

    pub(crate) async fn rules(&self) -> Result<Vec<RuleStatus>, String> {
        self.get("/v1/rules").await?.list()
    }

    pub(crate) async fn rule(&self, namespace: &str, group: &str, rule: &str) -> Result<RuleStatus, String> {
        let rules = self.rules().await?;
        let found = rules
            .into_iter()
            .find(|r| (r.namespace.as_str(), r.group.as_str(), r.rule.as_str()) == (namespace, group, rule));
        found.ok_or_else(|| format!("no rule {namespace}/{group}/{rule}"))
    }

    /// The rule's evaluations, newest first.
    pub(crate) async fn evaluations(
        &self,
        namespace: &str,
        group: &str,
        rule: &str,
    ) -> Result<Vec<Evaluation>, String> {
        self.get(&format!("/v1/rules/{namespace}/{group}/{rule}/evaluations"))
            .await?
            .list()
    }

    pub(crate) async fn notifications(&self) -> Result<Vec<Notification>, String> {
        self.get("/v1/notifications").await?.list()
    }
}
