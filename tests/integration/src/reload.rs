//! What stays and what ends when groups change.

use serde_json::{Value, json};

use crate::harness::{Api, PAGE_WITHIN, Server, eventually};

fn rule(alert: &str, severity: &str) -> Value {
    json!({"alert": alert, "expr": "vector(1)", "for": "1h", "labels": {"severity": severity}})
}

fn record(name: &str) -> Value {
    json!({"alert": name, "config": {"expr": "vector(1)", "record": name}})
}

async fn put(api: &Api, group: &str, rules: &[Value]) {
    let group_body = json!({"interval": "1s", "rules": rules});
    api.put(&format!("/v1/groups/ns/{group}"), &group_body).await;
}

/// The severities that are pending, and since when.
async fn pending(api: &Api) -> Result<Vec<(String, i64)>, String> {
    let alerts = api
        .alerts()
        .await?
        .into_iter()
        .filter(|alert| alert.state == "pending");
    let mut found: Vec<(String, i64)> = alerts
        .map(|alert| (alert.labels["severity"].clone(), alert.active_at_ms))
        .collect();
    found.sort();
    Ok(found)
}

/// The names of the series that are there now.
async fn series(api: &Api, selector: &str) -> Result<Vec<String>, String> {
    let result = api.query(selector).await?;
    let name = |one: &Value| {
        let metric = &one["metric"];
        let text = |label: &str| metric[label].as_str().unwrap_or_default().to_owned();
        format!("{}{}", text("__name__"), text("severity"))
    };
    let mut names: Vec<String> = result.iter().map(name).collect();
    names.sort();
    Ok(names)
}

async fn until_series(api: &Api, selector: &str, wanted: &[&str]) {
    eventually(&format!("{selector} is {wanted:?}"), PAGE_WITHIN, async || {
        let found = series(api, selector).await?;
        match found == wanted {
            true => Ok(()),
            false => Err(format!("{found:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn rules_keep_their_alerts_by_name_and_labels() {
    let mut server = Server::start().await;
    put(
        server.api(),
        "g",
        &[rule("A", "warning"), rule("A", "critical"), rule("B", "info")],
    )
    .await;
    let before = eventually("all are pending", PAGE_WITHIN, async || {
        let found = pending(server.api()).await?;
        match found.len() {
            3 => Ok(found),
            _ => Err(format!("{found:?}")),
        }
    })
    .await;
    // In another order, and with one more in front.
    let moved = [
        rule("A", "none"),
        rule("B", "info"),
        rule("A", "critical"),
        rule("A", "warning"),
    ];
    put(server.api(), "g", &moved).await;
    eventually(
        "the new one is pending too, and the others still are",
        PAGE_WITHIN,
        async || {
            let mut found = pending(server.api()).await?;
            found.retain(|(severity, _)| severity != "none");
            match found == before && pending(server.api()).await?.len() == 4 {
                true => Ok(()),
                false => Err(format!("{before:?} and {found:?}")),
            }
        },
    )
    .await;
    let rules = server.api().rules().await.unwrap();
    let evaluations: Vec<i64> = rules.iter().map(|rule| rule.evaluations).collect();
    server.restart().await;
    let mut after = pending(server.api()).await.unwrap();
    after.retain(|(severity, _)| severity != "none");
    assert_eq!(after, before, "as it is stored");
    let rules = server.api().rules().await.unwrap();
    assert!(
        rules
            .iter()
            .zip(evaluations)
            .all(|(rule, before)| rule.evaluations >= before),
        "{rules:?}"
    );
}

#[tokio::test]
async fn series_of_what_is_gone_end() {
    let server = Server::start().await;
    let api = server.api();
    put(api, "g", &[record("one"), record("two"), rule("A", "warning")]).await;
    put(api, "h", &[record("three"), record("four")]).await;
    let all = "{__name__=~\"one|two|three|four|five\"}";
    until_series(api, all, &["four", "one", "three", "two"]).await;
    until_series(api, "ALERTS", &["ALERTSwarning"]).await;
    // A rule that is gone, one of another name, and one whose labels have changed.
    put(api, "g", &[record("five"), record("two"), rule("A", "critical")]).await;
    until_series(api, all, &["five", "four", "three", "two"]).await;
    until_series(api, "ALERTS", &["ALERTScritical"]).await;
    // A group that is gone, of whose series another takes one over.
    assert_eq!(api.delete("/v1/groups/ns/h").await.unwrap().status, 204);
    put(api, "i", &[record("three")]).await;
    until_series(api, all, &["five", "three", "two"]).await;
    assert_eq!(api.delete("/v1/groups/ns/g").await.unwrap().status, 204);
    until_series(api, "{__name__=~\".+\"}", &["three"]).await;
}
