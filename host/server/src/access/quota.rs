//! Holds tenants to what they may have.

use wasmalert_core::quota::Quota;
use wasmalert_core::{TenantId, usage};

use super::Tenant;
use crate::Host;
use crate::store::StoreError;

/// Why something more is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuotaError {
    #[error("{}: {used} of {allowed} are used, and this needs {more} more", quota.name())]
    Over {
        quota: Quota,
        used: u64,
        more: u64,
        allowed: u64,
    },
    #[error("interval_min_ms: {asked_ms} is asked for, {allowed_ms} is the least")]
    Interval { asked_ms: i64, allowed_ms: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How much of something a tenant has.
///
/// # Errors
/// The store failed.
pub(crate) async fn used(host: &Host, tenant: &TenantId, quota: Quota) -> Result<u64, StoreError> {
    match quota {
        Quota::Rules => {
            let groups = host.groups.of_tenant(tenant);
            Ok(groups.iter().map(|group| group.rules.len() as u64).sum())
        }
        Quota::Targets => Ok(host.scrapes.targets_configured(tenant)),
        Quota::EvaluationsAtOnce => Ok(host.evaluations.running_of(tenant) as u64),
        Quota::QueriesAtOnce => Ok(host.queries.turns().running_of(tenant) as u64),
        Quota::ScrapesAtOnce => Ok(host.scrapes.turns.running_of(tenant) as u64),
        Quota::DeliveriesAtOnce => Ok(host.deliveries.running_of(tenant) as u64),
        Quota::UploadsAtOnce => Ok(host.registry.uploads().running_of(tenant) as u64),
        Quota::IntervalMinMs => Ok(0),
        Quota::SamplesSeries => Ok(host.embedded.of(tenant).stats().series),
        Quota::SamplesBytes => Ok(host.embedded.of(tenant).stats().bytes),
        quota if usage::fault_of(quota).is_some() => {
            let quotas = &host.tenants.of(tenant).quotas;
            Ok(host.ledger.of(tenant).used(quota, quotas, host.clock.now_ms()))
        }
        _ => host.store.count(tenant, quota).await,
    }
}

/// Holds a group's interval to the tenant's quota.
///
/// # Errors
/// It is too short.
pub(crate) fn check_interval(tenant: &Tenant, asked_ms: i64) -> Result<(), QuotaError> {
    let allowed_ms = tenant.quotas.interval_min_ms;
    if asked_ms.max(0).unsigned_abs() >= allowed_ms {
        return Ok(());
    }
    Err(QuotaError::Interval { asked_ms, allowed_ms })
}

/// Holds a change to a quota: `more` is what it adds. Two changes that are checked
/// and made at the same time may count the same room: hold [`Host::counting`]
/// over both.
///
/// # Errors
/// There would be too much.
pub(crate) async fn check(host: &Host, tenant: &TenantId, quota: Quota, more: u64) -> Result<(), QuotaError> {
    // What makes nothing more is always taken, be there too much already.
    if more == 0 {
        return Ok(());
    }
    let allowed = host.tenants.of(tenant).quotas.get(quota);
    let used = used(host, tenant, quota).await?;
    if used.saturating_add(more) <= allowed {
        return Ok(());
    }
    Err(QuotaError::Over {
        quota,
        used,
        more,
        allowed,
    })
}
