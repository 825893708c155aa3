//! What people have paused: a rule, a group, a namespace, or all rules of a tenant. Nothing of it is evaluated;
//! its alerts, state and timers stay as they are, and receivers hear nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use wasmalert_core::{GroupKey, RuleKey, TenantId};

use crate::store::{PauseRow, Store, StoreError};

/// Namespace, group and rule; an empty one stands for all there are.
type Key = [String; 3];

/// The pauses of a tenant.
#[derive(Default)]
pub(crate) struct OfTenant(BTreeMap<Key, PauseRow>);

impl OfTenant {
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The widest pause that a rule is under, if there is one.
    #[must_use]
    pub(crate) fn of_rule(&self, rule: &RuleKey) -> Option<&PauseRow> {
        let of_rule = || self.get(&rule.group.namespace, &rule.group.group, &rule.rule);
        self.of_group(&rule.group).or_else(of_rule)
    }

    /// The widest pause that a whole group is under, if there is one.
    #[must_use]
    pub(crate) fn of_group(&self, group: &GroupKey) -> Option<&PauseRow> {
        let of_namespace = || self.get(&group.namespace, "", "");
        let of_group = || self.get(&group.namespace, &group.group, "");
        self.get("", "", "").or_else(of_namespace).or_else(of_group)
    }

    fn get(&self, namespace: &str, group: &str, rule: &str) -> Option<&PauseRow> {
        if self.is_empty() {
            return None;
        }
        self.0.get(&[namespace, group, rule].map(str::to_owned))
    }
}

/// The pauses of all tenants, as the store has them.
#[derive(Default)]
pub(crate) struct Pauses(RwLock<HashMap<TenantId, Arc<OfTenant>>>);

impl Pauses {
    #[must_use]
    pub(crate) fn of(&self, tenant: &TenantId) -> Arc<OfTenant> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(tenant).cloned().unwrap_or_default()
    }

    /// Reads those of a tenant anew.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn reload(&self, store: &Store, tenant: &TenantId) -> Result<(), StoreError> {
        let rows = store.list_pauses(tenant).await?;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match rows.is_empty() {
            true => {
                all.remove(tenant);
            }
            false => {
                let key = |row: &PauseRow| [row.namespace.clone(), row.group.clone(), row.rule.clone()];
                let rows = rows.into_iter().map(|row| (key(&row), row)).collect();
                all.insert(tenant.clone(), Arc::new(OfTenant(rows)));
            }
        }
        Ok(())
    }

    /// Drops those of a tenant that is gone.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(tenant);
    }
}
