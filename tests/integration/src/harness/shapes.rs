//! The parts of the API's JSON that tests read. Times are ms since the epoch.

use std::collections::BTreeMap;

use serde::Deserialize;

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
    pub(crate) value: f64,
    pub(crate) active_at_ms: i64,
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
    /// The slot.
    pub(crate) now_ms: i64,
    /// Present when it failed.
    pub(crate) error: Option<Fault>,
}

/// An entry of `/v1/notifications`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Notification {
    pub(crate) receiver: String,
    /// `pending`, `delivered` or `dead`.
    pub(crate) state: String,
    pub(crate) attempts: u32,
    pub(crate) idempotency_key: String,
}

impl RuleStatus {
    /// The code of the error, empty without one.
    pub(crate) fn code(&self) -> &str {
        self.error.as_ref().map_or("", |fault| fault.code.as_str())
    }
}
