//! Secrets in texts that leave the host.
//!
//! A *placeholder* is `{{secret:NAME}}`; it stands for a tenant's secret of that
//! name and is replaced on the way out, never earlier. What comes back is
//! *redacted*: a secret's value that turns up in an error becomes `***`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

const OPEN: &str = "{{secret:";
const CLOSE: &str = "}}";

/// Shorter values are not redacted: they would blot out ordinary words.
const REDACT_BYTES_MIN: usize = 4;

/// A tenant's secrets by name. `Debug` shows the names alone.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(secrets: I) -> Self {
        Self(secrets.into_iter().collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A placeholder that cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("there is no secret {name:?}: set it, or correct the name in {{{{secret:{name}}}}}")]
    Missing { name: String },
    #[error("the secret {name:?} has a control character and cannot stand in {place}")]
    Control { name: String, place: &'static str },
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
/// Names the first secret that does not exist, or whose value may not stand there.
pub fn substitute<'t>(text: &'t str, place: Place, secrets: &Secrets) -> Result<Cow<'t, str>, SecretError> {
    if !text.contains(OPEN) {
        return Ok(Cow::Borrowed(text));
    }
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_placeholder(rest) {
        let value = secrets.get(name).ok_or_else(|| SecretError::Missing {
            name: name.to_owned(),
        })?;
        place.check(name, value)?;
        replaced.push_str(before);
        replaced.push_str(value);
        rest = after;
    }
    replaced.push_str(rest);
    Ok(Cow::Owned(replaced))
}

/// [`substitute`] for a body, which need not be text: bytes that are not UTF-8
/// have no placeholder and stay as they are.
///
/// # Errors
/// Names the first secret that does not exist.
pub fn substitute_bytes<'b>(bytes: &'b [u8], secrets: &Secrets) -> Result<Cow<'b, [u8]>, SecretError> {
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

/// Takes known secret values out of texts.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a value within another does not tear it apart.
    values: Vec<String>,
}

impl Redactor {
    /// Redacts these values of at least four bytes, as they are, as a URL
    /// spells them and as Rust's `Debug` spells them.
    pub fn new<'v>(secrets: impl IntoIterator<Item = &'v str>) -> Self {
        let mut values: Vec<String> = secrets
            .into_iter()
            .filter(|value| value.len() >= REDACT_BYTES_MIN)
            .flat_map(|value| {
                [
                    value.to_owned(),
                    percent_encoded(value),
                    value.escape_debug().to_string(),
                ]
            })
            .collect();
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self { values }
    }

    /// Redacts the secrets that these texts' placeholders ask for.
    #[must_use]
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>, secrets: &Secrets) -> Self {
        let names_used = texts.into_iter().flat_map(names);
        Self::new(names_used.filter_map(|name| secrets.get(name)))
    }

    /// The text with `***` in place of each value.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), "***");
            }
        }
        text
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} values)", self.values.len())
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
