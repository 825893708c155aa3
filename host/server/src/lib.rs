//! The tokio shell around the core and the sandbox.

pub mod store;
