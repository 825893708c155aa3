//! What notifiers say of alerts, within the limits of those who are told.

mod alerts;
mod key;
mod limited;
mod severity;

pub use alerts::{details, name, push_alerts, push_details, push_headline, push_state, share, title};
pub use key::{KEY_CHARS_MAX, key};
pub use limited::{Count, Limited, Markup, PLAIN, html, limited};
pub use severity::{Severity, Tone};

/// The longest link, in bytes; a longer one is good for no browser.
const LINK_BYTES_MAX: usize = 2_048;

/// A link as it may stand in any markup: what could end it is percent-encoded.
/// None unless it is one of HTTP and not too long.
#[must_use]
pub fn link(url: &str) -> Option<String> {
    if !["http://", "https://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return None;
    }
    let mut link = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() && !br#""'<>(){}|\^`"#.contains(&byte) {
            link.push(char::from(byte));
        } else {
            link.push_str(&format!("%{byte:02X}"));
        }
    }
    (link.len() <= LINK_BYTES_MAX).then_some(link)
}

/// Whether a text is `{{secret:NAME}}` and nothing else.
#[must_use]
pub fn is_secret(text: &str) -> bool {
    let name = text
        .strip_prefix("{{secret:")
        .and_then(|rest| rest.strip_suffix("}}"));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(allowed))
}
