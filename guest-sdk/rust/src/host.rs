//! Who answers the imports: the host in a component, a fake one in a test.

#[cfg(target_family = "wasm")]
pub(crate) use crate::bindings::rule::wasmalert::rules::{log, metrics, query, state, timers};

#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::imports::{log, metrics, query, state, timers};
