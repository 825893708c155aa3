//! What tenants and rules have used, hour by hour.

use wasmalert_core::usage::{HOUR_MS, Usage};
use wasmalert_core::{RuleKey, TenantId};

use super::row::{Fields, signed};
use super::script::{Script, values};
use super::{Row, Store, StoreError};

/// Rows that one call lists.
pub const USAGE_LISTED_MAX: u32 = 10_000;

/// What was used in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// When the hour began.
    pub hour_ms: i64,
    /// None for what no rule has used, or a rule long ago.
    pub rule: Option<RuleKey>,
    pub used: Usage,
}

impl Store {
    /// Counts what was used outside of an evaluation.
    ///
    /// # Errors
    /// As the database does; nothing is counted then.
    pub async fn add_usage(
        &self,
        tenant: &TenantId,
        rule: Option<&RuleKey>,
        now_ms: i64,
        used: &Usage,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let used = Used {
            tenant,
            rule,
            at_ms: now_ms,
            used,
        };
        let mut script = Script::default();
        add(&mut script, &[used]);
        script.run(&mut tx).await?;
        tx.commit().await
    }

    /// What a tenant has used from the hour of `from_ms` until before `to_ms`, by hour and
    /// rule, the first hour first; at most `limit` rows and [`USAGE_LISTED_MAX`]. The sums
    /// of all rules where `by_rule` is false.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_usage(
        &self,
        tenant: &TenantId,
        (from_ms, to_ms): (i64, i64),
        by_rule: bool,
        limit: u32,
    ) -> Result<Vec<UsageRow>, StoreError> {
        let rule = if by_rule {
            "namespace, group_name, rule"
        } else {
            "'' AS namespace, '' AS group_name, '' AS rule"
        };
        let group = if by_rule {
            "hour_ms, namespace, group_name, rule"
        } else {
            "hour_ms"
        };
        let sums: Vec<String> = Usage::TABLE
            .iter()
            .map(|info| format!("CAST(SUM({0}) AS BIGINT) AS {0}", info.name))
            .collect();
        let sql = format!(
            "SELECT $1 AS tenant, hour_ms, {rule}, {} FROM usage
             WHERE tenant = $1 AND hour_ms >= $2 AND hour_ms < $3 GROUP BY {group} ORDER BY {group} LIMIT $4",
            sums.join(", ")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(hour_ms(from_ms))
            .bind(to_ms)
            .bind(i64::from(limit.min(USAGE_LISTED_MAX)))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(usage).collect()
    }

    /// Adds what rules have used before a time to what their tenants have, and forgets
    /// which rules it was; at most `rows_max` rows at a time. Says how many.
    ///
    /// # Errors
    /// As the database does; nothing is changed then.
    pub async fn fold_usage_of_all_tenants(&self, before_ms: i64, rows_max: u32) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let rows =
            sqlx::query("SELECT * FROM usage WHERE hour_ms < $1 AND rule <> '' ORDER BY hour_ms LIMIT $2")
                .bind(before_ms)
                .bind(i64::from(rows_max))
                .fetch_all(&mut *tx)
                .await?;
        let mut script = Script::default();
        for row in &rows {
            let tenant = fields(row).tenant()?;
            let row = usage(row)?;
            let Some(rule) = &row.rule else { continue };
            let used = Used {
                tenant: &tenant,
                rule: None,
                at_ms: row.hour_ms,
                used: &row.used,
            };
            add(&mut script, &[used]);
            let gone = "DELETE FROM usage WHERE tenant = ? AND namespace = ? AND group_name = ?
                AND rule = ? AND hour_ms = ?";
            script.add_for(rule, gone).bind(row.hour_ms);
        }
        script.run(&mut tx).await?;
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// Removes hours before a time, at most `rows_max` rows.
    ///
    /// # Errors
    /// As the database does.
    pub async fn prune_usage_of_all_tenants(&self, before_ms: i64, rows_max: u32) -> Result<(), StoreError> {
        let prune = sqlx::query(
            "DELETE FROM usage WHERE (tenant, hour_ms, namespace, group_name, rule) IN
                 (SELECT tenant, hour_ms, namespace, group_name, rule FROM usage
                  WHERE hour_ms < $1 ORDER BY hour_ms LIMIT $2)",
        );
        self.change(prune.bind(before_ms).bind(i64::from(rows_max)))
            .await
            .map(drop)
    }
}

/// What was used, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used<'u> {
    pub(super) tenant: &'u TenantId,
    pub(super) rule: Option<&'u RuleKey>,
    pub(super) at_ms: i64,
    pub(super) used: &'u Usage,
}

/// Counts what was used, each in its hour.
pub(super) fn add(script: &mut Script, all: &[Used<'_>]) {
    let names: Vec<&str> = Usage::TABLE.iter().map(|info| info.name).collect();
    let sums = names
        .iter()
        .map(|name| format!("{name} = usage.{name} + excluded.{name}"));
    let mut script = script.add(&format!(
        "INSERT INTO usage (tenant, hour_ms, namespace, group_name, rule, {}) {}
         ON CONFLICT (tenant, hour_ms, namespace, group_name, rule) DO UPDATE SET {}",
        names.join(", "),
        values(all.len(), 5 + names.len()),
        sums.collect::<Vec<_>>().join(", "),
    ));
    for of in all {
        let (namespace, group, rule) = of.rule.map_or(("", "", ""), |rule| {
            (&*rule.group.namespace, &*rule.group.group, &*rule.rule)
        });
        script = script
            .bind(of.tenant.as_str())
            .bind(hour_ms(of.at_ms))
            .bind(namespace)
            .bind(group)
            .bind(rule);
        for info in Usage::TABLE {
            script = script.bind(signed(of.used.get(info.resource)));
        }
    }
}

/// When the hour began.
fn hour_ms(at_ms: i64) -> i64 {
    at_ms - at_ms.rem_euclid(HOUR_MS)
}

fn fields(row: &Row) -> Fields<'_> {
    Fields {
        table: "usage",
        key: &["tenant", "hour_ms", "rule"],
        row,
    }
}

fn usage(row: &Row) -> Result<UsageRow, StoreError> {
    let fields = fields(row);
    let mut used = Usage::default();
    for info in Usage::TABLE {
        used.set(info.resource, fields.number(info.name)?);
    }
    let rule: &str = fields.get("rule")?;
    let rule = if rule.is_empty() {
        None
    } else {
        Some(fields.rule()?)
    };
    Ok(UsageRow {
        hour_ms: fields.get("hour_ms")?,
        rule,
        used,
    })
}
