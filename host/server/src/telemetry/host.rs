//! The host's own metrics.

use wasmalert_core::TenantId;
use wasmalert_core::fault::FaultCode;
use wasmalert_core::query::QueryErrorCode;
use wasmalert_core::usage::Resource;
use wasmalert_tsdb::Refusal;

use super::exposition::Exposition;
use super::family::{Code, Family, Metric, TenantFamily};
use super::instrument::{Counter, Gauge, Histogram};
use super::tenant_metrics::DropReason;
use crate::query::SourceKind;

const LAG_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    30.0,
];
const SANDBOX_SECONDS: &[f64] = &[
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0,
];
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
const FUEL: &[f64] = &[1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 5e8, 1e9];
const ROUNDS: &[f64] = &[1.0, 2.0, 3.0, 4.0, 6.0, 8.0];

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident, $label:literal { $($variant:ident = $text:literal,)+ })+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($variant,)+ }

        impl Code for $name {
            const NAMES: &'static [&'static str] = &[$label];

            fn labels(self) -> Vec<&'static str> {
                vec![match self { $(Self::$variant => $text,)+ }]
            }
        }
    )+};
}

codes! {
    /// How an evaluation ended.
    EvaluationStatus, "status" { Ok = "ok", Err = "err", }
    /// Whether a target could be scraped.
    ScrapeResult, "result" { Up = "up", Down = "down", }
    /// Whether the keys of the issuer of tokens could be fetched.
    FetchResult, "result" { Ok = "ok", Failed = "failed", }
    /// How a compilation ended.
    CompileResult, "result" { Ok = "ok", Refused = "refused", Failed = "failed", }
    /// How an attempt at a delivery ended; a dead one is not tried again.
    DeliveryResult, "result" { Delivered = "delivered", Retry = "retry", Dead = "dead", }
    /// The states of alerts that are kept.
    AlertState, "state" { Pending = "pending", Firing = "firing", Resolved = "resolved", }
    /// What tenants wait for.
    Queue, "queue" {
        Evaluations = "evaluations", Sandbox = "sandbox", Samples = "samples", Queries = "queries",
        Scrapes = "scrapes", Uploads = "uploads", Compilations = "compilations", Schemas = "schemas",
        Deliveries = "deliveries",
    }
    /// What becomes of samples for targets of remote write.
    WriteResult, "result" { Sent = "sent", Refused = "refused", Dropped = "dropped", }
    /// The health of rules.
    RuleHealth, "health" { Unknown = "unknown", Ok = "ok", Err = "err", }
}

impl Code for FaultCode {
    const NAMES: &'static [&'static str] = &["code"];

    fn labels(self) -> Vec<&'static str> {
        vec![self.as_str()]
    }
}

impl Code for Resource {
    const NAMES: &'static [&'static str] = &["resource"];

    fn labels(self) -> Vec<&'static str> {
        vec![self.name()]
    }
}

impl Code for Refusal {
    const NAMES: &'static [&'static str] = &["reason"];

    fn labels(self) -> Vec<&'static str> {
        vec![self.code()]
    }
}

/// How a request to a source ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryOutcome {
    pub kind: SourceKind,
    /// None when it succeeded.
    pub error: Option<QueryErrorCode>,
}

impl Code for QueryOutcome {
    const NAMES: &'static [&'static str] = &["kind", "result"];

    fn labels(self) -> Vec<&'static str> {
        vec![
            self.kind.as_str(),
            self.error.map_or("ok", QueryErrorCode::as_str),
        ]
    }
}

fn tenant_counter<C: Code>(by_tenant: bool) -> TenantFamily<C, Counter> {
    TenantFamily::new(by_tenant, Counter::default)
}

fn tenant_gauge<C: Code>(by_tenant: bool) -> TenantFamily<C, Gauge> {
    TenantFamily::new(by_tenant, Gauge::default)
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty = $make:expr, $name:literal;)+) => {
        /// The host's own metrics; share them in an `Arc`.
        pub struct Metrics {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Metrics {
            /// All at zero. `by_tenant` says whether series carry the tenant.
            #[must_use]
            pub fn new(by_tenant: bool) -> Self {
                Self { $($field: { let make: fn(bool) -> $type = $make; make(by_tenant) },)+ }
            }

            fn write(&self, out: &mut Exposition) {
                $(
                    out.family($name, <$type as Metric>::KIND, concat!($($doc),+).trim());
                    self.$field.write(out, $name, &[]);
                )+
            }
        }
    };
}

metrics! {
    /// How long after its slot the evaluation of a group started.
    scheduler_lag_seconds: Histogram =
        |_| Histogram::new(LAG_SECONDS), "wasmalert_scheduler_lag_seconds";
    /// How long after its slot the last rule of a group was evaluated and committed.
    slot_lag_seconds: TenantFamily<(), Histogram> =
        |by_tenant| TenantFamily::new(by_tenant, || Histogram::new(LAG_SECONDS)), "wasmalert_slot_lag_seconds";
    /// Slots that passed without an evaluation.
    slots_missed: TenantFamily<(), Counter> =
        tenant_counter, "wasmalert_slots_missed_total";
    /// Evaluations that ended.
    evaluations: TenantFamily<EvaluationStatus, Counter> =
        tenant_counter, "wasmalert_evaluations_total";
    /// Time of one evaluation in the sandbox, all its runs together, queries not counted.
    evaluation_seconds: TenantFamily<(), Histogram> =
        |by_tenant| TenantFamily::new(by_tenant, || Histogram::new(SANDBOX_SECONDS)), "wasmalert_evaluation_seconds";
    /// Fuel of the last run of one evaluation.
    evaluation_fuel: TenantFamily<(), Histogram> =
        |by_tenant| TenantFamily::new(by_tenant, || Histogram::new(FUEL)), "wasmalert_evaluation_fuel";
    /// Runs that one evaluation took.
    evaluation_rounds: Histogram =
        |_| Histogram::new(ROUNDS), "wasmalert_evaluation_rounds";
    /// Faults of evaluations, compilations and notifications.
    faults: TenantFamily<FaultCode, Counter> =
        tenant_counter, "wasmalert_faults_total";
    /// Time of one request to a source, waiting for its turn included.
    query_seconds: Family<QueryOutcome, Histogram> =
        |_| Family::new(|| Histogram::new(SECONDS)), "wasmalert_query_seconds";
    /// Queries answered without a request of their own.
    query_cache_hits: Counter =
        |_| Counter::default(), "wasmalert_query_cache_hits_total";
    /// Queries that caused a request.
    query_cache_misses: Counter =
        |_| Counter::default(), "wasmalert_query_cache_misses_total";
    /// Query results kept.
    query_cache_bytes: Gauge =
        |_| Gauge::default(), "wasmalert_query_cache_bytes";
    /// Series in the embedded source.
    samples_series: TenantFamily<(), Gauge> =
        tenant_gauge, "wasmalert_samples_series";
    /// Samples that the embedded source holds.
    samples_held: TenantFamily<(), Gauge> =
        tenant_gauge, "wasmalert_samples_held";
    /// Memory of the samples in the embedded source, index included, as the quota samples_bytes counts it.
    samples_bytes: TenantFamily<(), Gauge> =
        tenant_gauge, "wasmalert_samples_bytes";
    /// Samples that the embedded source has taken since the start.
    samples_taken: TenantFamily<(), Counter> =
        tenant_counter, "wasmalert_samples_taken_total";
    /// Samples that the embedded source has refused since the start.
    samples_refused: TenantFamily<Refusal, Counter> =
        tenant_counter, "wasmalert_samples_refused_total";
    /// Samples dropped before their time to make room, since the start.
    samples_evicted: TenantFamily<(), Counter> =
        tenant_counter, "wasmalert_samples_evicted_total";
    /// Time of writing all samples to disk.
    samples_save_seconds: Histogram =
        |_| Histogram::new(SECONDS), "wasmalert_samples_save_seconds";
    /// Samples for targets of remote write: sent, refused by the target, or dropped since the queue was full or the
    /// target is gone.
    remote_write_samples: TenantFamily<WriteResult, Counter> =
        tenant_counter, "wasmalert_remote_write_samples_total";
    /// Requests of remote write that are tried again.
    remote_write_retries: TenantFamily<(), Counter> =
        tenant_counter, "wasmalert_remote_write_retries_total";
    /// Samples for targets of remote write that wait, or are on their way.
    remote_write_waiting: TenantFamily<(), Gauge> =
        tenant_gauge, "wasmalert_remote_write_waiting";
    /// Scrapes of targets.
    scrapes: TenantFamily<ScrapeResult, Counter> =
        tenant_counter, "wasmalert_scrapes_total";
    /// Time of one compilation.
    compile_seconds: Family<CompileResult, Histogram> =
        |_| Family::new(|| Histogram::new(SECONDS)), "wasmalert_compile_seconds";
    /// Components found in memory.
    component_cache_hits: Counter =
        |_| Counter::default(), "wasmalert_component_cache_hits_total";
    /// Components that had to be loaded.
    component_cache_misses: Counter =
        |_| Counter::default(), "wasmalert_component_cache_misses_total";
    /// Compiled components in memory.
    component_cache_bytes: Gauge =
        |_| Gauge::default(), "wasmalert_component_cache_bytes";
    /// What tenants have used since the start, in the units of docs/limits.md.
    usage: TenantFamily<Resource, Counter> =
        tenant_counter, "wasmalert_usage_total";
    /// What waits for its turn; each queue is shared fairly between tenants.
    queue_length: Family<Queue, Gauge> =
        |_| Family::new(Gauge::default), "wasmalert_queue_length";
    /// Notifications that are not delivered yet.
    outbox_depth: Gauge =
        |_| Gauge::default(), "wasmalert_outbox_depth";
    /// Age of the oldest notification that is not delivered yet.
    outbox_oldest_age_seconds: Gauge =
        |_| Gauge::default(), "wasmalert_outbox_oldest_age_seconds";
    /// Attempts at deliveries.
    deliveries: TenantFamily<DeliveryResult, Counter> =
        tenant_counter, "wasmalert_deliveries_total";
    /// Requests that a tenant's policy did not allow.
    egress_refused: TenantFamily<(), Counter> =
        tenant_counter, "wasmalert_egress_refused_total";
    /// Rounds of fetching the keys of the issuer of tokens.
    oidc_fetches: Family<FetchResult, Counter> =
        |_| Family::new(Counter::default), "wasmalert_oidc_fetches_total";
    /// 1 while the files of TLS cannot be used and those before them go on serving.
    tls_stale: Gauge =
        |_| Gauge::default(), "wasmalert_tls_stale";
    /// Handshakes of TLS that failed, took too long or made room for others.
    tls_handshakes_failed: Counter =
        |_| Counter::default(), "wasmalert_tls_handshakes_failed_total";
    /// Time until an evaluation was committed, waiting for others included.
    commit_seconds: Histogram =
        |_| Histogram::new(SECONDS), "wasmalert_commit_seconds";
    /// Transactions that committed evaluations; each may hold many.
    commit_transactions: Gauge =
        |_| Gauge::default(), "wasmalert_commit_transactions";
    /// Groups of rules.
    groups: TenantFamily<(), Gauge> =
        tenant_gauge, "wasmalert_groups";
    /// Rules by health.
    rules: TenantFamily<RuleHealth, Gauge> =
        tenant_gauge, "wasmalert_rules";
    /// Alerts by state.
    alerts: TenantFamily<AlertState, Gauge> =
        tenant_gauge, "wasmalert_alerts";
    /// Log lines that a slow follower of the log did not get.
    log_lines_dropped: TenantFamily<(), Counter> =
        tenant_counter, "wasmalert_log_lines_dropped_total";
    /// Updates of rules' own metrics that were dropped.
    rule_metric_updates_dropped: TenantFamily<DropReason, Counter> =
        tenant_counter, "wasmalert_rule_metric_updates_dropped_total";
}

/// What is known of the process when metrics are rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessInfo {
    pub version: &'static str,
    pub started_at_ms: i64,
    pub resident_memory_bytes: u64,
}

impl ProcessInfo {
    /// This process, which started at `started_at_ms`; reads `/proc/self/status`.
    #[must_use]
    pub fn read(started_at_ms: i64) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started_at_ms,
            resident_memory_bytes: resident_bytes(&status),
        }
    }

    fn write(&self, out: &mut Exposition) {
        out.family(
            "wasmalert_build_info",
            "gauge",
            "Always 1; the version is a label.",
        );
        out.sample("wasmalert_build_info", "", &[("version", self.version)], 1.0);
        let name = "process_start_time_seconds";
        out.family(
            name,
            "gauge",
            "When the process started, in seconds since the epoch.",
        );
        out.sample(name, "", &[], self.started_at_ms as f64 / 1_000.0);
        let name = "process_resident_memory_bytes";
        out.family(name, "gauge", "Memory of the process that is resident.");
        out.sample(name, "", &[], self.resident_memory_bytes as f64);
    }
}

/// `VmRSS` of a `/proc/*/status`; 0 when it is not there.
pub(super) fn resident_bytes(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

impl Metrics {
    /// All metrics in the Prometheus text format.
    #[must_use]
    pub fn render(&self, process: &ProcessInfo) -> String {
        let mut out = Exposition::default();
        self.write(&mut out);
        process.write(&mut out);
        out.finish()
    }

    /// Drops the counters and histograms of a tenant that is gone.
    pub fn forget_tenant(&self, tenant: &TenantId) {
        self.slot_lag_seconds.forget(tenant);
        self.slots_missed.forget(tenant);
        self.evaluations.forget(tenant);
        self.evaluation_seconds.forget(tenant);
        self.evaluation_fuel.forget(tenant);
        self.faults.forget(tenant);
        self.scrapes.forget(tenant);
        self.remote_write_samples.forget(tenant);
        self.remote_write_retries.forget(tenant);
        self.deliveries.forget(tenant);
        self.egress_refused.forget(tenant);
        self.log_lines_dropped.forget(tenant);
        self.rule_metric_updates_dropped.forget(tenant);
    }
}
