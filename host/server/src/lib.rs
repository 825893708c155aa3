//! The tokio shell around the core and the sandbox.
//!
//! Data flows one way: `api` → `registry` → `scheduler` → `query` → sandbox →
//! `core::alert` → `store` → `notify`. `evaluate` is the one place that calls
//! query, sandbox, core and the store's commit, top to bottom.

mod access;
mod api;
mod catalog;
mod chance;
mod clock;
pub mod config;
mod configure;
pub mod egress;
mod embedded;
mod evaluate;
mod fair;
mod groups;
mod host;
pub mod http_client;
mod live;
mod lock;
mod logs;
mod notify;
mod oci;
mod pauses;
mod provenance;
mod quarantine;
pub mod query;
mod record;
mod registry;
mod remote_write;
mod scheduler;
pub mod schema;
mod scrape;
pub mod secrets;
mod signing;
mod start;
mod stock;
pub mod store;
pub mod telemetry;
mod tls;
mod usage;

pub use api::{Unkept, openapi};
pub use host::Host;
pub use registry::digest_of;
pub use signing::SignaturePolicy;
pub use start::{StartError, run};
