//! Keeps samples over a restart: a snapshot of each tenant's samples in
//! `DATA_DIR/samples`, written every few minutes and when the server stops.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use wasmalert_core::TenantId;
use wasmalert_core::quota::Quota;
use wasmalert_tsdb::Db;

use super::Embedded;
use crate::Host;
use crate::fair::Lane;

/// Samples are written to disk so often; a crash loses those since.
const SAVE_EVERY: Duration = Duration::from_secs(120);
/// Over so long, so that the disk has time for others between two tenants.
const SAVE_WITHIN: Duration = Duration::from_secs(60);
/// Samples beyond retention are dropped so often.
const MAINTAIN_EVERY: Duration = Duration::from_secs(30);
const SUFFIX: &str = ".samples";
const UNFINISHED_SUFFIX: &str = ".unfinished";
/// What cannot be read as a whole is kept beside.
const DAMAGED_EXTENSION: &str = "damaged";

/// Drops old samples and writes snapshots.
pub(crate) async fn keep_forever(host: Arc<Host>) {
    let maintains_per_save = SAVE_EVERY.as_secs() / MAINTAIN_EVERY.as_secs();
    for turn in 1_u64.. {
        tokio::time::sleep(MAINTAIN_EVERY).await;
        for (tenant, db) in host.embedded.all() {
            let now_ms = host.clock.now_ms();
            aside(&host, &tenant, move || db.maintain(now_ms)).await;
        }
        if turn.is_multiple_of(maintains_per_save) {
            save(&host, SAVE_WITHIN).await;
        }
    }
}

/// Writes a snapshot of every tenant's samples, spread over a time.
pub(crate) async fn save(host: &Arc<Host>, within: Duration) {
    let mut took = Duration::ZERO;
    let stores = host.embedded.all();
    let pause = within / u32::try_from(stores.len()).unwrap_or(u32::MAX).max(1);
    for (tenant, _) in stores {
        tokio::time::sleep(pause).await;
        let _none_goes = host.embedded.saving.lock().await;
        // It may have gone meanwhile.
        let Some(db) = host.embedded.get(&tenant) else {
            continue;
        };
        let (dir, name) = (host.embedded.dir.clone(), tenant.clone());
        let stopwatch = host.clock.stopwatch();
        let saved = aside(host, &tenant, move || save_one(&dir, &name, &db)).await;
        took += stopwatch.elapsed();
        if let Some(Err(error)) = saved {
            tracing::error!(%tenant, %error, "the samples could not be written to disk");
        }
    }
    host.metrics.samples_save_seconds.observe(took.as_secs_f64());
}

/// Does what takes long for a tenant's samples; none if it could not be done.
async fn aside<T: Send + 'static>(
    host: &Host,
    tenant: &TenantId,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let claim = host.tenants.of(tenant).claim(Quota::QueriesAtOnce);
    let done = host.samplers.run(Lane::Long, &claim, work).await;
    done.inspect_err(|undone| tracing::error!(%tenant, %undone, "no work on its samples"))
        .ok()
        .map(|(done, _)| done)
}

fn save_one(dir: &Path, tenant: &TenantId, db: &Db) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let unfinished = dir.join(format!("{}{UNFINISHED_SUFFIX}", tenant.as_str()));
    let mut out = BufWriter::new(File::create(&unfinished)?);
    db.snapshot(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    fs::rename(&unfinished, dir.join(format!("{}{SUFFIX}", tenant.as_str())))?;
    File::open(dir)?.sync_all()
}

/// Reads what the last run of the server has left.
pub(crate) fn restore(embedded: &Embedded) {
    let files = match fs::read_dir(&embedded.dir) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return tracing::error!(%error, "the samples on disk cannot be read"),
    };
    for file in files.flatten() {
        let name = file.file_name();
        let tenant = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        if let Some(tenant) = tenant.and_then(|name| TenantId::new(name).ok()) {
            restore_one(embedded, &tenant, &file.path());
        }
    }
}

fn restore_one(embedded: &Embedded, tenant: &TenantId, path: &Path) {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return tracing::error!(%tenant, %error, "the samples on disk cannot be read"),
    };
    let (db, restored) = Db::restore(embedded.settings.clone(), &mut file);
    if let Some(damage) = &restored.damage {
        tracing::error!(%tenant, %damage, samples = restored.samples, "only a part of the samples on disk could be read");
        // The next snapshot would take its place.
        if let Err(error) = fs::rename(path, path.with_extension(DAMAGED_EXTENSION)) {
            tracing::error!(%tenant, %error, "the damaged file could not be put aside");
        }
    }
    let mut stores = embedded.stores.write().unwrap_or_else(PoisonError::into_inner);
    stores.insert(tenant.clone(), Arc::new(db));
}

impl Embedded {
    /// Drops a tenant's samples, those on disk too.
    pub(crate) async fn forget(&self, tenant: &TenantId) {
        let _none_is_written = self.saving.lock().await;
        let mut stores = self.stores.write().unwrap_or_else(PoisonError::into_inner);
        stores.remove(tenant);
        drop(stores);
        let file = self.dir.join(format!("{}{SUFFIX}", tenant.as_str()));
        for file in [file.with_extension(DAMAGED_EXTENSION), file] {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::error!(%tenant, %error, "a deleted tenant's samples could not be removed");
                }
                _ => {}
            }
        }
    }

    /// Every tenant's samples.
    pub(crate) fn all(&self) -> Vec<(TenantId, Arc<Db>)> {
        let stores = self.stores.read().unwrap_or_else(PoisonError::into_inner);
        stores
            .iter()
            .map(|(tenant, db)| (tenant.clone(), db.clone()))
            .collect()
    }
}
