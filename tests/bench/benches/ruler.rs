//! A tenant with 10,000 groups: how long Mimir's ruler API takes to list them all, and what that leaves behind.

use std::error::Error;

use serde_json::{Value, json};
use wasmalert_bench::process::Process;
use wasmalert_bench::{Scratch, median_us, report, timed};

const GROUPS: usize = 10_000;
const GROUPS_AT_ONCE: usize = 2_000;
/// Lists after which allocators have what they keep.
const LISTS_BEFORE: usize = 20;
const LISTS: usize = 60;
/// What a list may take.
const AIM_MS: f64 = 1_000.0;
/// What all lists together may leave.
const AIM_MIB: f64 = 16.0;
const MIB: f64 = 1_048_576.0;

fn main() -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new("ruler")?;
    let server = Process::wasmalert(scratch.path(), &[])?;
    for first in (0..GROUPS).step_by(GROUPS_AT_ONCE) {
        let groups: Vec<Value> = (first..first + GROUPS_AT_ONCE).map(group).collect();
        let body = json!({"put": {"groups": groups}}).to_string();
        server.ask(
            "POST",
            "/v1/config",
            &[("Content-Type", "application/json")],
            body.as_bytes(),
        )?;
    }
    let list = || server.ask("GET", "/prometheus/config/v1/rules", &[], b"");
    for _ in 0..LISTS_BEFORE {
        list()?;
    }
    let before = server.resident_bytes()?;
    let mut times = Vec::new();
    for _ in 0..LISTS {
        times.push(timed(list)?);
    }
    let grown = server.resident_bytes()?.saturating_sub(before) as f64;
    report("ruler/list", median_us(&mut times) / 1e3, AIM_MS, "ms");
    report("ruler/list_memory", grown / MIB, AIM_MIB, "MiB");
    Ok(())
}

fn group(at: usize) -> Value {
    let rule = json!({"alert": "Down", "expr": format!("up{{shard=\"{at}\"}} == 0"), "for": "5m",
        "labels": {"severity": "page"}, "annotations": {"summary": "{{ $labels.instance }} is down"}});
    json!({"namespace": format!("ns{}", at % 100), "name": format!("g{at}"), "spec": {"interval": "1d", "rules": [rule]}})
}
