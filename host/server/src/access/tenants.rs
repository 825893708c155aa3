//! The tenants there are: made, deleted, and known in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::OwnedMutexGuard;
use wasmalert_core::TenantId;
use wasmalert_core::fair::Share;
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::quota::{Quota, Quotas};

use crate::fair::Claim;
use crate::quarantine::Subject;
use crate::scheduler::News;
use crate::store::{StoreError, TenantRow};
use crate::{Host, scrape, stock};

/// A tenant, and what follows from what is configured of it.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) row: TenantRow,
    /// The server's quotas, but for those that are its own.
    pub(crate) quotas: Quotas,
    /// The server's limits of one evaluation, but for those that are lower for it.
    pub(crate) limits: Limits,
}

impl Tenant {
    /// What it gets of something that all tenants share, of which it may have `at_once`.
    #[must_use]
    pub(crate) fn claim(&self, at_once: Quota) -> Claim {
        let share = Share {
            weight: self.row.weight,
            at_once: usize::try_from(self.quotas.get(at_once)).unwrap_or(usize::MAX),
            waiting: usize::MAX,
        };
        Claim {
            tenant: self.row.tenant.clone(),
            share,
        }
    }

    /// What an evaluation of a rule with limits of its own may use.
    #[must_use]
    pub(crate) fn limits_with(&self, own: &BTreeMap<Limit, u64>) -> Limits {
        let mut limits = self.limits.clone();
        for (&limit, &value) in own {
            limits.set(limit, value.min(limits.get(limit)));
        }
        limits
    }
}

/// Tenants by name.
pub(crate) struct Tenants {
    quotas: Quotas,
    limits: Limits,
    known: RwLock<BTreeMap<TenantId, Arc<Tenant>>>,
    /// One change after the other, so that what is known is what is stored.
    changing: tokio::sync::Mutex<()>,
    /// Held while a tenant's configuration is changed.
    configuring: Mutex<BTreeMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Tenants {
    /// None yet; the quotas and limits are the server's.
    #[must_use]
    pub(crate) fn new(quotas: Quotas, limits: Limits) -> Self {
        Self {
            quotas,
            limits,
            known: RwLock::default(),
            changing: tokio::sync::Mutex::default(),
            configuring: Mutex::default(),
        }
    }

    /// Waits until no other change of the tenant's configuration is under way.
    pub(crate) async fn turn_to_configure(&self, tenant: &TenantId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut all = self.configuring.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(tenant.clone()).or_default().clone()
        };
        lock.lock_owned().await
    }

    #[must_use]
    pub(crate) fn is_there(&self, tenant: &TenantId) -> bool {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(tenant)
    }

    /// The tenant of that name, if there is one.
    #[must_use]
    pub(crate) fn named(&self, name: &str) -> Option<TenantId> {
        TenantId::new(name).ok().filter(|tenant| self.is_there(tenant))
    }

    #[must_use]
    pub(crate) fn get(&self, tenant: &TenantId) -> Option<Arc<Tenant>> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
            .cloned()
    }

    /// A tenant that something is done for. One that was deleted meanwhile has what
    /// any other has, until what is done ends.
    #[must_use]
    pub(crate) fn of(&self, tenant: &TenantId) -> Arc<Tenant> {
        self.get(tenant)
            .unwrap_or_else(|| Arc::new(self.tenant(TenantRow::new(tenant.clone()))))
    }

    /// By name.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<Arc<Tenant>> {
        let tenants = self.known.read().unwrap_or_else(PoisonError::into_inner);
        tenants.values().cloned().collect()
    }

    fn tenant(&self, row: TenantRow) -> Tenant {
        let (mut quotas, mut limits) = (self.quotas.clone(), self.limits.clone());
        for (name, &value) in &row.quotas {
            if let Some(quota) = Quota::parse(name) {
                quotas.set(quota, value);
            }
        }
        for (name, &value) in &row.limits {
            if let Some(limit) = Limit::parse(name) {
                // The server's own may have been lowered since.
                limits.set(limit, value.min(limits.get(limit)));
            }
        }
        Tenant { row, quotas, limits }
    }

    fn insert(&self, row: TenantRow) {
        let tenant = Arc::new(self.tenant(row));
        let mut tenants = self.known.write().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(tenant.row.tenant.clone(), tenant);
    }

    fn remove(&self, tenant: &TenantId) {
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(tenant);
        let mut configuring = self.configuring.lock().unwrap_or_else(PoisonError::into_inner);
        configuring.remove(tenant);
    }
}

/// Makes a tenant, or changes what is configured of one; true when it is new. A
/// new tenant has the stock modules.
///
/// # Errors
/// The store failed.
pub(crate) async fn put(host: &Host, mut row: TenantRow) -> Result<bool, StoreError> {
    let _one_at_a_time = host.tenants.changing.lock().await;
    let name = row.tenant.clone();
    let before = host.tenants.get(&name);
    row.created_ms = before.map_or_else(|| host.clock.now_ms(), |before| before.row.created_ms);
    let is_new = host.store.put_tenant(&row).await?;
    if is_new {
        load(host, &row.tenant).await?;
    }
    host.tenants.insert(row);
    give_room(host, &name);
    // What went over its limits may be within them now.
    host.groups.resume(&name, |_| true);
    Ok(is_new)
}

/// Deletes a tenant with everything that is its own but its audit log; false when
/// there is none. Its rules and scrapes stop first; alerts vanish without a word.
///
/// # Errors
/// The store failed; what had stopped starts again with the server.
pub(crate) async fn delete(host: &Arc<Host>, tenant: &TenantId) -> Result<bool, StoreError> {
    let _one_at_a_time = host.tenants.changing.lock().await;
    // From here on nobody is let in any more.
    host.tenants.remove(tenant);
    host.access.keys().forget_tenant(tenant);
    let _no_group_comes = host.configuring.lock().await;
    for group in host.groups.of_tenant(tenant) {
        host.groups.remove(&group.key);
        host.tell_scheduler(News::Removed(group.key.clone()));
    }
    let was_there = host.store.delete_tenant(tenant).await?;
    scrape::reload(host, tenant).await?;
    host.embedded.forget(tenant).await;
    host.quarantine.remove(&Subject::Tenant(tenant.clone()));
    host.catalog.forget(tenant);
    host.remote_write.forget(tenant);
    host.pauses.forget(tenant);
    host.http.forget(tenant);
    host.metrics.forget_tenant(tenant);
    host.ledger.forget_tenant(tenant);
    host.logs.forget_tenant(tenant);
    host.tenant_metrics.forget_tenant(tenant);
    Ok(was_there)
}

/// Reads the tenants at the start. `default` is always there.
///
/// # Errors
/// The store failed.
pub(crate) async fn restore(host: &Host, default: &TenantId) -> Result<(), StoreError> {
    host.store
        .put_tenant_if_missing(default, host.clock.now_ms())
        .await?;
    for row in host.store.list_tenants_of_all_tenants().await? {
        let tenant = row.tenant.clone();
        host.tenants.insert(row);
        give_room(host, &tenant);
        load(host, &tenant).await?;
    }
    Ok(())
}

/// Gives the tenant's samples the room that its quotas allow.
fn give_room(host: &Host, tenant: &TenantId) {
    let quotas = &host.tenants.of(tenant).quotas;
    let db = host.embedded.of(tenant);
    db.set_room(quotas.samples_series, quotas.samples_bytes);
}

/// Brings a tenant the stock modules, and takes into memory what it has configured.
async fn load(host: &Host, tenant: &TenantId) -> Result<(), StoreError> {
    if host.config.upload_stock {
        stock::bring(host, tenant).await;
    }
    host.pauses.reload(&host.store, tenant).await?;
    host.catalog.reload(&host.store, tenant).await
}
