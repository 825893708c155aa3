//! What a tenant may have, each quota with its name, unit and default.

/// One row of the table of quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaInfo {
    pub quota: Quota,
    /// Name in the API; in settings with `quota_` before it.
    pub name: &'static str,
    pub unit: &'static str,
    pub default: u64,
    pub doc: &'static str,
}

macro_rules! quotas {
    ($($(#[doc = $doc:literal])+ $field:ident, $variant:ident, $unit:literal, $default:expr;)+) => {
        /// A quota of a tenant.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Quota { $($(#[doc = $doc])+ $variant,)+ }

        /// What a tenant may have.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Quotas { $($(#[doc = $doc])+ pub $field: u64,)+ }

        impl Default for Quotas {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Quotas {
            /// Every quota there is, in the order of the docs.
            pub const TABLE: &'static [QuotaInfo] = &[$(QuotaInfo {
                quota: Quota::$variant,
                name: stringify!($field),
                unit: $unit,
                default: $default,
                doc: concat!($($doc),+),
            },)+];

            #[must_use]
            pub fn get(&self, quota: Quota) -> u64 {
                match quota { $(Quota::$variant => self.$field,)+ }
            }

            pub fn set(&mut self, quota: Quota, value: u64) {
                match quota { $(Quota::$variant => self.$field = value,)+ }
            }
        }

        impl Quota {
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Quota::$variant => stringify!($field),)+ }
            }
        }
    };
}

quotas! {
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

impl Quota {
    /// The quota of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let found = Quotas::TABLE.iter().find(|info| info.name == name);
        found.map(|info| info.quota)
    }
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
