//! The embedded source: each tenant's samples in memory, and PromQL over them.
//!
//! Rules' recorded samples and the series of their alerts go there, and what is
//! sent to `POST /api/v1/write`.

mod keep;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmalert_core::frame::Frame;
use wasmalert_core::query::{QueryError, QueryErrorCode, QueryTime};
use wasmalert_core::{Labels, TenantId};
use wasmalert_promql::{Error, Limits, Options, Outcome, Query};
use wasmalert_tsdb::{Db, Entry, Sample, Settings};

pub(crate) use keep::{keep_forever, restore, save};

/// The samples of all tenants, none of whom sees another's.
pub(crate) struct Embedded {
    settings: Settings,
    /// Where snapshots lie.
    dir: PathBuf,
    stores: RwLock<BTreeMap<TenantId, Arc<Db>>>,
    /// Held while snapshots are written, so that none comes back that was removed.
    saving: tokio::sync::Mutex<()>,
    /// Queries at a time: they take processor time, so more would gain nothing.
    permits: Semaphore,
}

/// Ends a query whose answer nobody waits for any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Embedded {
    #[must_use]
    pub(crate) fn new(settings: Settings, dir: PathBuf, queries_max: usize) -> Self {
        Self {
            settings,
            dir,
            stores: RwLock::default(),
            saving: tokio::sync::Mutex::default(),
            permits: Semaphore::new(queries_max.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    /// The samples of a tenant.
    #[must_use]
    pub(crate) fn of(&self, tenant: &TenantId) -> Arc<Db> {
        if let Some(db) = self
            .stores
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
        {
            return db.clone();
        }
        let mut stores = self.stores.write().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Db::new(self.settings.clone()));
        stores.entry(tenant.clone()).or_insert_with(made).clone()
    }

    /// Evaluates an expression. Dropping the future ends the evaluation.
    ///
    /// # Errors
    /// As the evaluator says; [`Error::Stopped`] when it takes longer than `timeout`.
    pub(crate) async fn query(
        &self,
        tenant: &TenantId,
        expr: Arc<str>,
        time: QueryTime,
        timeout: Duration,
    ) -> Result<Outcome, Error> {
        let stop = StopOnDrop(Arc::default());
        let (db, stopped) = (self.of(tenant), stop.0.clone());
        let evaluated = async {
            let _permit = self.permits.acquire().await;
            let job = move || evaluate(&db, &expr, time, &stopped);
            tokio::task::spawn_blocking(job)
                .await
                .unwrap_or_else(|panic| Err(Error::Storage(format!("the evaluation panicked: {panic}"))))
        };
        tokio::time::timeout(timeout, evaluated)
            .await
            .unwrap_or(Err(Error::Stopped))
    }

    /// The result of a rule's query.
    ///
    /// # Errors
    /// As [`QueryErrorCode`] tells.
    pub(crate) async fn ask(
        &self,
        tenant: &TenantId,
        query: &wasmalert_core::query::Query,
        timeout: Duration,
    ) -> Result<Frame, QueryError> {
        let answer = self.query(tenant, query.expr.clone(), query.time, timeout).await;
        let outcome = answer.map_err(|error| failed(&error, timeout))?;
        outcome
            .value
            .to_frame(query.time.newest_ms())
            .map_err(|error| QueryError {
                code: QueryErrorCode::TooLarge,
                message: error.to_string(),
            })
    }
}

fn evaluate(db: &Db, expr: &str, time: QueryTime, stopped: &AtomicBool) -> Result<Outcome, Error> {
    let options = Options {
        should_stop: Some(&|| stopped.load(Ordering::Relaxed)),
        ..Options::default()
    };
    Query::parse(expr, &Limits::default())?.at(db, time, &options)
}

/// Adds samples, each of a series of its own; gives what was refused, as a text.
pub(crate) fn append<'a>(
    db: &Db,
    samples: impl Iterator<Item = (&'a Labels, Sample)>,
    now_ms: i64,
) -> Option<String> {
    let samples: Vec<(&Labels, Sample)> = samples.collect();
    let entries: Vec<Entry<'_>> = samples
        .iter()
        .map(|(labels, sample)| Entry {
            labels,
            samples: slice::from_ref(sample),
        })
        .collect();
    db.append(&entries, now_ms).refusals()
}

fn failed(error: &Error, timeout: Duration) -> QueryError {
    let (code, message) = match error {
        Error::Stopped => (
            QueryErrorCode::Timeout,
            format!("no result within {} ms", timeout.as_millis()),
        ),
        Error::Limit { .. } => (QueryErrorCode::TooLarge, error.to_string()),
        _ => (QueryErrorCode::Failed, error.to_string()),
    };
    QueryError { code, message }
}
