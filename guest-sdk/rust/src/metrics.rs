//! The rule's own metrics. Names follow `[a-zA-Z_:][a-zA-Z0-9_:]*`, label names
//! `[a-zA-Z_][a-zA-Z0-9_]*`; others trap.

use crate::host::metrics as host;
use crate::label::from_pairs;

/// Adds to a counter; `by` is at least 0, others trap.
pub fn count(name: &str, labels: &[(&str, &str)], by: f64) {
    host::count(name, &from_pairs(labels), by);
}

/// Sets a gauge.
pub fn gauge(name: &str, labels: &[(&str, &str)], value: f64) {
    host::gauge(name, &from_pairs(labels), value);
}

/// Observes a value in a histogram with the host's buckets.
pub fn observe(name: &str, labels: &[(&str, &str)], value: f64) {
    host::observe(name, &from_pairs(labels), value);
}
