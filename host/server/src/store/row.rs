//! Reading columns without trusting them.

use serde::de::DeserializeOwned;
use sqlx::{Decode, Row as _, Type};
use wasmalert_core::{GroupKey, Labels, RuleKey, TenantId};

use super::{Db, Row, StoreError};

/// A row with the names needed to say where it is broken.
pub(super) struct Fields<'r> {
    pub(super) table: &'static str,
    /// The columns that tell which row this is; those not selected are left out.
    pub(super) key: &'static [&'static str],
    pub(super) row: &'r Row,
}

impl<'r> Fields<'r> {
    pub(super) fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Db> + Type<Db>,
    {
        self.row
            .try_get(column)
            .map_err(|error| self.corrupt(column, error))
    }

    /// A number that must fit into `T`: counts, sizes and versions.
    pub(super) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        let number: i64 = self.get(column)?;
        T::try_from(number).map_err(|_| self.corrupt(column, format!("{number} is out of range")))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: &str = self.get(column)?;
        serde_json::from_str(text).map_err(|error| self.corrupt(column, error))
    }

    /// A text that is one of a few codes.
    pub(super) fn code<T>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text: &str = self.get(column)?;
        parse(text).ok_or_else(|| self.corrupt(column, format!("{text:?} is not known")))
    }

    pub(super) fn labels(&self, column: &'static str) -> Result<Labels, StoreError> {
        let pairs: std::collections::BTreeMap<String, String> = self.json(column)?;
        Ok(pairs.into_iter().collect())
    }

    pub(super) fn tenant(&self) -> Result<TenantId, StoreError> {
        let name: &str = self.get("tenant")?;
        TenantId::new(name).map_err(|error| self.corrupt("tenant", error))
    }

    pub(super) fn group(&self) -> Result<GroupKey, StoreError> {
        Ok(GroupKey {
            tenant: self.tenant()?,
            namespace: self.get::<&str>("namespace")?.into(),
            group: self.get::<&str>("group_name")?.into(),
        })
    }

    pub(super) fn rule(&self) -> Result<RuleKey, StoreError> {
        Ok(RuleKey {
            group: self.group()?,
            rule: self.get::<&str>("rule")?.into(),
        })
    }

    pub(super) fn corrupt(&self, column: &'static str, reason: impl std::fmt::Display) -> StoreError {
        let part = |name: &&'static str| {
            let text = self.row.try_get_unchecked::<String, _>(*name).ok()?;
            Some(format!("{name}={text}"))
        };
        StoreError::Corrupt {
            table: self.table,
            key: self.key.iter().filter_map(part).collect::<Vec<_>>().join(" "),
            column,
            reason: reason.to_string(),
        }
    }
}

/// A count as the database keeps it; beyond its range the largest.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
