//! Changes of what a tenant has configured: each is made whole or not at all, and goes on record.

use std::collections::BTreeMap;

use wasmalert_core::{GroupKey, TenantId};

use super::row::Fields;
use super::uses::{self, ModuleUse, RuleUses, Versions, check_there, check_unused, next_revision};
use super::{Connection, Kind, Row, Store, StoreError, rule_rows};

/// Items of a change that a list of changes names.
const CHANGE_ITEMS_LISTED_MAX: usize = 100;
/// The oldest changes go when those of a tenant take more.
const HISTORY_BYTES_MAX: i64 = 64 << 20;
/// How often it is looked how much they take.
const PRUNED_EVERY: i64 = 16;
/// A change of more is looked at in any case.
const LARGE_CHANGE_BYTES: i64 = 1 << 20;

/// Kinds of what is configured, in the order in which they are put: what others refer to comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    Source,
    Scrape,
    /// Which version of a module is promoted.
    Module,
    Receiver,
    Group,
}

impl ItemKind {
    pub const ALL: [Self; 5] = [
        Self::Source,
        Self::Scrape,
        Self::Module,
        Self::Receiver,
        Self::Group,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Scrape => "scrape",
            Self::Module => "module",
            Self::Receiver => "receiver",
            Self::Group => "group",
        }
    }

    #[must_use]
    pub fn parse(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == kind)
    }
}

/// Something that is configured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ItemKey {
    pub kind: ItemKind,
    /// Of a group; empty of others.
    pub namespace: String,
    pub name: String,
}

impl ItemKey {
    #[must_use]
    pub fn new(kind: ItemKind, name: &str) -> Self {
        Self {
            kind,
            namespace: String::new(),
            name: name.to_owned(),
        }
    }

    #[must_use]
    pub fn group(namespace: &str, name: &str) -> Self {
        Self {
            kind: ItemKind::Group,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The key of the group that it is.
    #[must_use]
    pub fn group_key(&self, tenant: &TenantId) -> GroupKey {
        GroupKey {
            tenant: tenant.clone(),
            namespace: self.namespace.as_str().into(),
            group: self.name.as_str().into(),
        }
    }
}

impl std::fmt::Display for ItemKey {
    /// Kind and name, such as `group prod/node`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, name) = (self.kind.as_str(), &self.name);
        match self.kind {
            ItemKind::Group => write!(f, "{kind} {}/{name}", self.namespace),
            _ => write!(f, "{kind} {name}"),
        }
    }
}

/// What an item is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// A JSON text.
    pub spec: String,
    pub uses: Uses,
}

/// What an item refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uses {
    Nothing,
    /// Of a receiver, its notifier; of a module, the version to be promoted.
    Module(ModuleUse),
    /// Of a group, all of its rules. What is known of rules that are not among them (health,
    /// alerts, state, timers) is removed.
    Rules(Vec<RuleUses>),
}

/// What an item must be like for a change to be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expected {
    #[default]
    Anything,
    Absent,
    Present,
    /// There, and last changed by this.
    Revision(i64),
}

/// A change of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemChange {
    pub key: ItemKey,
    /// None deletes it. A module is not deleted so.
    pub to: Option<NewItem>,
    pub expected: Expected,
}

/// Who changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// As the audit log names callers.
    pub actor: String,
    pub address: String,
    /// How, such as `PUT /v1/groups/a/b`.
    pub call: String,
}

/// On what terms a change is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// The revision that the whole configuration must be at.
    pub expected: Option<i64>,
    /// Nothing is written; what would have changed is told.
    pub dry_run: bool,
}

/// An item that a change has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemChanged {
    pub key: ItemKey,
    /// JSON texts; none before is what was made, none after what was deleted.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What a change has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChanged {
    /// Of the whole configuration, which stays where nothing has changed.
    pub revision: i64,
    /// Those that were not like this already.
    pub items: Vec<ItemChanged>,
}

/// A change on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChangeRow {
    pub revision: i64,
    pub time_ms: i64,
    pub origin: Origin,
    pub items_total: u64,
    /// The first of them.
    pub items: Vec<ItemChanged>,
}

/// An item as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredItem {
    pub spec: String,
    /// Of the change that made it so; 0 of a module.
    pub revision: i64,
}

impl Store {
    /// Changes what a tenant has configured: all of it, or with an error nothing. Items come in
    /// whatever order.
    ///
    /// # Errors
    /// [`StoreError::Missing`] for what is referred to and not there, [`StoreError::InUse`] for what is to
    /// be deleted and used, [`StoreError::Unexpected`] where something is not as expected.
    pub async fn change_config(
        &self,
        tenant: &TenantId,
        origin: &Origin,
        mut changes: Vec<ItemChange>,
        terms: Terms,
        now_ms: i64,
    ) -> Result<ConfigChanged, StoreError> {
        changes.sort_by_key(|change| match change.to {
            Some(_) => (false, change.key.kind as i8),
            None => (true, -(change.key.kind as i8)),
        });
        let mut tx = self.begin_write().await?;
        let last = last_revision(&mut tx, tenant).await?;
        if let Some(expected) = terms.expected.filter(|expected| *expected != last) {
            return Err(StoreError::Unexpected {
                what: "the configuration".to_owned(),
                found: format!("is at revision {last}, not {expected}"),
            });
        }
        let revision = next_revision(&mut tx, tenant).await?;
        let mut items = Vec::new();
        for change in changes {
            let before = stored(&mut tx, tenant, &change.key).await?;
            change.expected.check(&change.key, before.as_ref())?;
            let before = before.map(|stored| stored.spec);
            if before.as_ref() == change.to.as_ref().map(|new| &new.spec) {
                continue;
            }
            match &change.to {
                Some(new) => put(&mut tx, tenant, &change.key, new, (revision, now_ms)).await?,
                None => delete(&mut tx, tenant, &change.key).await?,
            }
            items.push(ItemChanged {
                key: change.key,
                before,
                after: change.to.map(|new| new.spec),
            });
        }
        if items.is_empty() || terms.dry_run {
            return Ok(ConfigChanged {
                revision: last,
                items,
            }); // and nothing is written
        }
        record(&mut tx, tenant, origin, (revision, now_ms), &items).await?;
        tx.commit().await?;
        Ok(ConfigChanged { revision, items })
    }

    /// Those of the items that are there.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn config_items(
        &self,
        tenant: &TenantId,
        keys: impl Iterator<Item = &ItemKey>,
    ) -> Result<BTreeMap<ItemKey, StoredItem>, StoreError> {
        let mut tx = self.begin_read().await?;
        let mut items = BTreeMap::new();
        for key in keys {
            if let Some(item) = stored(&mut tx, tenant, key).await? {
                items.insert(key.clone(), item);
            }
        }
        Ok(items)
    }

    /// The revision of what a tenant has configured; 0 where nothing was ever.
    ///
    /// # Errors
    /// As the database does.
    pub async fn config_revision(&self, tenant: &TenantId) -> Result<i64, StoreError> {
        let mut tx = self.begin_read().await?;
        last_revision(&mut tx, tenant).await
    }

    /// Changes before a revision, the newest first, each with its first
    /// 100 items, without what they were: an empty text stands for that.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_config_changes(
        &self,
        tenant: &TenantId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ConfigChangeRow>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT * FROM config_changes WHERE tenant = $1 AND ($2 IS NULL OR revision < $2)
             ORDER BY revision DESC LIMIT $3",
        );
        let rows = rows.bind(tenant.as_str()).bind(before).bind(i64::from(limit));
        let mut changes = Vec::new();
        for row in rows.fetch_all(&mut *tx).await? {
            let mut change = config_change(&row)?;
            let sql = "SELECT revision, number, kind, namespace, name,
                           CASE WHEN before IS NULL THEN NULL ELSE '' END AS before,
                           CASE WHEN after IS NULL THEN NULL ELSE '' END AS after
                       FROM config_change_items WHERE tenant = $1 AND revision = $2 ORDER BY number LIMIT $3";
            let items = sqlx::query(sql).bind(tenant.as_str()).bind(change.revision);
            let items = items.bind(CHANGE_ITEMS_LISTED_MAX as i64);
            let items = items.fetch_all(&mut *tx).await?;
            change.items = items.iter().map(item_changed).collect::<Result<_, _>>()?;
            let sql = "SELECT COUNT(*) FROM config_change_items WHERE tenant = $1 AND revision = $2";
            let total = sqlx::query_scalar(sql)
                .bind(tenant.as_str())
                .bind(change.revision);
            let total: i64 = total.fetch_one(&mut *tx).await?;
            change.items_total = total.unsigned_abs();
            changes.push(change);
        }
        Ok(changes)
    }

    /// One change, with all that it has changed.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_config_change(
        &self,
        tenant: &TenantId,
        revision: i64,
    ) -> Result<Option<ConfigChangeRow>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sqlx::query("SELECT * FROM config_changes WHERE tenant = $1 AND revision = $2");
        let row = row.bind(tenant.as_str()).bind(revision);
        let Some(row) = row.fetch_optional(&mut *tx).await? else {
            return Ok(None);
        };
        let mut change = config_change(&row)?;
        let sql = "SELECT * FROM config_change_items WHERE tenant = $1 AND revision = $2 ORDER BY number";
        let items = sqlx::query(sql).bind(tenant.as_str()).bind(revision);
        let items = items.fetch_all(&mut *tx).await?;
        change.items = items.iter().map(item_changed).collect::<Result<_, _>>()?;
        change.items_total = change.items.len() as u64;
        Ok(Some(change))
    }

    /// Everything that has changed since a revision, as it was then and as it is now.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] where what is on record does not go back so far.
    pub async fn config_changed_since(
        &self,
        tenant: &TenantId,
        revision: i64,
    ) -> Result<Vec<(ItemKey, Option<String>)>, StoreError> {
        let mut tx = self.begin_read().await?;
        let last = last_revision(&mut tx, tenant).await?;
        let first = sqlx::query_scalar("SELECT MIN(revision) FROM config_changes WHERE tenant = $1");
        let first: Option<i64> = first.bind(tenant.as_str()).fetch_one(&mut *tx).await?;
        let oldest = first.map_or(last, |first| first - 1);
        if !(oldest..=last).contains(&revision) {
            return Err(StoreError::Unfit(format!(
                "revision {revision} is not from {oldest} to {last}, which are on record"
            )));
        }
        let rows = sqlx::query(
            "SELECT revision, number, kind, namespace, name, before, NULL AS after FROM
                 (SELECT *, ROW_NUMBER() OVER
                     (PARTITION BY kind, namespace, name ORDER BY revision, number) AS turn
                  FROM config_change_items WHERE tenant = $1 AND revision > $2) AS since
             WHERE turn = 1 ORDER BY revision, number",
        );
        let rows = rows.bind(tenant.as_str()).bind(revision);
        let rows = rows.fetch_all(&mut *tx).await?;
        rows.iter()
            .map(|row| item_changed(row).map(|item| (item.key, item.before)))
            .collect()
    }
}

impl Expected {
    fn check(self, key: &ItemKey, found: Option<&StoredItem>) -> Result<(), StoreError> {
        let revision = found.map(|found| found.revision);
        let (good, wanted) = match self {
            Self::Anything => return Ok(()),
            Self::Absent => (revision.is_none(), "not there".to_owned()),
            Self::Present => (revision.is_some(), "there".to_owned()),
            Self::Revision(wanted) => (revision == Some(wanted), format!("at revision {wanted}")),
        };
        let found = match revision {
            _ if good => return Ok(()),
            None => format!("is not there, and was to be {wanted}"),
            Some(revision) => format!("is at revision {revision}, and was to be {wanted}"),
        };
        Err(StoreError::Unexpected {
            what: format!("the {key}"),
            found,
        })
    }
}

async fn last_revision(connection: &mut Connection, tenant: &TenantId) -> Result<i64, StoreError> {
    let last = sqlx::query_scalar("SELECT last FROM revisions WHERE tenant = $1");
    let last = last.bind(tenant.as_str()).fetch_optional(connection).await?;
    Ok(last.unwrap_or(0))
}

/// What there is of an item.
async fn stored(
    connection: &mut Connection,
    tenant: &TenantId,
    key: &ItemKey,
) -> Result<Option<StoredItem>, StoreError> {
    let (table, sql) = match key.kind {
        ItemKind::Source => (
            "sources",
            "SELECT name, spec, revision FROM sources WHERE tenant = $1 AND name = $2",
        ),
        ItemKind::Scrape => (
            "scrapes",
            "SELECT name, spec, revision FROM scrapes WHERE tenant = $1 AND name = $2",
        ),
        ItemKind::Receiver => (
            "receivers",
            "SELECT name, spec, revision FROM receivers WHERE tenant = $1 AND name = $2",
        ),
        ItemKind::Module => (
            "module_names",
            "SELECT name, promoted FROM module_names WHERE tenant = $1 AND name = $2 AND promoted > 0",
        ),
        ItemKind::Group => (
            "rule_groups",
            "SELECT namespace, group_name, spec, revision FROM rule_groups
             WHERE tenant = $1 AND group_name = $2 AND namespace = $3",
        ),
    };
    let query = sqlx::query(sql).bind(tenant.as_str()).bind(&key.name);
    let query = match key.kind {
        ItemKind::Group => query.bind(&key.namespace),
        _ => query,
    };
    let Some(row) = query.fetch_optional(connection).await? else {
        return Ok(None);
    };
    let fields = Fields {
        table,
        key: &["namespace", "group_name", "name"],
        row: &row,
    };
    Ok(Some(match key.kind {
        ItemKind::Module => StoredItem {
            spec: promotion(fields.number("promoted")?),
            revision: 0,
        },
        _ => StoredItem {
            spec: fields.get("spec")?,
            revision: fields.get("revision")?,
        },
    }))
}

/// The spec of an item [`ItemKind::Module`].
#[must_use]
pub fn promotion(version: u32) -> String {
    format!("{{\"version\":{version}}}")
}

async fn put(
    connection: &mut Connection,
    tenant: &TenantId,
    key: &ItemKey,
    new: &NewItem,
    (revision, now_ms): (i64, i64),
) -> Result<(), StoreError> {
    let unfit = || StoreError::Unfit(format!("the {key} cannot be put so"));
    let query = match (key.kind, &new.uses) {
        (ItemKind::Source, Uses::Nothing) => sqlx::query(
            "INSERT INTO sources (tenant, name, spec, revision, updated_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant, name) DO UPDATE SET spec = excluded.spec,
                 revision = excluded.revision, updated_ms = excluded.updated_ms",
        ),
        (ItemKind::Scrape, Uses::Nothing) => sqlx::query(
            "INSERT INTO scrapes (tenant, name, spec, revision, updated_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant, name) DO UPDATE SET spec = excluded.spec,
                 revision = excluded.revision, updated_ms = excluded.updated_ms",
        ),
        (ItemKind::Module, Uses::Module(module)) => {
            let version = module.version.ok_or_else(unfit)?;
            check_there(connection, tenant, Kind::Module, &key.name, version).await?;
            let set = sqlx::query("UPDATE module_names SET promoted = $3 WHERE tenant = $1 AND name = $2");
            let set = set.bind(tenant.as_str()).bind(&key.name).bind(i64::from(version));
            set.execute(connection).await?;
            return Ok(());
        }
        (ItemKind::Receiver, Uses::Module(module)) => {
            let version = module.version.unwrap_or(0);
            check_there(connection, tenant, Kind::Module, &module.name, version).await?;
            sqlx::query(
                "INSERT INTO receivers (tenant, name, spec, revision, updated_ms, module, module_version)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (tenant, name) DO UPDATE SET spec = excluded.spec,
                     module = excluded.module, module_version = excluded.module_version,
                     revision = excluded.revision, updated_ms = excluded.updated_ms",
            )
        }
        (ItemKind::Group, Uses::Rules(_)) => sqlx::query(
            "INSERT INTO rule_groups (tenant, group_name, spec, revision, updated_ms, namespace)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (tenant, namespace, group_name) DO UPDATE SET spec = excluded.spec,
                 revision = excluded.revision, updated_ms = excluded.updated_ms",
        ),
        _ => return Err(unfit()),
    };
    let query = query.bind(tenant.as_str()).bind(&key.name).bind(&new.spec);
    let query = query.bind(revision).bind(now_ms);
    let query = match (key.kind, &new.uses) {
        (ItemKind::Group, _) => query.bind(&key.namespace),
        (_, Uses::Module(module)) => {
            let version = module.version.unwrap_or(0);
            query.bind(&module.name).bind(i64::from(version))
        }
        _ => query,
    };
    query.execute(&mut *connection).await?;
    if let Uses::Rules(rules) = &new.uses {
        let group = key.group_key(tenant);
        uses::replace(connection, &group, rules).await?;
        let moved = rules
            .iter()
            .filter_map(|rule| Some((rule.was.as_deref()?, &*rule.rule)));
        rule_rows::rename(connection, &group, &moved.collect::<Vec<_>>()).await?;
        let kept = rules.iter().map(|rule| rule.rule.as_str()).collect();
        rule_rows::remove_others(connection, &group, &kept).await?;
    }
    Ok(())
}

/// Of a group also its pauses and what is known of its rules; its deliveries still go out, and its evaluations stay until
/// they are old. Of a receiver also its notifier's state.
async fn delete(connection: &mut Connection, tenant: &TenantId, key: &ItemKey) -> Result<(), StoreError> {
    let (sql, used_as) = match key.kind {
        ItemKind::Source => (
            "DELETE FROM sources WHERE tenant = $1 AND name = $2",
            Some(Kind::Source),
        ),
        ItemKind::Scrape => ("DELETE FROM scrapes WHERE tenant = $1 AND name = $2", None),
        ItemKind::Receiver => (
            "DELETE FROM receivers WHERE tenant = $1 AND name = $2",
            Some(Kind::Receiver),
        ),
        ItemKind::Group => (
            "DELETE FROM rule_groups WHERE tenant = $1 AND group_name = $2 AND namespace = $3",
            None,
        ),
        ItemKind::Module => {
            return Err(StoreError::Unfit(format!(
                "the {key} has a promoted version as long as it is there: promote another one"
            )));
        }
    };
    if let Some(kind) = used_as {
        check_unused(connection, tenant, kind, &key.name, Versions::All).await?;
    }
    let query = sqlx::query(sql).bind(tenant.as_str()).bind(&key.name);
    let query = match key.kind {
        ItemKind::Group => query.bind(&key.namespace),
        _ => query,
    };
    query.execute(&mut *connection).await?;
    if key.kind == ItemKind::Group {
        let pauses =
            sqlx::query("DELETE FROM pauses WHERE tenant = $1 AND namespace = $2 AND group_name = $3");
        let pauses = pauses.bind(tenant.as_str()).bind(&key.namespace).bind(&key.name);
        pauses.execute(connection).await?;
    }
    Ok(())
}

/// Puts a change on record, and drops the oldest where they take too much.
async fn record(
    connection: &mut Connection,
    tenant: &TenantId,
    origin: &Origin,
    (revision, now_ms): (i64, i64),
    items: &[ItemChanged],
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO config_changes (tenant, revision, time_ms, actor, address, call)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tenant.as_str())
    .bind(revision)
    .bind(now_ms)
    .bind(&origin.actor)
    .bind(&origin.address)
    .bind(&origin.call)
    .execute(&mut *connection)
    .await?;
    let mut total = 0;
    for (number, item) in items.iter().enumerate() {
        let texts = [Some(&item.key.namespace), Some(&item.key.name)];
        let texts = texts
            .into_iter()
            .chain([item.before.as_ref(), item.after.as_ref()]);
        let bytes: usize = texts.flatten().map(String::len).sum();
        total += bytes as i64;
        sqlx::query(
            "INSERT INTO config_change_items
                 (tenant, revision, number, kind, namespace, name, before, after, bytes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(tenant.as_str())
        .bind(revision)
        .bind(number as i64)
        .bind(item.key.kind.as_str())
        .bind(&item.key.namespace)
        .bind(&item.key.name)
        .bind(&item.before)
        .bind(&item.after)
        .bind(bytes as i64)
        .execute(&mut *connection)
        .await?;
    }
    if revision % PRUNED_EVERY == 0 || total > LARGE_CHANGE_BYTES {
        prune(connection, tenant, revision).await?;
    }
    Ok(())
}

/// Drops the oldest changes beyond [`HISTORY_BYTES_MAX`], but never the last one.
async fn prune(connection: &mut Connection, tenant: &TenantId, last: i64) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM config_changes WHERE tenant = $1 AND revision < $2 AND revision <=
             (SELECT COALESCE(MAX(revision), 0) FROM
                 (SELECT revision, SUM(bytes) OVER (ORDER BY revision DESC) AS newer
                  FROM config_change_items WHERE tenant = $1) AS sums
              WHERE newer > $3)",
    )
    .bind(tenant.as_str())
    .bind(last)
    .bind(HISTORY_BYTES_MAX)
    .execute(connection)
    .await?;
    Ok(())
}

fn config_change(row: &Row) -> Result<ConfigChangeRow, StoreError> {
    let fields = Fields {
        table: "config_changes",
        key: &["tenant", "revision"],
        row,
    };
    Ok(ConfigChangeRow {
        revision: fields.get("revision")?,
        time_ms: fields.get("time_ms")?,
        origin: Origin {
            actor: fields.get("actor")?,
            address: fields.get("address")?,
            call: fields.get("call")?,
        },
        items_total: 0,
        items: Vec::new(),
    })
}

fn item_changed(row: &Row) -> Result<ItemChanged, StoreError> {
    let fields = Fields {
        table: "config_change_items",
        key: &["revision", "number"],
        row,
    };
    Ok(ItemChanged {
        key: ItemKey {
            kind: fields.code("kind", ItemKind::parse)?,
            namespace: fields.get("namespace")?,
            name: fields.get("name")?,
        },
        before: fields.get("before")?,
        after: fields.get("after")?,
    })
}
