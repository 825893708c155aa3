//! What the operator stops, and rules that are paused: nothing of them runs, they are
//! told of, and they go on.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::access::post;
use crate::harness::{Api, PAGE_WITHIN, Server, Webhook, eventually, guest, holds_for};

/// Some slots of the rules here, which are evaluated every second.
const SLOTS: Duration = Duration::from_secs(3);
const PRIVATE: (&str, &str) = ("WASMALERT_EGRESS_PRIVATE", "127.0.0.0/8");

async fn status(api: &Api, method: Method, path: &str, body: Option<Value>) -> u16 {
    let body = body.map(|body| body.to_string().into_bytes());
    let answer = api.ask(method, path, body.unwrap_or_default()).await;
    answer.expect("the server answers").status
}

/// Sets a receiver and a rule that tells it of everything.
async fn set_up(api: &Api, webhook: &Webhook, mut rule: Value) {
    let receiver = json!({"module": "webhook", "config": {"url": webhook.url()}});
    api.put("/v1/receivers/hook", &receiver).await;
    put_rule(api, &mut rule).await;
}

async fn put_rule(api: &Api, rule: &mut Value) {
    rule["alert"] = json!("R");
    if rule["receivers"].is_null() {
        rule["receivers"] = json!(["hook"]);
    }
    let group = json!({"interval": "1s", "labels": {"team": "a"}, "rules": [rule]});
    api.put("/v1/groups/ns/g", &group).await;
}

/// Waits for an alert of that name and status, and gives it.
async fn heard(webhook: &Webhook, name: &str, status: &str) -> Value {
    eventually(&format!("{name} {status}"), PAGE_WITHIN, async || {
        let captured = webhook.captured();
        let mut alerts = captured
            .iter()
            .filter_map(|captured| captured.body["alerts"].as_array())
            .flatten();
        let found = alerts.find(|alert| alert["labels"]["alertname"] == name && alert["status"] == status);
        found.cloned().ok_or_else(|| format!("{captured:?}"))
    })
    .await
}

async fn evaluations(api: &Api) -> i64 {
    let rule = api.rule("ns", "g", "R").await;
    rule.expect("the rule is there").evaluations
}

async fn rises(api: &Api) {
    let before = evaluations(api).await;
    eventually("the rule is evaluated", PAGE_WITHIN, async || {
        let now = api.rule("ns", "g", "R").await?;
        if now.evaluations >= before + 2 {
            Ok(())
        } else {
            Err(format!("{before}, {now:?}"))
        }
    })
    .await;
}

async fn rests(api: &Api) {
    let before = evaluations(api).await;
    holds_for("the rule is not evaluated", SLOTS, async || {
        let now = evaluations(api).await;
        if now == before {
            Ok(())
        } else {
            Err(format!("{before} and {now}"))
        }
    })
    .await;
}

async fn ends_with(api: &Api, code: &str) {
    eventually(&format!("the rule ends with {code:?}"), PAGE_WITHIN, async || {
        let rule = api.rule("ns", "g", "R").await?;
        if rule.evaluations > 0 && rule.code() == code {
            Ok(())
        } else {
            Err(format!("{rule:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn a_tenant_is_stopped_told_so_and_goes_on() {
    let mut server = Server::start_with(&[PRIVATE]).await;
    let (webhook, late) = (Webhook::start(), Webhook::start());
    late.answer(503);
    server.api().put("/v1/tenants/acme", &json!({})).await;
    let acme = server.api().for_tenant("acme");
    let key = post(&acme, "/v1/keys", json!({"scopes": ["admin"]})).await.json();
    let own = server.api().with_token(key["key"].as_str().unwrap());
    let receiver = json!({"module": "webhook", "config": {"url": late.url()}});
    acme.put("/v1/receivers/late", &receiver).await;
    set_up(
        &acme,
        &webhook,
        json!({"expr": "vector(1)", "receivers": ["hook", "late"]}),
    )
    .await;
    heard(&webhook, "R", "firing").await;
    heard(&late, "R", "firing").await;
    own.get("/v1/rules").await.unwrap().ok().unwrap();

    let path = "/v1/quarantine/tenants/acme";
    let why = json!({"reason": "floods; write to ops"});
    assert_eq!(
        status(server.api(), Method::PUT, path, Some(why.clone())).await,
        201
    );
    assert_eq!(status(server.api(), Method::PUT, path, Some(why)).await, 200);
    let told = heard(&webhook, "WasmalertTenantQuarantined", "firing").await;
    assert_eq!(told["annotations"]["description"], "floods; write to ops");
    let refused = own.get("/v1/rules").await.unwrap();
    assert!(refused.text().contains("floods; write to ops"), "{refused}");
    assert_eq!(refused.problem(403), "quarantined");
    // An evaluation that was under way has ended by then.
    tokio::time::sleep(Duration::from_secs(1)).await;
    rests(&acme).await;

    // What waits is not tried again.
    let tried = |webhook: &Webhook| {
        let captured = webhook.captured();
        let of_rule = |body: &Value| body["alerts"][0]["labels"]["alertname"] == "R";
        captured.iter().filter(|captured| of_rule(&captured.body)).count()
    };
    let before = tried(&late);
    late.answer(200);
    heard(&late, "WasmalertTenantQuarantined", "firing").await;
    server.restart().await;
    let (operator, acme) = (server.api().clone(), server.api().for_tenant("acme"));
    let listed = server.cli(&["get", "quarantine"]);
    assert!(
        listed.contains("acme") && listed.contains("floods; write to ops"),
        "{listed}"
    );
    rests(&acme).await;
    assert_eq!(tried(&late), before);

    server.cli(&["release", "tenant", "acme"]);
    assert_eq!(status(&operator, Method::DELETE, path, None).await, 404);
    rises(&acme).await;
    eventually("what waited is delivered", PAGE_WITHIN, async || {
        let waiting = acme.notifications().await?;
        let is_done = waiting.iter().all(|told| told.status == "delivered");
        let done = is_done && tried(&late) > before;
        if done { Ok(()) } else { Err(format!("{waiting:?}")) }
    })
    .await;
    heard(&webhook, "WasmalertTenantQuarantined", "resolved").await;
    let own = operator.with_token(key["key"].as_str().unwrap());
    own.get("/v1/rules").await.unwrap().ok().unwrap();
    let wrong = status(&operator, Method::PUT, path, Some(json!({"reason": " "}))).await;
    assert_eq!(wrong, 422);
    let unknown = "/v1/quarantine/tenants/nobody";
    let why = Some(json!({"reason": "x"}));
    assert_eq!(status(&operator, Method::PUT, unknown, why).await, 404);
}

#[tokio::test]
async fn a_module_is_stopped_whoever_has_it_and_its_alerts_stay() {
    let server = Server::start_with(&[PRIVATE]).await;
    let (webhook, api) = (Webhook::start(), server.api());
    set_up(api, &webhook, json!({"expr": "vector(1)"})).await;
    heard(&webhook, "R", "firing").await;
    let digest = |name: &'static str| async move {
        let modules = api.modules().await.unwrap();
        let module = modules.into_iter().find(|module| module.name == name);
        module.unwrap().digest
    };
    let stopped = digest("prometheus").await;
    let path = format!("/v1/quarantine/modules/{stopped}");
    let why = || Some(json!({"reason": "mines coins"}));
    let said = server.cli(&["quarantine", "module", &stopped, "--reason", "mines coins"]);
    assert!(said.contains("stopped"), "{said}");
    ends_with(api, "quarantined").await;
    let told = heard(&webhook, "WasmalertModuleQuarantined", "firing").await;
    assert_eq!(told["labels"]["team"], "a", "{told}");
    let description = told["annotations"]["description"].as_str().unwrap();
    assert!(description.ends_with("mines coins"), "{description}");
    assert_eq!(api.alert("R").await.unwrap().state, "firing");
    let wasm = api.get("/v1/modules/prometheus/versions/1/wasm").await.unwrap();
    wasm.ok().unwrap();
    let again = api.upload("again", wasm.body.clone()).await;
    assert_eq!(again.problem(403), "quarantined");
    assert_eq!(status(api, Method::DELETE, &path, None).await, 204);
    ends_with(api, "").await;
    heard(&webhook, "WasmalertModuleQuarantined", "resolved").await;

    // A notifier's notifications wait.
    let path = format!("/v1/quarantine/modules/{}", digest("webhook").await);
    assert_eq!(status(api, Method::PUT, &path, why()).await, 201);
    let mut silent = json!({"expr": "vector(1) > 2"});
    put_rule(api, &mut silent).await;
    eventually("the end of the alert waits", PAGE_WITHIN, async || {
        let waiting = api.notifications().await?;
        let is_held = |error: &String| error.contains("the server's operator has stopped the module");
        let held = waiting
            .iter()
            .find(|told| told.status == "pending" && told.last_error.as_ref().is_some_and(is_held));
        held.map(|_| ()).ok_or_else(|| format!("{waiting:?}"))
    })
    .await;
    assert_eq!(status(api, Method::DELETE, &path, None).await, 204);
    heard(&webhook, "R", "resolved").await;
    let wrong = status(api, Method::PUT, "/v1/quarantine/modules/sha256:0", why()).await;
    assert_eq!(wrong, 422);
}

#[tokio::test]
async fn rules_over_their_limits_are_paused_told_of_and_resumed_by_a_change() {
    let mut server = Server::start_with(&[PRIVATE, ("WASMALERT_PAUSE_AFTER", "2")]).await;
    let webhook = Webhook::start();
    server.api().push("hostile", guest("evaluate")).await;
    let endless = json!({"module": "hostile", "config": {"do": "fuel_exceeded"}});
    set_up(server.api(), &webhook, endless.clone()).await;
    let told = heard(&webhook, "WasmalertRulePaused", "firing").await;
    assert_eq!(told["labels"]["team"], "a", "{told}");
    let summary = "The rule R of ns/g is paused for 1m: it went over a limit 2 times in a row.";
    assert_eq!(told["annotations"]["summary"], summary);
    let listed = server.api().get("/v1/rules").await.unwrap().json();
    let rule = &listed["rules"][0];
    assert!(rule["paused_until"].is_string(), "{rule}");
    assert_eq!((&rule["evaluations"], &rule["missed"]), (&json!(2), &json!(0)));
    rests(server.api()).await;
    server
        .restart_with(&[PRIVATE, ("WASMALERT_PAUSE_AFTER", "2")])
        .await;
    rests(server.api()).await;

    let mut mended = json!({"expr": "vector(1) > 2"});
    put_rule(server.api(), &mut mended).await;
    ends_with(server.api(), "").await;
    heard(&webhook, "WasmalertRulePaused", "resolved").await;
    rises(server.api()).await;
}

#[tokio::test]
async fn a_new_version_of_the_module_or_a_higher_limit_ends_a_pause() {
    let server = Server::start_with(&[("WASMALERT_PAUSE_AFTER", "1")]).await;
    let api = server.api();
    let rule = json!({"alert": "R", "expr": "vector(1) > 2", "limits": {"fuel": 1_000}});
    let group = json!({"interval": "1s", "rules": [rule]});
    api.put("/v1/groups/ns/g", &group).await;
    ends_with(api, "fuel_exceeded").await;
    let before = evaluations(api).await;
    let tried = async |times: i64| {
        eventually("it is tried once more", PAGE_WITHIN, async || {
            let rule = api.rule("ns", "g", "R").await?;
            if rule.evaluations == before + times {
                Ok(())
            } else {
                Err(format!("{before}, {rule:?}"))
            }
        })
        .await;
        rests(api).await;
    };
    let wasm = api.get("/v1/modules/prometheus/versions/1/wasm").await.unwrap();
    let mut other = wasm.body;
    // A custom section with the name `n` and nothing in it.
    other.extend([0, 2, 1, b'n']);
    api.push("prometheus", other).await;
    tried(1).await;
    api.put("/v1/tenants/default", &json!({})).await;
    tried(2).await;
}
