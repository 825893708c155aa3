//! Rules that attack the host: each ends with its own code, and the rule beside
//! it never misses a slot.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::harness::{FakeSource, PAGE_WITHIN, Reply, Server, eventually, guest};

/// What the guest `evaluate` does, each named after the code it ends with. In
/// every row the first costs the most, the others little.
const BATCHES: [&[&str]; 7] = [
    &[
        "fuel_exceeded",
        "trap",
        "trap:panic",
        "trap:call",
        "trap:bounds",
        "component_error",
    ],
    &[
        "deadline_ms_exceeded",
        "stack_bytes_exceeded",
        "log_bytes_exceeded",
        "log_bytes_exceeded:lines",
    ],
    &[
        "memory_bytes_exceeded",
        "state_keys_exceeded",
        "state_bytes_exceeded",
        "timers_exceeded",
    ],
    &[
        "boundary_bytes_exceeded",
        "timer_bytes_exceeded",
        "metric_series_exceeded",
        "rounds_exceeded",
    ],
    &[
        "boundary_bytes_exceeded:outcome",
        "queries_exceeded",
        "bad_call:series",
        "bad_call:utf8",
    ],
    &[
        "host_calls_exceeded",
        "bad_call:metric_name",
        "bad_call:count_down",
        "bad_call:count_nan",
        "finding_labels_exceeded",
        "finding_labels_exceeded:annotations",
    ],
    &[
        "findings_exceeded",
        "samples_exceeded",
        "label_bytes_exceeded:name",
        "label_bytes_exceeded:value",
        "annotation_bytes_exceeded",
        "duplicate_labels",
        "bad_outcome:frame",
        "bad_outcome:label_name",
        "bad_call:outcome_utf8",
    ],
];

const INTERVAL_MS: i64 = 1_000;

#[tokio::test]
async fn each_ends_with_its_code_and_the_neighbour_keeps_its_slots() {
    let source = FakeSource::start(Reply::Value(1.0));
    let server = Server::start().await;
    server.source(&source.url()).await;
    server.api().push("guest", guest("evaluate")).await;
    server
        .group(
            "neighbour",
            json!([{"alert": "Neighbour", "module": "guest", "config": {"do": "ok"}}]),
        )
        .await;
    eventually("the neighbour fires", PAGE_WITHIN, async || {
        server.api().alert("Neighbour").await
    })
    .await;

    let mut slots = BTreeSet::new();
    for batch in BATCHES {
        for (number, behaviour) in batch.iter().enumerate() {
            server
                .group(&format!("hostile-{number}"), json!([rule(behaviour)]))
                .await;
        }
        for (number, behaviour) in batch.iter().enumerate() {
            check(&server, &format!("hostile-{number}"), behaviour).await;
            collect(&server, &mut slots).await;
        }
        for number in 0..batch.len() {
            let path = format!("/v1/groups/test/hostile-{number}");
            server
                .api()
                .delete(&path)
                .await
                .and_then(|a| a.ok())
                .unwrap_or_else(|e| panic!("{e}"));
        }
    }
    tokio::time::sleep(Duration::from_millis(INTERVAL_MS.unsigned_abs())).await;
    collect(&server, &mut slots).await;
    let slots: Vec<i64> = slots.into_iter().collect();
    assert!(slots.len() > BATCHES.len(), "{slots:?}");
    let missed: Vec<_> = slots
        .windows(2)
        .filter(|pair| pair[1] - pair[0] != INTERVAL_MS)
        .collect();
    assert!(missed.is_empty(), "the neighbour missed slots: {missed:?}");
}

fn rule(behaviour: &str) -> serde_json::Value {
    let mut rule = json!({
        "alert": "Hostile", "module": "guest", "config": {"do": behaviour}, "source": "prom",
    });
    if behaviour == "deadline_ms_exceeded" {
        // Far sooner than the fuel runs out.
        rule["limits"] = json!({"deadline_ms": 5});
    }
    rule
}

async fn check(server: &Server, group: &str, behaviour: &str) {
    let code = behaviour.split(':').next().unwrap_or_default();
    let fault = eventually(
        &format!("{behaviour} ends with {code}"),
        PAGE_WITHIN,
        async || {
            let rule = server.api().rule("test", group, "Hostile").await?;
            match rule.error {
                Some(fault) if rule.health == "err" => Ok(fault),
                error => Err(format!("health {}, {error:?}", rule.health)),
            }
        },
    )
    .await;
    assert_eq!(fault.code, code, "{behaviour} ended with: {}", fault.message);
    assert!(!fault.message.is_empty(), "{behaviour} has no message");
    let alerts = server.api().alerts().await.unwrap_or_else(|e| panic!("{e}"));
    let leaked = alerts.iter().any(|alert| alert.labels["alertname"] == "Hostile");
    assert!(!leaked, "{behaviour} made an alert: {alerts:?}");
}

/// Adds the neighbour's slots so far; none may have failed.
async fn collect(server: &Server, slots: &mut BTreeSet<i64>) {
    let evaluations = server.api().evaluations("test", "neighbour", "Neighbour").await;
    for evaluation in evaluations.unwrap_or_else(|e| panic!("{e}")) {
        assert!(evaluation.error.is_none(), "the neighbour failed: {evaluation:?}");
        slots.insert(evaluation.slot_ms);
    }
}
