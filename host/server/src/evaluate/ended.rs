//! An evaluation that has ended: what it changes, and what is so once that is
//! committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::alert::{Alert, Notification};
use wasmalert_core::evaluation::{Context, Effects, LogLevel, LogLine, Timer, Trigger};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::quota::Quota;
use wasmalert_core::recorded::Recorded;
use wasmalert_core::sample::Sample;
use wasmalert_core::schedule::TIMER_GAP_MS;
use wasmalert_core::usage::Usage;

use super::{Decided, Ran};
use crate::Host;
use crate::access::Tenant;
use crate::catalog::{ModuleInfo, TenantCatalog};
use crate::embedded;
use crate::groups::remember;
use crate::live::{LiveGroup, LiveRule};
use crate::logs::LogEvent;
use crate::notify::Told;
use crate::record::{self, Budget, NotifyRecord};
use crate::remote_write;
use crate::store::{
    AlertRow, ErrorRow, EvaluationRow, EvaluationSummary, Health, HealthRow, NewOutboxRow, RuleCommit,
    StoreError,
};

/// Alerts without room that a line of the log names.
const DROPPED_TOLD_MAX: usize = 5;

/// An evaluation that has ended and is to be committed.
pub(super) struct Ended<'a> {
    pub(super) host: &'a Host,
    pub(super) group: &'a LiveGroup,
    pub(super) rule: &'a LiveRule,
    pub(super) module: Option<Arc<ModuleInfo>>,
    pub(super) catalog: Arc<TenantCatalog>,
    pub(super) context: Arc<Context>,
    pub(super) ran: Ran,
    pub(super) health: HealthRow,
    /// What receivers are told of how the rule stands.
    pub(super) notices: Vec<Notification>,
    pub(super) keeps: Keeps,
}

/// What is kept of an evaluation, for which the tenant may have no room in this minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeps {
    log: bool,
    /// The samples and the state of the journal.
    journal: bool,
}

impl Keeps {
    pub(super) fn new(host: &Host, tenant: &Tenant) -> Self {
        let (account, now_ms) = (host.ledger.of(&tenant.row.tenant), host.clock.now_ms());
        let room = |quota| account.check(&[quota], &tenant.quotas, now_ms).is_ok();
        Self {
            log: room(Quota::LogBytesPerMinute),
            journal: room(Quota::JournalBytesPerMinute),
        }
    }
}

impl Ended<'_> {
    /// Everything the evaluation changes, as one transaction.
    pub(super) fn commit(&self, decided: Result<&Decided, &Fault>) -> RuleCommit {
        let mut commit = RuleCommit {
            rule: self.rule.key.clone(),
            group_revision: self.group.revision,
            health: self.health.clone(),
            alerts_upsert: Vec::new(),
            alerts_remove: Vec::new(),
            state: BTreeMap::new(),
            timers: BTreeMap::new(),
            queries: self
                .knows_its_queries()
                .then(|| remember(self.context.now_ms, &self.ran.asked)),
            outbox: Vec::new(),
            used: (self.host.clock.now_ms(), Usage::default()),
            evaluation: None,
            keep_evaluations: self.host.config.keep_evaluations,
        };
        let mut notify: Vec<&Notification> = self.notices.iter().collect();
        if let Ok(decided) = decided {
            commit.alerts_upsert = decided.step.upserts.iter().map(alert_row).collect();
            commit.alerts_remove = decided
                .step
                .removed
                .iter()
                .map(|labels| (**labels).clone())
                .collect();
            commit.state = decided.effects.state.clone();
            commit.timers = self.timer_changes(&decided.effects);
            notify.extend(&decided.step.notify);
        }
        let (outbox, told) = self.notifications(&notify);
        commit.outbox = outbox;
        commit.evaluation = Some(self.evaluation(decided, told));
        commit.used.1 = self.used(decided, &commit);
        commit
    }

    /// What the evaluation has used.
    fn used(&self, decided: Result<&Decided, &Fault>, commit: &RuleCommit) -> Usage {
        let (queries, cost) = (&self.ran.journal.queries, &self.ran.cost);
        let log = decided.map_or(&self.ran.log, |decided| &decided.effects.log);
        let log_bytes: usize = log.iter().map(LogLine::bytes).sum();
        let query_bytes: usize = queries.values().flatten().map(|frame| frame.bytes()).sum();
        let outbox_bytes: usize = commit.outbox.iter().map(|row| row.payload.len()).sum();
        let journal_bytes = commit.evaluation.as_ref().map_or(0, EvaluationRow::bytes);
        Usage {
            evaluations: 1,
            failed: u64::from(decided.is_err()),
            fuel: cost.fuel,
            cpu_ns: cost.cpu_ns,
            queries: queries.len() as u64,
            query_bytes: query_bytes as u64,
            notifications: commit.outbox.len() as u64,
            notification_bytes: outbox_bytes as u64,
            log_bytes: if self.keeps.log { log_bytes as u64 } else { 0 },
            journal_bytes: journal_bytes as u64,
        }
    }

    /// Whether the queries of this evaluation are most likely those of the next:
    /// a run that failed may have ended before it asked.
    fn knows_its_queries(&self) -> bool {
        self.health.health == Health::Ok || !self.ran.asked.is_empty()
    }

    /// The changes of timers, with the one that fired gone unless it was set anew.
    fn timer_changes(&self, effects: &Effects) -> BTreeMap<String, Option<Timer>> {
        let mut timers = effects.timers.clone();
        if let Trigger::Timer { name, .. } = &self.context.trigger {
            timers.entry(name.clone()).or_insert(None);
        }
        timers
    }

    fn notifications(&self, notify: &[&Notification]) -> (Vec<NewOutboxRow>, Vec<NotifyRecord>) {
        let now_ms = self.host.clock.now_ms();
        let told = Told {
            rule: self.rule,
            catalog: &self.catalog,
            notify,
            slot_ms: self.context.now_ms,
            now_ms,
            external: &self.host.external,
        };
        told.enqueue(|| self.host.store.new_id(now_ms))
    }

    /// The record of it, to be explained by later.
    fn evaluation(&self, decided: Result<&Decided, &Fault>, told: Vec<NotifyRecord>) -> EvaluationRow {
        let bytes_max = if self.keeps.journal {
            self.host.config.journal_bytes
        } else {
            0
        };
        let mut budget = Budget::new(bytes_max);
        let mut inputs = record::inputs(&self.context, &self.ran.journal, &mut budget);
        inputs.module.clone_from(&self.rule.spec.module);
        inputs.version = self.module.as_ref().map(|module| module.version);
        inputs.digest = self.module.as_ref().map(|module| module.digest.clone());
        let (outcome, mut effects) = match decided {
            Ok(decided) => (
                record::outcome(&decided.outcome, &mut budget),
                record::effects(&decided.effects, &decided.step.transitions, &mut budget),
            ),
            Err(fault) => record::failed(fault, &self.ran.log),
        };
        effects.notifications = told;
        effects.cost(&self.ran.cost);
        let inputs = record::encode(&inputs).unwrap_or_default();
        let trigger = match &self.context.trigger {
            Trigger::Interval => "interval".to_owned(),
            Trigger::Timer { name, .. } => format!("timer {name}"),
        };
        EvaluationRow {
            summary: EvaluationSummary {
                id: self.host.store.new_id(self.host.clock.now_ms()),
                seq: self.health.seq,
                slot_ms: self.context.now_ms,
                trigger,
                error: self.health.error.clone(),
                fuel: self.ran.cost.fuel,
                wall_ns: self.ran.cost.wall_ns,
                rounds: self.ran.rounds,
                bytes: inputs.len() as u64,
            },
            inputs,
            outcome: serde_json::to_string(&outcome).ok(),
            effects: serde_json::to_string(&effects).ok(),
        }
    }

    /// Leaves what it records in the embedded source, for the next rule to see, and for the target of its source.
    /// That is in memory and does not wait for the store.
    pub(super) fn leave(&self, decided: &Decided) {
        if self.group.is_retired() {
            // What it leaves would never end.
            return;
        }
        let mut now = self.rule.now();
        let mut alerts = now.alerts.clone();
        alerts.apply(&decided.step);
        let (group, rule) = (&self.group.spec, &self.rule.spec);
        let recorded = Recorded::new(&now.recorded, &decided.outcome.samples, &alerts, group, rule);
        now.recorded = recorded.series;
        drop(now);
        if recorded.samples.is_empty() {
            return;
        }
        let (host, tenant) = (self.host, self.rule.key.tenant());
        let timestamp_ms = self.context.now_ms.saturating_sub(self.context.query_offset_ms);
        let samples = recorded.samples.iter().map(|(labels, value)| {
            let value = *value;
            (&**labels, Sample { timestamp_ms, value })
        });
        let db = host.embedded.of(tenant);
        if let Some(refused) = embedded::append(&db, samples, host.clock.now_ms()) {
            let message = format!("not all of its series could be recorded: {refused}");
            host.logs.write(event(host, self.rule, LogLevel::Warn, message));
        }
        if !self.rule.forwards(timestamp_ms) {
            // Of a slot before the timer that was looked at first, or of a clock that was set back.
            return;
        }
        let samples = recorded.samples.iter().map(|(labels, value)| (labels, *value));
        let (of, source) = ((tenant, &*self.catalog), &*self.context.source);
        remote_write::forward(host, of, source, samples, timestamp_ms);
    }

    /// Makes what was committed what the rule is like, and tells whoever listens.
    pub(super) fn apply(self, decided: Result<Decided, Fault>) {
        let (now_ms, host) = (self.context.now_ms, self.host);
        let knows_its_queries = self.knows_its_queries();
        let mut now = self.rule.now();
        now.health = self.health;
        if knows_its_queries {
            now.asked = self.ran.asked;
            now.asked_at_ms = now_ms;
        }
        let mut wakes = !self.notices.is_empty();
        let log = match decided {
            Ok(decided) => {
                now.alerts.apply(&decided.step);
                now.state = Arc::new(decided.effects.state_after(&now.state));
                let timers = decided.effects.timers_after(&self.ran.journal.timers);
                now.timers = Arc::new(timers);
                drop(now);
                host.tenant_metrics
                    .apply(&self.rule.key, &decided.effects.metrics);
                wakes |= !decided.step.notify.is_empty();
                tell_dropped(host, self.rule, self.group.spec.limit, &decided.dropped);
                decided.effects.log
            }
            Err(fault) => {
                // The timer that fired is still set: it is tried again, not sooner
                // than the next slot would.
                let again_ms = host
                    .clock
                    .now_ms()
                    .saturating_add(self.context.interval_ms.max(TIMER_GAP_MS));
                now.timer_gate.hold_until(again_ms);
                drop(now);
                tell_fault(host, self.rule, &fault);
                self.ran.log
            }
        };
        if !self.keeps.log && !log.is_empty() {
            let message = format!(
                "{} lines are left out: {}",
                log.len(),
                Quota::LogBytesPerMinute.code()
            );
            host.logs.write(event(host, self.rule, LogLevel::Warn, message));
        }
        for line in log.into_iter().filter(|_| self.keeps.log) {
            host.logs.write(LogEvent {
                fields: line.fields,
                ..event(host, self.rule, line.level, line.message)
            });
        }
        if wakes {
            host.outboxes.wake(self.rule.key.tenant());
        }
    }

    /// Nothing was written, so nothing happened; the health shows it.
    pub(super) fn failed_commit(self, error: &StoreError) {
        tracing::error!(rule = %self.rule.key, %error, "an evaluation could not be committed");
        let fault = Fault::new(
            FaultCode::HostError,
            format!("the evaluation could not be stored: {error}"),
        );
        let mut now = self.rule.now();
        now.health.health = Health::Err;
        now.health.error = Some(error_row(&fault));
        drop(now);
        self.host.metrics.faults.inc(self.rule.key.tenant(), fault.code);
        tell_fault(self.host, self.rule, &fault);
    }
}

pub(super) fn error_row(fault: &Fault) -> ErrorRow {
    ErrorRow {
        code: fault.code.as_str().to_owned(),
        message: fault.message.clone(),
    }
}

fn alert_row(alert: &Alert) -> AlertRow {
    AlertRow {
        labels: (*alert.labels).clone(),
        annotations: alert
            .annotations
            .iter()
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect(),
        value: alert.value,
        state: alert.state.as_str().to_owned(),
        active_at_ms: Some(alert.active_at_ms),
        fired_at_ms: alert.fired_at_ms,
        resolved_at_ms: alert.resolved_at_ms,
        last_sent_at_ms: alert.last_sent_at_ms,
        keep_firing_since_ms: alert.keep_firing_since_ms,
        seen: alert.seen,
    }
}

/// Says which alerts there was no room for.
fn tell_dropped(host: &Host, rule: &LiveRule, limit: u64, dropped: &[Labels]) {
    if dropped.is_empty() {
        return;
    }
    let first: Vec<String> = dropped
        .iter()
        .take(DROPPED_TOLD_MAX)
        .map(Labels::to_string)
        .collect();
    let message = format!(
        "{} alerts are left out, there being {limit}, the group's limit: {}",
        dropped.len(),
        first.join(", ")
    );
    host.logs.write(event(host, rule, LogLevel::Warn, message));
}

fn tell_fault(host: &Host, rule: &LiveRule, fault: &Fault) {
    let code = fault.code.as_str();
    tracing::warn!(rule = %rule.key, code, message = fault.message, "an evaluation failed");
    let message = format!("the evaluation failed: {}", fault.message);
    host.logs.write(LogEvent {
        code: Some(code),
        ..event(host, rule, LogLevel::Error, message)
    });
}

fn event(host: &Host, rule: &LiveRule, level: LogLevel, message: String) -> LogEvent {
    LogEvent {
        tenant: rule.key.tenant().clone(),
        time_ms: host.clock.now_ms(),
        level,
        rule: Some(rule.key.clone()),
        receiver: None,
        message,
        fields: Vec::new(),
        code: None,
    }
}
