//! No call of the API shows a tenant anything of another, or changes it. The calls
//! are those of the OpenAPI document, so that a new one cannot be forgotten.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, PAGE_WITHIN, Server, Webhook, component, eventually};

/// In every name and value of the tenant that is looked for.
const MARK: &str = "zorblax";

const PUBLIC_KEY: &str = "RWTewjFvyguAwQH1TM1+KHW3BRFTRK/OQT+9UcKFb0dMEd7G3yQZ40SU";
const OTHER_PUBLIC_KEY: &str = "RWSwC2nUl9WiJpFqHReBjJZ95f+qRegcjRHnvSt0swhyGc4Bpfjpeup9";

/// A call of the document.
struct Call {
    method: Method,
    path: String,
    scope: String,
}

async fn calls(server: &Server) -> Vec<Call> {
    let document = server
        .api()
        .get("/openapi.json")
        .await
        .expect("the server answers")
        .json();
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, call) in item.as_object().expect("calls") {
            let scope = call["security"][0]["bearer"][0].as_str();
            // Those without are open to all and say nothing of tenants.
            if let Some(scope) = scope {
                calls.push(Call {
                    method: method.to_uppercase().parse().expect("a method"),
                    path: path.clone(),
                    scope: scope.to_owned(),
                });
            }
        }
    }
    calls
}

async fn tenant(server: &Server, name: &str) -> Api {
    server.api().put(&format!("/v1/tenants/{name}"), &json!({})).await;
    let operator = server.api().for_tenant(name);
    let wanted = json!({"scopes": ["admin"]}).to_string().into_bytes();
    let made = operator
        .ask(Method::POST, "/v1/keys", wanted)
        .await
        .expect("the server answers");
    assert_eq!(made.status, 201, "{made}");
    server
        .api()
        .with_token(made.json()["key"].as_str().expect("a key"))
}

/// What the tenant that is attacked has: one of everything.
struct Victim {
    api: Api,
    evaluation: String,
    notification: String,
    key: String,
}

impl Victim {
    async fn new(server: &Server, webhook: &Webhook) -> Self {
        let api = tenant(server, "victim").await;
        api.push("zorblax-module", component("prometheus")).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for (path, body) in [
            ("sources/zorblax-source", json!({"kind": "embedded"})),
            (
                "scrapes/zorblax-scrape",
                json!({"targets": ["127.0.0.1:1"], "labels": {"zorblax": "zorblax"}}),
            ),
            ("secrets/zorblax-secret", json!({"value": "zorblax-value"})),
            ("signers/zorblax-signer", json!({"public_key": PUBLIC_KEY})),
            (
                "receivers/zorblax-receiver",
                json!({"module": "webhook", "config": {"url": webhook.url()}}),
            ),
        ] {
            api.put(&format!("/v1/{path}"), &body).await;
        }
        let rules = json!([
            {"alert": "zorblax-rule", "module": "zorblax-module", "expr": "vector(1)", "source": "zorblax-source",
             "labels": {"zorblax": "zorblax"}, "receivers": ["zorblax-receiver"]},
            {"alert": "zorblax-broken", "expr": "zorblax("},
        ]);
        let group = json!({"interval": "1s", "rules": rules});
        api.put("/v1/groups/zorblax-namespace/zorblax-group", &group)
            .await;
        let notification = eventually("it has told its receiver", PAGE_WITHIN, async || {
            let list = api.get("/v1/notifications").await?.json();
            let id = text(&list["notifications"][0]["id"]);
            if id.is_empty() {
                Err(list.to_string())
            } else {
                Ok(id)
            }
        })
        .await;
        let path = "/v1/rules/zorblax-namespace/zorblax-group/zorblax-rule/evaluations";
        let evaluations = api.get(path).await.expect("the server answers").json();
        let keys = api.get("/v1/keys").await.expect("the server answers").json();
        Self {
            evaluation: text(&evaluations["evaluations"][0]["id"]),
            notification,
            key: text(&keys["keys"][0]["id"]),
            api,
        }
    }

    /// The path with the names of what the tenant has.
    fn fill(&self, path: &str) -> String {
        let parts: Vec<&str> = path.split('/').collect();
        let fill = |(at, part): (usize, &&str)| -> String {
            let of = parts.get(at.wrapping_sub(1)).copied().unwrap_or_default();
            match (*part, of) {
                ("{version}" | "{revision}", _) => "1".to_owned(),
                ("{digest}", _) => format!("sha256:{}", "0".repeat(64)),
                ("{namespace}", _) => "zorblax-namespace".to_owned(),
                ("{group}", _) => "zorblax-group".to_owned(),
                ("{rule}", _) => "zorblax-rule".to_owned(),
                ("{name}", "label") => MARK.to_owned(),
                ("{name}", "tenants") => "victim".to_owned(),
                ("{name}", kind) => format!("zorblax-{}", kind.trim_end_matches('s')),
                ("{id}", "evaluations") => self.evaluation.clone(),
                ("{id}", "notifications") => self.notification.clone(),
                ("{id}", "keys") => self.key.clone(),
                (part, of) if part.starts_with('{') => {
                    panic!("{path}: tell this test what {part} after {of} is")
                }
                (part, _) => part.to_owned(),
            }
        };
        parts.iter().enumerate().map(fill).collect::<Vec<_>>().join("/")
    }

    /// What it has configured, as it sees it.
    async fn configuration(&self) -> Vec<String> {
        let mut shown = Vec::new();
        for path in [
            "/v1/modules/zorblax-module",
            "/v1/sources",
            "/v1/receivers",
            "/v1/secrets",
            "/v1/signers",
            "/v1/signatures",
            "/v1/groups/zorblax-namespace/zorblax-group",
        ] {
            let answer = self.api.get(path).await.expect("the server answers");
            assert_eq!(answer.status, 200, "{answer}");
            shown.push(answer.text());
        }
        let scrape = self
            .api
            .get("/v1/scrapes/zorblax-scrape")
            .await
            .expect("the server answers")
            .json();
        shown.push(scrape["spec"].to_string());
        let keys = self.api.get("/v1/keys").await.expect("the server answers").json();
        shown.push(keys["keys"].as_array().expect("keys").len().to_string());
        shown
    }
}

/// A body that the call would take.
fn body(path: &str) -> Vec<u8> {
    let text = match path.split('/').nth(2).unwrap_or_default() {
        "modules" if path.ends_with("/promoted") => json!({"version": 1}),
        "modules" => return component("hysteresis"),
        "sources" => json!({"kind": "embedded", "timeout": "1s"}),
        "scrapes" => json!({"targets": ["127.0.0.1:2"]}),
        "receivers" => json!({"module": "webhook", "config": {"url": "http://127.0.0.1:1"}}),
        "secrets" => json!({"value": "other"}),
        "groups" => json!({"interval": "1h", "rules": [{"alert": "Mine", "expr": "vector(0)"}]}),
        "signers" => json!({"public_key": OTHER_PUBLIC_KEY}),
        "signatures" => json!({"policy": "warn"}),
        _ => json!({}),
    };
    text.to_string().into_bytes()
}

#[tokio::test]
async fn what_one_makes_and_deletes_is_not_anothers_of_the_same_name() {
    let (server, webhook) = (Server::start().await, Webhook::start());
    let victim = Victim::new(&server, &webhook).await;
    let rival = tenant(&server, "rival").await;
    let before = victim.configuration().await;
    let (calls, mut made) = (calls(&server).await, 0);
    for Call { method, path, scope } in &calls {
        let makes = *method == Method::PUT || path == "/v1/modules/{name}" && *method == Method::POST;
        if scope != "operator" && makes {
            let answer = rival
                .ask(method.clone(), &victim.fill(path), body(path))
                .await
                .unwrap();
            // What is promoted is the one version that was just made.
            let expected: &[u16] = if path.ends_with("/promoted") {
                &[200]
            } else {
                &[201, 204]
            };
            assert!(expected.contains(&answer.status), "{answer}");
            made += 1;
        }
    }
    assert!(made >= 6, "{made}");
    assert_eq!(victim.configuration().await, before);
    for Call { method, path, scope } in &calls {
        if *method == Method::DELETE {
            let answer = rival.delete(&victim.fill(path)).await.unwrap();
            let expected: &[u16] = match scope.as_str() {
                "operator" => &[403],
                _ if path.contains("keys") => &[404],
                // The one version is gone with the module, or the other way round.
                _ if path.contains("modules") => &[204, 404],
                // As in Mimir; the groups of a namespace may be gone with it.
                _ if path.contains("/config/v1/rules") => &[202, 404],
                _ if path.starts_with("/v1/groups") => &[204, 404],
                _ => &[204],
            };
            assert!(expected.contains(&answer.status), "{answer}");
        }
    }
    assert_eq!(victim.configuration().await, before);
    assert_eq!(victim.api.alert("zorblax-rule").await.unwrap().state, "firing");
}

#[tokio::test]
async fn nothing_is_there_for_who_has_made_nothing() {
    let (server, webhook) = (Server::start().await, Webhook::start());
    let victim = Victim::new(&server, &webhook).await;
    let rival = tenant(&server, "rival").await;
    for Call { method, path, scope } in calls(&server).await {
        let makes = method == Method::PUT || (method == Method::POST && !path.contains("/api/"));
        // What the rival has asked for by name is in the log of its own calls.
        if scope == "operator"
            || path == "/v1/logs"
            || path == "/v1/audit"
            || (makes && !path.ends_with("/retry") && !path.ends_with("/rotate"))
        {
            continue;
        }
        let asked = victim.fill(&path);
        let query = "?match[]={zorblax!=\"\"}&query=ALERTS&start=0&end=9999999999&step=30d";
        let asked = if asked.starts_with("/api/") {
            asked + query
        } else {
            asked
        };
        let given = if method == Method::POST {
            b"{}".to_vec()
        } else {
            Vec::new()
        };
        let answer = rival.ask(method.clone(), &asked, given).await.unwrap();
        let by_name = path.contains('{') && !path.starts_with("/api/");
        if by_name {
            assert_eq!(answer.problem(404), "not_found", "{method} {asked}");
        } else {
            assert!(
                [200, 400, 415].contains(&answer.status) || path == "/v1/pauses" && answer.status == 404,
                "{method} {asked}: {answer}"
            );
            assert!(!answer.text().contains(MARK), "{method} {asked}: {answer}");
        }
    }
}

#[tokio::test]
async fn the_log_of_a_tenant_is_its_own() {
    let (server, webhook) = (Server::start().await, Webhook::start());
    let victim = Victim::new(&server, &webhook).await;
    let rival = tenant(&server, "rival").await;
    let mut own = victim.api.events("/v1/logs?follow=true").await;
    let mut others = rival.events("/v1/logs?follow=true").await;
    // The broken rule fails every second.
    for _ in 0..2 {
        let event = tokio::time::timeout(PAGE_WITHIN, own.next())
            .await
            .expect("a line in time");
        assert!(event.expect("a line").to_string().contains(MARK));
    }
    let seen = tokio::time::timeout(Duration::from_millis(200), others.next()).await;
    assert!(seen.is_err(), "{seen:?}");
}
