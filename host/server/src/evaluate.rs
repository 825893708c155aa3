//! The one place where an evaluation happens, top to bottom: queries, sandbox,
//! lifecycle, commit.
//!
//! Until the commit nothing counts. A failed query, a trap or a limit leaves the
//! alerts, the component's state and its timers as they were.

mod ended;

use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use wasmalert_core::Labels;
use wasmalert_core::alert::{Evaluated, Since, Step, judge};
use wasmalert_core::evaluation::{Context, Cost, Effects, Journal, LogLine, Outcome, Trigger};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::label::ALERT_NAME;
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::query::{Query, QueryResult, QueryTime};
use wasmalert_core::quota::Quota;
use wasmalert_core::recorded::ALERTS_FOR_STATE;
use wasmalert_core::schedule::{Advance, Missed, Slots};
use wasmalert_core::usage::Usage;
use wasmalert_sandbox::{Component, Evaluation, Verdict};

use self::ended::{Ended, Keeps, error_row};
use crate::Host;
use crate::access::Tenant;
use crate::catalog::{ModuleInfo, NoModule, TenantCatalog};
use crate::embedded;
use crate::fair::Turn;
use crate::live::{LiveGroup, LiveRule, RuleNow};
use crate::store::{Committing, Health, HealthRow, StoreError};

/// Rules of a group that are evaluated at the same time, where none reads what another records.
const AT_ONCE_MAX: usize = 8;
/// Evaluations of a group that wait for their commits while the next one runs.
const COMMITTING_MAX: usize = 64;
/// Bytes that they may have to write; the last one may be more.
const COMMITTING_BYTES_MAX: usize = 1 << 20;

/// What is to be evaluated of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub now_ms: i64,
    /// The slot, if one has come.
    pub slot: Option<Advance>,
}

/// Evaluates what is due of a group: timers first, then the slot, each rule after those
/// before it whose series it may read.
///
/// Nothing is due of a tenant that the operator has stopped, and of what is paused.
pub(crate) async fn evaluate_group(host: &Host, group: &LiveGroup, due: Due, turn: &mut Turn) {
    let pauses = host.pauses.of(&group.key.tenant);
    let is_over = || group.is_retired() || host.quarantine.of_tenant(&group.key.tenant).is_some();
    if pauses.of_group(&group.key).is_some() {
        return group.rest(due.now_ms);
    }
    if is_over() {
        return group.rest(due.now_ms);
    }
    let is_paused = |rule: &LiveRule| {
        let is_paused = pauses.of_rule(&rule.key).is_some();
        if is_paused {
            rule.rest(due.now_ms);
        }
        is_paused
    };
    for rule in group.rules.iter().filter(|rule| !is_paused(rule)) {
        while let Some(trigger) = due_timer(rule, due.now_ms) {
            if is_over() {
                return;
            }
            let ended = evaluate_rule(host, group, rule, due.now_ms, trigger, 0).await;
            turn.charge(ended.cost_ns());
            host.store.hurry();
            ended.committed().await;
        }
    }
    let Some(slot) = due.slot else { return };
    let lag_seconds = || (host.clock.now_ms() - slot.slot_ms).max(0) as f64 / 1e3;
    host.metrics.scheduler_lag_seconds.observe(lag_seconds());
    host.metrics.slots_missed.add(&group.key.tenant, (), slot.missed);
    let is_due =
        |rule: &&Arc<LiveRule>| rule.now().paused_until_ms(slot.slot_ms).is_none() && !is_paused(rule);
    let (mut committing, mut committing_bytes) = (FuturesUnordered::new(), 0);
    for batch in &group.batches {
        let mut due = group.rules.get(batch.clone()).unwrap_or_default().iter();
        let mut evaluating = FuturesUnordered::new();
        loop {
            let has_room = committing.len() < COMMITTING_MAX && committing_bytes <= COMMITTING_BYTES_MAX;
            while has_room
                && evaluating.len() < AT_ONCE_MAX
                && !is_over()
                && let Some(rule) = due.find(is_due)
            {
                let trigger = Trigger::Interval;
                evaluating.push(evaluate_rule(
                    host,
                    group,
                    rule,
                    slot.slot_ms,
                    trigger,
                    slot.missed,
                ));
            }
            if has_room && evaluating.is_empty() {
                break;
            }
            if !has_room {
                host.store.hurry();
            }
            // All go on meanwhile, whichever is waited for.
            tokio::select! {
                Some(ended) = evaluating.next() => {
                    turn.charge(ended.cost_ns());
                    let bytes = ended.committing.bytes();
                    committing_bytes += bytes;
                    committing.push(async move {
                        ended.committed().await;
                        bytes
                    });
                }
                Some(bytes) = committing.next() => committing_bytes -= bytes,
            }
        }
    }
    host.store.hurry();
    while committing.next().await.is_some() {}
    let orphans = group.take_orphans();
    if !orphans.is_empty() {
        let at_ms = slot.slot_ms.saturating_sub(group.spec.query_offset_ms);
        let db = host.embedded.of(&group.key.tenant);
        embedded::end_left(host, (&group.key.tenant, &db), &orphans, at_ms);
    }
    host.metrics
        .slot_lag_seconds
        .observe(&group.key.tenant, (), lag_seconds());
}

fn due_timer(rule: &LiveRule, now_ms: i64) -> Option<Trigger> {
    let now = &mut *rule.now();
    if let Some(until_ms) = now.paused_until_ms(now_ms) {
        now.timer_gate.hold_until(until_ms);
    }
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

/// Evaluates a rule and hands its commit in.
async fn evaluate_rule<'a>(
    host: &'a Host,
    group: &'a LiveGroup,
    rule: &'a LiveRule,
    now_ms: i64,
    trigger: Trigger,
    missed: u64,
) -> Committed<'a> {
    let stopwatch = host.clock.stopwatch();
    let tenant = rule.key.tenant();
    let allowed = host.tenants.of(tenant);
    let limits = allowed.limits_with(&rule.spec.limits);
    let catalog = host.catalog.of(tenant);
    let key = rule.key.clone();
    let context = Context::new(&group.spec, &rule.spec, key, now_ms, trigger, &host.external);
    let context = Arc::new(context);
    let before = rule.now().clone_inputs();
    let module = catalog.find((&*rule.spec).into()).ok();
    let run = Evaluating {
        host,
        tenant: &allowed,
        catalog: &catalog,
        rule,
        limits: &limits,
        context: &context,
    };
    let (answer, ran) = run.until_answered(module.as_deref(), &before).await;

    let since = match &answer {
        Ok(_) if restores(group, rule, &before) => run.since(now_ms).await,
        _ => Ok(Since::default()),
    };
    let answer = answer.and_then(|answer| Ok((answer, since?)));
    let has_data = ran.journal.has_data(&ran.asked);
    let decided = answer
        .and_then(|(answer, since)| decide((group, rule), &limits, now_ms, (answer, has_data, &since)))
        .and_then(|decided| run.may_notify(&decided).map(|()| decided));
    let (error, fault) = (decided.as_ref().err().map(error_row), decided.as_ref().err());
    let standing = before.health.standing;
    let ended = (fault.map(|fault| fault.code), has_data);
    let standing = standing.after(ended, now_ms, &host.config.pauses, &rule.spec.options);
    let missed = match (&context.trigger, before.health.last_evaluation_ms) {
        (Trigger::Interval, Some(last_ms)) => slots(host, group).missed(last_ms, now_ms, missed),
        _ => Missed {
            late: missed,
            ..Missed::default()
        },
    };
    let add = |had: i64, more: u64| had.saturating_add(i64::try_from(more).unwrap_or(i64::MAX));
    let health = HealthRow {
        health: if error.is_none() { Health::Ok } else { Health::Err },
        error,
        last_evaluation_ms: Some(now_ms),
        last_duration_ns: i64::try_from(stopwatch.elapsed().as_nanos()).ok(),
        missed: add(before.health.missed, missed.late),
        missed_paused: add(before.health.missed_paused, missed.paused),
        missed_stopped: add(before.health.missed_stopped, missed.stopped),
        seq: before.health.seq + 1,
        standing,
    };
    let of = (&rule.key, &*group.spec, &*rule.spec);
    let notices = standing.notices(&before.health.standing, now_ms, of, fault);
    let ended = Ended {
        host,
        group,
        rule,
        module,
        catalog,
        context,
        ran,
        health,
        notices,
        keeps: Keeps::new(host, &allowed),
    };
    let commit = ended.commit(decided.as_ref());
    if let Ok(decided) = &decided {
        ended.leave(decided);
    }
    let used = commit.used.1.clone();
    let account = host.ledger.of(tenant);
    account.spend(&used, &allowed.quotas, host.clock.now_ms());
    Committed {
        used,
        committing: host.store.commit(commit),
        ended,
        decided,
    }
}

/// Whether the source is asked since when alerts are active: until the rule has been evaluated once.
fn restores(group: &LiveGroup, rule: &LiveRule, before: &RuleNow) -> bool {
    let health = &before.health;
    let is_first = i64::from(health.standing.failures) >= health.seq;
    group.spec.restore_for_state && rule.spec.for_ms > 0 && is_first
}

fn slots(host: &Host, group: &LiveGroup) -> Slots {
    Slots {
        interval_ms: group.spec.interval_ms,
        offset_ms: group.offset_ms,
        since_ms: group.since_ms,
        started_ms: host.started_at_ms,
    }
}

/// An evaluation whose commit has been handed in.
struct Committed<'a> {
    ended: Ended<'a>,
    decided: Result<Decided, Fault>,
    used: Usage,
    committing: Committing,
}

impl Committed<'_> {
    /// The processor time that the component took.
    fn cost_ns(&self) -> u64 {
        self.ended.ran.cost.cpu_ns
    }

    /// Waits for the commit and makes what it says so.
    async fn committed(self) {
        let (host, rule, ran) = (self.ended.host, self.ended.rule, &self.ended.ran);
        let (committed, took) = self.committing.timed().await;
        host.metrics.commit_seconds.observe(took.as_secs_f64());
        let code = self.decided.as_ref().err().map(|fault| fault.code);
        host.count_evaluation(rule.key.tenant(), &ran.cost, ran.rounds, code);
        let account = host.ledger.of(rule.key.tenant());
        match &committed {
            Ok(()) => account.count(&rule.key, &self.used),
            Err(_) => account.gather(&self.used),
        }
        match committed {
            Ok(()) => self.ended.apply(self.decided),
            // The group was replaced meanwhile: this evaluation never happened.
            Err(StoreError::Stale) => {}
            Err(error) => self.ended.failed_commit(&error),
        }
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

/// An evaluation under way.
struct Evaluating<'a> {
    host: &'a Host,
    tenant: &'a Tenant,
    catalog: &'a TenantCatalog,
    rule: &'a LiveRule,
    limits: &'a Limits,
    context: &'a Arc<Context>,
}

impl Evaluating<'_> {
    /// Runs the component until it has every query result it asks for.
    async fn until_answered(&self, module: Option<&ModuleInfo>, before: &RuleNow) -> (Answer, Ran) {
        let journal = Journal::new(before.state.clone(), before.timers.clone(), &self.context.trigger);
        let mut ran = Ran {
            log: Vec::new(),
            journal: Arc::new(journal),
            asked: Vec::new(),
            cost: Cost::default(),
            rounds: 0,
        };
        if let Err(fault) = self.has_room(&[Quota::FuelPerMinute]) {
            return (Err(fault), ran);
        }
        let component = match self.component().await {
            Ok(component) => component,
            Err(fault) => return (Err(fault), ran),
        };
        let mut wanted = foreseen(module, self.context, before);
        loop {
            if let Err(fault) = self.fetch(wanted, &mut ran.journal).await {
                return (Err(fault), ran);
            }
            ran.rounds += 1;
            let evaluation = match self.in_sandbox(&component, &ran.journal).await {
                Ok(evaluation) => evaluation,
                Err(fault) => return (Err(fault), ran),
            };
            self.rule.took(evaluation.cost.cpu_ns);
            ran.asked = evaluation.asked;
            ran.cost = add(ran.cost, evaluation.cost);
            match evaluation.verdict {
                Verdict::Done { outcome, effects } => return (Ok((outcome, effects)), ran),
                Verdict::Failed { fault, log } => {
                    ran.log = log;
                    return (Err(fault), ran);
                }
                Verdict::Wants(_) if u64::from(ran.rounds) >= self.limits.rounds => {
                    return (Err(Fault::over(Limit::Rounds, self.limits.rounds)), ran);
                }
                Verdict::Wants(queries) => {
                    Arc::make_mut(&mut ran.journal).keep(&ran.asked);
                    wanted = queries;
                }
            }
        }
    }

    async fn component(&self) -> Result<Component, Fault> {
        let unavailable = |missing: NoModule| Fault::new(FaultCode::ModuleUnavailable, missing.to_string());
        let module = self
            .catalog
            .find((&*self.rule.spec).into())
            .map_err(unavailable)?;
        self.host.component(self.tenant, &module.digest).await
    }

    /// Puts the results of queries into the journal.
    async fn fetch(&self, wanted: Vec<Query>, journal: &mut Arc<Journal>) -> Result<(), Fault> {
        if wanted.is_empty() {
            return Ok(());
        }
        let results = self.ask(wanted).await?;
        Arc::make_mut(journal).add(results, self.limits)
    }

    /// Asks the sources, as far as the tenant may.
    async fn ask(&self, queries: Vec<Query>) -> Result<Vec<(Query, QueryResult)>, Fault> {
        self.has_room(&[Quota::QueriesPerMinute, Quota::QueryBytesPerMinute])?;
        let claim = self.tenant.claim(Quota::QueriesAtOnce);
        let queries = self
            .host
            .queries
            .fetch_all(&claim, &self.catalog.sources, queries);
        Ok(queries.await)
    }

    /// Since when a Prometheus has had the rule's alerts, as the source knows it.
    async fn since(&self, now_ms: i64) -> Result<Since, Fault> {
        let name = serde_json::Value::from(self.rule.spec.name.as_str());
        let query = Query {
            source: self.context.source.clone(),
            expr: format!("{ALERTS_FOR_STATE}{{{ALERT_NAME}={name}}}").into(),
            time: QueryTime::Instant {
                at_ms: now_ms.saturating_sub(self.context.query_offset_ms),
            },
        };
        let mut since = Since::new(&self.host.external.labels);
        for (query, result) in self.ask(vec![query]).await? {
            let frame = result.map_err(|error| {
                let message = format!("{}: {}", query.expr, error.message);
                Fault::new(FaultCode::Query(error.code), message)
            })?;
            for (series, at) in frame.newest().enumerate() {
                let labels = frame.series_labels(series);
                if let (Some(labels), Some(seconds)) = (labels, frame.all_values().get(at)) {
                    since.add(labels, *seconds);
                }
            }
        }
        Ok(since)
    }

    /// Whether the tenant may go on in this minute.
    fn has_room(&self, under: &[Quota]) -> Result<(), Fault> {
        let account = self.host.ledger.of(self.rule.key.tenant());
        account.check(under, &self.tenant.quotas, self.host.clock.now_ms())
    }

    /// Without room for notifications the evaluation fails, so that what is to be told
    /// is told by a later one.
    fn may_notify(&self, decided: &Decided) -> Result<(), Fault> {
        if decided.step.notify.is_empty() || self.catalog.receivers_of(&self.rule.spec).next().is_none() {
            return Ok(());
        }
        self.has_room(&[Quota::NotificationsPerMinute])
    }

    async fn in_sandbox(&self, component: &Component, journal: &Arc<Journal>) -> Result<Evaluation, Fault> {
        let (component, context, journal) = (component.clone(), self.context.clone(), journal.clone());
        let run = move |limits: &Limits| component.evaluate(&context, &journal, limits);
        let (lane, limits) = (self.rule.lane(), self.limits.clone());
        self.host.in_sandbox(self.tenant, lane, limits, run).await
    }
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

fn add(before: Cost, run: Cost) -> Cost {
    Cost {
        // The last run is the whole evaluation: its fuel does not depend on how
        // many rounds led to it.
        fuel: run.fuel,
        cpu_ns: before.cpu_ns.saturating_add(run.cpu_ns),
        wall_ns: before.wall_ns.saturating_add(run.wall_ns),
        memory_bytes: before.memory_bytes.max(run.memory_bytes),
        host_calls: run.host_calls,
        boundary_bytes: run.boundary_bytes,
    }
}

/// What follows from a successful evaluation.
struct Decided {
    step: Step,
    /// What there was no room for under the group's limit.
    dropped: Vec<Labels>,
    outcome: Outcome,
    effects: Effects,
}

fn decide(
    (group, rule): (&LiveGroup, &LiveRule),
    limits: &Limits,
    now_ms: i64,
    ((outcome, effects), has_data, since): ((Outcome, Effects), bool, &Since),
) -> Result<Decided, Fault> {
    let of = (&*group.spec, &*rule.spec);
    let judged = {
        let alerts = &rule.now().alerts;
        let evaluated = Evaluated {
            outcome: &outcome,
            has_data,
            since,
        };
        let judged = judge(alerts, evaluated, of, now_ms, &rule.policy)?;
        let kept = judged.step.kept_of(alerts) as u64;
        if kept > limits.alerts {
            return Err(Fault::beyond(Limit::Alerts, kept, limits.alerts));
        }
        judged
    };
    Ok(Decided {
        step: judged.step,
        dropped: judged.dropped,
        outcome,
        effects,
    })
}
