//! Everything the parts of a running server share.

use std::sync::Arc;

use wasmalert_core::TenantId;
use wasmalert_core::evaluation::Cost;
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::quota::Quota;
use wasmalert_core::spec::External;
use wasmalert_sandbox::{Component, Ended};

use crate::access::{Access, Audit, Tenant, Tenants};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::embedded::Embedded;
use crate::fair::{Lane, Lanes, Turns};
use crate::http_client::HttpClient;
use crate::live::LiveGroups;
use crate::logs::LogHub;
use crate::notify::Wakes;
use crate::pauses::Pauses;
use crate::quarantine::Quarantine;
use crate::query::QueryEngine;
use crate::registry::Registry;
use crate::remote_write::RemoteWrite;
use crate::scheduler::{News, Newsline};
use crate::schema::SchemaChecker;
use crate::scrape::Scrapes;
use crate::store::Store;
use crate::telemetry::{EvaluationStatus, Metrics, TenantMetrics};
use crate::usage::Ledger;

/// What a running server is made of.
pub struct Host {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) started_at_ms: i64,
    pub(crate) external: External,
    pub(crate) store: Store,
    pub(crate) access: Access,
    pub(crate) tenants: Tenants,
    pub(crate) audit: Audit,
    pub(crate) quarantine: Quarantine,
    pub(crate) pauses: Pauses,
    pub(crate) catalog: Catalog,
    pub(crate) registry: Registry,
    pub(crate) schemas: SchemaChecker,
    /// Where components run.
    pub(crate) sandboxes: Lanes,
    /// Where samples are taken in and queried.
    pub(crate) samplers: Arc<Lanes>,
    /// Groups that are evaluated.
    pub(crate) evaluations: Turns,
    /// Notifications on their way.
    pub(crate) deliveries: Turns,
    pub(crate) queries: QueryEngine,
    pub(crate) http: HttpClient,
    pub(crate) embedded: Arc<Embedded>,
    pub(crate) remote_write: RemoteWrite,
    pub(crate) scrapes: Scrapes,
    pub(crate) groups: LiveGroups,
    pub(crate) logs: LogHub,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tenant_metrics: TenantMetrics,
    /// Wakes the deliveries.
    pub(crate) outboxes: Wakes,
    pub(crate) newsline: Newsline,
    /// Held while something is counted and added, so that no room is counted twice.
    pub(crate) counting: tokio::sync::Mutex<()>,
    /// Changes of configuration go one after the other, so that what runs is what is
    /// stored.
    pub(crate) configuring: tokio::sync::Mutex<()>,
}

impl Host {
    /// The component of a digest, unless the operator has stopped it.
    ///
    /// # Errors
    /// `quarantined`, or `module_unavailable` with the reason.
    pub(crate) async fn component(&self, tenant: &Tenant, digest: &str) -> Result<Component, Fault> {
        self.quarantine.check_module(digest)?;
        let claim = tenant.claim(Quota::UploadsAtOnce);
        self.registry.component(&claim, digest).await
    }

    /// Runs a component. What takes too long for the quick lane is stopped and run
    /// anew in the long one, which is no other run: it is a function of its inputs.
    ///
    /// # Errors
    /// There is no room for it.
    pub(crate) async fn in_sandbox<T: Ended + Send + 'static>(
        &self,
        tenant: &Tenant,
        lane: Lane,
        limits: Limits,
        run: impl Fn(&Limits) -> T + Clone + Send + 'static,
    ) -> Result<T, Fault> {
        let claim = tenant.claim(Quota::EvaluationsAtOnce);
        let mut wasted_ns = 0;
        if lane == Lane::Quick {
            let mut slice = limits.clone();
            slice.deadline_ms = slice.deadline_ms.min(Lane::SLICE_MS);
            let (run, is_cut) = (run.clone(), slice.deadline_ms < limits.deadline_ms);
            let (ended, _) = self.sandboxes.run(lane, &claim, move || run(&slice)).await?;
            let fault = ended.fault().map(|fault| fault.code);
            if !is_cut || fault != Some(FaultCode::Limit(Limit::DeadlineMs)) {
                return Ok(ended);
            }
            wasted_ns = ended.cost().cpu_ns;
        }
        let (mut ended, _) = self
            .sandboxes
            .run(Lane::Long, &claim, move || run(&limits))
            .await?;
        ended.cost_mut().cpu_ns += wasted_ns;
        Ok(ended)
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
