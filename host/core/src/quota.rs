//! What a tenant may have, each quota with its name, unit and default.

use crate::table::table;

table! {
    /// A quota of a tenant.
    enum Quota;
    /// What a tenant may have.
    struct Quotas;
    /// One row of the table of quotas.
    struct QuotaInfo { quota }

    /// Versions of modules.
    modules, Modules, "versions", 1_000;
    /// Bytes of the modules' code.
    code_bytes, CodeBytes, "bytes", 1 << 30;
    /// Groups.
    groups, Groups, "groups", 10_000;
    /// Rules of all groups.
    rules, Rules, "rules", 100_000;
    /// Sources.
    sources, Sources, "sources", 1_000;
    /// Receivers.
    receivers, Receivers, "receivers", 1_000;
    /// Secrets.
    secrets, Secrets, "secrets", 1_000;
    /// Scrapes.
    scrapes, Scrapes, "scrapes", 1_000;
    /// Targets of all scrapes, without those of files.
    targets, Targets, "targets", 10_000;
    /// Keys of the API.
    keys, Keys, "keys", 1_000;
    /// Groups that are evaluated at the same time.
    evaluations_at_once, EvaluationsAtOnce, "groups", 128;
    /// Queries under way at the same time.
    queries_at_once, QueriesAtOnce, "queries", 64;
    /// Scrapes under way at the same time.
    scrapes_at_once, ScrapesAtOnce, "scrapes", 64;
    /// Notifications under way at the same time.
    deliveries_at_once, DeliveriesAtOnce, "notifications", 16;
    /// Uploads under way at the same time, each of which may be compiled.
    uploads_at_once, UploadsAtOnce, "uploads", 2;
    /// Time between two evaluations of a group, at least.
    interval_min_ms, IntervalMinMs, "milliseconds", 1_000;
    /// Series in the embedded source.
    samples_series, SamplesSeries, "series", 1_000_000;
    /// Memory of samples in the embedded source; the oldest make room for new ones.
    samples_bytes, SamplesBytes, "bytes", 512 << 20;
    /// Fuel of all evaluations and notifiers in a minute.
    fuel_per_minute, FuelPerMinute, "instructions", 1_000_000_000_000;
    /// Queries of rules in a minute.
    queries_per_minute, QueriesPerMinute, "queries", 1_000_000;
    /// Query results of rules in a minute.
    query_bytes_per_minute, QueryBytesPerMinute, "bytes", 64 << 30;
    /// Notifications put into the outbox in a minute.
    notifications_per_minute, NotificationsPerMinute, "notifications", 60_000;
    /// What components log in a minute; further lines are left out.
    log_bytes_per_minute, LogBytesPerMinute, "bytes", 64 << 20;
    /// Journals that are kept in a minute; further ones are kept without samples and state.
    journal_bytes_per_minute, JournalBytesPerMinute, "bytes", 4 << 30;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quota_has_a_name_and_a_value() {
        let mut quotas = Quotas::default();
        for (at, info) in Quotas::TABLE.iter().enumerate() {
            assert_eq!(Quota::parse(info.name), Some(info.quota));
            assert_eq!(
                (info.quota.name(), quotas.get(info.quota)),
                (info.name, info.default)
            );
            quotas.set(info.quota, at as u64);
            assert_eq!(quotas.get(info.quota), at as u64);
        }
        assert_eq!(Quota::parse("rule"), None);
    }
}
