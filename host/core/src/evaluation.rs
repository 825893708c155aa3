//! What goes into an evaluation and what comes out.
//!
//! An evaluation is a pure function of its [`Context`] and [`Journal`]; what it
//! answers is an [`Outcome`] and [`Effects`], and neither counts unless the run
//! succeeds.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::RuleKey;
use crate::label::Labels;
use crate::query::{Query, QueryResult};

/// Everything an evaluation knows before it asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    pub rule: RuleKey,
    /// The slot's time.
    pub now_ms: i64,
    /// At least 1.
    pub interval_ms: i64,
    /// How far before the slot queries look.
    pub query_offset_ms: i64,
    pub trigger: Trigger,
    /// The rule's configuration as a JSON text.
    pub config: Arc<str>,
    /// The labels the host puts on every alert of this rule.
    pub labels: Arc<Labels>,
    /// The source that a query without one goes to.
    pub source: Arc<str>,
}

/// Why an evaluation happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    Interval,
    Timer { name: String, timer: Timer },
}

/// A wake-up that a rule has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    pub due_ms: i64,
    pub payload: Vec<u8>,
}

/// A rule's own memory: values under keys.
pub type State = BTreeMap<String, Vec<u8>>;

/// A rule's timers by name.
pub type Timers = BTreeMap<String, Timer>;

/// The inputs an evaluation reads. Two runs over one journal are identical.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    pub queries: BTreeMap<Query, QueryResult>,
    pub state: Arc<State>,
    pub timers: Arc<Timers>,
}

/// What is wrong right now: one alert to be, before the rule's own labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The series' labels without `__name__`, with the finding's own on top.
    pub labels: Labels,
    pub value: f64,
    /// Names and texts, in the order given.
    pub annotations: Vec<(String, String)>,
}

/// A sample that a rule records.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedSample {
    /// `__name__` included.
    pub labels: Labels,
    pub value: f64,
}

/// What a successful evaluation answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    pub findings: Vec<Finding>,
    pub samples: Vec<RecordedSample>,
}

/// What an evaluation did besides answering, in the order it did it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    /// The last write to each key; none removes it.
    pub state: BTreeMap<String, Option<Vec<u8>>>,
    /// The last change to each timer; none cancels it.
    pub timers: BTreeMap<String, Option<Timer>>,
    pub log: Vec<LogLine>,
    pub metrics: Vec<MetricUpdate>,
}

impl Effects {
    /// The state after these writes.
    #[must_use]
    pub fn state_after(&self, before: &State) -> State {
        overlay(before, &self.state)
    }

    /// The timers after these changes.
    #[must_use]
    pub fn timers_after(&self, before: &Timers) -> Timers {
        overlay(before, &self.timers)
    }
}

fn overlay<V: Clone>(
    before: &BTreeMap<String, V>,
    changes: &BTreeMap<String, Option<V>>,
) -> BTreeMap<String, V> {
    let mut after = before.clone();
    for (name, change) in changes {
        match change {
            Some(value) => drop(after.insert(name.clone(), value.clone())),
            None => drop(after.remove(name)),
        }
    }
    after
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub level: LogLevel,
    pub message: String,
    pub fields: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    #[must_use]
    pub fn parse(level: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.as_str() == level)
    }
}

/// A change to one of the rule's own metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricUpdate {
    pub name: String,
    pub labels: Labels,
    pub change: MetricChange,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricChange {
    /// At least 0 and finite.
    Count(f64),
    Gauge(f64),
    Observe(f64),
}

/// What a component says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub doc: String,
    /// JSON Schema; empty accepts anything.
    pub config_schema: String,
    pub queries: Vec<String>,
    pub extras: Vec<(String, String)>,
}

/// What one or more runs in the sandbox cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    pub fuel: u64,
    /// Wall time on the sandbox's thread.
    pub wall_ns: u64,
    /// The largest memory an instance had.
    pub memory_bytes: u64,
    pub host_calls: u64,
    pub boundary_bytes: u64,
}
