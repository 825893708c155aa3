//! The store through its public interface.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod append;
mod limits;
mod lists;
mod measure;
mod promql;
mod retention;
mod snapshot;
mod support;
mod threads;
