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

use wasmalert_core::frame::{Frame, FrameError};
use wasmalert_core::query::{QueryError, QueryErrorCode, QueryTime};
use wasmalert_core::sample::stale_nan;
use wasmalert_core::usage::Usage;
use wasmalert_core::{Labels, TenantId};
use wasmalert_promql::{Error, Limits, Options, Outcome, Query};
use wasmalert_sandbox::thread_cpu_ns;
use wasmalert_tsdb::{Db, Entry, Sample, Settings};

use crate::fair::{Claim, Lane, Lanes, Undone};
use crate::usage::Ledger;
use crate::{Host, remote_write};

pub(crate) use keep::{keep_forever, restore, save};

/// The samples of all tenants, none of whom sees another's.
pub(crate) struct Embedded {
    settings: Settings,
    /// Where snapshots lie.
    dir: PathBuf,
    stores: RwLock<BTreeMap<TenantId, Arc<Db>>>,
    /// Held while snapshots are written, so that none comes back that was removed.
    saving: tokio::sync::Mutex<()>,
    lanes: Arc<Lanes>,
    ledger: Arc<Ledger>,
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
    pub(crate) fn new(settings: Settings, dir: PathBuf, lanes: Arc<Lanes>, ledger: Arc<Ledger>) -> Self {
        Self {
            settings,
            dir,
            stores: RwLock::default(),
            saving: tokio::sync::Mutex::default(),
            lanes,
            ledger,
        }
    }

    /// The samples of a tenant that has some.
    #[must_use]
    pub(crate) fn get(&self, tenant: &TenantId) -> Option<Arc<Db>> {
        let stores = self.stores.read().unwrap_or_else(PoisonError::into_inner);
        stores.get(tenant).cloned()
    }

    /// The samples of a tenant.
    #[must_use]
    pub(crate) fn of(&self, tenant: &TenantId) -> Arc<Db> {
        if let Some(db) = self.get(tenant) {
            return db;
        }
        let mut stores = self.stores.write().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Db::new(self.settings.clone()));
        stores.entry(tenant.clone()).or_insert_with(made).clone()
    }

    /// Evaluates an expression, and makes something of the outcome. Dropping the future
    /// ends the evaluation.
    ///
    /// # Errors
    /// As the evaluator says; [`Error::Stopped`] when it takes longer than `timeout`.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        claim: &Claim,
        expr: Arc<str>,
        time: QueryTime,
        timeout: Duration,
        make: impl Fn(Outcome) -> T + Clone + Send + 'static,
    ) -> Result<T, Error> {
        let stop = StopOnDrop(Arc::default());
        let job = |slice_ns| {
            let (db, expr, make) = (self.of(&claim.tenant), expr.clone(), make.clone());
            let stop = Stop {
                asked: stop.0.clone(),
                slice_ns,
            };
            move || evaluate(&db, &expr, time, stop).map(|outcome| outcome.map(make))
        };
        let evaluated = async {
            let quick = self
                .lanes
                .run(Lane::Quick, claim, job(Lane::SLICE_MS * 1_000_000));
            if let Some(quick) = self.done(claim, quick.await)? {
                return Ok(quick);
            }
            let long = self.lanes.run(Lane::Long, claim, job(u64::MAX));
            self.done(claim, long.await)?.ok_or(Error::Stopped)
        };
        tokio::time::timeout(timeout, evaluated)
            .await
            .unwrap_or(Err(Error::Stopped))
    }

    /// What a job answered; the processor time it took is counted.
    fn done<T>(&self, claim: &Claim, ran: Result<(Result<T, Error>, u64), Undone>) -> Result<T, Error> {
        let (answer, cpu_ns) = ran.map_err(undone)?;
        self.ledger.of(&claim.tenant).gather(&Usage {
            cpu_ns,
            ..Usage::default()
        });
        answer
    }

    /// Looks something up that may take long, and cannot be stopped.
    ///
    /// # Errors
    /// There is no room for it.
    pub(crate) async fn look_up<T: Send + 'static>(
        &self,
        claim: &Claim,
        look: impl FnOnce(&Db) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let db = self.of(&claim.tenant);
        let looked = self.lanes.run(Lane::Long, claim, move || look(&db)).await;
        self.done(claim, looked.map(|(found, cpu_ns)| (Ok(found), cpu_ns)))
    }

    /// The result of a rule's query.
    ///
    /// # Errors
    /// As [`QueryErrorCode`] tells.
    pub(crate) async fn ask(
        &self,
        claim: &Claim,
        query: &wasmalert_core::query::Query,
        timeout: Duration,
    ) -> Result<Frame, QueryError> {
        let newest_ms = query.time.newest_ms();
        let frame = move |outcome: Outcome| outcome.value.to_frame(newest_ms);
        let answer = self.query(claim, query.expr.clone(), query.time, timeout, frame);
        let frame = answer.await.map_err(|error| failed(&error, timeout))?;
        frame.map_err(|error| QueryError {
            code: match error {
                FrameError::TooLarge => QueryErrorCode::TooLarge,
                FrameError::Text | FrameError::NoSample => QueryErrorCode::Failed,
            },
            message: error.to_string(),
        })
    }
}

/// When to end an evaluation.
struct Stop {
    asked: Arc<AtomicBool>,
    /// When it has taken so much processor time.
    slice_ns: u64,
}

/// None when its slice was too short.
fn evaluate(db: &Db, expr: &str, time: QueryTime, stop: Stop) -> Result<Option<Outcome>, Error> {
    let until_ns = thread_cpu_ns().saturating_add(stop.slice_ns);
    let should_stop = || stop.asked.load(Ordering::Relaxed) || thread_cpu_ns() > until_ns;
    let options = Options {
        should_stop: Some(&should_stop),
        ..Options::default()
    };
    match Query::parse(expr, &Limits::default())?.at(db, time, &options) {
        Err(Error::Stopped) => Ok(None),
        outcome => outcome.map(Some),
    }
}

fn undone(undone: Undone) -> Error {
    Error::Storage(undone.to_string())
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

/// A series that a rule has left, and the source of the rule.
pub(crate) type Left = (Arc<str>, Arc<Labels>);

/// Ends series that rules have left with a stale marker, here and where they were written to. A series that has gone
/// on since is left alone.
pub(crate) fn end_left(host: &Host, (tenant, db): (&TenantId, &Db), left: &[Left], timestamp_ms: i64) {
    let catalog = host.catalog.of(tenant);
    let marker = Sample {
        timestamp_ms,
        value: stale_nan(),
    };
    for of_source in left.chunk_by(|a, b| a.0 == b.0) {
        let Some((source, _)) = of_source.first() else {
            continue;
        };
        let series = of_source.iter().map(|(_, labels)| labels);
        let ended = series.filter(|labels| {
            db.newest_ms(labels)
                .is_none_or(|newest_ms| newest_ms < timestamp_ms)
        });
        let ended: Vec<&Arc<Labels>> = ended.collect();
        let markers = ended.iter().map(|labels| (&***labels, marker));
        // What is refused is gone already.
        let _ = append(db, markers, host.clock.now_ms());
        let markers = ended.into_iter().map(|labels| (labels, marker.value));
        remote_write::forward(host, (tenant, &catalog), source, markers, timestamp_ms);
    }
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
