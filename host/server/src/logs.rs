//! What rules and notifiers log, and what the host says of them: kept for a
//! while and followed live at `/v1/logs`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use wasmalert_core::evaluation::LogLevel;
use wasmalert_core::{RuleKey, TenantId};

/// Lines kept for each tenant.
const RECENT_MAX: usize = 1_000;
/// Lines that a slow follower may lag behind before it loses some.
const FOLLOWER_LAG_MAX: usize = 4_096;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogEvent {
    pub tenant: TenantId,
    pub time_ms: i64,
    pub level: LogLevel,
    pub rule: Option<RuleKey>,
    pub receiver: Option<String>,
    pub message: String,
    pub fields: Vec<(String, String)>,
    /// The fault's code, for lines by which the host tells of one.
    pub code: Option<&'static str>,
}

/// Takes lines in and hands them to whoever follows.
#[derive(Default)]
pub(crate) struct LogHub(Mutex<HashMap<TenantId, TenantLog>>);

/// One tenant's lines: a flood of another's moves none of them out of the way.
#[derive(Default)]
struct TenantLog {
    recent: VecDeque<Arc<LogEvent>>,
    /// None while nobody follows.
    live: Option<broadcast::Sender<Arc<LogEvent>>>,
}

impl LogHub {
    pub(crate) fn write(&self, event: LogEvent) {
        let event = Arc::new(event);
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let log = tenants.entry(event.tenant.clone()).or_default();
        if log.recent.len() == RECENT_MAX {
            log.recent.pop_front();
        }
        log.recent.push_back(event.clone());
        // Sent under the lock, so that a follower sees each line exactly once.
        if let Some(live) = &log.live
            && live.send(event).is_err()
        {
            log.live = None;
        }
    }

    /// Drops the lines of a tenant that is gone; who follows is told no more.
    pub(crate) fn forget_tenant(&self, tenant: &TenantId) {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.remove(tenant);
    }

    /// The recent lines of a tenant, oldest first, and all that come after them.
    #[must_use]
    pub(crate) fn follow(
        &self,
        tenant: &TenantId,
    ) -> (Vec<Arc<LogEvent>>, broadcast::Receiver<Arc<LogEvent>>) {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let log = tenants.entry(tenant.clone()).or_default();
        let live = log
            .live
            .get_or_insert_with(|| broadcast::Sender::new(FOLLOWER_LAG_MAX));
        (log.recent.iter().cloned().collect(), live.subscribe())
    }
}
