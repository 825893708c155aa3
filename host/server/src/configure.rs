//! Changes of what a tenant has configured: checked as a whole, stored as a whole and on record, and
//! then set running. The one way in which a source, scrape, receiver, group or promoted version changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use wasmalert_core::id::{check_name, check_title};
use wasmalert_core::quota::Quota;
use wasmalert_core::spec::{DIGEST_WANTED, GroupSpec, RuleSpec, is_digest};
use wasmalert_core::{GroupKey, RuleKey, TenantId};
use wasmalert_ingest::relabel::Relabel;
use wasmalert_rulefile::template;
use wasmalert_sandbox::World;

use crate::Host;
use crate::access::Tenant;
use crate::access::quota::{self, QuotaError};
use crate::catalog::{ModuleInfo, ModuleRef, ReceiverSpec, TenantCatalog};
use crate::embedded;
use crate::groups::{GroupBody, MODULE_DEFAULT, check_references, configured, start};
use crate::live::LiveGroup;
use crate::query::{Source, SourceSpec};
use crate::scheduler::News;
use crate::schema::{Configured, SchemaError};
use crate::scrape::{self, ScrapeSpec};
use crate::store::{
    ConfigChanged, Expected, ItemChange, ItemKey, ItemKind, ModuleUse, NewItem, Origin, RuleUses, StoreError,
    StoredItem, Terms, Uses, promotion,
};

/// The series of a group that is gone end in any case within this: queries would not see them any longer.
const END_WITHIN: Duration = Duration::from_secs(300);
/// Configurations that are held against their schemas together.
const CONFIGS_TOGETHER: usize = 1_000;

/// What an item is to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    Source(SourceSpec),
    Scrape(ScrapeSpec),
    /// The version of a module that is run where none is named.
    Promoted(u32),
    Receiver(ReceiverSpec),
    Group(GroupBody),
}

impl Wanted {
    /// Reads what the store has of an item.
    ///
    /// # Errors
    /// It is nothing that can be wanted.
    pub(crate) fn parse(kind: ItemKind, spec: &str) -> Result<Self, serde_json::Error> {
        Self::read(kind, serde_json::from_str(spec)?)
    }

    /// # Errors
    /// It is nothing that can be wanted.
    pub(crate) fn read(kind: ItemKind, spec: Value) -> Result<Self, serde_json::Error> {
        #[derive(serde::Deserialize)]
        struct Promotion {
            version: u32,
        }
        Ok(match kind {
            ItemKind::Source => Self::Source(serde_json::from_value(spec)?),
            ItemKind::Scrape => Self::Scrape(serde_json::from_value(spec)?),
            ItemKind::Module => Self::Promoted(serde_json::from_value::<Promotion>(spec)?.version),
            ItemKind::Receiver => Self::Receiver(serde_json::from_value(spec)?),
            ItemKind::Group => Self::Group(serde_json::from_value(spec)?),
        })
    }

    /// As the store keeps it.
    fn text(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Source(spec) => serde_json::to_string(spec),
            Self::Scrape(spec) => serde_json::to_string(spec),
            Self::Promoted(version) => Ok(promotion(*version)),
            Self::Receiver(spec) => serde_json::to_string(spec),
            Self::Group(body) => serde_json::to_string(body),
        }
    }

    /// As it may be shown: with what is secret in it left out.
    pub(crate) fn shown(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Source(spec) => serde_json::to_value(spec.redacted()),
            Self::Scrape(spec) => serde_json::to_value(spec.clone().redacted()),
            Self::Promoted(version) => Ok(serde_json::json!({"version": version})),
            Self::Receiver(spec) => serde_json::to_value(spec),
            Self::Group(body) => serde_json::to_value(body),
        }
    }
}

/// A change of one item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub key: ItemKey,
    /// None deletes it.
    pub to: Option<Wanted>,
    pub expected: Expected,
}

impl Change {
    pub(crate) fn put(key: ItemKey, wanted: Wanted) -> Self {
        Self {
            key,
            to: Some(wanted),
            expected: Expected::Anything,
        }
    }

    pub(crate) fn delete(key: ItemKey) -> Self {
        Self {
            key,
            to: None,
            expected: Expected::Anything,
        }
    }
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// What is wrong with items, each of which has its place.
    #[error("the configuration is not valid")]
    Invalid(Vec<(ItemKey, Vec<String>)>),
    /// Something that is referred to has gone meanwhile.
    #[error("{0}")]
    Missing(String),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Quota(#[from] QuotaError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("tenant {0}: it was deleted meanwhile")]
    TenantGone(TenantId),
    /// The caller may not bring code.
    #[error("a version of a module would be promoted, which needs the scope `deploy`")]
    Promotion,
}

/// What came of a change.
pub(crate) struct Changed {
    pub changed: ConfigChanged,
    /// What there was of the items.
    pub before: BTreeMap<ItemKey, StoredItem>,
}

/// Changes what a tenant has configured: all of it, or with an error nothing. What is like this already goes on
/// running untouched.
///
/// # Errors
/// Everything that is wrong with any of the items.
pub(crate) async fn change(
    host: &Arc<Host>,
    tenant: &TenantId,
    origin: &Origin,
    changes: Vec<Change>,
    terms: Terms,
) -> Result<Changed, Refused> {
    // One change of a tenant after the other, so that it is made to what it was checked against.
    let turn = host.tenants.turn_to_configure(tenant).await;
    let prepared = match prepare(host, tenant, changes, terms).await? {
        Prepared::Change(prepared) => prepared,
        Prepared::Nothing(nothing) => return Ok(nothing),
    };
    // A caller who goes away leaves nothing half done.
    let (host, tenant, origin) = (host.clone(), tenant.clone(), origin.clone());
    let made = tokio::spawn(async move {
        let made = make(&host, &tenant, &origin, prepared, terms).await;
        drop(turn);
        made
    });
    let made = made.await.map_err(|panic| {
        tracing::error!(%panic, "a change of the configuration panicked");
        StoreError::Closed
    });
    made?
}

/// What is left to do of a change that was checked.
enum Prepared {
    Change(Valid),
    /// All is like this already.
    Nothing(Changed),
}

/// A change that was checked.
struct Valid {
    before: BTreeMap<ItemKey, StoredItem>,
    checked: Vec<Checked>,
}

/// Checks a change, before the lock of all tenants: a schema and a compiler may take their time,
/// and others have configurations too.
async fn prepare(
    host: &Host,
    tenant: &TenantId,
    changes: Vec<Change>,
    terms: Terms,
) -> Result<Prepared, Refused> {
    let before = host
        .store
        .config_items(tenant, changes.iter().map(|change| &change.key))
        .await?;
    let mut taken = Vec::new();
    let mut problems = Vec::new();
    for change in changes {
        let text = change.to.as_ref().map(Wanted::text).transpose();
        match text {
            Ok(text) => {
                let is_so = before.get(&change.key).map(|item| &item.spec) == text.as_ref();
                if !is_so || change.expected != Expected::Anything {
                    taken.push((change, text));
                }
            }
            Err(error) => problems.push((change.key, vec![error.to_string()])),
        }
    }
    if taken.is_empty() && problems.is_empty() && terms.expected.is_none() {
        let changed = ConfigChanged {
            revision: host.store.config_revision(tenant).await?,
            items: Vec::new(),
        };
        return Ok(Prepared::Nothing(Changed { changed, before }));
    }
    let limits = host.tenants.of(tenant);
    let catalog = prospect(&host.catalog.of(tenant), &taken);
    problems.extend(check_targets(&taken, &catalog));
    let mut checked = Vec::new();
    for (change, text) in taken {
        let key = change.key.clone();
        match Checked::new(change, text, tenant, (&limits, &catalog)) {
            Ok(item) => checked.push(item),
            Err(Wrong::Problems(wrong)) => problems.push((key, wrong)),
            Err(Wrong::Quota(error)) => return Err(error.into()),
        }
    }
    if !problems.is_empty() {
        return Err(Refused::Invalid(problems));
    }
    check_schemas(host, &limits, &catalog, &checked).await?;
    warm(host, &limits, &catalog, &checked).await;
    Ok(Prepared::Change(Valid { before, checked }))
}

/// Stores a change and sets it running.
async fn make(
    host: &Arc<Host>,
    tenant: &TenantId,
    origin: &Origin,
    prepared: Valid,
    terms: Terms,
) -> Result<Changed, Refused> {
    let Valid { before, checked } = prepared;
    let _one_at_a_time = host.configuring.lock().await;
    if !host.tenants.is_there(tenant) {
        return Err(Refused::TenantGone(tenant.clone()));
    }
    check_quotas(host, tenant, &checked, &before).await?;
    let mut groups = BTreeMap::new();
    let changes = checked.into_iter().map(|mut item| {
        take_over(host, tenant, &mut item);
        if let Some(group) = item.group {
            groups.insert(item.change.key.clone(), group);
        }
        item.change
    });
    let changes: Vec<ItemChange> = changes.collect();
    let now_ms = host.clock.now_ms();
    let changed = host.store.change_config(tenant, origin, changes, terms, now_ms);
    let changed = changed.await.map_err(|error| match error {
        // It was deleted since it was checked.
        StoreError::Missing { .. } => Refused::Missing(error.to_string()),
        error => error.into(),
    })?;
    if !terms.dry_run {
        run(host, tenant, &changed, groups).await?;
    }
    Ok(Changed { changed, before })
}

/// Undoes what was changed since a revision, as a change of its own.
///
/// # Errors
/// What is on record does not go back so far, or what was then cannot be any more; or a module is to be promoted,
/// which the caller may not.
pub(crate) async fn roll_back(
    host: &Arc<Host>,
    tenant: &TenantId,
    origin: &Origin,
    (revision, may_promote): (i64, bool),
    mut terms: Terms,
) -> Result<Changed, Refused> {
    // What others change meanwhile is not known to be undone.
    let now = host.store.config_revision(tenant).await?;
    terms.expected = terms.expected.or(Some(now));
    let since = host.store.config_changed_since(tenant, revision).await?;
    if !may_promote && since.iter().any(|(key, _)| key.kind == ItemKind::Module) {
        return Err(Refused::Promotion);
    }
    let mut changes = Vec::new();
    let mut problems = Vec::new();
    for (key, before) in since {
        let wanted = before.map(|spec| Wanted::parse(key.kind, &spec)).transpose();
        match wanted {
            Ok(Some(wanted)) => changes.push(Change::put(key, wanted)),
            Ok(None) => changes.push(Change::delete(key)),
            Err(error) => problems.push((key, vec![format!("what it was cannot be read any more: {error}")])),
        }
    }
    if !problems.is_empty() {
        return Err(Refused::Invalid(problems));
    }
    change(host, tenant, origin, changes, terms).await
}

/// What the tenant would have with these changes, to check rules and receivers against.
fn prospect(now: &TenantCatalog, changes: &[(Change, Option<String>)]) -> TenantCatalog {
    let mut catalog = now.clone();
    for (Change { key, to, .. }, _) in changes {
        match (key.kind, to) {
            (ItemKind::Source, Some(Wanted::Source(spec))) => {
                let secrets = catalog.secrets.clone();
                if let Ok(source) = Source::new(&key.name, 0, spec.clone(), secrets) {
                    catalog.sources.insert(Arc::new(source));
                }
            }
            (ItemKind::Source, None) => catalog.sources.remove(&key.name),
            (ItemKind::Receiver, Some(Wanted::Receiver(spec))) => {
                catalog.receivers.insert(key.name.clone(), Arc::new(spec.clone()));
            }
            (ItemKind::Receiver, None) => drop(catalog.receivers.remove(&key.name)),
            (ItemKind::Module, Some(Wanted::Promoted(version))) => catalog.promote(&key.name, *version),
            _ => {}
        }
    }
    catalog
}

/// A change that is good as far as can be told before the store is asked.
struct Checked {
    change: ItemChange,
    group: Option<GroupSpec>,
    /// A receiver's notifier, and its configuration.
    notifier: Option<(Arc<ModuleInfo>, String)>,
    /// How many a scrape has.
    targets: u64,
}

enum Wrong {
    Problems(Vec<String>),
    Quota(QuotaError),
}

impl Checked {
    fn new(
        Change { key, to, expected }: Change,
        text: Option<String>,
        tenant: &TenantId,
        (allowed, catalog): (&Tenant, &TenantCatalog),
    ) -> Result<Self, Wrong> {
        let mut checked = Self {
            change: ItemChange {
                key,
                to: None,
                expected,
            },
            group: None,
            notifier: None,
            targets: 0,
        };
        let key = &checked.change.key;
        let (Some(wanted), Some(spec)) = (to, text) else {
            return Ok(checked);
        };
        check_names(key).map_err(|problem| Wrong::Problems(vec![problem]))?;
        let uses = match wanted {
            Wanted::Source(spec) => {
                spec.validate().map_err(Wrong::Problems)?;
                Uses::Nothing
            }
            Wanted::Scrape(spec) => {
                spec.validate(&key.name).map_err(Wrong::Problems)?;
                checked.targets = spec.targets.len() as u64;
                Uses::Nothing
            }
            Wanted::Promoted(version) => {
                check_promotion(&key.name, version, catalog).map_err(|why| Wrong::Problems(vec![why]))?;
                Uses::Module(ModuleUse {
                    name: key.name.clone(),
                    version: Some(version),
                })
            }
            Wanted::Receiver(spec) => {
                let notifier =
                    check_receiver(&spec, catalog).map_err(|problem| Wrong::Problems(vec![problem]))?;
                checked.notifier = Some((notifier, spec.config_text()));
                Uses::Module(catalog.used((&spec).into()))
            }
            Wanted::Group(body) => {
                let group = body.to_spec(&allowed.limits).map_err(Wrong::Problems)?;
                quota::check_interval(allowed, group.interval_ms).map_err(Wrong::Quota)?;
                let mut problems = check_references(&group, catalog);
                problems.extend(check_templates(&group));
                if !problems.is_empty() {
                    return Err(Wrong::Problems(problems));
                }
                let uses = uses(&group, &key.group_key(tenant), catalog);
                checked.group = Some(group);
                Uses::Rules(uses)
            }
        };
        checked.change.to = Some(NewItem { spec, uses });
        Ok(checked)
    }

    /// The configurations that have to match the schemas of their modules; `many` items are checked together.
    fn configured<'a>(&'a self, catalog: &TenantCatalog, many: bool) -> Vec<Configured<'a>> {
        let key = &self.change.key;
        let mut all = match (&self.group, &self.notifier) {
            (Some(group), _) => configured(group, catalog),
            (_, Some((module, config))) => vec![Configured {
                place: "config".into(),
                config,
                name: &key.name,
                module: module.clone(),
            }],
            _ => Vec::new(),
        };
        if many {
            for one in &mut all {
                one.place = format!("{key}: {}", one.place);
            }
        }
        all
    }
}

/// What is wrong with a `write_to` after a change of sources, which may be of another source than the one that says so.
fn check_targets(
    taken: &[(Change, Option<String>)],
    catalog: &TenantCatalog,
) -> Option<(ItemKey, Vec<String>)> {
    let sources = || {
        let keys = taken.iter().map(|(change, _)| &change.key);
        keys.filter(|key| key.kind == ItemKind::Source)
    };
    let any = sources().next()?;
    let (source, target) = catalog.sources.without_target()?;
    let key = sources().find(|key| key.name == source).unwrap_or(any);
    let problem = format!(
        "write_to of the source {source:?}: {target:?} is no source of kind prometheus with a write_url"
    );
    Some((key.clone(), vec![problem]))
}

fn check_names(key: &ItemKey) -> Result<(), String> {
    let wrong = |name: &str, why: String| format!("the name {name:?} {why}");
    match key.kind {
        ItemKind::Group => {
            check_title(&key.namespace).map_err(|error| wrong(&key.namespace, error.to_string()))?;
            check_title(&key.name).map_err(|error| wrong(&key.name, error.to_string()))
        }
        _ => check_name(&key.name).map_err(|error| wrong(&key.name, error.to_string())),
    }
}

/// What is wrong with templates that the rules' module will expand.
fn check_templates(group: &GroupSpec) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |place: String, texts: &BTreeMap<String, String>| {
        for (name, text) in texts {
            if let Err(wrong) = template::check(text) {
                problems.push(format!("{place}.{name}: {wrong}"));
            }
        }
    };
    let is_expanded = |rule: &RuleSpec| rule.module == MODULE_DEFAULT;
    if group.rules.iter().any(|rule| is_expanded(rule)) {
        check("labels".to_owned(), &group.labels);
    }
    for (at, rule) in group
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| is_expanded(rule))
    {
        check(format!("rules[{at}].labels"), &rule.labels);
        check(format!("rules[{at}].annotations"), &rule.annotations);
    }
    problems
}

fn check_promotion(name: &str, version: u32, catalog: &TenantCatalog) -> Result<(), String> {
    let wanted = ModuleRef {
        name,
        version: Some(version),
        digest: None,
    };
    let module = catalog.find(wanted).map_err(|missing| missing.to_string())?;
    catalog.check_trust(name, &module)
}

/// The notifier of a receiver.
fn check_receiver(spec: &ReceiverSpec, catalog: &TenantCatalog) -> Result<Arc<ModuleInfo>, String> {
    if spec.config.as_ref().is_some_and(|config| !config.is_object()) {
        return Err("config: is not an object".into());
    }
    if spec.digest.as_ref().is_some_and(|digest| !is_digest(digest)) {
        return Err(format!("digest: {DIGEST_WANTED}"));
    }
    Relabel::new(&spec.relabel).map_err(|error| format!("relabel: {error}"))?;
    let module = catalog
        .notifier(spec)
        .map_err(|missing| format!("module: {missing}"))?;
    if module.world != World::Notifier {
        let world = module.world.as_str();
        return Err(format!("module: {} is a {world}, not a notifier", spec.module));
    }
    catalog
        .check_trust(&spec.module, &module)
        .map_err(|problem| format!("module: {problem}"))?;
    Ok(module)
}

/// What each rule of a group refers to, so that nothing in use is deleted.
fn uses(spec: &GroupSpec, key: &GroupKey, catalog: &TenantCatalog) -> Vec<RuleUses> {
    let rules = spec.rule_keys(key).into_iter().zip(&spec.rules);
    rules
        .map(|(rule_key, rule)| RuleUses {
            rule: rule_key.rule.to_string(),
            was: None,
            modules: vec![catalog.used((&**rule).into())],
            sources: rule.source.iter().cloned().collect(),
            receivers: rule.receivers.clone(),
        })
        .collect()
}

/// Has rules that go under another key in a changed group keep what is known of them.
fn take_over(host: &Host, tenant: &TenantId, item: &mut Checked) {
    let key = item.change.key.group_key(tenant);
    let (Some(group), Some(live)) = (&item.group, host.groups.get(&key)) else {
        return;
    };
    if let Some(Uses::Rules(rules)) = item.change.to.as_mut().map(|new| &mut new.uses) {
        for (rule, was) in rules.iter_mut().zip(group.inherited(&live.spec, &key)) {
            rule.was = was
                .map(|was| was.rule.to_string())
                .filter(|was| *was != rule.rule);
        }
    }
}

async fn check_schemas(
    host: &Host,
    tenant: &Tenant,
    catalog: &TenantCatalog,
    checked: &[Checked],
) -> Result<(), SchemaError> {
    let many = checked.len() > 1;
    let all: Vec<Configured<'_>> = checked
        .iter()
        .flat_map(|item| item.configured(catalog, many))
        .collect();
    let claim = tenant.claim(Quota::UploadsAtOnce);
    for some in all.chunks(CONFIGS_TOGETHER) {
        host.schemas.check(&claim, some).await?;
    }
    Ok(())
}

/// Compiles what has not been used yet, so that it is there for the first slot. A module that
/// cannot be loaded is told of by the evaluations that need it.
async fn warm(host: &Host, tenant: &Tenant, catalog: &TenantCatalog, checked: &[Checked]) {
    let of_groups = checked.iter().filter_map(|item| item.group.as_ref());
    let rules = of_groups.flat_map(|group| &group.rules);
    let modules = rules.filter_map(|rule| catalog.find((&**rule).into()).ok());
    let notifiers = checked
        .iter()
        .filter_map(|item| item.notifier.as_ref())
        .map(|(module, _)| module.clone());
    let digests: BTreeSet<String> = modules
        .chain(notifiers)
        .map(|module| module.digest.clone())
        .collect();
    for digest in digests {
        if let Err(fault) = host.component(tenant, &digest).await {
            tracing::warn!(digest, %fault.message, "a module that is put to use cannot be loaded");
        }
    }
}

/// Holds what becomes more to the tenant's quotas.
async fn check_quotas(
    host: &Host,
    tenant: &TenantId,
    checked: &[Checked],
    before: &BTreeMap<ItemKey, StoredItem>,
) -> Result<(), QuotaError> {
    let (mut more, mut less) = (BTreeMap::<Quota, u64>::new(), BTreeMap::<Quota, u64>::new());
    for item in checked {
        let key = &item.change.key;
        let (was_there, stays) = (before.contains_key(key), item.change.to.is_some());
        let quota = match key.kind {
            ItemKind::Source => Quota::Sources,
            ItemKind::Scrape => Quota::Scrapes,
            ItemKind::Receiver => Quota::Receivers,
            ItemKind::Group => Quota::Groups,
            ItemKind::Module => continue,
        };
        *more.entry(quota).or_default() += u64::from(stays);
        *less.entry(quota).or_default() += u64::from(was_there);
        let (quota, has, had) = match key.kind {
            ItemKind::Group => {
                let had = host.groups.get(&key.group_key(tenant));
                let had = had.map_or(0, |group| group.rules.len() as u64);
                let has = item.group.as_ref().map_or(0, |group| group.rules.len() as u64);
                (Quota::Rules, has, had)
            }
            ItemKind::Scrape => {
                let had = host.scrapes.targets_of(tenant, &key.name);
                (Quota::Targets, item.targets, had)
            }
            _ => continue,
        };
        *more.entry(quota).or_default() += has;
        *less.entry(quota).or_default() += had;
    }
    for (quota, more) in more {
        let less = less.get(&quota).copied().unwrap_or(0);
        quota::check(host, tenant, quota, more.saturating_sub(less)).await?;
    }
    Ok(())
}

/// Sets running what was stored.
async fn run(
    host: &Arc<Host>,
    tenant: &TenantId,
    changed: &ConfigChanged,
    mut groups: BTreeMap<ItemKey, GroupSpec>,
) -> Result<(), StoreError> {
    let kinds: BTreeSet<ItemKind> = changed.items.iter().map(|item| item.key.kind).collect();
    let of_catalog = [ItemKind::Source, ItemKind::Module, ItemKind::Receiver];
    // What fails leaves the rest to run as it is stored.
    let mut all = Ok(());
    if of_catalog.iter().any(|kind| kinds.contains(kind)) {
        all = all.and(host.catalog.reload(&host.store, tenant).await);
    }
    if kinds.contains(&ItemKind::Scrape) {
        all = all.and(scrape::reload(host, tenant).await);
    }
    if kinds.contains(&ItemKind::Group) && !host.pauses.of(tenant).is_empty() {
        all = all.and(host.pauses.reload(&host.store, tenant).await);
    }
    for item in &changed.items {
        match item.key.kind {
            ItemKind::Group => {
                let key = item.key.group_key(tenant);
                let before = host.groups.get(&key);
                match groups.remove(&item.key) {
                    Some(spec) => all = all.and(start(host, &key, spec, changed.revision).await),
                    None => {
                        host.groups.remove(&key);
                        host.tell_scheduler(News::Removed(key.clone()));
                    }
                }
                if let Some(before) = before {
                    forget_gone(host, &before);
                    if item.after.is_none() {
                        end_later(host, &before);
                    }
                }
            }
            ItemKind::Module => {
                let name = &item.key.name;
                let follows = |rule: &RuleSpec| rule.module == *name && rule.version.is_none();
                host.groups.resume(tenant, follows);
            }
            _ => {}
        }
    }
    all
}

/// Ends the series that a group has left which is gone: as of now, but after two intervals, so that those go on
/// that a group of another name has taken over.
fn end_later(host: &Arc<Host>, gone: &LiveGroup) {
    let left = gone.left();
    if left.is_empty() {
        return;
    }
    // Of a tenant that is deleted and made anew meanwhile it is another.
    let db = host.embedded.of(&gone.key.tenant);
    let (host, timestamp_ms, tenant) = (host.clone(), host.clock.now_ms(), gone.key.tenant.clone());
    let wait = Duration::from_millis(gone.spec.interval_ms.saturating_mul(2).unsigned_abs());
    tokio::spawn(async move {
        tokio::time::sleep(wait.min(END_WITHIN)).await;
        if host
            .embedded
            .get(&tenant)
            .is_some_and(|now| Arc::ptr_eq(&now, &db))
        {
            embedded::end_left(&host, (&tenant, &db), &left, timestamp_ms);
        }
    });
}

/// Drops what is counted of rules that are gone.
fn forget_gone(host: &Host, before: &LiveGroup) {
    let now = host.groups.get(&before.key);
    let is_there = |key: &RuleKey| {
        now.as_ref()
            .is_some_and(|now| now.rules.iter().any(|kept| kept.key == *key))
    };
    for rule in before.rules.iter().filter(|rule| !is_there(&rule.key)) {
        host.tenant_metrics.forget_rule(&rule.key);
        host.ledger.of(rule.key.tenant()).forget_rule(&rule.key);
    }
}
