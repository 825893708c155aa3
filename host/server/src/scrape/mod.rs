//! Scrapes targets into the embedded source: a task for each target.

mod files;
mod spec;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmalert_core::TenantId;
use wasmalert_ingest::target::{TARGETS_MAX, Target};

pub(crate) use spec::ScrapeSpec;
pub(crate) use target::TargetStatus;

use self::files::{FileTargets, Folder};
use self::spec::Plan;
use self::target::{Stop, Task};
use crate::Host;
use crate::fair::Turns;
use crate::store::{SCRAPES, SpecRow, StoreError};

/// Scrapes of all tenants that wait for an answer at the same time.
const SCRAPES_AT_ONCE: usize = 512;
/// How often it is looked whether target files have changed.
const FILES_EVERY: Duration = Duration::from_secs(5);

/// A scrape that is running.
struct Running {
    revision: i64,
    plan: Arc<Plan>,
    files: Arc<FileTargets>,
    targets: BTreeMap<Target, Task>,
    /// What is wrong with the scrape as a whole.
    errors: Vec<String>,
}

/// What a scrape was made of.
struct Settings {
    revision: i64,
    plan: Arc<Plan>,
    files: Arc<FileTargets>,
}

impl Settings {
    fn of(running: &Running) -> Self {
        Self {
            revision: running.revision,
            plan: running.plan.clone(),
            files: running.files.clone(),
        }
    }
}

/// How a scrape is.
#[derive(Debug, Default)]
pub(crate) struct ScrapeStatus {
    pub(crate) targets: Vec<TargetStatus>,
    pub(crate) errors: Vec<String>,
}

type Key = (TenantId, String);

/// The scrapes of all tenants.
pub(crate) struct Scrapes {
    running: Mutex<BTreeMap<Key, Running>>,
    pub(crate) turns: Turns,
    /// Where target files lie, a folder for each tenant.
    targets_dir: Option<PathBuf>,
    /// One change after the other, so that what runs is what is stored.
    changing: tokio::sync::Mutex<()>,
}

impl Scrapes {
    #[must_use]
    pub(crate) fn new(targets_dir: Option<PathBuf>) -> Self {
        Self {
            running: Mutex::default(),
            turns: Turns::new(SCRAPES_AT_ONCE, usize::MAX),
            targets_dir,
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// How a scrape and its targets are.
    #[must_use]
    pub(crate) fn status(&self, tenant: &TenantId, name: &str) -> ScrapeStatus {
        let running = self.lock();
        let Some(running) = running.get(&(tenant.clone(), name.to_owned())) else {
            return ScrapeStatus::default();
        };
        ScrapeStatus {
            targets: running.targets.values().map(Task::status).collect(),
            errors: running.errors.clone(),
        }
    }

    /// How many targets a scrape has that are configured, without those of files.
    #[must_use]
    pub(crate) fn targets_of(&self, tenant: &TenantId, name: &str) -> u64 {
        let running = self.lock();
        let of_scrape = running.get(&(tenant.clone(), name.to_owned()));
        of_scrape.map_or(0, |running| running.plan.spec.targets.len() as u64)
    }

    /// How many targets all scrapes of a tenant have that are configured.
    #[must_use]
    pub(crate) fn targets_configured(&self, tenant: &TenantId) -> u64 {
        let running = self.lock();
        let of_tenant = running.iter().filter(|((of, _), _)| of == tenant);
        of_tenant
            .map(|(_, running)| running.plan.spec.targets.len() as u64)
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tenants with target files that are not as they were read. Reads folders.
    fn changed_files(&self) -> BTreeSet<TenantId> {
        let Some(dir) = &self.targets_dir else {
            return BTreeSet::new();
        };
        let with_files: Vec<(TenantId, Settings)> = self
            .lock()
            .iter()
            .filter(|(_, running)| !running.plan.spec.files.is_empty())
            .map(|((tenant, _), running)| (tenant.clone(), Settings::of(running)))
            .collect();
        with_files
            .into_iter()
            .filter(|(tenant, read)| !Folder::of(dir, tenant).is_as(&read.plan, &read.files))
            .map(|(tenant, _)| tenant)
            .collect()
    }
}

/// Makes a tenant's scrapes what is stored, and what is in their files. Targets
/// that stay as they were are left alone.
///
/// # Errors
/// The store failed.
pub(crate) async fn reload(host: &Arc<Host>, tenant: &TenantId) -> Result<(), StoreError> {
    let _one_at_a_time = host.scrapes.changing.lock().await;
    let stored = host.store.list_specs(&SCRAPES, tenant).await?;
    let names: BTreeSet<&str> = stored.iter().map(|row| row.name.as_str()).collect();
    let gone: Vec<Running> = host
        .scrapes
        .lock()
        .extract_if(.., |(of, name), _| of == tenant && !names.contains(name.as_str()))
        .map(|(_, running)| running)
        .collect();
    for target in gone.into_iter().flat_map(|running| running.targets.into_values()) {
        target.stop(Stop::Ends);
    }
    for row in &stored {
        if let Err(errors) = update(host, tenant, row).await {
            tracing::error!(%tenant, scrape = row.name, ?errors, "a stored scrape cannot be used");
        }
    }
    Ok(())
}

/// Makes one scrape what is stored and what is in its files.
async fn update(host: &Arc<Host>, tenant: &TenantId, row: &SpecRow) -> Result<(), Vec<String>> {
    let key = (tenant.clone(), row.name.clone());
    let before = host.scrapes.lock().get(&key).map(Settings::of);
    let is_same = before
        .as_ref()
        .is_some_and(|before| before.revision == row.revision);
    let settings = match before {
        Some(before) if is_same => before,
        before => {
            let spec: ScrapeSpec =
                serde_json::from_str(&row.spec).map_err(|error| vec![error.to_string()])?;
            Settings {
                revision: row.revision,
                plan: Arc::new(spec.plan(&row.name)?),
                files: before.map(|before| before.files).unwrap_or_default(),
            }
        }
    };
    let Some(files) = read_files(host, tenant, &settings, is_same).await else {
        return Ok(());
    };
    let plan = settings.plan;
    let (wanted, errors) = wanted(&plan, &files);
    let mut all = host.scrapes.lock();
    let targets = all.remove(&key).map(|before| before.targets).unwrap_or_default();
    let stays = |target: &Target| is_same && wanted.contains(target);
    let (mut targets, stopped): (BTreeMap<_, _>, BTreeMap<_, _>) =
        targets.into_iter().partition(|(target, _)| stays(target));
    for (target, running) in stopped {
        running.stop(if wanted.contains(&target) {
            Stop::GoesOn
        } else {
            Stop::Ends
        });
    }
    for target in wanted {
        let start = || Task::start(host, tenant, &plan, &target);
        targets.entry(target.clone()).or_insert_with(start);
    }
    let running = Running {
        revision: row.revision,
        plan,
        files: Arc::new(files),
        targets,
        errors,
    };
    all.insert(key, running);
    Ok(())
}

/// The targets of a scrape's files; none if the scrape is the same and they are too.
async fn read_files(
    host: &Host,
    tenant: &TenantId,
    settings: &Settings,
    is_same: bool,
) -> Option<FileTargets> {
    let (plan, before) = (settings.plan.clone(), settings.files.clone());
    if plan.spec.files.is_empty() {
        return (!is_same).then(FileTargets::default);
    }
    let Some(dir) = &host.scrapes.targets_dir else {
        let error = "files: the server has no targets_dir, so it reads no target files";
        return (!is_same).then(|| FileTargets::failed(error.to_owned()));
    };
    let folder = Folder::of(dir, tenant);
    let reading = tokio::task::spawn_blocking(move || {
        let has_changed = !is_same || !folder.is_as(&plan, &before);
        has_changed.then(|| folder.targets(&plan, &before))
    });
    reading.await.unwrap_or_else(|panic| {
        Some(FileTargets::failed(format!(
            "files: reading them panicked: {panic}"
        )))
    })
}

/// The targets of a scrape, and what is wrong with it as a whole.
fn wanted(plan: &Plan, files: &FileTargets) -> (BTreeSet<Target>, Vec<String>) {
    let mut errors = files.errors.clone();
    let all = plan.targets.iter().chain(files.of_file.values().flatten());
    let all: BTreeSet<Target> = all.cloned().collect();
    if all.len() > TARGETS_MAX {
        errors.push(format!(
            "{} targets: only the first {TARGETS_MAX} are scraped",
            all.len()
        ));
    }
    (all.into_iter().take(TARGETS_MAX).collect(), errors)
}

/// Looks every few seconds whether target files have changed.
pub(crate) async fn watch_files_forever(host: Arc<Host>) {
    loop {
        tokio::time::sleep(FILES_EVERY).await;
        let looking = host.clone();
        let looking = tokio::task::spawn_blocking(move || looking.scrapes.changed_files());
        for tenant in looking.await.unwrap_or_default() {
            if let Err(error) = reload(&host, &tenant).await {
                tracing::error!(%tenant, %error, "target files have changed and cannot be taken over");
            }
        }
    }
}

impl Host {
    /// Starts what was scraped when the server stopped.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn start_scrapes(self: &Arc<Self>) -> Result<(), StoreError> {
        for tenant in self.store.scraping_tenants_of_all_tenants().await? {
            reload(self, &tenant).await?;
        }
        Ok(())
    }
}
