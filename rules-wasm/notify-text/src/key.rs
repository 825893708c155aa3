//! What tells an alert from all others.

use wasmalert::{Alert, Batch};

/// The longest key: that of PagerDuty's `dedup_key`, the strictest.
pub const KEY_CHARS_MAX: usize = 255;

/// The same for every batch that tells of an alert, and another for every other
/// alert: tenant, namespace, group and rule as far as they fit, for people; a hash
/// of them; and the alert's fingerprint. ASCII letters, digits and `_-.:` alone,
/// so that it may stand in an URL.
#[must_use]
pub fn key(batch: &Batch, alert: &Alert) -> String {
    let names = [&*batch.tenant, &batch.namespace, &batch.group, &batch.rule];
    let tail = format!(":{:016x}-{}", hash(&names), alert.fingerprint);
    let names = names.join(":");
    let head = names.chars().map(|char| match char {
        '_' | '-' | '.' | ':' => char,
        _ if char.is_ascii_alphanumeric() => char,
        _ => '-',
    });
    let mut key: String = head.take(KEY_CHARS_MAX.saturating_sub(tail.len())).collect();
    key.push_str(&tail);
    key
}

/// FNV-1a, each text followed by a byte that UTF-8 does not have, as fingerprints
/// are made.
fn hash(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
