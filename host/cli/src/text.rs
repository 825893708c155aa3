//! Text that came from elsewhere, made fit for a terminal and for people.

use serde_json::Value;

/// Text on one line: control characters and those that turn the direction of
/// writing are shown escaped, never sent to the terminal.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unsafe(char) {
            clean.extend(char.escape_default());
        } else {
            clean.push(char);
        }
    }
    clean
}

fn is_unsafe(char: char) -> bool {
    let turns_direction =
        matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || turns_direction
}

/// JSON over several lines in which no such character is left unescaped.
pub(crate) fn json(value: &Value) -> String {
    escape_json(&format!("{value:#}"))
}

/// As [`json`], on one line.
pub(crate) fn json_line(value: &Value) -> String {
    escape_json(&value.to_string())
}

/// In JSON, unsafe characters other than newlines occur in strings only.
fn escape_json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        if char != '\n' && is_unsafe(char) {
            safe.push_str(&format!("\\u{:04x}", u32::from(char)));
        } else {
            safe.push(char);
        }
    }
    safe
}

/// A value for people: nothing for null, text without quotes, else JSON.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => clean(text),
        other => clean(&other.to_string()),
    }
}

/// Labels as Prometheus writes them: `{a="1", b="2"}`.
pub(crate) fn labels(value: &Value) -> String {
    let Value::Object(labels) = value else {
        return plain(value);
    };
    let pairs: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{}=\"{}\"", clean(name), plain(value)))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

/// `name=value` pairs, each after a space.
pub(crate) fn fields(value: &Value) -> String {
    let fields = value.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| format!(" {}={}", clean(name), plain(value)))
        .collect()
}

/// How many a list has.
pub(crate) fn count(value: &Value) -> String {
    value
        .as_array()
        .map_or_else(|| plain(value), |list| list.len().to_string())
}

/// A number of bytes in the largest unit that leaves at least 1.
pub(crate) fn bytes(value: &Value) -> String {
    value.as_u64().map_or_else(|| plain(value), size)
}

/// As [`bytes`].
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(unit, _)| bytes >= *unit) {
        // Within tenths of a unit: far below where u64 to f64 loses anything.
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

/// A number with its thousands apart: `1,234,567`.
pub(crate) fn number(value: &Value) -> String {
    value.as_u64().map_or_else(|| plain(value), thousands)
}

/// As [`number`].
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// Seconds in the unit that reads best.
pub(crate) fn seconds(value: &Value) -> String {
    match value.as_f64() {
        None => plain(value),
        Some(seconds) if seconds >= 1.0 => format!("{seconds:.2} s"),
        Some(seconds) if seconds >= 0.001 => format!("{:.1} ms", seconds * 1e3),
        Some(seconds) => format!("{:.0} µs", seconds * 1e6),
    }
}

/// The first part of a digest, enough to tell versions apart.
pub(crate) fn digest(value: &Value) -> String {
    plain(value).chars().take("sha256:".len() + 12).collect()
}

#[cfg(test)]
mod tests;
