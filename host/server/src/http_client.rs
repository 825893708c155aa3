//! The one place that opens HTTP connections to other systems.
//!
//! Every request is sent for a tenant, by a client that knows that tenant's policy
//! ([`crate::egress`]): it is checked before it is sent, the addresses behind a name are
//! checked when the name is looked up, and both again at each redirect. Tenants share no
//! connections.
//!
//! Connections are kept for reuse. TLS is rustls with ring and the system's
//! roots; proxies from the environment are not used. A redirect is followed when
//! it is 307 or 308, which keep method and body, and stays on the same host and port
//! without falling back to http; any other redirect is an answer like others.

pub mod auth;
mod request;
mod resolve;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use reqwest::dns::Resolve;
use reqwest::header::HeaderValue;
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Request, Response, StatusCode};
use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;
use wasmalert_core::TenantId;
use wasmalert_ingest::bounded;

use self::request::checked;
pub use self::request::{OutboundRequest, is_refused_header};
use self::resolve::{Guard, System};
use crate::egress::{Denied, Egress, EgressPolicy};
use crate::telemetry::Metrics;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS_PER_HOST_MAX: usize = 64;
const REDIRECTS_MAX: usize = 5;
/// Headers that an answer may have; more fail the exchange.
const ANSWER_HEADERS_MAX: usize = 128;
/// Names and values of an answer's headers that are kept, together.
const ANSWER_HEADER_BYTES_MAX: usize = 64 << 10;
/// Tenants whose clients, and so connections, are kept.
const CLIENTS_MAX: u64 = 4_096;
/// A client that nobody has used this long is dropped with its connections.
const IDLE_CLIENT_TIMEOUT: Duration = Duration::from_secs(300);
/// Longest text of an error that is kept.
pub const ERROR_BYTES_MAX: usize = 512;

const USER_AGENT: &str = concat!("wasmalert/", env!("CARGO_PKG_VERSION"));

/// The answer to an [`OutboundRequest`], whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundResponse {
    pub status: u16,
    /// The first 64 KiB of them. Values that are not UTF-8 have their bad bytes replaced.
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
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("no connection: {0}")]
    Connect(String),
    #[error("the connection failed: {0}")]
    Broken(String),
}

impl SendError {
    /// Whether another try would end the same.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Denied(denied) => denied.is_final(),
            Self::Timeout(_) | Self::Connect(_) | Self::Broken(_) => false,
        }
    }
}

/// A client that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Why a request that was made elsewhere came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecuteError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("{}", cause(.0))]
    Failed(#[from] reqwest::Error),
}

/// The clients of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    shared: Arc<Shared>,
}

struct Shared {
    egress: Arc<Egress>,
    metrics: Arc<Metrics>,
    maker: Maker,
    clients: Cache<TenantId, Made>,
    /// Goes anywhere.
    operator: Made,
}

/// What every client is made with.
struct Maker {
    tls: ClientConfig,
    names: Arc<dyn Resolve>,
}

/// A client, and the policy that it was made for.
#[derive(Clone)]
struct Made {
    policy: Arc<EgressPolicy>,
    client: Client,
}

impl HttpClient {
    /// Sets up TLS. On a machine without root certificates http works and every https
    /// connection is refused.
    ///
    /// # Errors
    /// The settings do not hold together.
    pub fn new(egress: Arc<Egress>, metrics: Arc<Metrics>) -> Result<Self, HttpClientError> {
        Self::with_names(egress, metrics, Arc::new(System::new()))
    }

    /// The same with another way to look names up.
    fn with_names(
        egress: Arc<Egress>,
        metrics: Arc<Metrics>,
        names: Arc<dyn Resolve>,
    ) -> Result<Self, HttpClientError> {
        let clients = Cache::builder()
            .max_capacity(CLIENTS_MAX)
            .time_to_idle(IDLE_CLIENT_TIMEOUT)
            .build();
        let maker = Maker { tls: tls()?, names };
        let policy = Arc::new(EgressPolicy::unrestricted());
        let client = maker.make(&policy, at_redirects(&policy))?;
        let shared = Shared {
            egress,
            metrics,
            maker,
            clients,
            operator: Made { policy, client },
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The policies that it goes by.
    #[must_use]
    pub fn egress(&self) -> &Arc<Egress> {
        &self.shared.egress
    }

    /// Drops the client and the policy of a tenant that is gone.
    pub fn forget(&self, tenant: &TenantId) {
        self.shared.egress.forget(tenant);
        self.shared.clients.invalidate(tenant);
    }

    /// The client for a tenant's requests, under the policy that holds now. Get it anew
    /// for each request.
    ///
    /// # Errors
    /// A client cannot be set up.
    pub fn of(&self, tenant: &TenantId) -> Result<TenantClient, HttpClientError> {
        let policy = self.shared.egress.of(tenant);
        let kept = self.shared.clients.get(tenant);
        let made = match kept.filter(|made| Arc::ptr_eq(&made.policy, &policy)) {
            Some(made) => made,
            None => {
                let client = self.shared.maker.make(&policy, at_redirects(&policy))?;
                let made = Made { policy, client };
                self.shared.clients.insert(tenant.clone(), made.clone());
                made
            }
        };
        Ok(self.client(tenant, made))
    }

    /// A client for one errand of a tenant's, which follows no redirect: whoever sends a
    /// request looks at where its answer points, and sends the next one by the same client.
    ///
    /// # Errors
    /// A client cannot be set up.
    pub(crate) fn without_redirects(&self, tenant: &TenantId) -> Result<TenantClient, HttpClientError> {
        let policy = self.shared.egress.of(tenant);
        let client = self.shared.maker.make(&policy, Policy::none())?;
        Ok(self.client(tenant, Made { policy, client }))
    }

    fn client(&self, tenant: &TenantId, made: Made) -> TenantClient {
        TenantClient {
            tenant: tenant.clone(),
            made,
            metrics: self.shared.metrics.clone(),
        }
    }

    /// The client for what the server needs itself, where its settings send it: no policy
    /// holds. It is never handed what a tenant may choose.
    #[must_use]
    pub(crate) fn without_policy(&self, operator: &TenantId) -> TenantClient {
        self.client(operator, self.shared.operator.clone())
    }
}

impl Maker {
    fn make(&self, policy: &Arc<EgressPolicy>, redirects: Policy) -> Result<Client, reqwest::Error> {
        Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .dns_resolver(Guard::new(policy.clone(), self.names.clone()))
            .no_proxy()
            .user_agent(USER_AGENT)
            .referer(false)
            .redirect(redirects)
            .http1_only()
            .http1_max_headers(ANSWER_HEADERS_MAX)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST_MAX)
            .build()
    }
}

/// Redirects as a policy allows them.
fn at_redirects(policy: &Arc<EgressPolicy>) -> Policy {
    let policy = policy.clone();
    Policy::custom(move |attempt| redirect(attempt, &policy))
}

/// What all clients do the same: one set of roots in memory, and one of sessions.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let mut config = match Verifier::new(provider) {
        Ok(verifier) => config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth(),
        Err(error) => {
            tracing::warn!(%error, "no usable system root certificates: https will not work");
            config
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Sends requests on behalf of one tenant, and only where its policy allows.
#[derive(Clone)]
pub struct TenantClient {
    tenant: TenantId,
    made: Made,
    metrics: Arc<Metrics>,
}

impl TenantClient {
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

    /// Sends a request, for callers that read answers their own way. Time is the
    /// caller's matter.
    ///
    /// # Errors
    /// The policy does not allow it, or the exchange failed.
    pub(crate) async fn execute(&self, request: Request) -> Result<Response, ExecuteError> {
        let result = match self.made.policy.check_url(request.url()) {
            Ok(()) => self.made.client.execute(request).await.map_err(execute_error),
            Err(denied) => Err(denied.into()),
        };
        if matches!(result, Err(ExecuteError::Denied(_))) {
            self.metrics.egress_refused.inc(&self.tenant, ());
        }
        result
    }

    async fn exchange(&self, request: Request, body_bytes_max: usize) -> Result<OutboundResponse, SendError> {
        let mut response = self.execute(request).await.map_err(|error| match error {
            ExecuteError::Denied(denied) => SendError::Denied(denied),
            ExecuteError::Failed(error) => send_error(error),
        })?;
        let body = read_up_to(&mut response, body_bytes_max)
            .await
            .map_err(send_error)?;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut left = ANSWER_HEADER_BYTES_MAX;
        let headers = response.headers().iter().map_while(|(name, value)| {
            left = left.checked_sub(name.as_str().len() + value.len())?;
            Some((name.to_string(), text(value)))
        });
        Ok(OutboundResponse {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body,
        })
    }
}

/// Finds a refusal of the policy in what failed at a redirect or at a name.
fn execute_error(error: reqwest::Error) -> ExecuteError {
    let mut reason = error.source();
    while let Some(inner) = reason {
        if let Some(denied) = inner.downcast_ref::<Denied>() {
            return denied.clone().into();
        }
        reason = inner.source();
    }
    error.into()
}

/// The first bytes of a body, decompressed: all of it if it is not longer.
pub(crate) async fn read_up_to(response: &mut Response, bytes_max: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while body.len() < bytes_max
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk[..chunk.len().min(bytes_max - body.len())]);
    }
    Ok(body)
}

fn redirect(attempt: Attempt<'_>, policy: &EgressPolicy) -> Action {
    let keeps_method = matches!(
        attempt.status(),
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    );
    let Some(from) = attempt.previous().last().filter(|_| keeps_method) else {
        return attempt.stop();
    };
    let to = attempt.url();
    let place = |url: &reqwest::Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
    let same_place = place(from) == place(to);
    let weaker = from.scheme() == "https" && to.scheme() != "https";
    if let Err(denied) = policy.check_url(to) {
        return attempt.error(denied);
    }
    if !same_place || weaker {
        return attempt
            .error("redirected to another host or port or from https to http, which is not followed");
    }
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error(format!("redirected more than {REDIRECTS_MAX} times"));
    }
    attempt.follow()
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

#[cfg(test)]
mod tests;
