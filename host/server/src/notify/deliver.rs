//! Takes notifications out of the outbox and delivers them.
//!
//! The notifier component makes requests out of a notification and says what
//! each answer means. Secrets are put in after it has returned the requests, and
//! taken out of whatever comes back. What was delivered before a restart, but
//! not yet noted down, is sent again with the same idempotency key.

mod send;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmalert_core::TenantId;
use wasmalert_core::delivery::{FailedAttempt, RetryPolicy, Verdict, next_attempt};
use wasmalert_core::evaluation::{Cost, Effects, LogLevel, LogLine, State};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::limits::Limits;
use wasmalert_core::quota::Quota;
use wasmalert_core::schedule::Agenda;
use wasmalert_core::spec::Resend;
use wasmalert_core::usage::Usage;
use wasmalert_ingest::relabel::Relabel;
use wasmalert_sandbox::{Component, DispositionKind, HttpRequest, HttpResponse, NotifyAlert, NotifyBatch};

use self::send::send;
use super::payload::Payload;
use crate::access::Tenant;
use crate::catalog::{ReceiverSpec, TenantCatalog};
use crate::fair::Lane;
use crate::logs::LogEvent;
use crate::store::{OutboxRow, StoreError};
use crate::telemetry::DeliveryResult;
use crate::{Host, chance, quarantine};

/// Notifications of one tenant that are taken out of the outbox at a time, and so under way
/// or waiting for their turn.
const DUE_OF_TENANT_MAX: u32 = 64;
/// Tenants that are looked at in one go.
const TENANTS_MAX: usize = 1_024;
/// A tenant whose notifications are all under way is looked at again so soon, should
/// nobody say that one has ended.
const AGAIN_MS: i64 = 1_000;
/// All tenants are looked at so often, should one have been forgotten.
const LOOK_AT_ALL_MS: i64 = 60_000;
/// The clock is looked at so often, for it may be set.
const NAP_MAX_MS: i64 = 1_000;
/// Pause after the store has failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Delivers until it is cancelled.
///
/// Each tenant's outbox is looked at by itself, when something in it is due or has
/// changed, so that what waits for one tenant is never in another's way.
pub(crate) async fn deliver_forever(host: Arc<Host>) {
    let mut deliveries = Deliveries {
        host: host.clone(),
        agenda: Agenda::new(),
        under_way: Arc::default(),
    };
    let mut look_at_all_ms = i64::MIN;
    loop {
        let now_ms = host.clock.now_ms();
        if now_ms >= look_at_all_ms || now_ms.saturating_add(LOOK_AT_ALL_MS) < look_at_all_ms {
            deliveries.plan_all(now_ms).await;
            look_at_all_ms = now_ms.saturating_add(LOOK_AT_ALL_MS);
        }
        for tenant in host.outboxes.take() {
            deliveries.agenda.schedule(tenant, now_ms);
        }
        for (tenant, _) in deliveries.agenda.due(now_ms, TENANTS_MAX) {
            deliveries.look_at(&tenant, now_ms).await;
        }
        let next_ms = deliveries.agenda.next_due().unwrap_or(i64::MAX);
        let nap_ms = next_ms.saturating_sub(host.clock.now_ms()).clamp(0, NAP_MAX_MS);
        tokio::select! {
            () = host.outboxes.changed() => {}
            () = tokio::time::sleep(Duration::from_millis(nap_ms.unsigned_abs())) => {}
        }
    }
}

/// What is to be delivered, and what is under way.
struct Deliveries {
    host: Arc<Host>,
    /// When to look at a tenant's outbox.
    agenda: Agenda<TenantId>,
    /// The ids of notifications.
    under_way: Arc<Mutex<HashSet<String>>>,
}

impl Deliveries {
    /// Looks at every tenant for whom something waits.
    async fn plan_all(&mut self, now_ms: i64) {
        match self.host.store.pending_of_all_tenants().await {
            Ok(tenants) => {
                for tenant in tenants {
                    self.agenda.schedule(tenant, now_ms);
                }
            }
            Err(error) => tracing::error!(%error, "the outbox cannot be read"),
        }
    }

    /// Starts what is due for a tenant, and plans when to look again.
    async fn look_at(&mut self, tenant: &TenantId, now_ms: i64) {
        let store = &self.host.store;
        // Of one that the operator has stopped nothing is delivered but that it is.
        let notices = self.host.quarantine.of_tenant(tenant);
        let notices = notices.map(|_| quarantine::notices_group(tenant.clone()));
        let due = store
            .due(tenant, notices.as_ref(), now_ms, DUE_OF_TENANT_MAX)
            .await;
        let next = store.next_due_ms(tenant).await;
        let (due, next_ms) = match (due, next) {
            (Ok(due), Ok(next_ms)) => (due, next_ms),
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(%tenant, %error, "the outbox cannot be read");
                self.agenda
                    .schedule(tenant.clone(), now_ms.saturating_add(AGAIN_MS));
                return;
            }
        };
        for row in due {
            match row {
                Ok(row) => self.start(row),
                Err(error) => tracing::error!(%tenant, %error, "a stored notification cannot be read"),
            }
        }
        if let Some(next_ms) = next_ms {
            let again_ms = if next_ms > now_ms {
                next_ms
            } else {
                now_ms.saturating_add(AGAIN_MS)
            };
            self.agenda.schedule(tenant.clone(), again_ms);
        }
    }

    fn start(&self, row: OutboxRow) {
        let id = row.id.clone();
        if !lock(&self.under_way).insert(id.clone()) {
            return;
        }
        let (host, under_way) = (self.host.clone(), self.under_way.clone());
        tokio::spawn(async move {
            let tenant = row.rule.tenant().clone();
            let claim = host.tenants.of(&tenant).claim(Quota::DeliveriesAtOnce);
            // So many of a tenant are taken out of its outbox that there is always room.
            if let Ok(_turn) = host.deliveries.take(&claim).await {
                // It was read before: another attempt at it may have ended since.
                match host.store.pending_now(&tenant, &id, host.clock.now_ms()).await {
                    Ok(Some(row)) => deliver(&host, &row).await,
                    Ok(None) => {}
                    Err(error) => {
                        tracing::error!(%tenant, %error, "the outbox cannot be read");
                        tokio::time::sleep(STORE_PAUSE).await;
                    }
                }
            }
            lock(&under_way).remove(&id);
            // The next one of its lane may go now.
            host.outboxes.wake(&tenant);
        });
    }
}

fn lock(under_way: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Faults that are not the component's own, nor the host's.
const MAY_BE_BETTER_LATER: [FaultCode; 2] = [FaultCode::ModuleUnavailable, FaultCode::Quarantined];

/// How an attempt ended.
enum Attempt {
    Delivered,
    /// Worth another try.
    Retry {
        after_ms: Option<u64>,
        reason: String,
    },
    /// Another try would end the same.
    Failed {
        reason: String,
    },
}

/// Worth another try, whenever the host thinks fit.
fn again(reason: String) -> Attempt {
    Attempt::Retry {
        after_ms: None,
        reason,
    }
}

async fn deliver(host: &Host, row: &OutboxRow) {
    let attempt = attempt(host, row).await;
    let now_ms = host.clock.now_ms();
    let result = match attempt {
        Attempt::Delivered => {
            accepted(host, row, now_ms);
            host.metrics
                .deliveries
                .inc(row.rule.tenant(), DeliveryResult::Delivered);
            host.store
                .record_delivered(row.rule.tenant(), &row.id, now_ms)
                .await
        }
        Attempt::Retry { after_ms, reason } => retry(host, row, now_ms, after_ms, reason).await,
        Attempt::Failed { reason } => dead(host, row, now_ms, &reason).await,
    };
    if let Err(error) = result {
        // It stays pending and is delivered again, with the same key.
        tracing::error!(%error, id = row.id, "the result of a delivery cannot be noted down");
        tokio::time::sleep(STORE_PAUSE).await;
    }
}

/// Counts the time until alerts are told again from now, where their rule wants it so.
fn accepted(host: &Host, row: &OutboxRow, now_ms: i64) {
    let rule = host.groups.rule(&row.rule);
    let Some(rule) = rule.filter(|rule| rule.spec.options.resend == Resend::Accepted) else {
        return;
    };
    let Ok(payload) = serde_json::from_str::<Payload>(&row.payload) else {
        return;
    };
    let mut now = rule.now();
    for labels in payload.labels_of_alerts(&host.external) {
        now.alerts.accepted(&labels, now_ms);
    }
}

async fn retry(
    host: &Host,
    row: &OutboxRow,
    now_ms: i64,
    after_ms: Option<u64>,
    reason: String,
) -> Result<bool, StoreError> {
    let policy = RetryPolicy {
        age_ms_max: host.config.delivery_max_age_ms,
        ..RetryPolicy::default()
    };
    let failed = FailedAttempt {
        attempts: row.attempts + 1,
        enqueued_at_ms: row.created_ms,
        now_ms,
        retry_after_ms: after_ms,
    };
    match next_attempt(&failed, chance::jitter(), &policy) {
        Verdict::RetryAt(at_ms) => {
            host.metrics
                .deliveries
                .inc(row.rule.tenant(), DeliveryResult::Retry);
            tell(
                host,
                row,
                LogLevel::Warn,
                format!("delivery failed and will be tried again: {reason}"),
            );
            host.store
                .record_attempt(row.rule.tenant(), &row.id, at_ms, &reason)
                .await
        }
        Verdict::DeadLetter => dead(host, row, now_ms, &reason).await,
    }
}

async fn dead(host: &Host, row: &OutboxRow, now_ms: i64, reason: &str) -> Result<bool, StoreError> {
    host.metrics
        .deliveries
        .inc(row.rule.tenant(), DeliveryResult::Dead);
    tell(
        host,
        row,
        LogLevel::Error,
        format!("delivery failed for good: {reason}"),
    );
    host.store
        .record_dead(row.rule.tenant(), &row.id, now_ms, reason)
        .await
}

/// One attempt at a notification: makes its requests and sends those that have
/// not been delivered yet.
async fn attempt(host: &Host, row: &OutboxRow) -> Attempt {
    let catalog = host.catalog.of(row.rule.tenant());
    let Some(spec) = catalog.receivers.get(&row.receiver).cloned() else {
        return Attempt::Failed {
            reason: format!("there is no receiver {}", row.receiver),
        };
    };
    match send_all(host, row, &catalog, &spec).await {
        Ok(attempt) => attempt,
        // The component's own fault would be the same again.
        Err(fault) if fault.code.is_host() || MAY_BE_BETTER_LATER.contains(&fault.code) => {
            again(fault.to_string())
        }
        Err(fault) => {
            host.metrics.faults.inc(row.rule.tenant(), fault.code);
            Attempt::Failed {
                reason: fault.to_string(),
            }
        }
    }
}

async fn send_all(
    host: &Host,
    row: &OutboxRow,
    catalog: &TenantCatalog,
    spec: &ReceiverSpec,
) -> Result<Attempt, Fault> {
    let module = catalog
        .notifier(spec)
        .map_err(|missing| Fault::new(FaultCode::ModuleUnavailable, missing.to_string()))?;
    let tenant = host.tenants.of(row.rule.tenant());
    let component = host.component(&tenant, &module.digest).await?;
    let store_failed = |error: StoreError| Fault::new(FaultCode::HostError, error.to_string());
    let payload: Payload = serde_json::from_str(&row.payload).map_err(|error| {
        Fault::new(
            FaultCode::BadOutcome,
            format!("the stored notification is damaged: {error}"),
        )
    })?;
    let state = host.store.receiver_state(row.rule.tenant(), &row.receiver).await;
    let mut state = Arc::new(state.map_err(store_failed)?);
    let config: Arc<str> = spec.config_text().into();
    let relabel = Relabel::new(&spec.relabel)
        .map_err(|error| Fault::new(FaultCode::BadOutcome, format!("relabel: {error}")))?;
    let alerts = payload.alerts(host.clock.now_ms(), &relabel);
    if alerts.is_empty() {
        // None of them is for this receiver.
        return Ok(Attempt::Delivered);
    }
    let requests = notify(host, row, &component, &config, alerts, &mut state).await?;

    for (at, request) in requests.into_iter().enumerate().skip(row.requests_done as usize) {
        let answer = match send(host, row, catalog, at, request).await {
            Ok(answer) => answer,
            Err(attempt) => return Ok(attempt),
        };
        match interpret(host, row, &component, &config, at as u32, answer, &mut state).await? {
            (DispositionKind::Delivered, _) => {
                let done = at as u32 + 1;
                host.store
                    .record_progress(row.rule.tenant(), &row.id, done)
                    .await
                    .map_err(store_failed)?;
            }
            (DispositionKind::Retry { after_ms }, reason) => return Ok(Attempt::Retry { after_ms, reason }),
            (DispositionKind::Failed, reason) => return Ok(Attempt::Failed { reason }),
        }
    }
    Ok(Attempt::Delivered)
}

async fn notify(
    host: &Host,
    row: &OutboxRow,
    component: &Component,
    config: &Arc<str>,
    alerts: Vec<NotifyAlert>,
    state: &mut Arc<State>,
) -> Result<Vec<HttpRequest>, Fault> {
    let now_ms = host.clock.now_ms();
    let batch = NotifyBatch {
        tenant: row.rule.tenant().to_string(),
        receiver: row.receiver.clone(),
        namespace: row.rule.group.namespace.to_string(),
        group: row.rule.group.group.to_string(),
        rule: row.rule.rule.to_string(),
        config: config.clone(),
        now_ms,
        idempotency_key: row.idempotency_key.clone(),
        external_url: host.external.url.clone(),
        alerts,
    };
    let (component, before) = (component.clone(), state.clone());
    let run = move |limits: &Limits| component.notify(&batch, &before, limits);
    let tenant = host.tenants.of(row.rule.tenant());
    let run = host
        .in_sandbox(&tenant, Lane::Quick, tenant.limits.clone(), run)
        .await?;
    meter(host, &tenant, row, &run.cost);
    log_all(host, row, run.log);
    let (requests, effects) = run.result?;
    keep(host, row, state, effects).await?;
    Ok(requests)
}

async fn interpret(
    host: &Host,
    row: &OutboxRow,
    component: &Component,
    config: &Arc<str>,
    at: u32,
    answer: HttpResponse,
    state: &mut Arc<State>,
) -> Result<(DispositionKind, String), Fault> {
    let (component, before, config) = (component.clone(), state.clone(), config.clone());
    let run = move |limits: &Limits| component.interpret(&config, at, &answer, &before, limits);
    let tenant = host.tenants.of(row.rule.tenant());
    let run = host
        .in_sandbox(&tenant, Lane::Quick, tenant.limits.clone(), run)
        .await?;
    meter(host, &tenant, row, &run.cost);
    log_all(host, row, run.log);
    let (disposition, effects) = run.result?;
    keep(host, row, state, effects).await?;
    Ok((disposition.kind, disposition.reason))
}

/// Keeps what a notifier wrote to its state.
async fn keep(host: &Host, row: &OutboxRow, state: &mut Arc<State>, effects: Effects) -> Result<(), Fault> {
    if effects.state.is_empty() {
        return Ok(());
    }
    *state = Arc::new(effects.state_after(state));
    let kept = host
        .store
        .write_receiver_state(row.rule.tenant(), &row.receiver, &effects.state)
        .await;
    kept.map_err(|error| Fault::new(FaultCode::HostError, error.to_string()))
}

/// Counts what a run of the notifier has used.
fn meter(host: &Host, tenant: &Tenant, row: &OutboxRow, cost: &Cost) {
    let used = Usage {
        fuel: cost.fuel,
        cpu_ns: cost.cpu_ns,
        ..Usage::default()
    };
    let account = host.ledger.of(&tenant.row.tenant);
    account.spend(&used, &tenant.quotas, host.clock.now_ms());
    account.count(&row.rule, &used);
    account.note(&used);
}

fn log_all(host: &Host, row: &OutboxRow, lines: Vec<LogLine>) {
    for line in lines {
        host.logs.write(LogEvent {
            fields: line.fields,
            ..event(host, row, line.level, line.message)
        });
    }
}

fn tell(host: &Host, row: &OutboxRow, level: LogLevel, message: String) {
    tracing::warn!(rule = %row.rule, receiver = row.receiver, id = row.id, "{message}");
    host.logs.write(event(host, row, level, message));
}

fn event(host: &Host, row: &OutboxRow, level: LogLevel, message: String) -> LogEvent {
    LogEvent {
        tenant: row.rule.tenant().clone(),
        time_ms: host.clock.now_ms(),
        level,
        rule: Some(row.rule.clone()),
        receiver: Some(row.receiver.clone()),
        message,
        fields: vec![("notification".to_owned(), row.id.clone())],
        code: None,
    }
}
