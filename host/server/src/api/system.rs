//! Health, metrics and the API's own description.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use wasmalert_core::TenantId;
use wasmalert_core::alert::AlertState as CoreAlertState;
use wasmalert_core::usage::{Usage, UsageInfo};
use wasmalert_tsdb::{Refusal, Stats};

use super::Caller;
use super::problem::{Answer, Problem};
use crate::Host;
use crate::store::Health;
use crate::telemetry::{AlertState, CONTENT_TYPE, ProcessInfo, Queue, RuleHealth, rule_usage};

/// Says that the process is there.
#[utoipa::path(get, path = "/-/healthy", tag = "system", security(()), responses((status = 200, body = str)))]
pub(super) async fn healthy() -> &'static str {
    "healthy\n"
}

/// Says that the server can work: its store answers.
#[utoipa::path(
    get, path = "/-/ready", tag = "system", security(()),
    responses((status = 200, body = str), (status = 503, body = Problem))
)]
pub(super) async fn ready(State(host): State<Arc<Host>>) -> Answer<&'static str> {
    host.store.pending_of_all_tenants().await.map_err(|error| {
        tracing::error!(%error, "not ready: the store failed");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_ready",
            "the store failed; see the server's log",
        )
    })?;
    Ok("ready\n")
}

/// The host's own metrics in the Prometheus text format.
#[utoipa::path(
    get, path = "/metrics", tag = "system", security(()),
    responses((status = 200, body = str, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(host): State<Arc<Host>>) -> Answer<impl IntoResponse> {
    gauges(&host).await?;
    let text = host.metrics.render(&ProcessInfo::read(host.started_at_ms));
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}

/// The metrics that the tenant's rules emit, in the Prometheus text format.
#[utoipa::path(
    get, path = "/v1/metrics", tag = "rules",
    responses((status = 200, body = str, content_type = "text/plain"))
)]
pub(super) async fn rule_metrics(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, CONTENT_TYPE)],
        host.tenant_metrics.render(&tenant) + &rule_usage(&host.ledger.of(&tenant).since_start()),
    )
}

/// This description of the API.
#[utoipa::path(get, path = "/openapi.json", tag = "system", security(()), responses((status = 200, body = Object)))]
pub(super) async fn document() -> impl IntoResponse {
    Json(super::openapi())
}

/// Sets what is read off the embedded source.
fn samples(host: &Host) {
    let metrics = &host.metrics;
    let stores: Vec<(TenantId, Stats)> = host
        .embedded
        .all()
        .into_iter()
        .map(|(tenant, db)| (tenant, db.stats()))
        .collect();
    let gauges = |read: fn(&Stats) -> u64| {
        let of_tenant = move |(tenant, stats): &(TenantId, Stats)| (tenant.clone(), (), read(stats) as f64);
        stores.iter().map(of_tenant)
    };
    metrics.samples_series.replace(gauges(|stats| stats.series));
    metrics.samples_held.replace(gauges(|stats| stats.samples));
    metrics.samples_bytes.replace(gauges(|stats| stats.bytes));
    let counts = |read: fn(&Stats) -> u64| {
        let of_tenant = move |(tenant, stats): &(TenantId, Stats)| (tenant.clone(), (), read(stats));
        stores.iter().map(of_tenant)
    };
    let waiting = host.remote_write.waiting().into_iter();
    metrics
        .remote_write_waiting
        .replace(waiting.map(|(tenant, samples)| (tenant, (), samples as f64)));
    metrics.samples_taken.replace(counts(|stats| stats.accepted));
    metrics.samples_evicted.replace(counts(|stats| stats.evicted));
    let refused = stores.iter().flat_map(|(tenant, stats)| {
        let of_reason = |(reason, count): &(Refusal, u64)| (tenant.clone(), *reason, *count);
        stats.refused.iter().map(of_reason)
    });
    metrics.samples_refused.replace(refused);
}

/// Sets what was used.
fn usage(host: &Host) {
    let mut counts = Vec::new();
    for tenant in host.tenants.all() {
        let tenant = &tenant.row.tenant;
        let mut sum = Usage::default();
        for used in host.ledger.of(tenant).since_start().values() {
            sum.add(used);
        }
        let counted = |info: &UsageInfo| (tenant.clone(), info.resource, sum.get(info.resource));
        counts.extend(Usage::TABLE.iter().map(counted));
    }
    host.metrics.usage.replace(counts);
}

/// Sets the gauges, which are read off what they tell of.
async fn gauges(host: &Host) -> Answer<()> {
    samples(host);
    usage(host);
    let metrics = &host.metrics;
    metrics
        .query_cache_bytes
        .set(host.queries.cache_bytes().await as f64);
    metrics
        .component_cache_bytes
        .set(host.registry.cache_bytes() as f64);
    for (queue, waiting) in [
        (Queue::Evaluations, host.evaluations.waiting()),
        (Queue::Sandbox, host.sandboxes.waiting()),
        (Queue::Samples, host.samplers.waiting()),
        (Queue::Queries, host.queries.turns().waiting()),
        (Queue::Scrapes, host.scrapes.turns.waiting()),
        (Queue::Uploads, host.registry.uploads().waiting()),
        (Queue::Compilations, host.registry.compilations().waiting()),
        (Queue::Schemas, host.schemas.turns().waiting()),
        (Queue::Deliveries, host.deliveries.waiting()),
    ] {
        metrics.queue_length.with(queue).set(waiting as f64);
    }
    metrics
        .commit_transactions
        .set(host.store.writer_stats().transactions as f64);
    let backlogs = host.store.backlogs_of_all_tenants().await?;
    let now_ms = host.clock.now_ms();
    let oldest_ms = backlogs
        .iter()
        .filter_map(|backlog| backlog.oldest_pending_ms)
        .min()
        .unwrap_or(now_ms);
    metrics
        .outbox_depth
        .set(backlogs.iter().map(|backlog| backlog.pending).sum::<u64>() as f64);
    metrics
        .outbox_oldest_age_seconds
        .set((now_ms - oldest_ms).max(0) as f64 / 1e3);

    let mut groups: HashMap<TenantId, f64> = HashMap::new();
    let mut rules: HashMap<(TenantId, RuleHealth), f64> = HashMap::new();
    let mut alerts: HashMap<(TenantId, AlertState), f64> = HashMap::new();
    for group in host.groups.all() {
        let tenant = &group.key.tenant;
        *groups.entry(tenant.clone()).or_default() += 1.0;
        for rule in &group.rules {
            let now = rule.now();
            let health = match now.health.health {
                Health::Unknown => RuleHealth::Unknown,
                Health::Ok => RuleHealth::Ok,
                Health::Err => RuleHealth::Err,
            };
            *rules.entry((tenant.clone(), health)).or_default() += 1.0;
            for (state, shown) in [
                (CoreAlertState::Pending, AlertState::Pending),
                (CoreAlertState::Firing, AlertState::Firing),
                (CoreAlertState::Inactive, AlertState::Resolved),
            ] {
                *alerts.entry((tenant.clone(), shown)).or_default() += now.alerts.count(state) as f64;
            }
        }
    }
    metrics
        .groups
        .replace(groups.into_iter().map(|(tenant, count)| (tenant, (), count)));
    metrics.rules.replace(
        rules
            .into_iter()
            .map(|((tenant, health), count)| (tenant, health, count)),
    );
    metrics.alerts.replace(
        alerts
            .into_iter()
            .map(|((tenant, state), count)| (tenant, state, count)),
    );
    Ok(())
}
