//! Who may pull now: what is pulled is in memory until it is compiled.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use wasmalert_core::TenantId;

/// Pulls of all tenants at a time.
const PULLS_MAX: usize = 8;

/// The tenants that are pulling, each one module at a time.
#[derive(Default)]
pub(crate) struct Turns(Mutex<BTreeSet<TenantId>>);

/// A pull that is under way, until it is dropped.
pub(crate) struct Turn<'t> {
    turns: &'t Turns,
    tenant: TenantId,
}

impl Turns {
    /// None while the tenant pulls already, or too many do.
    #[must_use]
    pub(crate) fn take(&self, tenant: &TenantId) -> Option<Turn<'_>> {
        let mut pulling = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = pulling.len() < PULLS_MAX && pulling.insert(tenant.clone());
        free.then(|| Turn {
            turns: self,
            tenant: tenant.clone(),
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut pulling = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulling.remove(&self.tenant);
    }
}
