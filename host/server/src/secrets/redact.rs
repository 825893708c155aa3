//! Secrets taken out of texts that come back.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Secrets, names, replace};

/// Shorter values are not redacted: they would blot out ordinary words.
const REDACT_BYTES_MIN: usize = 4;

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
                    // As a host is spelled.
                    value.to_lowercase(),
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
        Self::new(names_used.filter_map(|name| secrets.value(name)))
    }

    /// Redacts the header of basic authentication with these credentials.
    #[must_use]
    pub(crate) fn of_basic_auth(username: &str, password: &str, secrets: &Secrets) -> Self {
        let filled =
            |text| replace(text, |name| Ok(secrets.value(name).unwrap_or_default())).unwrap_or_default();
        let credentials = format!("{}:{}", filled(username), filled(password));
        Self::new([BASE64.encode(credentials).as_str()])
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
