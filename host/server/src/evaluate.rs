//! The one place where an evaluation happens, top to bottom: queries, sandbox,
//! lifecycle, commit.
//!
//! Until the commit nothing counts. A failed query, a trap or a limit leaves the
//! alerts, the component's state and its timers as they were.

mod ended;

use std::sync::Arc;

use wasmalert_core::alert::{Observation, Observed, Step, identify, step};
use wasmalert_core::evaluation::{Context, Cost, Effects, Journal, LogLine, Outcome, Trigger};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::limits::Limit;
use wasmalert_core::query::{Query, QueryTime};
use wasmalert_core::schedule::Advance;
use wasmalert_sandbox::{Component, Verdict};

use self::ended::{Ended, error_row};
use crate::Host;
use crate::catalog::{ModuleInfo, NoModule, TenantCatalog};
use crate::live::{LiveGroup, LiveRule, RuleNow};
use crate::store::{Health, HealthRow, StoreError};

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

fn due_timer(rule: &LiveRule, now_ms: i64) -> Option<Trigger> {
    let now = &mut *rule.now();
    now.timer_gate.due(&now.timers, now_ms)
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
    let context = Context::new(&group.spec, &rule.spec, rule.key.clone(), now_ms, trigger);
    let context = Arc::new(context);
    let before = rule.now().clone_inputs();
    let module = catalog.find((&*rule.spec).into()).ok();
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
            timer_gate: self.timer_gate,
            recorded: Vec::new(),
        }
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
    let journal = Journal::new(before.state.clone(), before.timers.clone(), &context.trigger);
    let mut ran = Ran {
        log: Vec::new(),
        journal: Arc::new(journal),
        asked: Vec::new(),
        cost: Cost::default(),
        rounds: 0,
    };
    let component = match component(host, catalog, rule).await {
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

async fn component(host: &Host, catalog: &TenantCatalog, rule: &LiveRule) -> Result<Component, Fault> {
    let unavailable = |missing: NoModule| Fault::new(FaultCode::ModuleUnavailable, missing.to_string());
    let module = catalog.find((&*rule.spec).into()).map_err(unavailable)?;
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
    Arc::make_mut(journal).add(results, &rule.limits)
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
