//! `/v1/config`: everything that a tenant has configured as one, who has changed it, and back to what it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use wasmalert_core::TenantId;

use super::problem::{Answer, Problem};
use super::request::{Body, Changed, ETag, Page};
use super::{By, Caller, request};
use crate::Host;
use crate::access::{self, Scope};
use crate::catalog::ReceiverSpec;
use crate::configure::{self, Change, Wanted};
use crate::groups::GroupBody;
use crate::query::SourceSpec;
use crate::scrape::ScrapeSpec;
use crate::store::{
    ConfigChangeRow, Expected, ItemChanged, ItemKey, ItemKind, Origin, SCRAPES, SOURCES, StoreError, Terms,
};

/// A source by its name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedSource {
    name: String,
    #[schema(value_type = SourceSpec)]
    spec: Value,
}

/// A scrape by its name.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedScrape {
    name: String,
    #[schema(value_type = ScrapeSpec)]
    spec: Value,
}

/// A receiver by its name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedReceiver {
    name: String,
    #[schema(value_type = ReceiverSpec)]
    spec: Value,
}

/// A group by its namespace and name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedGroup {
    namespace: String,
    name: String,
    #[schema(value_type = GroupBody)]
    spec: Value,
}

/// The promoted version of a module.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PromotedModule {
    name: String,
    version: u32,
}

/// What a tenant has configured, or is to have. Secrets and the code of modules are apart.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    sources: Vec<NamedSource>,
    scrapes: Vec<NamedScrape>,
    modules: Vec<PromotedModule>,
    receivers: Vec<NamedReceiver>,
    groups: Vec<NamedGroup>,
}

/// What is configured, with what is secret in it left out.
#[derive(Serialize, ToSchema)]
pub(super) struct WholeConfig {
    /// Of the last change; also the `ETag`.
    revision: i64,
    #[serde(flatten)]
    config: Config,
}

/// Something that is configured, by its name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemName {
    /// `source`, `scrape`, `receiver` or `group`.
    kind: String,
    /// Of a group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    namespace: String,
    name: String,
}

/// A change of many things at once.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConfigChange {
    /// What is to be there.
    put: Config,
    /// What is to be deleted; what is not there is passed over.
    delete: Vec<ItemName>,
    /// Kinds of which everything is deleted that is not in `put`: `source`, `scrape`, `receiver`, `group`.
    prune: Vec<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DryRun {
    /// Checks everything and tells what would change; nothing changes. False without it.
    #[serde(default)]
    dry_run: bool,
}

/// What a change has done to one thing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ItemChange {
    #[serde(flatten)]
    item: ItemName,
    /// `created`, `changed` or `deleted`.
    action: &'static str,
    /// What it was, with what is secret left out; null for what was created.
    #[schema(value_type = Option<Object>)]
    before: Value,
    /// What it is; null for what was deleted.
    #[schema(value_type = Option<Object>)]
    after: Value,
}

/// What a change has come to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigChanged {
    /// Of the whole configuration; where nothing has changed, as before.
    revision: i64,
    dry_run: bool,
    /// What was not like this already.
    changes: Vec<ItemChange>,
}

/// A change on record.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangeOnRecord {
    revision: i64,
    at: String,
    /// `operator`, `key` and its id, `oidc` and a subject, or `proxy`.
    actor: String,
    /// Where the call came from.
    address: String,
    /// The call's method and path.
    call: String,
    /// How many things it has changed.
    changes_total: u64,
    /// The first 100 of them, without what they were; of one change all of them.
    changes: Vec<ItemChange>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    changes: Vec<ChangeOnRecord>,
    /// `before` of the next page; null on the last one.
    next: Option<String>,
}

/// Where to go back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RollBack {
    /// Everything that was changed after this revision becomes what it was then.
    revision: i64,
}

fn shown(kind: ItemKind, spec: Option<&str>) -> Value {
    // A listing knows that there was one, and not which.
    let spec = spec.filter(|spec| !spec.is_empty());
    let wanted = spec.and_then(|spec| Wanted::parse(kind, spec).ok());
    wanted
        .and_then(|wanted| wanted.shown().ok())
        .unwrap_or(Value::Null)
}

fn item_change(changed: &ItemChanged) -> ItemChange {
    let ItemChanged { key, before, after } = changed;
    ItemChange {
        item: ItemName {
            kind: key.kind.as_str().to_owned(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
        },
        action: match (before, after) {
            (None, _) => "created",
            (_, None) => "deleted",
            _ => "changed",
        },
        before: shown(key.kind, before.as_deref()),
        after: shown(key.kind, after.as_deref()),
    }
}

fn on_record(row: ConfigChangeRow) -> ChangeOnRecord {
    ChangeOnRecord {
        revision: row.revision,
        at: request::time(row.time_ms),
        actor: row.origin.actor,
        address: row.origin.address,
        call: row.origin.call,
        changes_total: row.items_total,
        changes: row.items.iter().map(item_change).collect(),
    }
}

fn key(item: &ItemName) -> Answer<ItemKey> {
    let kind = kind(&item.kind)?;
    match (kind, item.namespace.is_empty()) {
        (ItemKind::Group, _) => Ok(ItemKey::group(&item.namespace, &item.name)),
        (_, true) => Ok(ItemKey::new(kind, &item.name)),
        (_, false) => Err(Problem::bad_request(format!("a {} has no namespace", item.kind))),
    }
}

fn kind(kind: &str) -> Answer<ItemKind> {
    let deletable = ItemKind::parse(kind).filter(|kind| *kind != ItemKind::Module);
    deletable.ok_or_else(|| {
        Problem::bad_request(format!(
            "{kind:?} is none of source, scrape, receiver and group, which can be deleted here"
        ))
    })
}

impl Config {
    /// What is to be put.
    ///
    /// # Errors
    /// Everything that cannot be read, each with what it is in.
    fn changes(self) -> Answer<Vec<Change>> {
        let named = |kind| move |name: &str| ItemKey::new(kind, name);
        let sources = self.sources.into_iter();
        let sources = sources.map(|it| (named(ItemKind::Source)(&it.name), it.spec));
        let scrapes = self.scrapes.into_iter();
        let scrapes = scrapes.map(|it| (named(ItemKind::Scrape)(&it.name), it.spec));
        let receivers = self.receivers.into_iter();
        let receivers = receivers.map(|it| (named(ItemKind::Receiver)(&it.name), it.spec));
        let groups = self.groups.into_iter();
        let groups = groups.map(|it| (ItemKey::group(&it.namespace, &it.name), it.spec));
        let (mut changes, mut wrong) = (Vec::new(), Vec::new());
        for (key, spec) in sources.chain(scrapes).chain(receivers).chain(groups) {
            match Wanted::read(key.kind, spec) {
                Ok(wanted) => changes.push(Change::put(key, wanted)),
                Err(error) => wrong.push((key, vec![error.to_string()])),
            }
        }
        let promoted = self.modules.into_iter().map(|it| {
            let key = ItemKey::new(ItemKind::Module, &it.name);
            Change::put(key, Wanted::Promoted(it.version))
        });
        changes.extend(promoted);
        match wrong.is_empty() {
            true => Ok(changes),
            false => Err(Problem::refused(
                "the configuration",
                configure::Refused::Invalid(wrong),
            )),
        }
    }
}

/// Everything that is configured of some kinds.
async fn stored(
    host: &Host,
    tenant: &TenantId,
    kinds: &BTreeSet<ItemKind>,
) -> Result<Vec<ItemKey>, StoreError> {
    let mut keys = Vec::new();
    for kind in kinds {
        let names: Vec<String> = match kind {
            ItemKind::Group => {
                let groups = host.store.list_groups(tenant).await?.into_iter();
                keys.extend(groups.map(|row| ItemKey::group(&row.key.namespace, &row.key.group)));
                continue;
            }
            ItemKind::Source => {
                let rows = host.store.list_specs(&SOURCES, tenant).await?.into_iter();
                rows.map(|row| row.name).collect()
            }
            ItemKind::Scrape => {
                let rows = host.store.list_specs(&SCRAPES, tenant).await?.into_iter();
                rows.map(|row| row.name).collect()
            }
            ItemKind::Receiver => {
                let rows = host.store.list_receivers(tenant).await?.into_iter();
                rows.map(|row| row.name).collect()
            }
            ItemKind::Module => continue,
        };
        keys.extend(names.iter().map(|name| ItemKey::new(*kind, name)));
    }
    Ok(keys)
}

/// Shows everything that is configured. A row that cannot be read is left out.
#[utoipa::path(get, path = "/v1/config", tag = "config", responses((status = 200, body = WholeConfig)))]
pub(super) async fn get(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
) -> Answer<(ETag, Json<WholeConfig>)> {
    // Before what it is about: a change meanwhile makes it too old, never too new.
    let revision = host.store.config_revision(&tenant).await?;
    let mut config = Config::default();
    let shown = |kind, spec: &str| Wanted::parse(kind, spec).ok()?.shown().ok();
    for row in host.store.list_specs(&SOURCES, &tenant).await? {
        if let Some(spec) = shown(ItemKind::Source, &row.spec) {
            config.sources.push(NamedSource { name: row.name, spec });
        }
    }
    for row in host.store.list_specs(&SCRAPES, &tenant).await? {
        if let Some(spec) = shown(ItemKind::Scrape, &row.spec) {
            config.scrapes.push(NamedScrape { name: row.name, spec });
        }
    }
    for row in host.store.list_modules(&tenant).await? {
        let (name, version) = (row.name, row.version);
        config.modules.push(PromotedModule { name, version });
    }
    for row in host.store.list_receivers(&tenant).await? {
        if let Some(spec) = shown(ItemKind::Receiver, &row.spec) {
            config.receivers.push(NamedReceiver { name: row.name, spec });
        }
    }
    for row in host.store.list_groups(&tenant).await? {
        if let Some(spec) = shown(ItemKind::Group, &row.spec) {
            config.groups.push(NamedGroup {
                namespace: row.key.namespace.to_string(),
                name: row.key.group.to_string(),
                spec,
            });
        }
    }
    Ok((request::etag(revision), Json(WholeConfig { revision, config })))
}

/// Changes many things at once: all of it, or with an error nothing.
///
/// Everything is checked before anything changes, and every error is told at once. What is like this already
/// goes on running untouched. With `If-Match` nothing changes unless the configuration is at that revision. Promoting
/// versions of modules needs the scope `deploy`.
#[utoipa::path(
    post, path = "/v1/config", tag = "config", params(DryRun), request_body = ConfigChange,
    responses(
        (status = 200, body = ConfigChanged), (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem),
    )
)]
pub(super) async fn change(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Extension(caller): Extension<access::Caller>,
    Query(query): Query<DryRun>,
    headers: HeaderMap,
    Body(body): Body<ConfigChange>,
) -> Answer<(ETag, Json<ConfigChanged>)> {
    let terms = terms(&headers, query.dry_run)?;
    if !body.put.modules.is_empty() && !caller.scopes.allow(Scope::Deploy) {
        return Err(Problem::refused("", configure::Refused::Promotion));
    }
    let mut changes = body.put.changes()?;
    let mut named: BTreeSet<ItemKey> = BTreeSet::new();
    for change in &changes {
        if !named.insert(change.key.clone()) {
            return Err(Problem::bad_request(format!("the {} is there twice", change.key)));
        }
    }
    for item in &body.delete {
        let key = key(item)?;
        if !named.insert(key.clone()) {
            return Err(Problem::bad_request(format!("the {key} is there twice")));
        }
        changes.push(Change::delete(key));
    }
    let pruned = body.prune.iter().map(|name| kind(name));
    let pruned = pruned.collect::<Answer<BTreeSet<ItemKind>>>()?;
    let gone = stored(&host, &tenant, &pruned).await?;
    changes.extend(
        gone.into_iter()
            .filter(|key| !named.contains(key))
            .map(Change::delete),
    );
    let done = configure::change(&host, &tenant, &origin, changes, terms).await;
    answer(done, terms)
}

/// Goes back to what the configuration was at a revision, as a change of its own, which can be rolled back in turn.
///
/// Secrets, the code of modules, and the state of rules that were deleted do not come back.
#[utoipa::path(
    post, path = "/v1/config/rollback", tag = "config", params(DryRun), request_body = RollBack,
    responses(
        (status = 200, body = ConfigChanged), (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem),
    )
)]
pub(super) async fn roll_back(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(mut origin): By,
    Extension(caller): Extension<access::Caller>,
    Query(query): Query<DryRun>,
    headers: HeaderMap,
    Body(RollBack { revision }): Body<RollBack>,
) -> Answer<(ETag, Json<ConfigChanged>)> {
    let terms = terms(&headers, query.dry_run)?;
    origin.call = format!("{} to {revision}", origin.call);
    let may_promote = caller.scopes.allow(Scope::Deploy);
    let done = configure::roll_back(&host, &tenant, &origin, (revision, may_promote), terms).await;
    answer(done, terms)
}

fn terms(headers: &HeaderMap, dry_run: bool) -> Answer<Terms> {
    let expected = match headers.get(header::IF_MATCH) {
        None => None,
        Some(etag) => Some(request::revision_of(etag.to_str().unwrap_or_default())?),
    };
    Ok(Terms { expected, dry_run })
}

fn answer(
    done: Result<configure::Changed, configure::Refused>,
    terms: Terms,
) -> Answer<(ETag, Json<ConfigChanged>)> {
    let done = done.map_err(|refused| Problem::refused("the configuration", refused))?;
    let revision = done.changed.revision;
    let answer = ConfigChanged {
        revision,
        dry_run: terms.dry_run,
        changes: done.changed.items.iter().map(item_change).collect(),
    };
    Ok((request::etag(revision), Json(answer)))
}

/// Lists the changes of the configuration, the newest first: who, when, from where, and what.
#[utoipa::path(
    get, path = "/v1/config/history", tag = "config", params(Page),
    responses((status = 200, body = History))
)]
pub(super) async fn history(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Query(page): Query<Page>,
) -> Answer<Json<History>> {
    let limit = page.limit()?;
    let before = page.before.as_deref().map(|text| {
        text.parse()
            .map_err(|_| Problem::bad_request(format!("before is {text:?}, not a revision")))
    });
    let rows = host
        .store
        .list_config_changes(&tenant, before.transpose()?, limit);
    let rows = rows.await?;
    let last = rows.last().filter(|_| rows.len() == limit as usize);
    let next = last.map(|row| row.revision.to_string());
    let changes = rows.into_iter().map(on_record).collect();
    Ok(Json(History { changes, next }))
}

/// Shows one change with all that it has changed, as it was before and after.
#[utoipa::path(
    get, path = "/v1/config/history/{revision}", tag = "config", params(("revision" = i64, Path)),
    responses((status = 200, body = ChangeOnRecord), (status = 404, body = Problem))
)]
pub(super) async fn one_change(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(revision): Path<i64>,
) -> Answer<Json<ChangeOnRecord>> {
    let row = host.store.get_config_change(&tenant, revision).await?;
    request::shown(
        row,
        |row| Some(on_record(row)),
        format!("change {revision} on record"),
    )
}

/// What came of a change of one thing.
pub(super) struct Put {
    pub(super) revision: i64,
    pub(super) changed: bool,
    pub(super) was_there: bool,
}

/// Makes or changes one thing.
pub(super) async fn put(
    host: &Arc<Host>,
    (tenant, origin): (&TenantId, &Origin),
    key: ItemKey,
    wanted: Wanted,
    headers: &HeaderMap,
) -> Answer<Put> {
    let change = Change {
        expected: request::expected(headers)?,
        ..Change::put(key.clone(), wanted)
    };
    let done = configure::change(host, tenant, origin, vec![change], Terms::default()).await;
    let done = done.map_err(|refused| Problem::refused(&format!("the {key}"), refused))?;
    let before = done.before.get(&key);
    Ok(match done.changed.items.first() {
        Some(_) => Put {
            revision: done.changed.revision,
            changed: true,
            was_there: before.is_some(),
        },
        None => Put {
            revision: before.map_or(0, |before| before.revision),
            changed: false,
            was_there: true,
        },
    })
}

/// Makes or changes one thing that has a name.
pub(super) async fn put_named(
    host: &Arc<Host>,
    by: (&TenantId, &Origin),
    key: ItemKey,
    wanted: Wanted,
    headers: &HeaderMap,
) -> Answer<(StatusCode, ETag, Json<Changed>)> {
    let name = key.name.clone();
    let done = put(host, by, key, wanted, headers).await?;
    let answer = Changed {
        name,
        revision: done.revision,
        changed: done.changed,
    };
    let status = request::put_status(done.was_there);
    Ok((status, request::etag(done.revision), Json(answer)))
}

/// Deletes one thing.
pub(super) async fn delete(
    host: &Arc<Host>,
    (tenant, origin): (&TenantId, &Origin),
    key: ItemKey,
    headers: &HeaderMap,
) -> Answer<StatusCode> {
    let mut change = Change::delete(key.clone());
    change.expected = match request::expected(headers)? {
        Expected::Absent => {
            return Err(Problem::bad_request(
                "a DELETE with `If-None-Match` makes no sense",
            ));
        }
        expected => expected,
    };
    let done = configure::change(host, tenant, origin, vec![change], Terms::default()).await;
    let done = done.map_err(|refused| Problem::refused(&format!("the {key}"), refused))?;
    request::no_content(!done.changed.items.is_empty(), key)
}
