//! A rule of a test: evaluated as the server does it, with the same core, and
//! without a store. What it decides counts at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wasmalert_core::RuleKey;
use wasmalert_core::alert::{Alert, AlertState, Alerts, Notification, Observation, Policy, identify, step};
use wasmalert_core::evaluation::{Context, Effects, Journal, LogLine, Outcome, State, Timers, Trigger};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::label::{ALERT_NAME, Labels, METRIC_NAME};
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::query::Query;
use wasmalert_core::spec::{DEFAULT_SOURCE, GroupSpec, RuleSpec};
use wasmalert_sandbox::{Component, Verdict};

use crate::data::{Data, TooMuch};

/// Evaluations of one rule by timer are at least this far apart, as in the server.
const TIMER_GAP_MS: i64 = 1_000;
/// The series of an alert: 1, and its state as a label.
const ALERTS: &str = "ALERTS";
/// The series of an alert: since when it is active, in seconds.
const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";
const ALERT_STATE: &str = "alertstate";

/// What is the same for all rules of a group.
pub(crate) struct GroupInfo<'t> {
    pub(crate) spec: &'t GroupSpec,
    /// Between two slots of the test.
    pub(crate) interval_ms: i64,
}

/// A rule with all that it has become.
pub(crate) struct LiveRule<'t> {
    pub(crate) spec: &'t RuleSpec,
    pub(crate) alerts: Alerts,
    pub(crate) state: Arc<State>,
    pub(crate) timers: Arc<Timers>,
    key: RuleKey,
    component: Component,
    policy: Policy,
    limits: Limits,
    source: Arc<str>,
    labels: Arc<Labels>,
    /// The queries of the last evaluation and its time: most likely those of the next.
    asked: Vec<Query>,
    asked_at_ms: i64,
    /// Timers are not looked at before this time.
    timers_from_ms: i64,
    /// The series that the last evaluation wrote.
    written: BTreeSet<Labels>,
}

/// An evaluation that failed, with what the rule had logged.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) fault: Fault,
    pub(crate) log: Vec<LogLine>,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            log: Vec::new(),
        }
    }
}

impl<'t> LiveRule<'t> {
    pub(crate) fn new(group: &GroupInfo<'t>, key: RuleKey, spec: &'t RuleSpec, component: Component) -> Self {
        let mut labels: Labels = group.spec.labels.iter().chain(&spec.labels).collect();
        labels.set(ALERT_NAME, &spec.name);
        let mut limits = Limits::default();
        for (limit, value) in &spec.limits {
            limits.set(*limit, *value);
        }
        Self {
            spec,
            alerts: Alerts::new(),
            state: Arc::default(),
            timers: Arc::default(),
            key,
            component,
            policy: Policy {
                for_ms: spec.for_ms,
                keep_firing_for_ms: spec.keep_firing_for_ms,
                interval_ms: group.interval_ms,
                ..Policy::default()
            },
            limits,
            source: spec.source.as_deref().unwrap_or(DEFAULT_SOURCE).into(),
            labels: Arc::new(labels),
            asked: Vec::new(),
            asked_at_ms: 0,
            timers_from_ms: i64::MIN,
            written: BTreeSet::new(),
        }
    }

    /// When the first timer wants an evaluation.
    pub(crate) fn next_timer_ms(&self) -> Option<i64> {
        let due_ms = self.timers.values().map(|timer| timer.due_ms).min()?;
        Some(due_ms.max(self.timers_from_ms))
    }

    /// The first timer that is due. Each look holds off the next one.
    pub(crate) fn due_timer(&mut self, now_ms: i64) -> Option<Trigger> {
        if self.next_timer_ms()? > now_ms {
            return None;
        }
        let (name, timer) = self.timers.iter().min_by_key(|(_, timer)| timer.due_ms)?;
        let trigger = Trigger::Timer {
            name: name.clone(),
            timer: timer.clone(),
        };
        self.timers_from_ms = now_ms.saturating_add(TIMER_GAP_MS);
        Some(trigger)
    }

    /// Evaluates the rule, and makes what it decides so. What receivers would be
    /// told is returned.
    ///
    /// # Errors
    /// The evaluation failed; nothing has changed.
    pub(crate) fn evaluate(
        &mut self,
        group: &GroupInfo<'_>,
        data: &mut Data<'_>,
        now_ms: i64,
        trigger: Trigger,
    ) -> Result<Vec<Notification>, Failed> {
        let mut timers = self.timers.clone();
        if let Trigger::Timer { name, .. } = &trigger {
            Arc::make_mut(&mut timers).remove(name);
        }
        let context = Arc::new(self.context(group.spec, now_ms, trigger));
        let (outcome, effects) = self.run(&context, timers.clone(), data)?;
        let spec = self.spec;
        let observed = outcome.findings.iter().map(|finding| {
            identify(
                finding,
                &spec.name,
                &group.spec.labels,
                &spec.labels,
                &spec.annotations,
            )
        });
        let step = step(
            &self.alerts,
            Observation::Findings(observed.collect()),
            now_ms,
            &self.policy,
        )?;
        self.alerts.apply(&step);
        if !effects.state.is_empty() {
            self.state = Arc::new(effects.state_after(&self.state));
        }
        self.timers = match effects.timers.is_empty() {
            true => timers,
            false => Arc::new(effects.timers_after(&timers)),
        };
        let written_at_ms = now_ms.saturating_sub(group.spec.query_offset_ms);
        self.write(&outcome, data, written_at_ms)
            .map_err(|error| Fault::new(FaultCode::HostError, error.to_string()))?;
        Ok(step.notify)
    }

    fn context(&self, group: &GroupSpec, now_ms: i64, trigger: Trigger) -> Context {
        Context {
            rule: self.key.clone(),
            now_ms,
            interval_ms: self.policy.interval_ms,
            query_offset_ms: group.query_offset_ms,
            trigger,
            config: self.spec.config.clone(),
            labels: self.labels.clone(),
            source: self.source.clone(),
        }
    }

    /// Runs the component until it has every query result that it asks for.
    fn run(
        &mut self,
        context: &Arc<Context>,
        timers: Arc<Timers>,
        data: &mut Data<'_>,
    ) -> Result<(Outcome, Effects), Failed> {
        let mut journal = Arc::new(Journal {
            queries: BTreeMap::new(),
            state: self.state.clone(),
            timers,
        });
        let by_ms = context.now_ms.saturating_sub(self.asked_at_ms);
        let mut wanted: Vec<Query> = self.asked.iter().map(|query| query.moved(by_ms)).collect();
        for _ in 0..self.limits.rounds {
            self.fetch(wanted, data, &mut journal)?;
            let evaluation = self.component.evaluate(context, &journal, &self.limits);
            match evaluation.verdict {
                Verdict::Done { outcome, effects } => {
                    self.asked = evaluation.asked;
                    self.asked_at_ms = context.now_ms;
                    return Ok((outcome, effects));
                }
                Verdict::Failed { fault, log } => return Err(Failed { fault, log }),
                Verdict::Wants(queries) => wanted = queries,
            }
        }
        Err(Fault::over(Limit::Rounds, self.limits.rounds).into())
    }

    /// Puts the results of queries into the journal.
    fn fetch(
        &self,
        wanted: Vec<Query>,
        data: &mut Data<'_>,
        journal: &mut Arc<Journal>,
    ) -> Result<(), Fault> {
        if wanted.is_empty() {
            return Ok(());
        }
        let journal = Arc::make_mut(journal);
        for query in wanted {
            let result = data.ask(&query);
            journal.queries.insert(query, result);
        }
        if journal.queries.len() as u64 > self.limits.queries {
            return Err(Fault::over(Limit::Queries, self.limits.queries));
        }
        let bytes: usize = journal
            .queries
            .values()
            .flatten()
            .map(|frame| frame.bytes())
            .sum();
        if bytes as u64 > self.limits.query_bytes {
            return Err(Fault::over(Limit::QueryBytes, self.limits.query_bytes));
        }
        Ok(())
    }

    /// Writes recorded samples and the series of alerts, and ends those that were
    /// written last time and not now.
    fn write(&mut self, outcome: &Outcome, data: &mut Data<'_>, time_ms: i64) -> Result<(), TooMuch> {
        let mut written = BTreeSet::new();
        for sample in &outcome.samples {
            let labels = sample.labels.to_labels();
            data.write(&labels, time_ms, sample.value)?;
            written.insert(labels);
        }
        let is_active = |alert: &&Alert| alert.state != AlertState::Inactive;
        for alert in self.alerts.iter().filter(is_active) {
            let labels = || alert.labels.iter();
            let state = [(METRIC_NAME, ALERTS), (ALERT_STATE, alert.state.as_str())];
            let since = [(METRIC_NAME, ALERTS_FOR_STATE)];
            let since_seconds = alert.active_at_ms.div_euclid(1_000) as f64;
            let alerts: Labels = labels().chain(state).collect();
            let for_state: Labels = labels().chain(since).collect();
            for (labels, value) in [(alerts, 1.0), (for_state, since_seconds)] {
                data.write(&labels, time_ms, value)?;
                written.insert(labels);
            }
        }
        for gone in self.written.difference(&written) {
            data.end(gone, time_ms)?;
        }
        self.written = written;
        Ok(())
    }
}
