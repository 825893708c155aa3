//! Query sources: asked over HTTP, answered in columns.
//!
//! A *source* is a tenant's named database; its *revision* moves with every
//! change of its [`SourceSpec`], so that nothing cached under the old one is
//! seen again. The [`QueryEngine`] asks each question once: equal queries that
//! are on their way together share one request, and an answer serves for a
//! short time. A failure is never kept.

mod direct;
mod engine;
mod http;
mod source;
mod spec;

pub use direct::{DirectError, DirectSource};
pub use engine::{QueryConfig, QueryEngine};
pub use source::{SOURCE_CONCURRENCY_DEFAULT, Source, Sources};
pub use spec::{EmbeddedSpec, PrometheusSpec, SourceKind, SourceSpec};

#[cfg(test)]
mod tests;
