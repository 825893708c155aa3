//! What rules do beyond Prometheus', and pauses.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, PAGE_WITHIN, Server, Webhook, eventually, holds_for};

async fn write(api: &Api, lines: &str) {
    // A recording rule makes the series: what it records is in the embedded source.
    let rules: Vec<Value> = lines
        .lines()
        .map(|line| {
            let (name, expr) = line.split_once(" = ").expect("NAME = EXPR");
            json!({"alert": name, "config": {"expr": expr, "record": name}})
        })
        .collect();
    api.put("/v1/groups/data/data", &json!({"interval": "1s", "rules": rules}))
        .await;
}

/// The labels `x` of the alerts in that state.
async fn alerts(api: &Api, state: &str) -> Result<Vec<String>, String> {
    let alerts = api.alerts().await?;
    let mut found: Vec<String> = alerts
        .into_iter()
        .filter(|alert| alert.state == state)
        .map(|alert| alert.labels.get("x").cloned().unwrap_or_default())
        .collect();
    found.sort();
    Ok(found)
}

async fn until(api: &Api, state: &str, wanted: &[&str]) {
    eventually(&format!("{wanted:?} are {state}"), PAGE_WITHIN, async || {
        let found = alerts(api, state).await?;
        match found == wanted {
            true => Ok(()),
            false => Err(format!("{found:?}")),
        }
    })
    .await;
}

fn series(labels: &[&str]) -> String {
    let one = |label: &&str| format!("label_replace(vector(1), \"x\", \"{label}\", \"\", \"\")");
    let all: Vec<String> = labels.iter().map(one).collect();
    format!("m = {}", all.join(" or "))
}

#[tokio::test]
async fn a_limit_fails_as_in_prometheus_or_keeps_what_is_there() {
    let server = Server::start().await;
    let api = server.api();
    write(api, &series(&["b", "c"])).await;
    let group = |over_limit: &str| {
        let rule = json!({"alert": "A", "expr": "m", "over_limit": over_limit});
        json!({"interval": "1s", "limit": 2, "rules": [rule]})
    };
    api.put("/v1/groups/ns/g", &group("keep")).await;
    until(api, "firing", &["b", "c"]).await;
    write(api, &series(&["a", "b", "c", "d"])).await;
    let logs = eventually("what is dropped is told", PAGE_WITHIN, async || {
        let logs = server.cli(&["logs"]);
        match logs.contains("2 alerts are left out") {
            true => Ok::<_, String>(logs),
            false => Err(logs),
        }
    })
    .await;
    assert!(logs.contains("the group's limit"), "{logs}");
    assert_eq!(alerts(api, "firing").await.unwrap(), ["b", "c"]);
    api.put("/v1/groups/ns/g", &group("fail")).await;
    eventually("it fails", PAGE_WITHIN, async || {
        let rule = api.rule("ns", "g", "A").await?;
        match rule
            .error
            .as_ref()
            .map(|error| (error.code.as_str(), error.message.as_str()))
        {
            Some(("limit_exceeded", "exceeded limit of 2 with 4 alerts")) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(
        alerts(api, "firing").await.unwrap(),
        ["b", "c"],
        "they stay as they were"
    );
}

#[tokio::test]
async fn missing_data_and_failures_are_told_where_rules_ask_for_it() {
    let (server, webhook) = (Server::start().await, Webhook::start());
    let api = server.api();
    let hook = json!({"module": "webhook", "config": {"url": webhook.url()}});
    api.put("/v1/receivers/hook", &hook).await;
    write(api, &series(&["a"])).await;
    eventually("there is data", PAGE_WITHIN, async || {
        let answer = api.get("/api/v1/query?query=m").await?.json();
        match answer["data"]["result"]
            .as_array()
            .is_some_and(|found| !found.is_empty())
        {
            true => Ok(()),
            false => Err(answer.to_string()),
        }
    })
    .await;
    let rules = json!([
        {"alert": "Keeps", "expr": "m", "no_data": "keep", "labels": {"x": "keeps"}},
        {"alert": "Tells", "expr": "m", "no_data": "alert", "labels": {"x": "tells"}, "receivers": ["hook"]},
        {"alert": "Broken", "expr": "sum(", "alert_after_errors": 2, "receivers": ["hook"]},
    ]);
    api.put("/v1/groups/ns/g", &json!({"interval": "1s", "rules": rules}))
        .await;
    until(api, "firing", &["keeps", "tells"]).await;
    let told = async |name: &str, status: &str| {
        eventually(&format!("{name} is {status}"), PAGE_WITHIN, async || {
            let captured = webhook.captured();
            let mut alerts = captured.iter().flat_map(|call| call.alerts());
            let is = |alert: &&Value| alert["labels"]["alertname"] == name && alert["status"] == status;
            alerts
                .find(is)
                .cloned()
                .ok_or_else(|| format!("{} calls", captured.len()))
        })
        .await
    };
    let failing = told("WasmalertRuleFailing", "firing").await;
    assert!(
        failing.to_string().contains("has failed 2 times in a row"),
        "{failing}"
    );
    assert_eq!(api.delete("/v1/groups/data/data").await.unwrap().status, 204);
    told("WasmalertNoData", "firing").await;
    assert_eq!(alerts(api, "firing").await.unwrap(), ["keeps"]);
    write(api, &series(&["a"])).await;
    told("WasmalertNoData", "resolved").await;
    until(api, "firing", &["keeps", "tells"]).await;
}

async fn pause(api: &Api, body: Value) -> Answer {
    let body = body.to_string().into_bytes();
    api.ask(Method::PUT, "/v1/pauses", body)
        .await
        .expect("the server answers")
}

#[tokio::test]
async fn what_is_paused_is_not_evaluated_and_goes_on_as_it_was() {
    let mut server = Server::start().await;
    let rules = json!([{"alert": "A", "expr": "vector(1)"}, {"alert": "B", "expr": "vector(1)"}]);
    let group = json!({"interval": "1s", "rules": rules});
    for name in ["g", "h"] {
        server.api().put(&format!("/v1/groups/ns/{name}"), &group).await;
    }
    let evaluated = async |api: &Api, group: &str, rule: &str| -> i64 {
        api.rule("ns", group, rule).await.expect("a rule").evaluations
    };
    let goes_on = async |api: &Api, group: &str, rule: &str| {
        let before = evaluated(api, group, rule).await;
        eventually(&format!("{group}/{rule} goes on"), PAGE_WITHIN, async || {
            match evaluated(api, group, rule).await > before + 1 {
                true => Ok(()),
                false => Err(before.to_string()),
            }
        })
        .await;
    };
    goes_on(server.api(), "h", "B").await;
    let one = json!({"namespace": "ns", "group": "g", "rule": "A", "reason": "why"});
    assert_eq!(pause(server.api(), one).await.status, 204);
    // One that was under way may still end.
    goes_on(server.api(), "g", "B").await;
    let stands = async |api: &Api, group: &str, rule: &str| {
        let before = evaluated(api, group, rule).await;
        holds_for(
            "it stands still",
            Duration::from_millis(2_500),
            async || match evaluated(api, group, rule).await {
                now if now == before => Ok(()),
                now => Err(format!("{before} and {now}")),
            },
        )
        .await;
    };
    stands(server.api(), "g", "A").await;
    let shown = server.api().get("/v1/rules").await.unwrap().json();
    assert_eq!(shown["rules"][0]["paused"]["reason"], "why", "{shown}");
    assert_eq!(shown["rules"][1]["paused"], Value::Null, "{shown}");
    let alerts = server.api().alerts().await.unwrap();
    assert!(
        alerts.len() == 4 && alerts.iter().all(|alert| alert.state == "firing"),
        "{alerts:?}"
    );
    assert_eq!(
        pause(server.api(), json!({"namespace": "ns", "group": "h"}))
            .await
            .status,
        204
    );
    goes_on(server.api(), "g", "B").await;
    server.restart().await;
    goes_on(server.api(), "g", "B").await;
    stands(server.api(), "h", "B").await;
    assert!(server.cli(&["get", "pauses"]).contains("ns/g/A"));
    let gone = server
        .api()
        .delete("/v1/pauses?namespace=ns&group=g&rule=A")
        .await
        .unwrap();
    assert_eq!(gone.status, 204);
    goes_on(server.api(), "g", "A").await;
    let shown = server.api().get("/v1/rules").await.unwrap().json();
    let missed = |at: usize| shown["rules"][at]["missed_paused"].as_i64().expect("a number");
    assert!(missed(0) >= 2 && missed(1) == 0, "{shown}");
    assert_eq!(pause(server.api(), json!({})).await.status, 204);
    goes_on_not(server.api()).await;
    assert_eq!(server.api().delete("/v1/pauses").await.unwrap().status, 204);
    goes_on(server.api(), "g", "A").await;
    // A rule that was taken out and comes back is not paused, nor is a group that is made anew.
    let one = json!({"namespace": "ns", "group": "g", "rule": "A"});
    assert_eq!(pause(server.api(), one).await.status, 204);
    let without = json!({"interval": "1s", "rules": [{"alert": "B", "expr": "vector(1)"}]});
    server.api().put("/v1/groups/ns/g", &without).await;
    server.api().put("/v1/groups/ns/g", &group).await;
    goes_on(server.api(), "g", "A").await;
    assert_eq!(server.api().delete("/v1/groups/ns/h").await.unwrap().status, 204);
    server.api().put("/v1/groups/ns/h", &group).await;
    goes_on(server.api(), "h", "B").await;
    for (wrong, code) in [
        (json!({"group": "g"}), "bad_request"),
        (json!({"namespace": "ns", "rule": "A"}), "bad_request"),
        (json!({"reason": "x".repeat(2000)}), "bad_request"),
        (json!({"name": "A"}), "bad_json"),
    ] {
        assert_eq!(pause(server.api(), wrong).await.problem(400), code);
    }
    let absent = pause(
        server.api(),
        json!({"namespace": "ns", "group": "g", "rule": "Z"}),
    )
    .await;
    assert_eq!(absent.problem(404), "not_found");
    assert_eq!(
        server
            .api()
            .delete("/v1/pauses?namespace=ns")
            .await
            .unwrap()
            .problem(404),
        "not_found"
    );
}

/// Nothing is evaluated any more.
async fn goes_on_not(api: &Api) {
    let count =
        async || -> Result<i64, String> { Ok(api.rules().await?.iter().map(|rule| rule.evaluations).sum()) };
    eventually("all stand still", PAGE_WITHIN, async || {
        let before = count().await?;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        match count().await? {
            now if now == before => Ok(()),
            now => Err(format!("{before} and {now}")),
        }
    })
    .await;
}

#[tokio::test]
async fn the_time_until_what_fires_is_told_again_may_count_from_its_acceptance() {
    const DELAY: Duration = Duration::from_secs(3);
    const SLOW: Duration = Duration::from_secs(2);
    let server = Server::start_with(&[("WASMALERT_RESEND_DELAY", "3s")]).await;
    let webhook = Webhook::start();
    // Each is accepted so long after it was sent.
    webhook.delay(SLOW);
    server.receiver("am", "alertmanager", &webhook.url()).await;
    let rules = json!([
        {"alert": "Accepted", "expr": "vector(1)", "receivers": ["am"], "resend": "accepted"},
        {"alert": "Sent", "expr": "vector(1)", "receivers": ["am"], "resend": "sent"},
    ]);
    server.group("g", rules).await;
    let gaps = async |name: &str| {
        let times = eventually(&format!("{name} is told three times"), PAGE_WITHIN, async || {
            let captured = webhook.captured();
            let is_of = |alerts: &Value| {
                let mut alerts = alerts.as_array().into_iter().flatten();
                alerts.any(|alert| alert["labels"]["alertname"] == name)
            };
            let told = captured.iter().filter(|one| is_of(&one.body)).map(|one| one.at);
            let times: Vec<tokio::time::Instant> = told.collect();
            match times.len() >= 3 {
                true => Ok(times),
                false => Err(format!("{times:?}")),
            }
        })
        .await;
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        gaps.collect::<Vec<Duration>>()
    };
    // At slots of a second: later than the delay.
    let sent = gaps("Sent").await;
    assert!(sent.iter().all(|gap| *gap < DELAY + SLOW), "{sent:?}");
    let accepted = gaps("Accepted").await;
    assert!(
        accepted.iter().all(|gap| *gap > (DELAY + SLOW).mul_f32(0.95)),
        "{accepted:?}"
    );
}
