//! Good behaviour that shows what the host keeps between evaluations.

use crate::exports::wasmalert::rules::rules::{Context, Finding};
use crate::wasmalert::rules::{metrics, state, timers};
use crate::{empty_finding, label};

const TIMER_MS: i64 = 6_000;

/// How often it has run, as the value.
pub fn count() -> Finding {
    let before = state::get("count")
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_le_bytes);
    let count = before + 1;
    state::set("count", &count.to_le_bytes());
    Finding {
        value: f64::from(count),
        ..empty_finding()
    }
}

/// Sets a timer at the first run; once it came, reports its payload for good.
pub fn timer(context: &Context) -> Vec<Finding> {
    if context.trigger.kind == "timer" {
        state::set("payload", &context.trigger.payload);
    }
    if state::get("set").is_none() {
        state::set("set", b"yes");
        timers::set("wake", context.now_ms + TIMER_MS, b"remember me");
    }
    let payload = state::get("payload").map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let report = |payload: String| Finding {
        labels: vec![label("payload", &payload)],
        ..empty_finding()
    };
    payload.map(report).into_iter().collect()
}

/// One metric of each kind.
pub fn metrics() {
    metrics::count("guest_runs_total", &[label("kind", "all")], 1.0);
    metrics::gauge("guest_level", &[], 0.5);
    metrics::observe("guest_wait_seconds", &[], 0.02);
}
