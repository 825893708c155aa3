//! The one place where an evaluation happens, top to bottom: queries, sandbox,
//! lifecycle, commit.
//!
//! Until the commit nothing counts. A failed query, a trap or a limit leaves the
//! alerts, the component's state and its timers as they were.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmalert_core::alert::{Alert, Observation, Observed, Step, identify, step};
use wasmalert_core::evaluation::{
    Context, Cost, Effects, Journal, LogLevel, LogLine, Outcome, Timer, Timers, Trigger,
};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::label::{ALERT_NAME, Labels};
use wasmalert_core::limits::Limit;
use wasmalert_core::query::{Query, QueryTime};
use wasmalert_core::schedule::Advance;
use wasmalert_core::spec::DEFAULT_SOURCE;
use wasmalert_sandbox::{Component, Verdict};

use crate::Host;
use crate::catalog::{ModuleInfo, TenantCatalog};
use crate::groups::remember;
use crate::live::{LiveGroup, LiveRule, RuleNow, TIMER_GAP_MS};
use crate::logs::LogEvent;
use crate::notify::Told;
use crate::record::{self, Budget, EffectsRecord, NotifyRecord, OutcomeRecord};
use crate::store::{
    AlertRow, ErrorRow, EvaluationRow, EvaluationSummary, Health, HealthRow, NewOutboxRow, RuleCommit,
    StoreError,
};

/// What is to be evaluated of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub now_ms: i64,
    /// The slot, if one has come.
    pub slot: Option<Advance>,
}

/// Evaluates what is due of a group: timers first, then the slot, each rule in
/// the order of the group.
pub(crate) async fn evaluate_group(host: &Host, group: &LiveGroup, due: Due) {
    for rule in &group.rules {
        while let Some(trigger) = due_timer(rule, due.now_ms) {
            if group.is_retired() {
                return;
            }
            evaluate_rule(host, group, rule, due.now_ms, trigger, 0).await;
        }
    }
    let Some(slot) = due.slot else { return };
    host.metrics
        .scheduler_lag_seconds
        .observe((due.now_ms - slot.slot_ms).max(0) as f64 / 1e3);
    host.metrics.slots_missed.add(&group.key.tenant, (), slot.missed);
    for rule in &group.rules {
        if group.is_retired() {
            return;
        }
        evaluate_rule(host, group, rule, slot.slot_ms, Trigger::Interval, slot.missed).await;
    }
}

/// The rule's first timer that is due. Each look holds off the next one, so a
/// rule has at most one evaluation by timer in a while.
fn due_timer(rule: &LiveRule, now_ms: i64) -> Option<Trigger> {
    let mut now = rule.now();
    if now.next_timer_ms()? > now_ms {
        return None;
    }
    let (name, timer) = now.timers.iter().min_by_key(|(_, timer)| timer.due_ms)?;
    let trigger = Trigger::Timer {
        name: name.clone(),
        timer: timer.clone(),
    };
    now.timers_from_ms = now_ms.saturating_add(TIMER_GAP_MS);
    Some(trigger)
}

/// What the last run of an evaluation answered.
type Answer = Result<(Outcome, Effects), Fault>;

/// What the runs of one evaluation took.
struct Ran {
    /// Of a run that failed; a run that succeeded has it in its effects.
    log: Vec<LogLine>,
    journal: Arc<Journal>,
    asked: Vec<Query>,
    cost: Cost,
    rounds: u32,
}

async fn evaluate_rule(
    host: &Host,
    group: &LiveGroup,
    rule: &LiveRule,
    now_ms: i64,
    trigger: Trigger,
    missed: u64,
) {
    let stopwatch = host.clock.stopwatch();
    let tenant = rule.key.tenant();
    let catalog = host.catalog.of(tenant);
    let context = Arc::new(context(group, rule, now_ms, trigger));
    let before = rule.now().clone_inputs();
    let module = catalog.module(&rule.spec.module, rule.spec.version);
    let (answer, ran) = run(host, &catalog, module.as_deref(), rule, &context, &before).await;

    let decided = answer.and_then(|answer| decide(group, rule, now_ms, answer));
    let error = decided.as_ref().err().map(error_row);
    let health = HealthRow {
        health: if error.is_none() { Health::Ok } else { Health::Err },
        error,
        last_evaluation_ms: Some(now_ms),
        last_duration_ns: i64::try_from(stopwatch.elapsed().as_nanos()).ok(),
        missed: before
            .health
            .missed
            .saturating_add(i64::try_from(missed).unwrap_or(i64::MAX)),
        seq: before.health.seq + 1,
    };
    let ended = Ended {
        host,
        group,
        rule,
        module: module.as_deref(),
        catalog: &catalog,
        context: &context,
        ran,
        health,
    };
    let commit = ended.commit(decided.as_ref());
    let waiting = host.clock.stopwatch();
    let committed = host.store.commit(commit).await;
    host.metrics
        .commit_seconds
        .observe(waiting.elapsed().as_secs_f64());

    let code = decided.as_ref().err().map(|fault| fault.code);
    host.count_evaluation(tenant, &ended.ran.cost, ended.ran.rounds, code);
    match committed {
        Ok(()) => ended.apply(decided),
        // The group was replaced meanwhile: this evaluation never happened.
        Err(StoreError::Stale) => {}
        Err(error) => ended.failed_commit(&error),
    }
}

fn error_row(fault: &Fault) -> ErrorRow {
    ErrorRow {
        code: fault.code.as_str().to_owned(),
        message: fault.message.clone(),
    }
}

impl RuleNow {
    /// Everything an evaluation reads, without the alerts, which may be many.
    fn clone_inputs(&self) -> Self {
        Self {
            alerts: wasmalert_core::alert::Alerts::default(),
            state: self.state.clone(),
            timers: self.timers.clone(),
            asked: self.asked.clone(),
            asked_at_ms: self.asked_at_ms,
            health: self.health.clone(),
            timers_from_ms: self.timers_from_ms,
        }
    }
}

fn context(group: &LiveGroup, rule: &LiveRule, now_ms: i64, trigger: Trigger) -> Context {
    let mut labels: Labels = group.spec.labels.iter().chain(&rule.spec.labels).collect();
    labels.set(ALERT_NAME, &rule.spec.name);
    Context {
        rule: rule.key.clone(),
        now_ms,
        interval_ms: group.spec.interval_ms,
        query_offset_ms: group.spec.query_offset_ms,
        trigger,
        config: rule.spec.config.clone(),
        labels: Arc::new(labels),
        source: rule.spec.source.as_deref().unwrap_or(DEFAULT_SOURCE).into(),
    }
}

/// Runs the component until it has every query result it asks for.
async fn run(
    host: &Host,
    catalog: &TenantCatalog,
    module: Option<&ModuleInfo>,
    rule: &LiveRule,
    context: &Arc<Context>,
    before: &RuleNow,
) -> (Answer, Ran) {
    let mut timers = before.timers.clone();
    if let Trigger::Timer { name, .. } = &context.trigger {
        Arc::<Timers>::make_mut(&mut timers).remove(name);
    }
    let journal = Journal {
        queries: BTreeMap::new(),
        state: before.state.clone(),
        timers,
    };
    let mut ran = Ran {
        log: Vec::new(),
        journal: Arc::new(journal),
        asked: Vec::new(),
        cost: Cost::default(),
        rounds: 0,
    };
    let component = match component(host, rule, module).await {
        Ok(component) => component,
        Err(fault) => return (Err(fault), ran),
    };
    let mut wanted = foreseen(module, context, before);
    loop {
        if let Err(fault) = fetch(host, catalog, rule, wanted, &mut ran.journal).await {
            return (Err(fault), ran);
        }
        ran.rounds += 1;
        let evaluation = match in_sandbox(host, &component, context, &ran.journal, rule).await {
            Ok(evaluation) => evaluation,
            Err(fault) => return (Err(fault), ran),
        };
        ran.asked = evaluation.asked;
        ran.cost = add(ran.cost, evaluation.cost);
        match evaluation.verdict {
            Verdict::Done { outcome, effects } => return (Ok((outcome, effects)), ran),
            Verdict::Failed { fault, log } => {
                ran.log = log;
                return (Err(fault), ran);
            }
            Verdict::Wants(_) if u64::from(ran.rounds) >= rule.limits.rounds => {
                return (Err(Fault::over(Limit::Rounds, rule.limits.rounds)), ran);
            }
            Verdict::Wants(queries) => wanted = queries,
        }
    }
}

async fn component(host: &Host, rule: &LiveRule, module: Option<&ModuleInfo>) -> Result<Component, Fault> {
    let Some(module) = module else {
        let name = &rule.spec.module;
        let version = rule
            .spec
            .version
            .map(|version| format!(" version {version}"))
            .unwrap_or_default();
        let message = format!("there is no module {name}{version}: upload it");
        return Err(Fault::new(FaultCode::ModuleUnavailable, message));
    };
    host.registry.component(rule.key.tenant(), &module.digest).await
}

/// The queries that this evaluation will most likely ask: those of the last one,
/// moved along, or before the first one those the component declares.
fn foreseen(module: Option<&ModuleInfo>, context: &Context, before: &RuleNow) -> Vec<Query> {
    if before.health.seq > 0 {
        let by_ms = context.now_ms.saturating_sub(before.asked_at_ms);
        return before.asked.iter().map(|query| query.moved(by_ms)).collect();
    }
    let declared = module
        .map(|module| module.description.queries.as_slice())
        .unwrap_or_default();
    let at_ms = context.now_ms.saturating_sub(context.query_offset_ms);
    declared
        .iter()
        .map(|expr| Query {
            source: context.source.clone(),
            expr: expr.as_str().into(),
            time: QueryTime::Instant { at_ms },
        })
        .collect()
}

/// Puts the results of queries into the journal.
async fn fetch(
    host: &Host,
    catalog: &TenantCatalog,
    rule: &LiveRule,
    wanted: Vec<Query>,
    journal: &mut Arc<Journal>,
) -> Result<(), Fault> {
    if wanted.is_empty() {
        return Ok(());
    }
    let results = host
        .queries
        .fetch_all(rule.key.tenant(), &catalog.sources, wanted)
        .await;
    let journal = Arc::make_mut(journal);
    journal.queries.extend(results);
    if journal.queries.len() as u64 > rule.limits.queries {
        return Err(Fault::over(Limit::Queries, rule.limits.queries));
    }
    let bytes: usize = journal
        .queries
        .values()
        .flatten()
        .map(|frame| frame.bytes())
        .sum();
    if bytes as u64 > rule.limits.query_bytes {
        return Err(Fault::over(Limit::QueryBytes, rule.limits.query_bytes));
    }
    Ok(())
}

async fn in_sandbox(
    host: &Host,
    component: &Component,
    context: &Arc<Context>,
    journal: &Arc<Journal>,
    rule: &LiveRule,
) -> Result<wasmalert_sandbox::Evaluation, Fault> {
    let (component, context, journal) = (component.clone(), context.clone(), journal.clone());
    let limits = rule.limits.clone();
    host.work(move || component.evaluate(&context, &journal, &limits))
        .await
}

fn add(before: Cost, run: Cost) -> Cost {
    Cost {
        // The last run is the whole evaluation: its fuel does not depend on how
        // many rounds led to it.
        fuel: run.fuel,
        wall_ns: before.wall_ns.saturating_add(run.wall_ns),
        memory_bytes: before.memory_bytes.max(run.memory_bytes),
        host_calls: run.host_calls,
        boundary_bytes: run.boundary_bytes,
    }
}

/// What follows from a successful evaluation.
struct Decided {
    step: Step,
    outcome: Outcome,
    effects: Effects,
}

fn decide(
    group: &LiveGroup,
    rule: &LiveRule,
    now_ms: i64,
    (outcome, effects): (Outcome, Effects),
) -> Result<Decided, Fault> {
    let spec = &rule.spec;
    let of_group = &group.spec.labels;
    let observed: Vec<Observed> = outcome
        .findings
        .iter()
        .map(|finding| identify(finding, &spec.name, of_group, &spec.labels, &spec.annotations))
        .collect();
    let step = step(
        &rule.now().alerts,
        Observation::Findings(observed),
        now_ms,
        &rule.policy,
    )?;
    Ok(Decided {
        step,
        outcome,
        effects,
    })
}

/// An evaluation that has ended and is to be committed.
struct Ended<'a> {
    host: &'a Host,
    group: &'a LiveGroup,
    rule: &'a LiveRule,
    module: Option<&'a ModuleInfo>,
    catalog: &'a TenantCatalog,
    context: &'a Context,
    ran: Ran,
    health: HealthRow,
}

impl Ended<'_> {
    /// Everything the evaluation changes, as one transaction.
    fn commit(&self, decided: Result<&Decided, &Fault>) -> RuleCommit {
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
            evaluation: None,
            keep_evaluations: self.host.config.keep_evaluations,
        };
        let mut told = Vec::new();
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
            (commit.outbox, told) = self.notifications(&decided.step);
        }
        commit.evaluation = Some(self.evaluation(decided, told));
        commit
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

    fn notifications(&self, step: &Step) -> (Vec<NewOutboxRow>, Vec<NotifyRecord>) {
        let now_ms = self.host.clock.now_ms();
        let told = Told {
            rule: self.rule,
            catalog: self.catalog,
            notify: &step.notify,
            slot_ms: self.context.now_ms,
            now_ms,
            external_url: &self.host.external_url,
        };
        told.enqueue(|| self.host.store.new_id(now_ms))
    }

    /// The record of it, to be explained by later.
    fn evaluation(&self, decided: Result<&Decided, &Fault>, told: Vec<NotifyRecord>) -> EvaluationRow {
        let mut budget = Budget::new(self.host.config.journal_bytes);
        let mut inputs = record::inputs(self.context, &self.ran.journal, &mut budget);
        inputs.module.clone_from(&self.rule.spec.module);
        inputs.version = self.module.map(|module| module.version);
        inputs.digest = self.module.map(|module| module.digest.clone());
        let (outcome, mut effects) = match decided {
            Ok(decided) => (
                record::outcome(&decided.outcome, &mut budget),
                record::effects(&decided.effects, &decided.step.transitions, &mut budget),
            ),
            Err(fault) => (
                OutcomeRecord::failed(fault),
                EffectsRecord {
                    log: record::log_records(&self.ran.log),
                    ..EffectsRecord::default()
                },
            ),
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

    /// Makes what was committed what the rule is like, and tells whoever listens.
    fn apply(self, decided: Result<Decided, Fault>) {
        let (now_ms, host) = (self.context.now_ms, self.host);
        let knows_its_queries = self.knows_its_queries();
        let mut now = self.rule.now();
        now.health = self.health;
        if knows_its_queries {
            now.asked = self.ran.asked;
            now.asked_at_ms = now_ms;
        }
        let (log, wakes) = match decided {
            Ok(decided) => {
                now.alerts.apply(&decided.step);
                now.state = Arc::new(decided.effects.state_after(&now.state));
                let timers = decided.effects.timers_after(&self.ran.journal.timers);
                now.timers = Arc::new(timers);
                drop(now);
                host.tenant_metrics
                    .apply(&self.rule.key, &decided.effects.metrics);
                (decided.effects.log, !decided.step.notify.is_empty())
            }
            Err(fault) => {
                // The timer that fired is still set: it is tried again, not sooner
                // than the next slot would.
                let again_ms = host
                    .clock
                    .now_ms()
                    .saturating_add(self.context.interval_ms.max(TIMER_GAP_MS));
                now.timers_from_ms = now.timers_from_ms.max(again_ms);
                drop(now);
                tell_fault(host, self.rule, &fault);
                (self.ran.log, false)
            }
        };
        for line in log {
            host.logs.write(LogEvent {
                fields: line.fields,
                ..event(host, self.rule, line.level, line.message)
            });
        }
        if wakes {
            host.outbox_changed.notify_one();
        }
    }

    /// Nothing was written, so nothing happened; the health shows it.
    fn failed_commit(self, error: &StoreError) {
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
    }
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
