//! Rules that attack the host: each ends with its own code, memory comes back, and
//! the rule beside them never misses a slot.

mod attacks;
pub(crate) mod wat;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{FakeSource, PAGE_WITHIN, Reply, Server, eventually, guest};
use crate::uploads::bad_uploads;
use attacks::{Attack, attacks};

/// Attacks at a time.
const BATCH: usize = 12;
/// What there has to be, of rules and of uploads together.
const ATTACKS_MIN: usize = 40;
const INTERVAL_MS: i64 = 1_000;
/// Resident bytes that the server may keep after all attacks: warm slots of the pool, what the
/// allocator holds on to (the same again and again, over any number of attacks), and
/// the database's cache.
const GROWTH_BYTES_MAX: u64 = 192 << 20;

#[test]
fn there_are_enough_and_each_is_another() {
    let attacks = attacks();
    let uploads = bad_uploads();
    let names = attacks.iter().map(|attack| attack.name);
    let names: Vec<&str> = names.chain(uploads.iter().map(|upload| upload.name)).collect();
    let different: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(different.len(), names.len(), "a name is there twice");
    assert!(names.len() >= ATTACKS_MIN, "{} attacks", names.len());
}

#[test]
fn every_code_is_documented() {
    let limits = std::fs::read_to_string(crate::harness::workspace_root().join("docs/limits.md"));
    let limits = limits.expect("docs/limits.md is there");
    let attacks = attacks();
    let uploads = bad_uploads();
    let codes = attacks.iter().map(|attack| attack.code);
    for code in codes.chain(uploads.iter().map(|upload| upload.code)) {
        assert!(code.is_empty() || limits.contains(&format!("`{code}`")), "{code}");
    }
}

#[tokio::test]
async fn each_ends_with_its_code_and_the_neighbour_keeps_its_slots() {
    let source = FakeSource::start(Reply::Value(1.0));
    // On a busy machine the usual deadline would come before the fuel is used up.
    let server = Server::start_with(&[("WASMALERT_LIMIT_DEADLINE_MS", "20000")]).await;
    server.source(&source.url()).await;
    server.api().push("guest", guest("evaluate")).await;
    let good = json!([{"alert": "Neighbour", "module": "guest", "config": {"do": "ok"}}]);
    server.group("neighbour", good).await;
    eventually("the neighbour fires", PAGE_WITHIN, async || {
        server.api().alert("Neighbour").await
    })
    .await;
    let before = server.resident_bytes();
    let attacks = attacks();
    let mut slots = BTreeSet::new();
    let mut wrong = Vec::new();
    for batch in attacks.chunks(BATCH) {
        let numbered = || batch.iter().enumerate();
        join_all(numbered().map(|(number, attack)| start(&server, number, attack))).await;
        for (number, attack) in numbered() {
            wrong.extend(check(&server, number, attack).await.err());
            collect(&server, &mut slots).await;
        }
        for (number, _) in numbered() {
            stop(&server, number).await;
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    tokio::time::sleep(Duration::from_millis(INTERVAL_MS.unsigned_abs())).await;
    collect(&server, &mut slots).await;
    check_slots(slots.into_iter().collect(), attacks.len().div_ceil(BATCH));
    server.grows_by_less_than(before, GROWTH_BYTES_MAX).await;
}

fn group(number: usize) -> String {
    format!("hostile-{number}")
}

async fn start(server: &Server, number: usize, attack: &Attack) {
    let answer = server.api().upload(&group(number), attack.module()).await;
    answer
        .ok()
        .unwrap_or_else(|e| panic!("{} is not taken: {e}", attack.name));
    let rule = attack.rule(&group(number));
    server.group(&group(number), json!([rule])).await;
}

async fn stop(server: &Server, number: usize) {
    let name = group(number);
    for path in [format!("/v1/groups/test/{name}"), format!("/v1/modules/{name}")] {
        let deleted = server.api().delete(&path).await.and_then(|answer| answer.ok());
        deleted.unwrap_or_else(|e| panic!("{e}"));
    }
}

/// Waits for the first evaluation, which has to end as the attack says.
async fn check(server: &Server, number: usize, attack: &Attack) -> Result<(), String> {
    let Attack { name, code, .. } = attack;
    let what = format!("{name} is evaluated");
    let rule = eventually(&what, PAGE_WITHIN, async || {
        let rule = server.api().rule("test", &group(number), &group(number)).await?;
        if rule.health == "unknown" {
            Err("not yet")
        } else {
            Ok(rule)
        }
        .map_err(str::to_owned)
    })
    .await;
    let message = rule.error.as_ref().map_or("", |fault| fault.message.as_str());
    if rule.code() != *code {
        let ended = rule.code();
        return Err(format!(
            "{name}: expected `{code}`, ended with `{ended}`: {message}"
        ));
    }
    let control = message.chars().any(char::is_control);
    if control || message.is_empty() != code.is_empty() || message.len() > 2_000 {
        return Err(format!("{name} has the message {message:?}"));
    }
    let alerts = server.api().alerts().await?;
    let leaked = alerts
        .iter()
        .any(|alert| alert.labels["alertname"] == group(number));
    if leaked && !code.is_empty() {
        return Err(format!("{name} made an alert: {alerts:?}"));
    }
    Ok(())
}

/// Adds the neighbour's slots so far; none may have failed, and its alert stays as it is.
pub(crate) async fn collect(server: &Server, slots: &mut BTreeSet<i64>) {
    let evaluations = server.api().evaluations("test", "neighbour", "Neighbour").await;
    for evaluation in evaluations.unwrap_or_else(|e| panic!("{e}")) {
        assert!(evaluation.error.is_none(), "the neighbour failed: {evaluation:?}");
        slots.insert(evaluation.slot_ms);
    }
    let alert = server.api().alert("Neighbour").await;
    let alert = alert.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((alert.state.as_str(), alert.value), ("firing", 0.0), "{alert:?}");
}

fn check_slots(slots: Vec<i64>, batches: usize) {
    assert!(slots.len() > batches, "{slots:?}");
    let missed: Vec<_> = slots
        .windows(2)
        .filter(|pair| pair[1] - pair[0] != INTERVAL_MS)
        .collect();
    assert!(missed.is_empty(), "the neighbour missed slots: {missed:?}");
}
