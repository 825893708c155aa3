//! Metrics in the Prometheus text format: the host's own, and those that rules emit.
//!
//! A *family* is a name with its help, type and *series*, one for each set of
//! labels. Labels of the host's own metrics are bounded: a [`Code`] has a fixed
//! set of values, and tenants can be left out.

mod exposition;
mod family;
mod host;
mod instrument;
mod rule_usage;
mod tenant_metrics;

pub use exposition::CONTENT_TYPE;
pub use family::{Code, Family, TenantFamily};
pub use host::{
    AlertState, CompileResult, DeliveryResult, EvaluationStatus, FetchResult, Metrics, ProcessInfo,
    QueryOutcome, Queue, RuleHealth, ScrapeResult, WriteResult,
};
pub use instrument::{Counter, Gauge, Histogram};
pub use rule_usage::rule_usage;
pub use tenant_metrics::{DropReason, TENANT_SERIES_MAX_DEFAULT, TenantMetrics};

#[cfg(test)]
mod tests;
