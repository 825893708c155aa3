//! Who uses what, so that nothing in use is deleted.

use wasmalert_core::{GroupKey, TenantId};

use super::row::Fields;
use super::{Connection, Kind, StoreError};

/// Users that [`StoreError::InUse`] names.
pub const USERS_NAMED_MAX: usize = 20;

/// A module as a rule or a receiver names it; without a version, the promoted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleUse {
    pub name: String,
    pub version: Option<u32>,
}

/// A rule of a group and what it refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleUses {
    /// The rule's key within its group, as in `RuleKey`.
    pub rule: String,
    /// The key under which what is known of it was kept before, where that is another.
    pub was: Option<String>,
    pub modules: Vec<ModuleUse>,
    pub sources: Vec<String>,
    pub receivers: Vec<String>,
}

impl RuleUses {
    /// Kind, name and version (0 is the promoted one) of everything it refers to.
    fn each(&self) -> impl Iterator<Item = (Kind, &str, u32)> {
        let modules = self.modules.iter();
        let sources = self.sources.iter();
        let receivers = self.receivers.iter();
        modules
            .map(|m| (Kind::Module, m.name.as_str(), m.version.unwrap_or(0)))
            .chain(sources.map(|name| (Kind::Source, name.as_str(), 0)))
            .chain(receivers.map(|name| (Kind::Receiver, name.as_str(), 0)))
    }
}

/// Replaces what a group is known to use.
///
/// # Errors
/// [`StoreError::Missing`] for what is not there.
pub(super) async fn replace(
    connection: &mut Connection,
    group: &GroupKey,
    rules: &[RuleUses],
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM rule_uses WHERE tenant = $1 AND namespace = $2 AND group_name = $3")
        .bind(group.tenant.as_str())
        .bind(&*group.namespace)
        .bind(&*group.group)
        .execute(&mut *connection)
        .await?;
    for rule in rules {
        for (kind, name, version) in rule.each() {
            check_there(connection, &group.tenant, kind, name, version).await?;
            sqlx::query(
                "INSERT INTO rule_uses
                     (tenant, namespace, group_name, rule, kind, name, version)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            )
            .bind(group.tenant.as_str())
            .bind(&*group.namespace)
            .bind(&*group.group)
            .bind(&rule.rule)
            .bind(kind.as_str())
            .bind(name)
            .bind(i64::from(version))
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

/// # Errors
/// [`StoreError::Missing`] when it is not there.
pub(super) async fn check_there(
    connection: &mut Connection,
    tenant: &TenantId,
    kind: Kind,
    name: &str,
    version: u32,
) -> Result<(), StoreError> {
    let sql = match kind {
        Kind::Module => {
            "SELECT 1 FROM modules WHERE tenant = $1 AND name = $2
             AND (version = $3 OR $3 = 0) LIMIT 1"
        }
        Kind::Source => "SELECT 1 FROM sources WHERE tenant = $1 AND name = $2 AND $3 = 0",
        Kind::Receiver => "SELECT 1 FROM receivers WHERE tenant = $1 AND name = $2 AND $3 = 0",
    };
    let found = sqlx::query(sql)
        .bind(tenant.as_str())
        .bind(name)
        .bind(i64::from(version))
        .fetch_optional(connection)
        .await?;
    if found.is_some() {
        return Ok(());
    }
    let name = match version {
        0 => name.to_owned(),
        version => format!("{name}@{version}"),
    };
    Err(StoreError::Missing { kind, name })
}

/// Which uses of a module count.
#[derive(Debug, Clone, Copy)]
pub(super) enum Versions {
    All,
    /// Those of this version, and those of the promoted one when it is.
    One {
        version: u32,
        promoted: bool,
    },
}

impl Versions {
    /// The two versions that a use must have one of; none for all.
    fn bounds(self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::All => (None, None),
            Self::One { version, promoted } => {
                let version = i64::from(version);
                (Some(version), Some(if promoted { 0 } else { version }))
            }
        }
    }
}

/// # Errors
/// [`StoreError::InUse`] when a rule, or for a module a receiver, uses it.
pub(super) async fn check_unused(
    connection: &mut Connection,
    tenant: &TenantId,
    kind: Kind,
    name: &str,
    versions: Versions,
) -> Result<(), StoreError> {
    let mut by = rules_using(connection, tenant, kind, name, versions).await?;
    if kind == Kind::Module {
        by.extend(receivers_using(connection, tenant, name, versions).await?);
    }
    if by.is_empty() {
        return Ok(());
    }
    by.truncate(USERS_NAMED_MAX);
    let name = name.to_owned();
    Err(StoreError::InUse { kind, name, by })
}

async fn rules_using(
    connection: &mut Connection,
    tenant: &TenantId,
    kind: Kind,
    name: &str,
    versions: Versions,
) -> Result<Vec<String>, StoreError> {
    let (version, other) = versions.bounds();
    let rows = sqlx::query(
        "SELECT DISTINCT namespace, group_name, rule FROM rule_uses
         WHERE tenant = $1 AND kind = $2 AND name = $3
           AND (CAST($4 AS BIGINT) IS NULL OR version = $4 OR version = $5)
         ORDER BY namespace, group_name, rule LIMIT $6",
    )
    .bind(tenant.as_str())
    .bind(kind.as_str())
    .bind(name)
    .bind(version)
    .bind(other)
    .bind(USERS_NAMED_MAX as i64)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let fields = Fields {
                table: "rule_uses",
                key: &["namespace", "group_name", "rule"],
                row,
            };
            let namespace: &str = fields.get("namespace")?;
            let group: &str = fields.get("group_name")?;
            let rule: &str = fields.get("rule")?;
            Ok(format!("rule {namespace}/{group}/{rule}"))
        })
        .collect()
}

async fn receivers_using(
    connection: &mut Connection,
    tenant: &TenantId,
    module: &str,
    versions: Versions,
) -> Result<Vec<String>, StoreError> {
    let (version, other) = versions.bounds();
    let rows = sqlx::query(
        "SELECT name FROM receivers WHERE tenant = $1 AND module = $2
           AND (CAST($3 AS BIGINT) IS NULL OR module_version = $3 OR module_version = $4)
         ORDER BY name LIMIT $5",
    )
    .bind(tenant.as_str())
    .bind(module)
    .bind(version)
    .bind(other)
    .bind(USERS_NAMED_MAX as i64)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let fields = Fields {
                table: "receivers",
                key: &["name"],
                row,
            };
            Ok(format!("receiver {}", fields.get::<&str>("name")?))
        })
        .collect()
}

/// The tenant's next revision.
pub(super) async fn next_revision(connection: &mut Connection, tenant: &TenantId) -> Result<i64, StoreError> {
    let revision = sqlx::query_scalar(
        "INSERT INTO revisions (tenant, last) VALUES ($1, 1)
         ON CONFLICT (tenant) DO UPDATE SET last = revisions.last + 1 RETURNING last",
    )
    .bind(tenant.as_str())
    .fetch_one(connection)
    .await?;
    Ok(revision)
}
