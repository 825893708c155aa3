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
pub(crate) struct LogHub {
    recent: Mutex<HashMap<TenantId, VecDeque<Arc<LogEvent>>>>,
    live: broadcast::Sender<Arc<LogEvent>>,
}

impl Default for LogHub {
    fn default() -> Self {
        Self {
            recent: Mutex::default(),
            live: broadcast::Sender::new(FOLLOWER_LAG_MAX),
        }
    }
}

impl LogHub {
    pub(crate) fn write(&self, event: LogEvent) {
        let event = Arc::new(event);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = recent.entry(event.tenant.clone()).or_default();
        if lines.len() == RECENT_MAX {
            lines.pop_front();
        }
        lines.push_back(event.clone());
        // Sent under the lock, so that a follower sees each line exactly once.
        // An error only says that nobody follows.
        let _ = self.live.send(event);
    }

    /// The recent lines of a tenant, oldest first, and all that come after them.
    #[must_use]
    pub(crate) fn follow(
        &self,
        tenant: &TenantId,
    ) -> (Vec<Arc<LogEvent>>, broadcast::Receiver<Arc<LogEvent>>) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = recent
            .get(tenant)
            .map(|lines| lines.iter().cloned().collect())
            .unwrap_or_default();
        (lines, self.live.subscribe())
    }
}
