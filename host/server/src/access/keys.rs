//! Keys of the API: how they look, and who holds one.
//!
//! A key is `wak_ID_SECRET`: 16 and 64 hexadecimal digits. The id is shown, the
//! secret once, when the key is made. Kept is its SHA-256, which is enough for 256
//! bits of chance.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use wasmalert_core::TenantId;

use super::token::{digest, has_digest};
use super::{Actor, Caller, Scopes};
use crate::Host;
use crate::chance;
use crate::store::{KeyRow, Store, StoreError};

const PREFIX: &str = "wak_";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;
/// Keys in memory, those included that are none.
const KEPT_MAX: u64 = 100_000;
/// Uses of keys are written down so often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// A key as it is shown once.
pub(crate) struct Key {
    pub(crate) id: String,
    secret: String,
}

impl Key {
    /// # Errors
    /// The system has no source of chance.
    pub(crate) fn make() -> Result<Self, getrandom::Error> {
        let mut id = chance::token()?;
        id.truncate(ID_DIGITS);
        let secret = chance::token()?;
        Ok(Self { id, secret })
    }

    /// Reads a key; none if the text is not of the form of one.
    #[must_use]
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let is_key = id.len() == ID_DIGITS && secret.len() == SECRET_DIGITS && is_hex(id) && is_hex(secret);
        is_key.then(|| Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
        })
    }

    /// The whole key.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret)
    }

    /// What is kept of it.
    #[must_use]
    pub(crate) fn digest(&self) -> Vec<u8> {
        digest(&self.secret)
    }
}

/// Keys that were looked up, and when they were used.
pub(crate) struct Keys {
    known: Cache<String, Option<Arc<KeyRow>>>,
    /// Counts changes, so that nothing is remembered that was read before one.
    changes: Mutex<u64>,
    used: Mutex<HashMap<String, i64>>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            known: Cache::new(KEPT_MAX),
            changes: Mutex::default(),
            used: Mutex::default(),
        }
    }
}

impl Keys {
    /// Who holds a key; none if it is not good. Without a store, none but those that
    /// were looked up before are known.
    ///
    /// # Errors
    /// The store failed.
    pub(super) async fn caller(
        &self,
        store: Option<&Store>,
        text: &str,
        now_ms: i64,
    ) -> Result<Option<Caller>, StoreError> {
        let Some(key) = Key::parse(text) else {
            return Ok(None);
        };
        let row = match self.known.get(&key.id) {
            Some(row) => row,
            None => {
                let Some(store) = store else { return Ok(None) };
                let changes = *self.changes();
                let row = store.key_of_all_tenants(&key.id).await?.map(Arc::new);
                let now = self.changes();
                if *now == changes {
                    self.known.insert(key.id.clone(), row.clone());
                }
                row
            }
        };
        let good = row.filter(|row| {
            has_digest(&key.secret, &row.digest) && row.expires_ms.is_none_or(|end_ms| now_ms < end_ms)
        });
        let Some(row) = good else { return Ok(None) };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(key.id.clone(), now_ms);
        let names = row.scopes.split(',');
        Ok(Scopes::parse(names).ok().map(|scopes| Caller {
            tenant: row.tenant.clone(),
            actor: Actor::Key(key.id),
            scopes,
        }))
    }

    /// Lets a key be looked up again, as after a change.
    pub(crate) fn forget(&self, id: &str) {
        *self.changes() += 1;
        self.known.invalidate(id);
    }

    fn changes(&self) -> MutexGuard<'_, u64> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all keys of a tenant be looked up again.
    pub(crate) fn forget_tenant(&self, tenant: &TenantId) {
        let ids: Vec<Arc<String>> = self
            .known
            .iter()
            .filter(|(_, row)| row.as_ref().is_some_and(|row| row.tenant == *tenant))
            .map(|(id, _)| id)
            .collect();
        ids.iter().for_each(|id| self.forget(id));
    }

    /// When a key was used last, if that is not written down yet.
    #[must_use]
    pub(crate) fn last_used_ms(&self, id: &str) -> Option<i64> {
        self.used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .copied()
    }

    /// Writes down when keys were used.
    pub(crate) async fn touch(&self, store: &Store) {
        let used = mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        let used: Vec<(String, i64)> = used.into_iter().collect();
        if used.is_empty() {
            return;
        }
        if let Err(error) = store.touch_keys_of_all_tenants(&used).await {
            tracing::error!(%error, "when keys were used could not be written down");
        }
    }
}

/// Writes down every minute when keys were used.
pub(crate) async fn touch_forever(host: Arc<Host>) {
    loop {
        tokio::time::sleep(TOUCH_EVERY).await;
        host.access.keys().touch(&host.store).await;
    }
}
