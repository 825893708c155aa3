//! What was used, to hold against quotas and to write bills from.

use crate::fault::FaultCode;
use crate::quota::Quota;
use crate::table::table;

/// What was used is kept by hours, which begin at multiples of this.
pub const HOUR_MS: i64 = 3_600_000;

table! {
    /// Something that is metered.
    enum Resource;
    /// How much of each was used.
    struct Usage;
    /// One row of the table of what is metered.
    struct UsageInfo { resource }

    /// Evaluations that ended.
    evaluations, Evaluations, "evaluations", 0;
    /// Evaluations that failed.
    failed, Failed, "evaluations", 0;
    /// Instructions of components, as wasmtime's fuel counts them.
    fuel, Fuel, "instructions", 0;
    /// Processor time of components, and of queries of the embedded source.
    cpu_ns, CpuNs, "nanoseconds", 0;
    /// Queries asked, those included whose answer was there already.
    queries, Queries, "queries", 0;
    /// Query results that rules were given.
    query_bytes, QueryBytes, "bytes", 0;
    /// Notifications put into the outbox.
    notifications, Notifications, "notifications", 0;
    /// Notifications as they are put into the outbox.
    notification_bytes, NotificationBytes, "bytes", 0;
    /// Lines that components logged.
    log_bytes, LogBytes, "bytes", 0;
    /// Journals that were kept.
    journal_bytes, JournalBytes, "bytes", 0;
}

impl Usage {
    /// Counts what else was used.
    pub fn add(&mut self, more: &Self) {
        for info in Self::TABLE {
            let sum = self.get(info.resource).saturating_add(more.get(info.resource));
            self.set(info.resource, sum);
        }
    }

    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Resource {
    /// The quota on it, if there is one.
    #[must_use]
    pub fn per_minute(self) -> Option<Quota> {
        match self {
            Self::Fuel => Some(Quota::FuelPerMinute),
            Self::Queries => Some(Quota::QueriesPerMinute),
            Self::QueryBytes => Some(Quota::QueryBytesPerMinute),
            Self::Notifications => Some(Quota::NotificationsPerMinute),
            Self::LogBytes => Some(Quota::LogBytesPerMinute),
            Self::JournalBytes => Some(Quota::JournalBytesPerMinute),
            Self::Evaluations | Self::Failed | Self::CpuNs | Self::NotificationBytes => None,
        }
    }
}

/// What an evaluation fails with that has no room under a quota.
#[must_use]
pub fn fault_of(quota: Quota) -> Option<FaultCode> {
    let metered = Usage::TABLE
        .iter()
        .any(|info| info.resource.per_minute() == Some(quota));
    metered.then_some(FaultCode::Quota(quota))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_adds_up() {
        let mut usage = Usage::default();
        assert!(usage.is_none());
        for (at, info) in Usage::TABLE.iter().enumerate() {
            usage.set(info.resource, at as u64);
        }
        let once = usage.clone();
        usage.add(&once);
        for (at, info) in Usage::TABLE.iter().enumerate() {
            assert_eq!(usage.get(info.resource), 2 * at as u64, "{}", info.name);
        }
        usage.add(&Usage::highest());
        assert_eq!(usage, Usage::highest());
    }
}
