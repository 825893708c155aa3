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
