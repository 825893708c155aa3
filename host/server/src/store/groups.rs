//! Groups of rules.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::QueryBuilder;
use wasmalert_core::{GroupKey, TenantId};

use super::row::Fields;
use super::writer::BEGIN;
use super::{Connection, Db, Row, Store, StoreError};

/// A stored group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    pub key: GroupKey,
    /// A JSON text, as the API took it.
    pub spec: String,
    /// Greater than any before it in the tenant, also when the group was deleted meanwhile.
    pub revision: i64,
    pub updated_ms: i64,
}

impl Store {
    /// Every group of a tenant, by namespace and name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_groups(&self, tenant: &TenantId) -> Result<Vec<GroupRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM rule_groups WHERE tenant = $1 ORDER BY namespace, group_name")
            .bind(tenant.as_str())
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(group).collect()
    }

    /// Every group there is, for the scheduler's start; a row that does not parse is an
    /// error in its place, so that it does not stop the others.
    ///
    /// # Errors
    /// As the database does.
    pub async fn groups_of_all_tenants(&self) -> Result<Vec<Result<GroupRow, StoreError>>, StoreError> {
        let rows = sqlx::query("SELECT * FROM rule_groups ORDER BY tenant, namespace, group_name")
            .fetch_all(&self.read)
            .await?;
        Ok(rows.iter().map(group).collect())
    }

    /// One group.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_group(&self, key: &GroupKey) -> Result<Option<GroupRow>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM rule_groups
             WHERE tenant = $1 AND namespace = $2 AND group_name = $3",
        )
        .bind(key.tenant.as_str())
        .bind(&*key.namespace)
        .bind(&*key.group)
        .fetch_optional(&self.read)
        .await?;
        row.as_ref().map(group).transpose()
    }
}

/// Begins a transaction that may write, and gives the revisions of those groups that are there.
pub(super) async fn begin(
    connection: &mut Connection,
    groups: &BTreeSet<&GroupKey>,
) -> Result<BTreeMap<GroupKey, i64>, StoreError> {
    // As many as are asked for again, so that the statement stays prepared.
    let asked = groups.iter().cycle().take(groups.len().next_power_of_two());
    let mut sql = QueryBuilder::<Db>::new(BEGIN);
    sql.push("; WITH wanted (tenant, namespace, group_name) AS (");
    sql.push_values(asked, |mut row, group| {
        row.push_bind(group.tenant.as_str())
            .push_bind(&*group.namespace)
            .push_bind(&*group.group);
    });
    sql.push(
        ") SELECT g.tenant, g.namespace, g.group_name, g.revision FROM wanted AS w, rule_groups AS g
         WHERE g.tenant = w.tenant AND g.namespace = w.namespace AND g.group_name = w.group_name",
    );
    let rows = sql.build().fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let fields = fields(row);
            Ok((fields.group()?, fields.get("revision")?))
        })
        .collect()
}

fn fields(row: &Row) -> Fields<'_> {
    Fields {
        table: "rule_groups",
        key: &["tenant", "namespace", "group_name"],
        row,
    }
}

fn group(row: &Row) -> Result<GroupRow, StoreError> {
    let fields = fields(row);
    Ok(GroupRow {
        key: fields.group()?,
        spec: fields.get("spec")?,
        revision: fields.get("revision")?,
        updated_ms: fields.get("updated_ms")?,
    })
}
