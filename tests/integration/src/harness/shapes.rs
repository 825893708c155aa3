//! The parts of the API's JSON that tests read. Times arrive in RFC 3339 and
//! are kept as ms since the epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// The answer to an upload, and an entry of `/v1/modules`.
#[derive(Debug, Deserialize)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) digest: String,
    pub(crate) world: String,
}

/// An entry of `/v1/alerts`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Alert {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    /// `pending`, `firing` or `resolved`.
    pub(crate) state: String,
    #[serde(deserialize_with = "number")]
    pub(crate) value: f64,
    #[serde(rename = "active_at", deserialize_with = "time")]
    pub(crate) active_at_ms: i64,
    #[serde(rename = "fired_at", default, deserialize_with = "optional_time")]
    pub(crate) fired_at_ms: Option<i64>,
}

/// An entry of `/v1/rules`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RuleStatus {
    pub(crate) namespace: String,
    pub(crate) group: String,
    pub(crate) rule: String,
    /// `unknown`, `ok` or `err`.
    pub(crate) health: String,
    /// Present while the health is `err`.
    pub(crate) error: Option<Fault>,
    pub(crate) missed: i64,
    pub(crate) evaluations: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Fault {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// An entry of `/v1/rules/…/evaluations`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Evaluation {
    pub(crate) id: serde_json::Value,
    #[serde(rename = "slot_at", deserialize_with = "time")]
    pub(crate) slot_ms: i64,
    /// Present when it failed.
    pub(crate) error: Option<Fault>,
}

/// An entry of `/v1/notifications`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Notification {
    pub(crate) id: String,
    pub(crate) receiver: String,
    /// `pending`, `delivered` or `dead`.
    pub(crate) status: String,
    pub(crate) attempts: u32,
    pub(crate) last_error: Option<String>,
    pub(crate) idempotency_key: String,
}

impl RuleStatus {
    /// The code of the error, empty without one.
    pub(crate) fn code(&self) -> &str {
        self.error.as_ref().map_or("", |fault| fault.code.as_str())
    }
}

/// A number that comes as a text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_ms(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("{text} is not a time in UTC by RFC 3339")))
}

fn optional_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    text.map(|text| time(serde::de::IntoDeserializer::into_deserializer(text)))
        .transpose()
}

/// `2026-01-31T23:59:59.123Z` in ms since the epoch.
pub(crate) fn parse_ms(text: &str) -> Option<i64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':')?;
    let milliseconds: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = (days(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + milliseconds)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let numbers: Result<Vec<i64>, _> = text.split(separator).map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

/// Days since the epoch, counting years from March so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[test]
fn times_are_read() {
    assert_eq!(parse_ms("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(parse_ms("2000-02-29T12:30:15.5Z"), Some(951_827_415_500));
    assert_eq!(parse_ms("2026-11-21T00:00:00.123456Z"), Some(1_795_219_200_123));
    assert_eq!(parse_ms("2026-11-21"), None);
}
