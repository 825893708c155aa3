//! Brings the issuer's keys, and keeps those it has when that fails.
//!
//! One task fetches: at the start, every few minutes, and when a token names a key that
//! is not known. Callers ask for a *round* and wait for its end, so a caller who goes
//! away does not end it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::Url;
use serde::Deserialize;
use tokio::sync::{Notify, watch};

use super::keys::KeySet;
use crate::clock::Clock;
use crate::config::{OidcConfig, is_guarded};
use crate::http_client::{OutboundRequest, SendLimits, TenantClient};
use crate::telemetry::{FetchResult, Metrics};

/// A token with an unknown key starts a round at most so often.
const ASKED_EVERY_MS: u64 = 10_000;
/// Rounds that nobody asks for.
const REFRESH_EVERY: Duration = Duration::from_secs(300);
/// The next round after one that failed.
const RETRY_AFTER: Duration = Duration::from_secs(15);
/// One request of a round; there are two where the issuer tells where its keys are.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest document that is read.
const DOCUMENT_BYTES_MAX: usize = 256 << 10;
/// How long a caller waits for a round.
const WAIT_MAX: Duration = Duration::from_secs(11);

/// The keys that are known, and when they are asked for.
pub(super) struct Fetcher {
    pub(super) known: watch::Sender<KeySet>,
    round: Mutex<Round>,
    asked: Notify,
}

/// The round that is under way, or the last one.
struct Round {
    started_ms: i64,
    under_way: bool,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self {
            known: watch::Sender::new(KeySet::default()),
            // The first one comes without being asked for.
            round: Mutex::new(Round {
                started_ms: 0,
                under_way: true,
            }),
            asked: Notify::new(),
        }
    }
}

impl Fetcher {
    /// The key of that id. One that is not known is waited for where `may_ask` and no
    /// round was just before.
    pub(super) async fn find(
        &self,
        id: &str,
        algorithm: Algorithm,
        may_ask: bool,
        now_ms: i64,
    ) -> Option<DecodingKey> {
        let mut rounds = self.known.subscribe();
        let known = rounds.borrow_and_update().find(id, algorithm);
        if known.is_some() || !may_ask {
            return known;
        }
        if self.ask(now_ms) {
            // In vain: then what is known has to do.
            let _ = tokio::time::timeout(WAIT_MAX, rounds.changed()).await;
        }
        self.known.borrow().find(id, algorithm)
    }

    /// Whether a round is under way, if need be from now on.
    fn ask(&self, now_ms: i64) -> bool {
        let mut round = self.round();
        if round.under_way {
            return true;
        }
        if now_ms.abs_diff(round.started_ms) < ASKED_EVERY_MS {
            return false;
        }
        *round = Round {
            started_ms: now_ms,
            under_way: true,
        };
        self.asked.notify_one();
        true
    }

    fn round(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches now and then, and when it is asked to.
    pub(super) async fn run(
        &self,
        config: &OidcConfig,
        client: &TenantClient,
        clock: Clock,
        metrics: &Metrics,
    ) {
        loop {
            *self.round() = Round {
                started_ms: clock.now_ms(),
                under_way: true,
            };
            let fetched = fetch(config, client).await;
            self.round().under_way = false;
            let pause = match fetched {
                Ok(keys) => {
                    metrics.oidc_fetches.inc(FetchResult::Ok);
                    tracing::debug!(keys = keys.len(), "the issuer's keys are there");
                    self.known.send_replace(keys);
                    REFRESH_EVERY
                }
                Err(error) => {
                    metrics.oidc_fetches.inc(FetchResult::Failed);
                    tracing::warn!(
                        issuer = config.issuer,
                        error,
                        "the issuer's keys could not be fetched"
                    );
                    // Those who wait need not wait any longer.
                    self.known.send_modify(|_| ());
                    RETRY_AFTER
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.asked.notified() => {}
            }
        }
    }
}

/// What is read of an issuer's own description.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

async fn fetch(config: &OidcConfig, client: &TenantClient) -> Result<KeySet, String> {
    let url = match &config.jwks_url {
        Some(url) => url.clone(),
        None => discover(config, client).await?,
    };
    let document = get(client, &url).await?;
    KeySet::read(&document).map_err(|error| format!("{url}: {error}"))
}

/// Where the issuer says that its keys are.
async fn discover(config: &OidcConfig, client: &TenantClient) -> Result<Url, String> {
    let at = config.discovery_url()?;
    let document = get(client, &at).await?;
    let found: Discovery = serde_json::from_slice(&document).map_err(|error| format!("{at}: {error}"))?;
    if found.issuer != config.issuer {
        return Err(format!("{at}: it is of another issuer, {:?}", found.issuer));
    }
    let url = Url::parse(&found.jwks_uri).ok();
    let url = url.filter(is_guarded);
    url.ok_or_else(|| format!("{at}: its jwks_uri is no https URL: {:?}", found.jwks_uri))
}

async fn get(client: &TenantClient, url: &Url) -> Result<Vec<u8>, String> {
    let request = OutboundRequest {
        method: "GET".to_owned(),
        url: url.to_string(),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: Vec::new(),
    };
    let limits = SendLimits {
        time: REQUEST_TIMEOUT,
        response_bytes: DOCUMENT_BYTES_MAX + 1,
        ..SendLimits::default()
    };
    let response = client.send(request, &limits).await;
    let response = response.map_err(|error| format!("{url}: {error}"))?;
    if response.status != 200 {
        return Err(format!("{url}: it answered {}", response.status));
    }
    if response.body.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("{url}: it answered more than {DOCUMENT_BYTES_MAX} bytes"));
    }
    Ok(response.body)
}
