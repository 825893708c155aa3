//! Secrets in texts that leave the host.
//!
//! A *placeholder* is `{{secret:NAME}}`; it stands for a tenant's secret of that
//! name and is replaced on the way out, never earlier, and only in a request to a host
//! that the secret is *bound* to. What comes back is *redacted*: a secret's value that
//! turns up in an error becomes `***`. At rest values are sealed ([`keyring`]).

pub(crate) mod at_rest;
pub mod keyring;
mod redact;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use reqwest::Url;

use crate::egress::HostPort;

pub use self::redact::Redactor;

const OPEN: &str = "{{secret:";
const CLOSE: &str = "}}";

/// Hosts that a secret is bound to at most.
pub const HOSTS_MAX: usize = 64;

/// One secret. `Debug` does not show its value.
#[derive(Clone)]
pub struct Secret {
    /// None where no key opens it.
    value: Option<String>,
    hosts: Vec<HostPort>,
}

/// A tenant's secrets by name. `Debug` shows the names alone.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, Secret>);

impl Secrets {
    /// Adds a secret that may go to these hosts; `None` is a value that cannot be opened.
    pub fn insert(&mut self, name: String, value: Option<String>, hosts: Vec<HostPort>) {
        self.0.insert(name, Secret { value, hosts });
    }

    /// The secrets as a request to this URL may carry them.
    #[must_use]
    pub fn for_url<'s>(&'s self, url: &'s Url) -> HostSecrets<'s> {
        HostSecrets { secrets: self, url }
    }

    /// A URL with its placeholders replaced. Each of them must be bound to the host that
    /// comes out, also where it makes up that host.
    ///
    /// # Errors
    /// Names the first secret that does not exist or may not go there; or what comes out
    /// is no URL.
    pub fn fill_url(&self, text: &str) -> Result<Url, SecretError> {
        let filled = replace(text, |name| {
            self.checked(name, Place::Url).map(|(value, _)| value)
        })?;
        let url = Url::parse(&filled).map_err(|error| SecretError::Url(error.to_string()))?;
        for name in names(text) {
            // A host that a secret makes up is as secret as it is.
            let plain = Url::parse(&stand_in(text)).ok();
            let is_plain = plain.is_some_and(|plain| plain.host_str() == url.host_str());
            let shown = if is_plain {
                shown(&url)
            } else {
                "the host of its URL".to_owned()
            };
            self.bound(name, Place::Url, &url, shown)?;
        }
        Ok(url)
    }

    fn checked(&self, name: &str, place: Place) -> Result<(&str, &[HostPort]), SecretError> {
        let owned = || name.to_owned();
        let secret = self
            .0
            .get(name)
            .ok_or_else(|| SecretError::Missing { name: owned() })?;
        let value = secret.value.as_deref();
        let value = value.ok_or_else(|| SecretError::Sealed { name: owned() })?;
        place.check(name, value)?;
        Ok((value, &secret.hosts))
    }

    fn bound(&self, name: &str, place: Place, url: &Url, shown: String) -> Result<&str, SecretError> {
        let (value, hosts) = self.checked(name, place)?;
        if hosts.iter().any(|host| host.matches(url)) {
            return Ok(value);
        }
        Err(SecretError::NotBound {
            name: name.to_owned(),
            host: shown,
        })
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.value.as_deref()
    }
}

/// Host and port, as people write them.
fn shown(url: &Url) -> String {
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}{port}", url.host_str().unwrap_or_default())
}

/// Secrets that may go to any host.
impl FromIterator<(String, String)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(secrets: I) -> Self {
        let mut all = Self::default();
        for (name, value) in secrets {
            all.insert(name, Some(value), vec![HostPort::ANY]);
        }
        all
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A tenant's secrets as one request may carry them: those that are bound to its host.
#[derive(Debug, Clone, Copy)]
pub struct HostSecrets<'s> {
    secrets: &'s Secrets,
    url: &'s Url,
}

impl HostSecrets<'_> {
    fn value(&self, name: &str, place: Place) -> Result<&str, SecretError> {
        self.secrets.bound(name, place, self.url, shown(self.url))
    }
}

/// A placeholder that cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("there is no secret {name:?}: set it, or correct the name in {{{{secret:{name}}}}}")]
    Missing { name: String },
    #[error(
        "the secret {name:?} cannot be opened: set it again, or give the server the key that it was sealed with"
    )]
    Sealed { name: String },
    #[error("the secret {name:?} has a control character and cannot stand in {place}")]
    Control { name: String, place: &'static str },
    #[error(
        "the secret {name:?} is not bound to {host}: add the host to the secret's hosts, or send it elsewhere"
    )]
    NotBound { name: String, host: String },
    #[error("the request's URL: {0}")]
    Url(String),
}

/// Where a placeholder stands, which says what its value may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Url,
    Header,
    Body,
}

impl Place {
    fn check(self, name: &str, value: &str) -> Result<(), SecretError> {
        let place = match self {
            Self::Body => return Ok(()),
            Self::Url => "a URL",
            Self::Header => "a header",
        };
        if value.chars().any(char::is_control) {
            return Err(SecretError::Control {
                name: name.to_owned(),
                place,
            });
        }
        Ok(())
    }
}

/// Replaces every placeholder of a text by its value, as it is and once: a
/// placeholder within a value stays.
///
/// # Errors
/// Names the first secret that does not exist, may not go to the request's host, or
/// whose value may not stand there.
pub fn substitute<'t>(
    text: &'t str,
    place: Place,
    secrets: &HostSecrets<'_>,
) -> Result<Cow<'t, str>, SecretError> {
    replace(text, |name| secrets.value(name, place))
}

/// The text with each placeholder replaced by a plain word.
pub(crate) fn stand_in(text: &str) -> Cow<'_, str> {
    replace(text, |_| Ok("secret")).unwrap_or(Cow::Borrowed(text))
}

fn replace<'t, 'v>(
    text: &'t str,
    value: impl Fn(&str) -> Result<&'v str, SecretError>,
) -> Result<Cow<'t, str>, SecretError> {
    if !text.contains(OPEN) {
        return Ok(Cow::Borrowed(text));
    }
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_placeholder(rest) {
        replaced.push_str(before);
        replaced.push_str(value(name)?);
        rest = after;
    }
    replaced.push_str(rest);
    Ok(Cow::Owned(replaced))
}

/// [`substitute`] for a body, which need not be text: bytes that are not UTF-8
/// have no placeholder and stay as they are.
///
/// # Errors
/// As [`substitute`] does.
pub fn substitute_bytes<'b>(
    bytes: &'b [u8],
    secrets: &HostSecrets<'_>,
) -> Result<Cow<'b, [u8]>, SecretError> {
    let mut replaced: Option<Vec<u8>> = None;
    for chunk in bytes.utf8_chunks() {
        let valid = substitute(chunk.valid(), Place::Body, secrets)?;
        if replaced.is_none() && chunk.invalid().is_empty() && matches!(valid, Cow::Borrowed(_)) {
            return Ok(Cow::Borrowed(bytes));
        }
        let replaced = replaced.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
        replaced.extend_from_slice(valid.as_bytes());
        replaced.extend_from_slice(chunk.invalid());
    }
    Ok(replaced.map_or(Cow::Borrowed(bytes), Cow::Owned))
}

/// The names that a text's placeholders ask for, in order.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, name, after) = next_placeholder(rest)?;
        rest = after;
        Some(name)
    })
}

/// The text before the first placeholder, its name, and the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once(OPEN)?;
    let (name, after) = opened.split_once(CLOSE)?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests;
