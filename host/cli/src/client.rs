//! The HTTP API as a client sees it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MATCH};
use reqwest::{Certificate, ClientBuilder, Identity, Method, Response, Url};
use serde_json::Value;

use crate::error::{Error, Problem};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// From the request's start to the end of its answer; compiling is in it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(180);
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Whom https trusts, and who we are to a server that asks; each is text in PEM.
#[derive(Default)]
pub(crate) struct Trust {
    /// Instead of the system's.
    pub(crate) authorities: Option<Vec<u8>>,
    /// A certificate and its key.
    pub(crate) client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Trust {
    fn add_to(&self, mut http: ClientBuilder) -> Result<ClientBuilder, Error> {
        let wrong = |what: &str, error: reqwest::Error| Error::Usage(format!("{what}: {}", causes(&error)));
        if let Some(pem) = &self.authorities {
            let authorities = Certificate::from_pem_bundle(pem).map_err(|error| wrong("--ca-file", error))?;
            if authorities.is_empty() {
                return Err(Error::Usage("--ca-file: it holds no certificate in PEM".into()));
            }
            http = http.tls_certs_only(authorities);
        }
        if let Some((cert, key)) = &self.client {
            let both = [cert.as_slice(), b"\n", key].concat();
            let client = Identity::from_pem(&both);
            let client = client.map_err(|error| wrong("--client-cert and --client-key", error))?;
            http = http.identity(client);
        }
        Ok(http)
    }
}

pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
    tenant: Option<HeaderValue>,
}

impl Client {
    pub(crate) fn new(
        url: &str,
        token: Option<&str>,
        tenant: Option<&str>,
        trust: &Trust,
    ) -> Result<Self, Error> {
        let base = base(url)?;
        let tenant = tenant
            .filter(|tenant| !tenant.is_empty())
            .map(HeaderValue::from_str)
            .transpose();
        let tenant = tenant.map_err(|_| Error::Usage("the tenant's name has a control character".into()))?;
        let authorization = token.map(bearer).transpose()?;
        // Fails when there is one already, which then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // The token must not travel to wherever an answer points.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("wasmalert/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base) {
            http = http.no_proxy();
        }
        http = trust.add_to(http)?;
        let http = http.build().map_err(|error| Error::Request(causes(&error)))?;
        Ok(Self {
            http,
            base,
            authorization,
            tenant,
        })
    }

    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, Error> {
        let request = self.request(Method::GET, path, query)?;
        Ok(self.answer(request).await?.1)
    }

    /// Puts JSON; answers the status as well.
    pub(crate) async fn put(&self, path: &[&str], body: &Value) -> Result<(u16, Value), Error> {
        let request = self.request(Method::PUT, path, &[])?;
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        self.answer(request).await
    }

    /// Posts a module, and the text of its signature's file where it has one; promotes it if that is wanted.
    pub(crate) async fn post_wasm(
        &self,
        path: &[&str],
        wasm: Vec<u8>,
        signature: Option<&str>,
        promote: bool,
    ) -> Result<Value, Error> {
        let query = promote.then(|| ("promote", "true".to_owned()));
        let mut request = self.request(Method::POST, path, query.as_slice())?;
        if let Some(signature) = signature {
            request = request.header("wasmalert-signature", BASE64.encode(signature));
        }
        let request = request.header(CONTENT_TYPE, "application/wasm").body(wasm);
        Ok(self.answer(request).await?.1)
    }

    /// Posts JSON.
    pub(crate) async fn post_json(&self, path: &[&str], body: &Value) -> Result<Value, Error> {
        let request = self.request(Method::POST, path, &[])?;
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        Ok(self.answer(request).await?.1)
    }

    /// Posts a change of the configuration, which is made only at that revision if one is given.
    pub(crate) async fn post_config(
        &self,
        path: &[&str],
        body: &Value,
        dry_run: bool,
        revision: Option<i64>,
    ) -> Result<Value, Error> {
        let query = dry_run.then(|| ("dry_run", "true".to_owned()));
        let mut request = self.request(Method::POST, path, query.as_slice())?;
        if let Some(revision) = revision {
            request = request.header(IF_MATCH, format!("\"{revision}\""));
        }
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        Ok(self.answer(request).await?.1)
    }

    pub(crate) async fn post(&self, path: &[&str]) -> Result<Value, Error> {
        Ok(self.answer(self.request(Method::POST, path, &[])?).await?.1)
    }

    pub(crate) async fn delete(&self, path: &[&str]) -> Result<Value, Error> {
        self.delete_with(path, &[]).await
    }

    pub(crate) async fn delete_with(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, Error> {
        Ok(self.answer(self.request(Method::DELETE, path, query)?).await?.1)
    }

    /// Opens a stream of events, which may stay open for ever.
    pub(crate) async fn events(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        last_id: Option<&str>,
    ) -> Result<Response, Error> {
        let mut request = self
            .request(Method::GET, path, query)?
            .header(ACCEPT, "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let mut response = request.send().await.map_err(|error| self.unanswered(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.problem(&mut response).await)
    }

    /// Opens an answer that is read piece by piece, however long that takes.
    pub(crate) async fn stream(&self, path: &[&str], query: &[(&str, String)]) -> Result<Response, Error> {
        let request = self.request(Method::GET, path, query)?;
        let mut response = request.send().await.map_err(|error| self.unanswered(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.problem(&mut response).await)
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<reqwest::RequestBuilder, Error> {
        let mut request = self.http.request(method, url(&self.base, path, query)?);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("x-scope-orgid", tenant);
        }
        Ok(request)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<(u16, Value), Error> {
        let sent = request.timeout(REQUEST_TIMEOUT).send().await;
        let mut response = sent.map_err(|error| self.unanswered(&error))?;
        if !response.status().is_success() {
            return Err(self.problem(&mut response).await);
        }
        let status = response.status().as_u16();
        let body = self.body(&mut response).await?;
        if body.is_empty() {
            return Ok((status, Value::Null));
        }
        let value = serde_json::from_slice(&body).map_err(|error| {
            Error::Request(format!(
                "{} answered something that is not JSON: {error}",
                self.base
            ))
        })?;
        Ok((status, value))
    }

    async fn problem(&self, response: &mut Response) -> Error {
        let status = response.status().as_u16();
        match self.body(response).await {
            Ok(body) => Error::Problem(Problem::read(status, &body)),
            Err(error) => error,
        }
    }

    async fn body(&self, response: &mut Response) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unanswered(&error))? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                let max = crate::text::size(ANSWER_BYTES_MAX as u64);
                return Err(Error::Request(format!(
                    "the answer is larger than {max}: ask for less"
                )));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn unanswered(&self, error: &reqwest::Error) -> Error {
        let (base, causes) = (&self.base, causes(error));
        Error::Request(if error.is_connect() {
            format!(
                "cannot reach {base}: {causes}\nStart a server with `wasmalert serve`, or say where one is with \
                 --url or WASMALERT_URL."
            )
        } else if error.is_timeout() {
            format!("{base} did not answer within {} s", REQUEST_TIMEOUT.as_secs())
        } else {
            format!("the request to {base} failed: {causes}")
        })
    }
}

/// The innermost reason of an error, which says most, without the URL.
fn causes(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn base(url: &str) -> Result<Url, Error> {
    let wrong = |why: &str| Error::Usage(format!("--url {url:?}: {why}, such as http://127.0.0.1:8080"));
    let base = Url::parse(url).map_err(|error| wrong(&format!("{error}; expected an address")))?;
    if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
        return Err(wrong("expected an http or https address"));
    }
    if base.query().is_some() || base.fragment().is_some() || !base.username().is_empty() {
        return Err(wrong("expected an address without user, query or fragment"));
    }
    Ok(base)
}

/// The address of `/v1/…`: each item of `path` is one segment, percent-encoded.
fn url(base: &Url, path: &[&str], query: &[(&str, String)]) -> Result<Url, Error> {
    if let Some(name) = path.iter().find(|name| matches!(**name, "" | "." | "..")) {
        return Err(Error::Usage(format!(
            "{name:?} cannot be a name: no address can hold it"
        )));
    }
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("v1").extend(path);
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Error::Usage("the token has a character that no HTTP header can hold".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
