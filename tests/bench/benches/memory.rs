//! What an idle rule keeps resident: 10,000 rules of one component in a running
//! server, none of them due, divided into what the server grows by.

use std::error::Error;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use wasmalert_bench::process::Process;
use wasmalert_bench::{Scratch, report};

const GROUPS: usize = 100;
const RULES_PER_GROUP: usize = 100;
/// What a rule may take.
const AIM_BYTES: f64 = 4_096.0;
/// Time that the server has to give back what it no longer needs.
const SETTLE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new("memory")?;
    let server = Process::wasmalert(scratch.path(), &[])?;
    let source = json!({"kind": "prometheus", "url": "http://127.0.0.1:9"});
    put(&server, "/v1/sources/prom", &source)?;
    // The first group pays for what all share.
    put(&server, "/v1/groups/bench/first", &group())?;
    thread::sleep(SETTLE);
    let before = server.resident_bytes()?;
    for at in 0..GROUPS {
        put(&server, &format!("/v1/groups/bench/group-{at}"), &group())?;
    }
    thread::sleep(SETTLE);
    let grown = server.resident_bytes()?.saturating_sub(before);
    let rules = (GROUPS * RULES_PER_GROUP) as f64;
    report("memory/idle_rule", grown as f64 / rules, AIM_BYTES, "bytes");
    Ok(())
}

fn put(server: &Process, path: &str, body: &Value) -> Result<(), Box<dyn Error>> {
    let json = [("Content-Type", "application/json")];
    server
        .ask("PUT", path, &json, body.to_string().as_bytes())
        .map(drop)
}

/// Rules as people write them. Once a day: next to none comes due meanwhile.
fn group() -> Value {
    let rule = |at: usize| {
        json!({
            "alert": format!("HighErrorRate{at:03}"),
            "expr": format!("sum by (job) (rate(http_errors_total{{shard=\"{at}\"}}[5m])) > 0.05"),
            "for": "5m",
            "source": "prom",
            "labels": {"severity": "page", "team": "platform"},
            "annotations": {"summary": "{{ $labels.job }} answers too many requests with errors"},
        })
    };
    json!({"interval": "1d", "rules": (0..RULES_PER_GROUP).map(rule).collect::<Vec<_>>()})
}
