//! How a source is configured, as the API takes it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use wasmalert_core::units::parse_duration_ms;

use crate::http_client::is_refused_header;
use crate::secrets::{self, Place, Secrets};

const TIMEOUT_MS_DEFAULT: u64 = 10_000;
const TIMEOUT_MS_MAX: u64 = 600_000;
const RESPONSE_BYTES_DEFAULT: u64 = 64 << 20;
const RESPONSE_BYTES_MAX: u64 = 1 << 30;
const HEADERS_MAX: usize = 64;

/// A source's settings. Every text may hold `{{secret:NAME}}`. `Debug` shows no
/// credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum SourceSpec {
    Prometheus(PrometheusSpec),
}

/// Anything that serves the Prometheus HTTP API.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusSpec {
    /// Base URL, before `/api/v1/query`; http or https, without user and password.
    pub url: String,
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

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    pub username: String,
    pub password: String,
}

/// The kinds of sources there are, as metrics tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum SourceKind {
    Prometheus,
}

impl SourceKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
        }
    }
}

impl SourceSpec {
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Prometheus(_) => SourceKind::Prometheus,
        }
    }

    /// Checks all that can be checked without the secrets' values.
    ///
    /// # Errors
    /// Everything that is wrong, each as `field: what is wrong`.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        match self {
            Self::Prometheus(spec) => spec.validate(),
        }
    }

    /// The settings as they may be shown: a password, token or header that is
    /// not wholly a placeholder becomes `***`.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let Self::Prometheus(spec) = self;
        let mut spec = spec.clone();
        spec.headers.values_mut().for_each(hide);
        spec.bearer_token.iter_mut().for_each(hide);
        spec.basic_auth
            .iter_mut()
            .for_each(|auth| hide(&mut auth.password));
        Self::Prometheus(spec)
    }
}

fn hide(credential: &mut String) {
    let is_placeholder =
        credential.starts_with("{{secret:") && credential.find("}}") == Some(credential.len() - 2);
    if !is_placeholder {
        "***".clone_into(credential);
    }
}

impl PrometheusSpec {
    /// Time for one query; the default where the setting is not valid.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms().unwrap_or(TIMEOUT_MS_DEFAULT))
    }

    /// Size of an answer after decompression.
    #[must_use]
    pub fn response_bytes_max(&self) -> u64 {
        self.max_response_bytes.unwrap_or(RESPONSE_BYTES_DEFAULT)
    }

    /// Every text that may hold a placeholder.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let auth = self
            .basic_auth
            .iter()
            .flat_map(|auth| [&auth.username, &auth.password]);
        let texts = auth.chain(&self.bearer_token).chain(self.headers.values());
        texts.chain([&self.url]).map(String::as_str)
    }

    /// What must never be shown, where it stands in the settings themselves.
    pub(super) fn credentials(&self) -> impl Iterator<Item = &str> {
        let passwords = self.basic_auth.iter().map(|auth| &auth.password);
        passwords.chain(&self.bearer_token).map(String::as_str)
    }

    /// None where it is not set, or not a duration from 1ms to 10m.
    fn timeout_ms(&self) -> Option<u64> {
        let set_ms = parse_duration_ms(self.timeout.as_deref()?).ok()?;
        u64::try_from(set_ms)
            .ok()
            .filter(|ms| (1..=TIMEOUT_MS_MAX).contains(ms))
    }

    fn validate(&self) -> Result<(), Vec<String>> {
        let mut errors = Vec::new();
        if let Err(error) = self.check_url() {
            errors.push(format!("url: {error}"));
        }
        self.check_headers(&mut errors);
        if self.basic_auth.is_some() && self.bearer_token.is_some() {
            errors.push("bearer_token: not together with basic_auth".to_owned());
        }
        if self.timeout.is_some() && self.timeout_ms().is_none() {
            errors.push("timeout: must be a duration from 1ms to 10m, such as \"10s\"".to_owned());
        }
        if !(1..=RESPONSE_BYTES_MAX).contains(&self.response_bytes_max()) {
            errors.push(format!(
                "max_response_bytes: must be from 1 to {RESPONSE_BYTES_MAX}"
            ));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn check_url(&self) -> Result<(), String> {
        if self.url.starts_with("{{secret:") {
            return Ok(()); // checked when it is known, at each request
        }
        check_base_url(&stand_in(&self.url)).map(drop)
    }

    fn check_headers(&self, errors: &mut Vec<String>) {
        if self.headers.len() > HEADERS_MAX {
            errors.push(format!("headers: more than {HEADERS_MAX}"));
        }
        let has_auth = self.basic_auth.is_some() || self.bearer_token.is_some();
        for (name, value) in &self.headers {
            let Ok(header) = HeaderName::try_from(name.as_str()) else {
                errors.push(format!("headers: {name:?} is not a header name"));
                continue;
            };
            let ours = ["content-type", "accept-encoding", "accept"].contains(&header.as_str());
            if ours || is_refused_header(&header) {
                errors.push(format!("headers: {name} is set by the host"));
            }
            if has_auth && header == reqwest::header::AUTHORIZATION {
                errors.push(format!("headers: {name} is set by basic_auth or bearer_token"));
            }
            if HeaderValue::from_str(&stand_in(value)).is_err() {
                errors.push(format!("headers: the value of {name} has a control character"));
            }
        }
        let token = self.bearer_token.as_deref().map(stand_in);
        if token.is_some_and(|token| token.is_empty() || HeaderValue::from_str(&token).is_err()) {
            errors.push("bearer_token: is empty or has a control character".to_owned());
        }
    }
}

/// The text with each placeholder replaced by a plain word.
fn stand_in(text: &str) -> String {
    let words: Secrets = secrets::names(text)
        .map(|name| (name.to_owned(), "secret".to_owned()))
        .collect();
    secrets::substitute(text, Place::Body, &words).map_or_else(|_| text.to_owned(), Into::into)
}

/// Parses a base URL; the error does not repeat it.
pub(super) fn check_base_url(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must start with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or password; use basic_auth".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not hold a fragment".to_owned());
    }
    Ok(url)
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

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuth")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
