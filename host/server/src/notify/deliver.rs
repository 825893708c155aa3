//! Takes notifications out of the outbox and delivers them.
//!
//! The notifier component makes requests out of a notification and says what
//! each answer means. Secrets are put in after it has returned the requests, and
//! taken out of whatever comes back. What was delivered before a restart, but
//! not yet noted down, is sent again with the same idempotency key.

mod send;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmalert_core::delivery::{FailedAttempt, RetryPolicy, Verdict, next_attempt};
use wasmalert_core::evaluation::{Effects, LogLevel, LogLine, State};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_sandbox::{Component, DispositionKind, HttpRequest, HttpResponse, NotifyBatch};

use self::send::send;
use super::payload::Payload;
use crate::catalog::{ReceiverSpec, TenantCatalog};
use crate::logs::LogEvent;
use crate::store::{OutboxRow, StoreError};
use crate::telemetry::DeliveryResult;
use crate::{Host, chance};

/// Notifications taken out of the outbox at a time.
const DUE_MAX: u32 = 256;
/// The outbox is looked at so often even when nobody says that it has changed.
const NAP_MAX_MS: i64 = 1_000;
/// Pause after the store has failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Delivers until it is cancelled.
pub(crate) async fn deliver_forever(host: Arc<Host>) {
    let permits = Arc::new(Semaphore::new(host.config.delivery_concurrency));
    let under_way: Arc<Mutex<HashSet<String>>> = Arc::default();
    loop {
        let changed = host.outbox_changed.notified();
        let now_ms = host.clock.now_ms();
        let due = match host.store.due_of_all_tenants(now_ms, DUE_MAX).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read");
                tokio::time::sleep(STORE_PAUSE).await;
                continue;
            }
        };
        let mut started = 0;
        for row in due {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    tracing::error!(%error, "a stored notification cannot be read");
                    continue;
                }
            };
            if !under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(row.id.clone())
            {
                continue;
            }
            started += 1;
            // Closed only when the host stops.
            let Ok(permit) = permits.clone().acquire_owned().await else {
                return;
            };
            let (host, under_way) = (host.clone(), under_way.clone());
            tokio::spawn(async move {
                deliver(&host, &row).await;
                under_way
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&row.id);
                drop(permit);
                // The next one of its lane may go now.
                host.outbox_changed.notify_one();
            });
        }
        if started == 0 {
            let next_ms = host
                .store
                .next_due_ms_of_all_tenants()
                .await
                .ok()
                .flatten()
                .unwrap_or(i64::MAX);
            let nap_ms = next_ms.saturating_sub(now_ms).clamp(10, NAP_MAX_MS);
            let nap = Duration::from_millis(nap_ms.unsigned_abs());
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(nap) => {}
            }
        }
    }
}

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
        // A host without room, or a module that does not load, may be better later;
        // the component's own fault would be the same again.
        Err(fault) if fault.code.is_host() || fault.code == FaultCode::ModuleUnavailable => {
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
    let component = host.registry.component(row.rule.tenant(), &module.digest).await?;
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
    let requests = notify(host, row, &component, &config, &payload, &mut state).await?;

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
    payload: &Payload,
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
        external_url: host.external_url.clone(),
        alerts: payload.alerts(now_ms),
    };
    let (component, limits, before) = (component.clone(), host.config.limits.clone(), state.clone());
    let run = host
        .work(move || component.notify(&batch, &before, &limits))
        .await?;
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
    let (component, limits, before) = (component.clone(), host.config.limits.clone(), state.clone());
    let config = config.clone();
    let run = host
        .work(move || component.interpret(&config, at, &answer, &before, &limits))
        .await?;
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
