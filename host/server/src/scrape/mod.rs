//! Scrapes targets into the embedded source: a task for each target.

mod spec;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, watch};
use wasmalert_core::TenantId;
use wasmalert_ingest::target::Target;

pub(crate) use spec::ScrapeSpec;
pub(crate) use target::TargetStatus;

use crate::Host;
use crate::store::StoreError;
use target::scrape_until_stopped;

/// Scrapes of all tenants that wait for an answer at the same time.
const SCRAPES_AT_ONCE: usize = 512;

/// What tasks are told when their scrape changes: the targets that go on in
/// other tasks. The series of all others end.
type Stop = Option<Arc<BTreeSet<Target>>>;

/// A scrape that is running.
struct Running {
    revision: i64,
    stop: watch::Sender<Stop>,
    targets: Vec<Arc<Mutex<TargetStatus>>>,
}

/// The scrapes of all tenants.
pub(crate) struct Scrapes {
    running: Mutex<BTreeMap<(TenantId, String), Running>>,
    permits: Semaphore,
    /// One change after the other, so that what runs is what is stored.
    changing: tokio::sync::Mutex<()>,
}

impl Default for Scrapes {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            permits: Semaphore::new(SCRAPES_AT_ONCE),
            changing: tokio::sync::Mutex::default(),
        }
    }
}

impl Scrapes {
    /// How the targets of a scrape are.
    #[must_use]
    pub(crate) fn status(&self, tenant: &TenantId, name: &str) -> Vec<TargetStatus> {
        let running = self.lock();
        let found = running.get(&(tenant.clone(), name.to_owned()));
        let targets = found
            .map(|running| running.targets.as_slice())
            .unwrap_or_default();
        targets
            .iter()
            .map(|status| status.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(TenantId, String), Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a tenant's scrapes what is stored: those that changed are started anew.
///
/// # Errors
/// The store failed.
pub(crate) async fn reload(host: &Arc<Host>, tenant: &TenantId) -> Result<(), StoreError> {
    let _one_at_a_time = host.scrapes.changing.lock().await;
    let stored = host.store.list_scrapes(tenant).await?;
    let names: BTreeSet<&str> = stored.iter().map(|row| row.name.as_str()).collect();
    let mut running = host.scrapes.lock();
    running.retain(|(of, name), running| {
        let stays = of != tenant || names.contains(name.as_str());
        if !stays {
            running.stop.send_replace(Some(Arc::default()));
        }
        stays
    });
    for row in &stored {
        let key = (tenant.clone(), row.name.clone());
        let before = running.get(&key);
        if before.is_some_and(|before| before.revision == row.revision) {
            continue;
        }
        let spec: Result<ScrapeSpec, _> = serde_json::from_str(&row.spec);
        let spec = spec.map_err(|error| vec![error.to_string()]);
        let plan = match spec.and_then(|spec| spec.plan(&row.name)) {
            Ok(plan) => Arc::new(plan),
            Err(errors) => {
                tracing::error!(%tenant, scrape = row.name, ?errors, "a stored scrape cannot be used");
                continue;
            }
        };
        if let Some(before) = before {
            let go_on = plan.targets.iter().cloned().collect();
            before.stop.send_replace(Some(Arc::new(go_on)));
        }
        let (stop, stopped) = watch::channel(None);
        let start = |target: &Target| {
            let status = Arc::new(Mutex::new(TargetStatus::new(target)));
            let task = scrape_until_stopped(
                host.clone(),
                tenant.clone(),
                plan.clone(),
                target.clone(),
                status.clone(),
                stopped.clone(),
            );
            tokio::spawn(task);
            status
        };
        let targets = plan.targets.iter().map(start).collect();
        let started = Running {
            revision: row.revision,
            stop,
            targets,
        };
        running.insert(key, started);
    }
    Ok(())
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
