//! How a source is configured, as the API takes it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};
use wasmalert_core::units::parse_duration_ms;

use crate::http_client::auth::{Auth, BasicAuth, hide};
use crate::secrets::{Secrets, stand_in};

const TIMEOUT_MS_DEFAULT: u64 = 10_000;
const TIMEOUT_MS_MAX: u64 = 600_000;
const RESPONSE_BYTES_DEFAULT: u64 = 64 << 20;
const RESPONSE_BYTES_MAX: u64 = 1 << 30;

/// A source's settings. Every text may hold `{{secret:NAME}}`. `Debug` shows no
/// credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum SourceSpec {
    Prometheus(PrometheusSpec),
    Embedded(EmbeddedSpec),
}

/// The host's own store of samples: what rules record, and what is written to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbeddedSpec {
    /// A Prometheus duration, `1ms` to `10m`, for one query, waiting included; default `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// The name of a source of kind `prometheus` with a `write_url`, where what rules of this source record is
    /// written too. Default: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_to: Option<String>,
}

/// Anything that serves the Prometheus HTTP API.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusSpec {
    /// Base URL, before `/api/v1/query`; http or https, without user and password.
    pub url: String,
    /// Where what rules of this source record, and the series of their alerts, are written too, by Prometheus remote
    /// write 1.0: the whole URL, such as `http://mimir/api/v1/push`. Headers and credentials are the source's.
    /// Default: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_url: Option<String>,
    /// Sent with each request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<String>,
    /// A Prometheus duration, `1ms` to `10m`, for one query, waiting included; default `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Size of an answer after decompression, in bytes, 1 to 1 GiB; default 64 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_response_bytes: Option<u64>,
}

/// The kinds of sources there are, as metrics tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum SourceKind {
    Prometheus,
    Embedded,
}

impl SourceKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Embedded => "embedded",
        }
    }
}

impl SourceSpec {
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Prometheus(_) => SourceKind::Prometheus,
            Self::Embedded(_) => SourceKind::Embedded,
        }
    }

    /// Checks all that can be checked without the secrets' values.
    ///
    /// # Errors
    /// Everything that is wrong, each as `field: what is wrong`.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        match self {
            Self::Prometheus(spec) => spec.validate(),
            Self::Embedded(spec) => check_timeout(spec.timeout.as_deref()).map_err(|error| vec![error]),
        }
    }

    /// The settings as they may be shown: a password, token or header that is
    /// not wholly a placeholder becomes `***`.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let Self::Prometheus(spec) = self else {
            return self.clone();
        };
        let mut spec = spec.clone();
        spec.headers.values_mut().for_each(hide);
        spec.bearer_token.iter_mut().for_each(hide);
        spec.basic_auth
            .iter_mut()
            .for_each(|auth| hide(&mut auth.password));
        Self::Prometheus(spec)
    }
}

impl EmbeddedSpec {
    /// Time for one query; the default where the setting is not valid.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        timeout(self.timeout.as_deref())
    }
}

fn timeout(set: Option<&str>) -> Duration {
    let set_ms = set.and_then(timeout_ms);
    Duration::from_millis(set_ms.unwrap_or(TIMEOUT_MS_DEFAULT))
}

fn check_timeout(set: Option<&str>) -> Result<(), String> {
    match set {
        Some(set) if timeout_ms(set).is_none() => {
            Err("timeout: must be a duration from 1ms to 10m, such as \"10s\"".to_owned())
        }
        _ => Ok(()),
    }
}

fn timeout_ms(set: &str) -> Option<u64> {
    let set_ms = u64::try_from(parse_duration_ms(set).ok()?).ok()?;
    (1..=TIMEOUT_MS_MAX).contains(&set_ms).then_some(set_ms)
}

impl PrometheusSpec {
    /// Time for one query; the default where the setting is not valid.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        timeout(self.timeout.as_deref())
    }

    /// Size of an answer after decompression.
    #[must_use]
    pub fn response_bytes_max(&self) -> u64 {
        self.max_response_bytes.unwrap_or(RESPONSE_BYTES_DEFAULT)
    }

    /// The text without what must never be shown.
    pub(super) fn redact(&self, text: &str, secrets: &Secrets) -> String {
        let urls: Vec<&str> = [self.url.as_str()]
            .into_iter()
            .chain(self.write_url.as_deref())
            .collect();
        self.auth().redact(text, &urls, secrets)
    }

    pub(super) fn auth(&self) -> Auth<'_> {
        Auth {
            headers: &self.headers,
            basic_auth: self.basic_auth.as_ref(),
            bearer_token: self.bearer_token.as_deref(),
        }
    }

    fn validate(&self) -> Result<(), Vec<String>> {
        let mut errors = Vec::new();
        let urls = [("url", Some(&self.url)), ("write_url", self.write_url.as_ref())];
        for (field, url) in urls {
            if let Some(Err(error)) = url.map(|url| check_url(url)) {
                errors.push(format!("{field}: {error}"));
            }
        }
        self.auth().check(&mut errors);
        errors.extend(check_timeout(self.timeout.as_deref()).err());
        if !(1..=RESPONSE_BYTES_MAX).contains(&self.response_bytes_max()) {
            errors.push(format!(
                "max_response_bytes: must be from 1 to {RESPONSE_BYTES_MAX}"
            ));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

fn check_url(url: &str) -> Result<(), String> {
    if url.starts_with("{{secret:") {
        return Ok(()); // checked when it is known, at each request
    }
    let url = Url::parse(&stand_in(url)).map_err(|error| error.to_string())?;
    check_base_url(&url)
}

/// Checks a base URL; the error does not repeat it.
pub(super) fn check_base_url(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must start with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or password; use basic_auth".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not hold a fragment".to_owned());
    }
    Ok(())
}

impl fmt::Debug for PrometheusSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrometheusSpec")
            .field("url", &self.url)
            .field("headers", &self.headers.keys())
            .field("timeout", &self.timeout())
            .finish_non_exhaustive()
    }
}
