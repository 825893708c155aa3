//! Holds tenants to what they may have.

use wasmalert_core::TenantId;
use wasmalert_core::quota::Quota;

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
        _ => host.store.count(tenant, quota).await,
    }
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
    let allowed = host.tenants.quotas(tenant, &host.config.quotas).get(quota);
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
