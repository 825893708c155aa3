//! What goes into an evaluation and what comes out.
//!
//! An evaluation is a pure function of its [`Context`] and [`Journal`]; what it
//! answers is an [`Outcome`] and [`Effects`], and neither counts unless the run
//! succeeds.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::fault::Fault;
use crate::frame::Frame;
use crate::id::RuleKey;
use crate::label::{Labels, METRIC_NAME};
use crate::limits::{Limit, Limits};
use crate::query::{Query, QueryResult};
use crate::spec::{External, GroupSpec, RuleSpec};

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
    /// What else the component is told, such as templates to expand, by name.
    pub extras: Vec<(String, String)>,
}

impl Context {
    /// What a rule of a group knows at a slot, or when a timer is due.
    #[must_use]
    pub fn new(
        group: &GroupSpec,
        rule: &RuleSpec,
        key: RuleKey,
        now_ms: i64,
        trigger: Trigger,
        external: &External,
    ) -> Self {
        Self {
            rule: key,
            now_ms,
            interval_ms: group.interval_ms,
            query_offset_ms: group.query_offset_ms,
            trigger,
            config: rule.config.clone(),
            labels: Arc::new(rule.labels_within(group)),
            source: rule.source_or_default().into(),
            extras: rule.extras_within(group, external),
        }
    }
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

impl Journal {
    /// The journal that an evaluation begins with: the timer that it is for is gone.
    #[must_use]
    pub fn new(state: Arc<State>, mut timers: Arc<Timers>, trigger: &Trigger) -> Self {
        if let Trigger::Timer { name, .. } = trigger {
            Arc::make_mut(&mut timers).remove(name);
        }
        Self {
            queries: BTreeMap::new(),
            state,
            timers,
        }
    }

    /// Whether any of the queries that were asked has found something; also when none was.
    #[must_use]
    pub fn has_data(&self, asked: &[Query]) -> bool {
        let mut frames = asked.iter().filter_map(|query| self.queries.get(query)).flatten();
        asked.is_empty() || frames.any(|frame| !frame.is_empty())
    }

    /// Drops the results that nobody has asked for, which were foreseen in vain.
    pub fn keep(&mut self, asked: &[Query]) {
        let asked: BTreeSet<&Query> = asked.iter().collect();
        self.queries.retain(|query, _| asked.contains(query));
    }

    /// Adds the results of queries.
    ///
    /// # Errors
    /// There are more queries now, or more bytes of results, than a run may have.
    pub fn add(
        &mut self,
        results: impl IntoIterator<Item = (Query, QueryResult)>,
        limits: &Limits,
    ) -> Result<(), Fault> {
        self.queries.extend(results);
        let queries = self.queries.len() as u64;
        if queries > limits.queries {
            return Err(Fault::beyond(Limit::Queries, queries, limits.queries));
        }
        let frames = self.queries.values().flatten();
        let bytes = frames.map(|frame| frame.bytes() as u64).sum();
        if bytes > limits.query_bytes {
            return Err(Fault::beyond(Limit::QueryBytes, bytes, limits.query_bytes));
        }
        Ok(())
    }
}

/// The labels that a component gave: those of a series, where it refers to one,
/// with its own on top.
///
/// They stay where they are until somebody needs them as a set: with 10,000
/// findings, copying them is what an evaluation would spend most of its time on.
#[derive(Clone)]
pub struct GivenLabels {
    series: Option<(Arc<Frame>, u32)>,
    own: Vec<(String, String)>,
}

impl GivenLabels {
    /// The labels of a series under `own`; none when there is no such series.
    #[inline]
    #[must_use]
    pub fn of_series(frame: &Arc<Frame>, series: u32, own: Vec<(String, String)>) -> Option<Self> {
        ((series as usize) < frame.len()).then(|| Self {
            series: Some((Arc::clone(frame), series)),
            own,
        })
    }

    /// All labels as given. A later one of the same name counts, an empty value
    /// removes a label.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let of_series = self
            .series
            .iter()
            .filter_map(|(frame, series)| frame.series_labels(*series as usize));
        let own = self.own.iter().map(|(name, value)| (&**name, &**value));
        of_series.flatten().chain(own)
    }

    /// Whether the component itself gives a label of that name, empty or not.
    #[must_use]
    pub fn gives(&self, name: &str) -> bool {
        self.own.iter().any(|(own, _)| own == name)
    }

    /// How many labels there are at most.
    #[inline]
    #[must_use]
    pub fn len_max(&self) -> usize {
        let of_series = self
            .series
            .as_ref()
            .and_then(|(frame, series)| frame.series_labels(*series as usize));
        of_series.map_or(0, |labels| labels.len()) + self.own.len()
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let of_name = self.iter().filter(|label| label.0 == name);
        of_name
            .last()
            .map(|label| label.1)
            .filter(|value| !value.is_empty())
    }

    #[must_use]
    pub fn to_labels(&self) -> Labels {
        self.iter().collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for GivenLabels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(own: I) -> Self {
        Self {
            series: None,
            own: own
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }
}

impl PartialEq for GivenLabels {
    fn eq(&self, other: &Self) -> bool {
        self.to_labels() == other.to_labels()
    }
}

impl fmt::Display for GivenLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_labels(), f)
    }
}

impl fmt::Debug for GivenLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is wrong right now: one alert to be, before the rule's own labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub given: GivenLabels,
    pub value: f64,
    /// Names and texts, in the order given.
    pub annotations: Vec<(String, String)>,
}

impl Finding {
    /// What tells the alert from others: the labels as given, but `__name__`.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.given.iter().filter(|label| label.0 != METRIC_NAME)
    }
}

/// A sample that a rule records.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedSample {
    /// `__name__` included.
    pub labels: GivenLabels,
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

impl LogLine {
    /// Bytes of its texts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let fields: usize = self
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        self.message.len() + fields
    }
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
    /// Time of a processor.
    pub cpu_ns: u64,
    /// Wall time on the sandbox's thread.
    pub wall_ns: u64,
    /// The largest memory an instance had.
    pub memory_bytes: u64,
    pub host_calls: u64,
    pub boundary_bytes: u64,
}
