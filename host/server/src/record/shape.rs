//! What a record is made of, in JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmalert_core::evaluation::Cost;

/// Names and values.
pub(crate) type LabelMap = BTreeMap<String, String>;

/// Everything an evaluation read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    pub module: String,
    /// None when there was no such module.
    pub version: Option<u32>,
    pub digest: Option<String>,
    pub trigger: TriggerRecord,
    pub interval_ms: i64,
    pub query_offset_ms: i64,
    /// The rule's configuration, a JSON text.
    pub config: String,
    /// The labels the host put on every alert.
    pub labels: LabelMap,
    /// The source of queries that name none.
    pub source: String,
    /// What else the component was told.
    #[serde(default, skip_serializing_if = "LabelMap::is_empty")]
    pub extras: LabelMap,
    pub queries: Vec<QueryRecord>,
    /// The component's state before the run, values in base64.
    pub state: LabelMap,
    /// The timers before the run.
    pub timers: Vec<TimerRecord>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TriggerRecord {
    /// `interval` or `timer`.
    pub kind: String,
    /// The timer that fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer: Option<TimerRecord>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TimerRecord {
    pub name: String,
    pub due_ms: i64,
    /// In base64.
    pub payload: String,
}

/// One query and its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueryRecord {
    pub source: String,
    pub expr: String,
    /// Time of an instant query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// Span of a range query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<RangeRecord>,
    /// Number of series of the result, the ones left out included.
    pub series_count: u64,
    pub series: Vec<SeriesRecord>,
    /// Whether series were left out since the record got too large.
    pub truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<CodeMessage>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RangeRecord {
    pub start_ms: i64,
    pub end_ms: i64,
    pub step_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SeriesRecord {
    pub labels: LabelMap,
    /// Time in ms since the epoch, and value.
    #[schema(value_type = Vec<Vec<Object>>)]
    pub samples: Vec<(i64, String)>,
}

/// A stable code and a text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CodeMessage {
    pub code: String,
    pub message: String,
}

/// What an evaluation answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OutcomeRecord {
    /// Why the evaluation failed; null when it succeeded.
    pub error: Option<CodeMessage>,
    /// Number of findings, the ones left out included.
    pub findings_count: u64,
    pub findings: Vec<FindingRecord>,
    /// Number of recorded samples, the ones left out included.
    pub samples_count: u64,
    pub samples: Vec<SampleRecord>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct FindingRecord {
    pub labels: LabelMap,
    pub value: String,
    #[serde(default, skip_serializing_if = "LabelMap::is_empty")]
    pub annotations: LabelMap,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SampleRecord {
    pub labels: LabelMap,
    pub value: String,
}

/// What an evaluation did, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct EffectsRecord {
    /// Writes to the state in base64; null removes a key.
    pub state: BTreeMap<String, Option<String>>,
    /// Due times of timers set, in ms since the epoch; null cancels one.
    pub timers: BTreeMap<String, Option<i64>>,
    pub log: Vec<LogRecord>,
    pub metrics: Vec<MetricRecord>,
    pub transitions: Vec<TransitionRecord>,
    pub notifications: Vec<NotifyRecord>,
    pub memory_bytes: u64,
    pub host_calls: u64,
    pub boundary_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct LogRecord {
    pub level: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "LabelMap::is_empty")]
    pub fields: LabelMap,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct MetricRecord {
    pub name: String,
    pub labels: LabelMap,
    /// `count`, `gauge` or `observe`.
    pub kind: String,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TransitionRecord {
    pub labels: LabelMap,
    /// State before; null for a new alert.
    pub from: Option<String>,
    /// State after; null for an alert that is gone.
    pub to: Option<String>,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct NotifyRecord {
    pub receiver: String,
    /// `fired`, `resolved` or `resend`.
    pub kind: String,
    /// Number of alerts.
    pub alerts: u64,
}

impl EffectsRecord {
    pub(crate) fn cost(&mut self, cost: &Cost) {
        self.memory_bytes = cost.memory_bytes;
        self.host_calls = cost.host_calls;
        self.boundary_bytes = cost.boundary_bytes;
    }
}
