//! The tenants there are: made, deleted, and known in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use wasmalert_core::TenantId;
use wasmalert_core::quota::{Quota, Quotas};

use crate::scheduler::News;
use crate::store::{StoreError, TenantRow};
use crate::{Host, scrape, stock};

/// Tenants by name.
#[derive(Default)]
pub(crate) struct Tenants {
    known: RwLock<BTreeMap<TenantId, TenantRow>>,
    /// One change after the other, so that what is known is what is stored.
    changing: tokio::sync::Mutex<()>,
}

impl Tenants {
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
    pub(crate) fn get(&self, tenant: &TenantId) -> Option<TenantRow> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
            .cloned()
    }

    /// What a tenant may have: the server's quotas, but for those that are its own.
    #[must_use]
    pub(crate) fn quotas(&self, tenant: &TenantId, of_server: &Quotas) -> Quotas {
        let mut quotas = of_server.clone();
        let own = self.get(tenant).map(|row| row.quotas).unwrap_or_default();
        for (name, value) in own {
            if let Some(quota) = Quota::parse(&name) {
                quotas.set(quota, value);
            }
        }
        quotas
    }

    /// By name.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<TenantRow> {
        let tenants = self.known.read().unwrap_or_else(PoisonError::into_inner);
        tenants.values().cloned().collect()
    }

    fn insert(&self, row: TenantRow) {
        let mut tenants = self.known.write().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(row.tenant.clone(), row);
    }

    fn remove(&self, tenant: &TenantId) {
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(tenant);
    }
}

/// Makes a tenant, or changes what is configured of one; true when it is new. A
/// new tenant has the stock modules.
///
/// # Errors
/// The store failed.
pub(crate) async fn put(host: &Host, mut row: TenantRow) -> Result<bool, StoreError> {
    let _one_at_a_time = host.tenants.changing.lock().await;
    let before = host.tenants.get(&row.tenant);
    row.created_ms = before.map_or_else(|| host.clock.now_ms(), |before| before.created_ms);
    let is_new = host.store.put_tenant(&row).await?;
    if is_new {
        load(host, &row.tenant).await?;
    }
    host.tenants.insert(row);
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
    let _no_group_comes = host.changing_groups.lock().await;
    for group in host.groups.of_tenant(tenant) {
        host.groups.remove(&group.key);
        host.tell_scheduler(News::Removed(group.key.clone()));
    }
    let was_there = host.store.delete_tenant(tenant).await?;
    scrape::reload(host, tenant).await?;
    host.embedded.forget(tenant).await;
    host.catalog.forget(tenant);
    host.http.forget(tenant);
    host.metrics.forget_tenant(tenant);
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
        load(host, &tenant).await?;
    }
    Ok(())
}

/// Brings a tenant the stock modules, and takes into memory what it has configured.
async fn load(host: &Host, tenant: &TenantId) -> Result<(), StoreError> {
    if host.config.upload_stock {
        stock::bring(host, tenant).await;
    }
    host.catalog.reload(&host.store, tenant).await
}
