//! What tenants may use, and that one at full blast is in nobody's way.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, PAGE_WITHIN, Server, eventually, guest};

/// Some rules of a module, evaluated every second.
fn group(rules: usize, rule: &Value) -> Value {
    let rule = |at: usize| {
        let mut rule = rule.clone();
        rule["alert"] = json!(format!("R{at}"));
        rule
    };
    json!({"interval": "1s", "rules": (0..rules).map(rule).collect::<Vec<_>>()})
}

fn quiet() -> Value {
    json!({"expr": "vector(1) > 2"})
}

async fn tenant(server: &Server, name: &str, spec: Value) -> Api {
    server.api().put(&format!("/v1/tenants/{name}"), &spec).await;
    server.api().for_tenant(name)
}

/// Waits until the first rule's health has a code, empty for none, and gives the message.
async fn ends_with(api: &Api, code: &str) -> String {
    eventually(&format!("the rule ends with {code:?}"), PAGE_WITHIN, async || {
        let rule = api.rule("ns", "g", "R0").await?;
        let listed = api.get("/v1/rules").await?.json();
        let error = &listed["rules"][0]["error"];
        let is = error["code"].as_str().unwrap_or_default();
        if rule.evaluations > 0 && is == code {
            Ok(error["message"].as_str().unwrap_or_default().to_owned())
        } else {
            Err(error.to_string())
        }
    })
    .await
}

#[tokio::test]
async fn quotas_of_a_minute_hold_and_change_while_running() {
    let server = Server::start().await;
    let acme = tenant(&server, "acme", json!({"quotas": {"fuel_per_minute": 1}})).await;
    let other = tenant(&server, "other", json!({})).await;
    for api in [&acme, &other] {
        api.put("/v1/groups/ns/g", &group(1, &quiet())).await;
    }
    let said = ends_with(&acme, "fuel_per_minute_exceeded").await;
    let used = said
        .strip_prefix("fuel_per_minute: ")
        .and_then(|rest| rest.strip_suffix(" of 1 are used"));
    assert!(
        used.is_some_and(|used| used.parse::<u64>().is_ok_and(|used| used > 1)),
        "{said}"
    );
    let limits = acme.get("/v1/limits").await.unwrap().json();
    let rows = limits["limits"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "fuel_per_minute").unwrap();
    assert!(row["used"].as_u64() > row["allowed"].as_u64(), "{row}");
    ends_with(&other, "").await;

    server.api().put("/v1/tenants/acme", &json!({})).await;
    ends_with(&acme, "").await;
    let no_queries = json!({"quotas": {"queries_per_minute": 0}});
    server.api().put("/v1/tenants/acme", &no_queries).await;
    let said = ends_with(&acme, "queries_per_minute_exceeded").await;
    assert_eq!(said, "queries_per_minute: 0 of 0 are used");
}

#[tokio::test]
async fn what_cannot_be_told_yet_is_told_later() {
    let server = Server::start().await;
    let none = json!({"quotas": {"notifications_per_minute": 0}});
    let acme = tenant(&server, "acme", none).await;
    let receiver = json!({"module": "webhook", "config": {"url": "http://example.invalid/"}});
    acme.put("/v1/receivers/hook", &receiver).await;
    let fires = json!({"expr": "vector(1)", "receivers": ["hook"]});
    acme.put("/v1/groups/ns/g", &group(1, &fires)).await;
    ends_with(&acme, "notifications_per_minute_exceeded").await;
    assert!(acme.alerts().await.unwrap().is_empty(), "nothing has happened");
    assert!(acme.notifications().await.unwrap().is_empty());
    server.api().put("/v1/tenants/acme", &json!({})).await;
    ends_with(&acme, "").await;
    assert_eq!(acme.alerts().await.unwrap().len(), 1);
    assert_eq!(acme.notifications().await.unwrap().len(), 1);
}

#[tokio::test]
async fn limits_and_intervals_are_a_tenants_own() {
    let server = Server::start().await;
    server.cli(&[
        "create",
        "tenant",
        "acme",
        "--limit",
        "fuel=1000",
        "--weight",
        "2",
    ]);
    let shown = server.api().get("/v1/tenants/acme").await.unwrap().json();
    assert_eq!(
        (&shown["weight"], &shown["limits"]),
        (&json!(2), &json!({"fuel": 1_000}))
    );
    let acme = server.api().for_tenant("acme");
    acme.put("/v1/groups/ns/g", &group(1, &quiet())).await;
    let said = ends_with(&acme, "fuel_exceeded").await;
    assert_eq!(said, "over the limit fuel of 1000 instructions");
    server
        .api()
        .put("/v1/tenants/acme", &json!({"quotas": {"interval_min_ms": 5_000}}))
        .await;
    ends_with(&acme, "").await;
    let body = group(2, &quiet()).to_string().into_bytes();
    let refused = acme.ask(Method::PUT, "/v1/groups/ns/g", body).await.unwrap();
    let detail = refused.json()["detail"].clone();
    assert_eq!(refused.problem(429), "interval_min_ms_exceeded");
    assert_eq!(detail, "interval_min_ms: 1000 is asked for, 5000 is the least");
    for (wrong, why) in [
        (json!({"weight": 0}), "weight: 0 is not from 1 to 1000"),
        (json!({"limits": {"fuel": 0}}), "limits.fuel: 0 is not from 1 to"),
        (
            json!({"limits": {"memory_bytes": u64::MAX}}),
            "limits.memory_bytes: ",
        ),
        (
            json!({"limits": {"petrol": 1}}),
            "limits.petrol: no limit has this name",
        ),
    ] {
        let body = wrong.to_string().into_bytes();
        let refused = server
            .api()
            .ask(Method::PUT, "/v1/tenants/acme", body)
            .await
            .unwrap();
        assert!(refused.text().contains(why), "{refused}");
        assert_eq!(refused.problem(422), "invalid");
    }
}

/// Evaluations of each rule, as `/v1/usage` has counted them.
async fn counted(api: &Api) -> Result<BTreeMap<String, u64>, String> {
    let listed = api.get("/v1/usage?by=rule&step=day").await?.json();
    let mut counted = BTreeMap::new();
    for row in listed["usage"].as_array().ok_or(listed.to_string())? {
        if let Some(rule) = row["rule"].as_str() {
            let evaluations = row["used"]["evaluations"].as_u64().unwrap_or_default();
            *counted.entry(rule.to_owned()).or_default() += evaluations;
        }
    }
    Ok(counted)
}

#[tokio::test]
async fn what_is_used_is_counted_exactly_over_a_kill() {
    let mut server = Server::start().await;
    server.api().put("/v1/groups/ns/g", &group(5, &quiet())).await;
    let evaluated = async |server: &Server, count: u64| {
        eventually("the rules are evaluated", PAGE_WITHIN, async || {
            let counted = counted(server.api()).await?;
            let enough = counted.len() == 5 && counted.values().all(|seen| *seen >= count);
            if enough {
                Ok(())
            } else {
                Err(format!("{counted:?}"))
            }
        })
        .await;
    };
    evaluated(&server, 3).await;
    server.restart().await;
    evaluated(&server, 6).await;
    // The rules stay what they are, and are not due any more.
    let mut rare = group(5, &quiet());
    rare["interval"] = json!("1d");
    server.api().put("/v1/groups/ns/g", &rare).await;
    eventually("both counts are the same", PAGE_WITHIN, async || {
        let rules = server.api().rules().await?;
        let evaluations = rules
            .iter()
            .map(|rule| (rule.rule.clone(), rule.evaluations as u64));
        let evaluations: BTreeMap<String, u64> = evaluations.collect();
        let counted = counted(server.api()).await?;
        if counted == evaluations {
            Ok(())
        } else {
            Err(format!("{counted:?} and {evaluations:?}"))
        }
    })
    .await;
    let day = server.api().get("/v1/usage?step=day").await.unwrap().json();
    for name in ["fuel", "cpu_ns", "queries", "query_bytes", "journal_bytes"] {
        assert!(day["usage"][0]["used"][name].as_u64() > Some(0), "{name}: {day}");
    }
    let shown = server.cli(&["get", "usage", "--by", "rule", "--step", "day"]);
    assert!(shown.contains("ns/g/R0"), "{shown}");
    let wrong = server.api().get("/v1/usage?from=yesterday").await.unwrap();
    assert_eq!(wrong.problem(400), "bad_request");
    let metrics = server.api().get("/metrics").await.unwrap().text();
    assert!(
        metrics.contains("wasmalert_usage_total{tenant=\"default\",resource=\"fuel\"}"),
        "{metrics}"
    );
    let own = server.api().get("/v1/metrics").await.unwrap().text();
    let series = "wasmalert_rule_usage_total{namespace=\"ns\",group=\"g\",rule=\"R0\",resource=\"queries\"}";
    assert!(own.contains(series), "{own}");
}

#[tokio::test]
async fn endless_rules_of_one_tenant_cost_another_no_slot() {
    let settings = [("WASMALERT_THREADS", "1"), ("WASMALERT_PAUSE_AFTER", "0")];
    let server = Server::start_with(&settings).await;
    let bad = tenant(&server, "bad", json!({})).await;
    let good = tenant(&server, "good", json!({})).await;
    bad.push("hostile", guest("evaluate")).await;
    let endless = json!({"module": "hostile", "config": {"do": "fuel_exceeded"}});
    // Seconds of work for each second.
    for at in 0..30 {
        bad.put(&format!("/v1/groups/ns/{at}"), &group(2, &endless)).await;
    }
    good.put("/v1/groups/ns/g", &group(3, &quiet())).await;
    let rule = eventually("ten slots have passed", PAGE_WITHIN, async || {
        let rule = good.rule("ns", "g", "R2").await?;
        if rule.evaluations >= 10 {
            Ok(rule)
        } else {
            Err(format!("{rule:?}"))
        }
    })
    .await;
    assert_eq!((rule.missed, rule.health.as_str()), (0, "ok"), "{rule:?}");
    let slow = bad.rules().await.unwrap();
    let behind: i64 = slow.iter().map(|rule| rule.missed).sum();
    assert!(behind > 0, "there was more work than time: {slow:?}");
}
