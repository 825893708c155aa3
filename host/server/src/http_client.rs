//! The one place that opens HTTP connections to other systems.
//!
//! Connections are kept for reuse. TLS is rustls with ring and the system's
//! roots; proxies from the environment are not used. A redirect is followed when
//! it is 307 or 308, which keep method and body, and stays on the same host
//! without falling back to http; any other redirect is an answer like others.

pub mod auth;

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Method, StatusCode, Url};

use crate::secrets::{Place, Redactor, SecretError, Secrets, substitute, substitute_bytes};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS_PER_HOST_MAX: usize = 64;
const REDIRECTS_MAX: usize = 5;
const HEADERS_MAX: usize = 64;
/// Longest text of an error that is kept.
pub const ERROR_BYTES_MAX: usize = 512;

const USER_AGENT: &str = concat!("wasmalert/", env!("CARGO_PKG_VERSION"));

/// Headers that belong to the connection and not to whoever asks for a request.
const REFUSED_HEADERS: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Whether a header is the host's business alone.
#[must_use]
pub fn is_refused_header(name: &HeaderName) -> bool {
    REFUSED_HEADERS.contains(&name.as_str())
}

/// A request that a component asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboundRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl OutboundRequest {
    /// The request with its placeholders replaced, and what takes the secrets
    /// out of error texts again.
    ///
    /// # Errors
    /// Names the first secret that does not exist, or whose value may not stand
    /// where it is asked for.
    pub fn with_secrets(&self, secrets: &Secrets) -> Result<(Self, Redactor), SecretError> {
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            headers.push((
                name.clone(),
                substitute(value, Place::Header, secrets)?.into_owned(),
            ));
        }
        let request = Self {
            method: self.method.clone(),
            url: substitute(&self.url, Place::Url, secrets)?.into_owned(),
            headers,
            body: substitute_bytes(&self.body, secrets)?.into_owned(),
        };
        let body = String::from_utf8_lossy(&self.body);
        let values = self.headers.iter().map(|(_, value)| value.as_str());
        let redactor = Redactor::of(values.chain([self.url.as_str(), &body]), secrets);
        Ok((request, redactor))
    }
}

/// The answer to an [`OutboundRequest`], whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundResponse {
    pub status: u16,
    /// Values that are not UTF-8 have their bad bytes replaced.
    pub headers: Vec<(String, String)>,
    /// The first bytes of the body, at most [`SendLimits::response_bytes`].
    pub body: Vec<u8>,
}

/// What one request may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendLimits {
    /// Time for the whole exchange; default 10 s.
    pub time: Duration,
    /// Body, URL and headers together; default 4 MiB.
    pub request_bytes: usize,
    /// What is kept of the answer's body; default 64 KiB.
    pub response_bytes: usize,
}

impl Default for SendLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            request_bytes: 4 << 20,
            response_bytes: 64 << 10,
        }
    }
}

/// Why there is no answer. The texts hold no URL and no header, but may hold
/// what a server said: redact them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The request may not be sent; trying again does not help.
    #[error("the request is not allowed: {0}")]
    Refused(String),
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("no connection: {0}")]
    Connect(String),
    #[error("the connection failed: {0}")]
    Broken(String),
}

/// A client that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client: {0}")]
pub struct HttpClientError(#[from] reqwest::Error);

/// Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client,
}

impl HttpClient {
    /// Sets up TLS and the pool of connections. On a machine without root
    /// certificates http works and every https connection is refused.
    ///
    /// # Errors
    /// The TLS settings do not hold together.
    pub fn new() -> Result<Self, HttpClientError> {
        // An error says that a provider is installed already, which is as good.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = match builder().build() {
            Ok(client) => client,
            Err(error) => {
                let reason = cause(&error);
                tracing::warn!(reason, "no usable system root certificates: https will not work");
                builder().tls_certs_only([]).build()?
            }
        };
        Ok(Self { client })
    }

    /// The client below, for callers that read answers their own way.
    pub(crate) fn raw(&self) -> &Client {
        &self.client
    }

    /// Sends a request and reads the first bytes of the answer's body.
    ///
    /// # Errors
    /// The request is not allowed, or no answer came within the limits. An
    /// answer with an error status is an answer.
    pub async fn send(
        &self,
        request: OutboundRequest,
        limits: &SendLimits,
    ) -> Result<OutboundResponse, SendError> {
        let request = checked(request, limits)?;
        let exchange = self.exchange(request, limits.response_bytes);
        let timed_out = |_| Err(SendError::Timeout(limits.time));
        tokio::time::timeout(limits.time, exchange)
            .await
            .unwrap_or_else(timed_out)
    }

    async fn exchange(
        &self,
        request: reqwest::Request,
        body_bytes_max: usize,
    ) -> Result<OutboundResponse, SendError> {
        let mut response = self.client.execute(request).await.map_err(send_error)?;
        let body = read_up_to(&mut response, body_bytes_max)
            .await
            .map_err(send_error)?;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)));
        Ok(OutboundResponse {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body,
        })
    }
}

/// The first bytes of a body, decompressed: all of it if it is not longer.
pub(crate) async fn read_up_to(
    response: &mut reqwest::Response,
    bytes_max: usize,
) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while body.len() < bytes_max
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk[..chunk.len().min(bytes_max - body.len())]);
    }
    Ok(body)
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder()
        .tls_backend_rustls()
        .no_proxy()
        .user_agent(USER_AGENT)
        .referer(false)
        .redirect(Policy::custom(redirect))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST_MAX)
}

fn redirect(attempt: Attempt<'_>) -> Action {
    let keeps_method = matches!(
        attempt.status(),
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    );
    let Some(from) = attempt.previous().last().filter(|_| keeps_method) else {
        return attempt.stop();
    };
    let to = attempt.url();
    let same_host = from.host_str() == to.host_str();
    let weaker = from.scheme() == "https" && to.scheme() != "https";
    if !same_host || weaker {
        return attempt.error("redirected to another host or from https to http, which is not followed");
    }
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error(format!("redirected more than {REDIRECTS_MAX} times"));
    }
    attempt.follow()
}

fn checked(request: OutboundRequest, limits: &SendLimits) -> Result<reqwest::Request, SendError> {
    let refused = SendError::Refused;
    let header_bytes: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if request.body.len() + request.url.len() + header_bytes > limits.request_bytes {
        return Err(refused(format!(
            "it is larger than {} bytes",
            limits.request_bytes
        )));
    }
    let method = match request.method.as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => {
            return Err(refused(
                "the method must be GET, POST, PUT, PATCH or DELETE".to_owned(),
            ));
        }
    };
    let url = Url::parse(&request.url).map_err(|error| refused(format!("the URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("the URL must start with http:// or https://".to_owned()));
    }
    let mut checked = reqwest::Request::new(method, url);
    *checked.headers_mut() = checked_headers(&request.headers).map_err(refused)?;
    *checked.body_mut() = Some(request.body.into());
    Ok(checked)
}

fn checked_headers(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    if headers.len() > HEADERS_MAX {
        return Err(format!("more than {HEADERS_MAX} headers"));
    }
    let mut checked = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let header = HeaderName::try_from(name.as_str())
            .map_err(|_| format!("{:?} is not a header name", bounded(name, 64)))?;
        if is_refused_header(&header) {
            return Err(format!("the header {header} is set by the host"));
        }
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of the header {header} has a control character"))?;
        value.set_sensitive(true);
        checked.append(header, value);
    }
    Ok(checked)
}

fn send_error(error: reqwest::Error) -> SendError {
    let text = cause(&error);
    if error.is_connect() {
        SendError::Connect(text)
    } else {
        SendError::Broken(text)
    }
}

/// The innermost reason of an error: the outer ones only say that a request
/// failed, and where to.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let Some(mut reason) = error.source() else {
        return "unknown".to_owned();
    };
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    bounded(&reason.to_string(), ERROR_BYTES_MAX)
}

/// The text, cut at a character to at most `bytes_max` bytes and a mark.
pub(crate) fn bounded(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes_max)])
}

#[cfg(test)]
mod tests;
