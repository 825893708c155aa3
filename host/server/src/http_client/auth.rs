//! Who asks: the headers and credentials that requests to a source or a target
//! carry, as people configure them.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::is_refused_header;
use crate::secrets::{HostSecrets, Place, Redactor, SecretError, Secrets, stand_in, substitute};

const HEADERS_MAX: usize = 64;
/// Headers that the host sets itself, beside those of the connection.
const OURS: [&str; 3] = ["accept", "accept-encoding", "content-type"];

/// A user and a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuth")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The settings, each of which may hold `{{secret:NAME}}`.
#[derive(Clone, Copy)]
pub(crate) struct Auth<'s> {
    pub(crate) headers: &'s BTreeMap<String, String>,
    pub(crate) basic_auth: Option<&'s BasicAuth>,
    pub(crate) bearer_token: Option<&'s str>,
}

/// Why a request cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the header {0:?} is not valid")]
    Header(String),
}

impl Auth<'_> {
    /// Adds everything that is wrong, each as `field: what is wrong`.
    pub(crate) fn check(&self, errors: &mut Vec<String>) {
        if self.headers.len() > HEADERS_MAX {
            errors.push(format!("headers: more than {HEADERS_MAX}"));
        }
        let has_auth = self.basic_auth.is_some() || self.bearer_token.is_some();
        for (name, value) in self.headers {
            let Ok(header) = HeaderName::try_from(name.as_str()) else {
                errors.push(format!("headers: {name:?} is not a header name"));
                continue;
            };
            if OURS.contains(&header.as_str()) || is_refused_header(&header) {
                errors.push(format!("headers: {name} is set by the host"));
            }
            if has_auth && header == AUTHORIZATION {
                errors.push(format!("headers: {name} is set by basic_auth or bearer_token"));
            }
            if HeaderValue::from_str(&stand_in(value)).is_err() {
                errors.push(format!("headers: the value of {name} has a control character"));
            }
        }
        let password = self.basic_auth.map(|auth| auth.password.as_str());
        let credentials = self.headers.values().map(String::as_str);
        let mut credentials = credentials.chain(self.bearer_token).chain(password);
        if credentials.any(|credential| credential == HIDDEN) {
            errors.push(format!(
                "a credential is {HIDDEN}, which is shown in its place: give the credential itself, or {{{{secret:NAME}}}}"
            ));
        }
        let token = self.bearer_token.map(stand_in);
        if token.is_some_and(|token| token.is_empty() || HeaderValue::from_str(&token).is_err()) {
            errors.push("bearer_token: is empty or has a control character".to_owned());
        }
        if self.basic_auth.is_some() && self.bearer_token.is_some() {
            errors.push("bearer_token: not together with basic_auth".to_owned());
        }
    }

    /// Adds headers and credentials to a request, their placeholders replaced.
    ///
    /// # Errors
    /// A secret does not exist, or its value cannot stand in a header.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, secrets: &HostSecrets<'_>) -> Result<(), AuthError> {
        for (name, value) in self.headers {
            let value = substitute(value, Place::Header, secrets)?;
            let header = HeaderName::try_from(name.as_str()).ok();
            let header = header.ok_or_else(|| AuthError::Header(name.clone()))?;
            headers.append(header, hidden(name, &value)?);
        }
        if let Some(auth) = self.basic_auth {
            let username = substitute(&auth.username, Place::Body, secrets)?;
            let password = substitute(&auth.password, Place::Body, secrets)?;
            let credentials = BASE64.encode(format!("{username}:{password}"));
            headers.insert(
                AUTHORIZATION,
                hidden("basic_auth", &format!("Basic {credentials}"))?,
            );
        }
        if let Some(token) = self.bearer_token {
            let token = substitute(token, Place::Header, secrets)?;
            headers.insert(AUTHORIZATION, hidden("bearer_token", &format!("Bearer {token}"))?);
        }
        Ok(())
    }

    /// The text without what must never be shown: the secrets that the settings
    /// and the `others` name, and credentials that stand in the settings themselves.
    pub(crate) fn redact(&self, text: &str, others: &[&str], secrets: &Secrets) -> String {
        let auth = self
            .basic_auth
            .iter()
            .flat_map(|auth| [&auth.username, &auth.password]);
        let texts = auth.chain(self.headers.values()).map(String::as_str);
        let texts = texts.chain(self.bearer_token).chain(others.iter().copied());
        let literal = self.basic_auth.iter().map(|auth| &auth.password);
        let literal = literal.chain(self.headers.values()).map(String::as_str);
        let literal = Redactor::new(literal.chain(self.bearer_token));
        let text = literal.redact(&Redactor::of(texts, secrets).redact(text));
        match self.basic_auth {
            Some(auth) => Redactor::of_basic_auth(&auth.username, &auth.password, secrets).redact(&text),
            None => text,
        }
    }
}

/// A header's value that is never shown.
fn hidden(name: &str, value: &str) -> Result<HeaderValue, AuthError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| AuthError::Header(name.to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What is shown instead of a credential.
const HIDDEN: &str = "***";

/// Hides a credential that is about to be shown, unless it is wholly a placeholder.
pub(crate) fn hide(credential: &mut String) {
    if !is_placeholder(credential) {
        HIDDEN.clone_into(credential);
    }
}

/// Whether a credential is one placeholder and nothing beside it.
pub(crate) fn is_placeholder(credential: &str) -> bool {
    credential.starts_with("{{secret:") && credential.find("}}") == Some(credential.len() - 2)
}
