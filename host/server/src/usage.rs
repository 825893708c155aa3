//! Counts what tenants use: held against their quotas of a minute, shown as
//! metrics, and kept by the hour for `GET /v1/usage`.
//!
//! What an evaluation uses is written in its own transaction, so that it is counted
//! exactly once, whatever happens. The rest, such as queries through the API, is
//! gathered in memory and written every few seconds and at the stop.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use wasmalert_core::fault::Fault;
use wasmalert_core::quota::{Quota, Quotas};
use wasmalert_core::rate::{Bucket, Size};
use wasmalert_core::usage::Usage;
use wasmalert_core::{RuleKey, TenantId};

use crate::Host;

/// What is gathered in memory is written so often.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// The accounts of all tenants.
#[derive(Default)]
pub(crate) struct Ledger(RwLock<HashMap<TenantId, Arc<Account>>>);

/// What one tenant has used.
#[derive(Default)]
pub(crate) struct Account(Mutex<Used>);

#[derive(Default)]
struct Used {
    /// What is left of this minute.
    minutes: BTreeMap<Quota, Bucket>,
    /// Since the server's start, by rule; none for what no rule has used.
    since_start: BTreeMap<Option<RuleKey>, Usage>,
    /// What is not in the store yet.
    unwritten: Usage,
}

impl Ledger {
    /// A tenant's account.
    #[must_use]
    pub(crate) fn of(&self, tenant: &TenantId) -> Arc<Account> {
        let accounts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(tenant) {
            return account.clone();
        }
        drop(accounts);
        let mut accounts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        accounts.entry(tenant.clone()).or_default().clone()
    }

    pub(crate) fn forget_tenant(&self, tenant: &TenantId) {
        let mut accounts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        accounts.remove(tenant);
    }

    fn all(&self) -> Vec<(TenantId, Arc<Account>)> {
        let accounts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        accounts
            .iter()
            .map(|(tenant, account)| (tenant.clone(), account.clone()))
            .collect()
    }
}

impl Account {
    fn lock(&self) -> MutexGuard<'_, Used> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much of a quota of a minute is used.
    #[must_use]
    pub(crate) fn used(&self, quota: Quota, quotas: &Quotas, now_ms: i64) -> u64 {
        let allowed = quotas.get(quota);
        let size = Size::per_minute(allowed);
        let bucket = self.lock().minutes.get(&quota).copied();
        let left = bucket.map_or(size.tokens, |bucket| bucket.tokens(size, now_ms));
        (size.tokens - left).max(0.0) as u64
    }

    /// Whether there is room for more under quotas of a minute. What is begun with
    /// room is done, and paid for after.
    ///
    /// # Errors
    /// The first quota that is used up.
    pub(crate) fn check(&self, of: &[Quota], quotas: &Quotas, now_ms: i64) -> Result<(), Fault> {
        for &quota in of {
            let (used, allowed) = (self.used(quota, quotas, now_ms), quotas.get(quota));
            if used >= allowed {
                return Err(Fault::over_quota(quota, used, allowed));
            }
        }
        Ok(())
    }

    /// Takes what was used from the quotas of the minute.
    pub(crate) fn spend(&self, used: &Usage, quotas: &Quotas, now_ms: i64) {
        let mut account = self.lock();
        for info in Usage::TABLE {
            let amount = used.get(info.resource);
            let Some(quota) = info.resource.per_minute().filter(|_| amount > 0) else {
                continue;
            };
            let size = Size::per_minute(quotas.get(quota));
            let bucket = account.minutes.entry(quota);
            let bucket = bucket.or_insert_with(|| Bucket::full(size, now_ms));
            bucket.take(size, now_ms, amount as f64);
        }
    }

    /// Counts what a rule has used, which the store has.
    pub(crate) fn count(&self, rule: &RuleKey, used: &Usage) {
        let mut account = self.lock();
        account
            .since_start
            .entry(Some(rule.clone()))
            .or_default()
            .add(used);
    }

    /// Counts what is to be written later, of no rule.
    pub(crate) fn note(&self, used: &Usage) {
        self.lock().unwritten.add(used);
    }

    /// Counts what no rule has used and no quota of a minute bounds.
    pub(crate) fn gather(&self, used: &Usage) {
        let mut account = self.lock();
        account.unwritten.add(used);
        account.since_start.entry(None).or_default().add(used);
    }

    /// Drops what is counted of a rule that is gone.
    pub(crate) fn forget_rule(&self, rule: &RuleKey) {
        let mut account = self.lock();
        if let Some(used) = account.since_start.remove(&Some(rule.clone())) {
            account.since_start.entry(None).or_default().add(&used);
        }
    }

    /// What was used since the start, by rule.
    #[must_use]
    pub(crate) fn since_start(&self) -> BTreeMap<Option<RuleKey>, Usage> {
        self.lock().since_start.clone()
    }
}

/// Writes what is gathered in memory, until it is cancelled.
pub(crate) async fn write_forever(host: Arc<Host>) {
    loop {
        tokio::time::sleep(WRITE_EVERY).await;
        write(&host).await;
    }
}

/// Writes what is gathered in memory.
pub(crate) async fn write(host: &Host) {
    for (tenant, account) in host.ledger.all() {
        let used = std::mem::take(&mut account.lock().unwritten);
        if used.is_none() || !host.tenants.is_there(&tenant) {
            continue;
        }
        let now_ms = host.clock.now_ms();
        if let Err(error) = host.store.add_usage(&tenant, None, now_ms, &used).await {
            tracing::error!(%tenant, %error, "what was used could not be written down; it is tried again");
            account.note(&used);
        }
    }
}
