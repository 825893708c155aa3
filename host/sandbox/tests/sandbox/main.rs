//! Tests of the sandbox as its callers see it, on guests written in WAT.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod artifacts;
mod compile;
mod contract;
mod evaluate;
mod fixture;
mod limits;
mod notify;
mod stub;
