//! Tests of the sandbox as its callers see it, on guests written in WAT.

mod artifacts;
mod compile;
mod evaluate;
mod fixture;
mod limits;
mod notify;
mod stub;
mod workers;
