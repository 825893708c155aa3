//! Everything the parts of a running server share.

use std::sync::Arc;

use tokio::sync::{Notify, oneshot};
use wasmalert_core::TenantId;
use wasmalert_core::evaluation::Cost;
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_sandbox::Workers;

use crate::access::{Access, Audit, Tenants};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::embedded::Embedded;
use crate::http_client::HttpClient;
use crate::live::LiveGroups;
use crate::logs::LogHub;
use crate::oci::Turns;
use crate::query::QueryEngine;
use crate::registry::Registry;
use crate::scheduler::{News, Newsline};
use crate::schema::SchemaChecker;
use crate::scrape::Scrapes;
use crate::store::Store;
use crate::telemetry::{EvaluationStatus, Metrics, TenantMetrics};

/// What a running server is made of.
pub struct Host {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) started_at_ms: i64,
    /// Without a slash at its end.
    pub(crate) external_url: String,
    pub(crate) store: Store,
    pub(crate) access: Access,
    pub(crate) tenants: Tenants,
    pub(crate) audit: Audit,
    pub(crate) catalog: Catalog,
    pub(crate) registry: Registry,
    pub(crate) pulls: Turns,
    pub(crate) schemas: SchemaChecker,
    pub(crate) workers: Workers,
    pub(crate) queries: QueryEngine,
    pub(crate) http: HttpClient,
    pub(crate) embedded: Arc<Embedded>,
    pub(crate) scrapes: Scrapes,
    pub(crate) groups: LiveGroups,
    pub(crate) logs: LogHub,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tenant_metrics: TenantMetrics,
    /// Wakes the deliveries.
    pub(crate) outbox_changed: Notify,
    pub(crate) newsline: Newsline,
    /// Held while something is counted and added, so that no room is counted twice.
    pub(crate) counting: tokio::sync::Mutex<()>,
    /// Changes of groups go one after the other, so that what runs is what is
    /// stored.
    pub(crate) changing_groups: tokio::sync::Mutex<()>,
}

impl Host {
    /// Runs a job on one of the sandbox's threads.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        self.workers.submit(move || {
            // Nobody waits any more when the host stops.
            let _ = answer.send(job());
        })?;
        answered.await.map_err(|_| {
            Fault::new(
                FaultCode::HostError,
                "the sandbox's thread panicked; see the server's log",
            )
        })
    }

    pub(crate) fn tell_scheduler(&self, news: News) {
        // The scheduler is gone only when the host stops.
        let _ = self.newsline.send(news);
    }

    /// Counts an evaluation that has ended.
    pub(crate) fn count_evaluation(
        &self,
        tenant: &TenantId,
        cost: &Cost,
        rounds: u32,
        fault: Option<FaultCode>,
    ) {
        let status = if fault.is_none() {
            EvaluationStatus::Ok
        } else {
            EvaluationStatus::Err
        };
        self.metrics.evaluations.inc(tenant, status);
        if let Some(code) = fault {
            self.metrics.faults.inc(tenant, code);
        }
        if rounds > 0 {
            self.metrics
                .evaluation_seconds
                .observe(tenant, (), cost.wall_ns as f64 / 1e9);
            self.metrics.evaluation_fuel.observe(tenant, (), cost.fuel as f64);
            self.metrics.evaluation_rounds.observe(f64::from(rounds));
        }
    }
}
