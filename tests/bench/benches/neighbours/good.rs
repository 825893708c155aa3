//! Tenants who behave: ten rules a second, one of which fires for ten seconds and
//! is silent for ten.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use wasmalert_bench::now;
use wasmalert_bench::process::Process;

use crate::sink::Sink;
use crate::{GOOD, Result};

pub(crate) const PREFIX: &str = "good-";
const RULES: usize = 10;
/// From one alert to the next.
const PERIOD_SECONDS: i64 = 20;
/// What is on its way when the attack ends has so long to arrive.
const DRAIN: Duration = Duration::from_secs(30);

fn name(at: usize) -> String {
    format!("{PREFIX}{at:03}")
}

pub(crate) fn set_up(server: &Process, sink: &Sink, at: usize) -> Result<()> {
    let tenant = name(at);
    put(server, "default", &format!("/v1/tenants/{tenant}"), &json!({}))?;
    let receiver = json!({"module": "webhook", "config": {"url": sink.url(&tenant)}});
    put(server, &tenant, "/v1/receivers/sink", &receiver)?;
    let rule = |at: usize| match at {
        0 => json!({
            "alert": "Cycle", "receivers": ["sink"],
            "expr": format!("vector(time()) % {PERIOD_SECONDS} < {}", PERIOD_SECONDS / 2),
        }),
        at => json!({"alert": format!("Quiet{at}"), "expr": format!("up{{job=\"{at}\"}} == 0")}),
    };
    let rules: Vec<Value> = (0..RULES).map(rule).collect();
    put(
        server,
        &tenant,
        "/v1/groups/bench/rules",
        &json!({"interval": "1s", "rules": rules}),
    )
}

/// Does something as the operator, for a tenant.
pub(crate) fn put(server: &Process, tenant: &str, path: &str, body: &Value) -> Result<()> {
    let headers = [("Content-Type", "application/json"), ("X-Scope-OrgID", tenant)];
    server
        .ask("PUT", path, &headers, body.to_string().as_bytes())
        .map(drop)
}

/// Notifications that never came, and how many were to come: of each alert that it
/// fires, and that it has resolved, for each period between the first that was heard
/// of and the last.
pub(crate) fn lost(server: &Process, sink: &Sink) -> Result<(f64, f64)> {
    let started = now();
    while waiting(server)? > 0 && started.elapsed() < DRAIN {
        thread::sleep(Duration::from_secs(1));
    }
    let mut starts: BTreeMap<String, BTreeMap<i64, [bool; 2]>> = BTreeMap::new();
    for heard in sink.heard() {
        let at = seconds(&heard.starts_at).ok_or("startsAt is no time")?;
        let told = starts.entry(heard.tenant).or_default().entry(at).or_default();
        told[usize::from(heard.is_firing)] = true;
    }
    let (mut lost, mut expected) = (0, 0);
    for at in 0..GOOD {
        let told = starts.remove(&name(at)).unwrap_or_default();
        let (Some((&first, _)), Some((&last, _))) = (told.first_key_value(), told.last_key_value()) else {
            return Err(format!("{} was never heard of", name(at)).into());
        };
        // The last one may still fire. One that starts a slot late is late, not lost.
        let periods = (last - first + PERIOD_SECONDS / 2) / PERIOD_SECONDS;
        let heard = told
            .range(..last)
            .map(|(_, told)| told.iter().filter(|told| **told).count());
        expected += 2 * periods;
        lost += (2 * periods - heard.sum::<usize>() as i64).max(0);
    }
    Ok((lost as f64, expected as f64))
}

/// Good tenants' notifications that are on their way.
fn waiting(server: &Process) -> Result<usize> {
    let mut waiting = 0;
    for at in 0..GOOD {
        let tenant = name(at);
        let headers = [("X-Scope-OrgID", tenant.as_str())];
        let listed = server.ask("GET", "/v1/notifications?status=pending", &headers, b"")?;
        let listed: Value = serde_json::from_str(&listed)?;
        waiting += listed["notifications"].as_array().map_or(0, Vec::len);
    }
    Ok(waiting)
}

/// Seconds of a time such as `2026-01-02T03:04:05.678Z` within its month, which is
/// enough to compare times of one run.
fn seconds(time: &str) -> Option<i64> {
    let (date, clock) = time.split_once('T')?;
    let day: i64 = date.rsplit('-').next()?.parse().ok()?;
    let mut parts = clock.split([':', '.', 'Z']).map(|part| part.parse::<i64>().ok());
    let mut part = || parts.next().flatten();
    Some(((day * 24 + part()?) * 60 + part()?) * 60 + part()?)
}
