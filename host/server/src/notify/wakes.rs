//! Tells the deliveries for whom there is something to do.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use wasmalert_core::TenantId;

/// Tenants whose outbox has changed since somebody looked.
#[derive(Default)]
pub(crate) struct Wakes {
    tenants: Mutex<BTreeSet<TenantId>>,
    changed: Notify,
}

impl Wakes {
    pub(crate) fn wake(&self, tenant: &TenantId) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(tenant.clone());
        drop(tenants);
        self.changed.notify_one();
    }

    /// Waits until somebody was woken after the last call of [`Self::take`].
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn take(&self) -> BTreeSet<TenantId> {
        std::mem::take(&mut *self.tenants.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
