//! Mimir's ruler configuration API, as mimirtool, cortextool and Grafana call it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Server};

const BASE: &str = "/prometheus/config/v1/rules";

const GROUP: &str = "\
name: node group/1
interval: 30s
query_offset: 5s
limit: 7
labels: {team: core}
rules:
- record: job:up:sum
  expr: sum by (job) (up)
- alert: Down
  expr: |
    up == 0
  for: 5m
  keep_firing_for: 1m
  labels: {severity: page}
  annotations: {summary: \"{{ $labels.instance }} is \\\"down\\\"\"}
";

async fn send(api: &Api, method: Method, path: &str, body: &str) -> Answer {
    let body = body.as_bytes().to_vec();
    api.ask(method, path, body).await.expect("the server answers")
}

fn yaml(answer: &Answer) -> Value {
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (200, "application/yaml"),
        "{answer}"
    );
    serde_saphyr::from_str(&answer.text()).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn group(name: &str, expr: &str) -> String {
    format!("name: {name}\nrules:\n- alert: A\n  expr: {expr}\n")
}

#[tokio::test]
async fn groups_are_loaded_listed_shown_and_deleted_under_each_prefix() {
    let server = Server::start_with(&[("WASMALERT_RULER_PREFIX", "/cortex")]).await;
    let api = server.api();
    for base in [BASE, "/api/prom/rules", "/cortex/api/v1/rules"] {
        assert_eq!(yaml(&api.get(base).await.unwrap()), json!({}), "{base}");
        // A namespace with a slash, a space and letters beyond ASCII.
        let namespace = format!("{base}/team%2Fa%20gr%C3%BCn");
        let one = format!("{namespace}/node%20group%2F1");
        assert_eq!(api.get(&one).await.unwrap().problem(404), "not_found");
        assert_eq!(api.get(&namespace).await.unwrap().problem(404), "not_found");
        assert_eq!(api.delete(&one).await.unwrap().problem(404), "not_found");
        assert_eq!(api.delete(&namespace).await.unwrap().problem(404), "not_found");
        let loaded = send(api, Method::POST, &namespace, GROUP).await;
        assert_eq!(
            (loaded.status, &loaded.json()["status"]),
            (202, &json!("success")),
            "{loaded}"
        );
        let written: Value = serde_saphyr::from_str(GROUP).unwrap();
        assert_eq!(yaml(&api.get(&one).await.unwrap()), written);
        let all = json!({"team/a grün": [written]});
        assert_eq!(yaml(&api.get(base).await.unwrap()), all);
        assert_eq!(yaml(&api.get(&namespace).await.unwrap()), all);
        // It runs, and Prometheus' API shows it, also where Mimir has that.
        let rules = api.get("/prometheus/api/v1/rules").await.unwrap().json();
        let shown = &rules["data"]["groups"][0];
        assert_eq!(
            (&shown["file"], &shown["limit"]),
            (&json!("team/a grün"), &json!(7)),
            "{rules}"
        );
        assert_eq!(shown["rules"][1]["duration"], 300, "{rules}");
        let other = group("other", "up == 1");
        assert_eq!(send(api, Method::POST, &namespace, &other).await.status, 202);
        assert_eq!(api.delete(&one).await.unwrap().status, 202);
        let left = yaml(&api.get(&namespace).await.unwrap());
        assert_eq!(left["team/a grün"].as_array().unwrap().len(), 1, "{left}");
        assert_eq!(api.delete(&namespace).await.unwrap().status, 202);
    }
    assert_eq!(api.get("/ruler/api/v1/rules").await.unwrap().status, 404);
    let info = api.get("/api/v1/status/buildinfo").await.unwrap().json();
    assert_eq!(info["data"]["features"]["ruler_config_api"], "true", "{info}");
}

#[tokio::test]
async fn what_is_no_group_is_refused_with_its_lines() {
    let server = Server::start().await;
    let api = server.api();
    let path = format!("{BASE}/ns");
    for (body, problem) in [
        ("", "expected one group"),
        ("name: a\n---\nname: b\n", "expected one group"),
        ("- name: a\n", "expected fields, not a list"),
        ("name: [", "line 1"),
        ("rules: []\n", "name is missing"),
        (
            "name: a\nrules:\n- alert: A\n  expr: sum(\n",
            "line 4: rules[0].expr",
        ),
        (
            "name: a\nrules:\n- alert: A\n  record: a\n  expr: up\n",
            "give exactly one of alert and record",
        ),
        (
            "name: a\nrules:\n- alert: ''\n  expr: up\n",
            "line 3: rules[0].alert: is empty",
        ),
        ("name: a\nrulez: []\n", "line 2: rulez: unknown field"),
        ("name: a\nsource_tenants: [b]\n", "rules over several tenants"),
        ("name: a\ninterval: soon\n", "line 2: interval"),
        ("\u{0}", "line 1"),
    ] {
        let refused = send(api, Method::POST, &path, body).await;
        assert_eq!(refused.problem(400), "bad_request", "{body}");
        assert!(refused.text().contains(problem), "{body}: {refused}");
    }
    let large = format!("name: a\nlabels: {{a: {}}}\n", "x".repeat(17 << 20));
    assert_eq!(send(api, Method::POST, &path, &large).await.status, 413);
    assert_eq!(yaml(&api.get(BASE).await.unwrap()), json!({}));
}

#[tokio::test]
async fn what_a_rule_file_cannot_say_stays_and_other_modules_are_left_alone() {
    let server = Server::start().await;
    let api = server.api();
    let hook = json!({"module": "webhook", "config": {"url": "http://127.0.0.1:1"}});
    api.put("/v1/receivers/hook", &hook).await;
    let rule = |alert: &str| json!({"alert": alert, "expr": "up", "receivers": ["hook"], "limits": {"fuel": 1000000}});
    api.put(
        "/v1/groups/ns/mixed",
        &json!({"rules": [rule("A"), rule("A"), rule("B")]}),
    )
    .await;
    let config = json!({"expr": "up", "fire_above": 1, "resolve_below": 0});
    let other = json!({"rules": [{"alert": "H", "module": "hysteresis", "config": config}]});
    api.put("/v1/groups/ns/other", &other).await;

    let listed = yaml(&api.get(&format!("{BASE}/ns")).await.unwrap());
    assert_eq!(listed["ns"].as_array().unwrap().len(), 1, "{listed}");
    let body = "name: mixed\nrules:\n- {alert: C, expr: a}\n- {alert: A, expr: b, for: 1m}\n";
    assert_eq!(
        send(api, Method::POST, &format!("{BASE}/ns"), body).await.status,
        202
    );
    let stored = api.get("/v1/groups/ns/mixed").await.unwrap().json();
    assert_eq!(
        stored["rules"],
        json!([
            {"alert": "C", "expr": "a"},
            {"alert": "A", "expr": "b", "for": "1m", "receivers": ["hook"], "limits": {"fuel": 1000000}},
        ])
    );
    // Rules of one name are told apart by their labels.
    let of = |severity: &str, receivers: Value| json!({"alert": "L", "expr": "up", "labels": {"severity": severity}, "receivers": receivers});
    api.put(
        "/v1/groups/ns/levels",
        &json!({"rules": [of("warning", json!([])), of("critical", json!(["hook"]))]}),
    )
    .await;
    let body = "name: levels\nrules:\n- {alert: L, expr: b, labels: {severity: critical}}\n";
    assert_eq!(
        send(api, Method::POST, &format!("{BASE}/ns"), body).await.status,
        202
    );
    let stored = api.get("/v1/groups/ns/levels").await.unwrap().json();
    assert_eq!(stored["rules"][0]["receivers"], json!(["hook"]), "{stored}");
    let refused = send(api, Method::POST, &format!("{BASE}/ns"), &group("other", "up")).await;
    assert_eq!(refused.problem(409), "other_modules");
    assert_eq!(
        api.delete(&format!("{BASE}/ns/other"))
            .await
            .unwrap()
            .problem(404),
        "not_found"
    );
    assert_eq!(api.delete(&format!("{BASE}/ns")).await.unwrap().status, 202);
    assert_eq!(api.get("/v1/groups/ns/other").await.unwrap().status, 200);
    // Who has changed it is on record like any other change.
    let history = api.get("/v1/config/history?limit=1").await.unwrap().json();
    assert_eq!(
        history["changes"][0]["call"],
        format!("DELETE {BASE}/ns"),
        "{history}"
    );
}

#[tokio::test]
async fn ten_thousand_groups_are_listed_whole() {
    const GROUPS: usize = 10_000;
    let server = Server::start().await;
    let api = server.api();
    let rules = json!([{"alert": "A", "expr": "up == 0"}]);
    for first in (0..GROUPS).step_by(2_000) {
        let group = |at: usize| {
            let spec = json!({"interval": "1d", "rules": rules});
            json!({"namespace": format!("ns {}", at % 100), "name": format!("g/{at}"), "spec": spec})
        };
        let groups: Vec<Value> = (first..first + 2_000).map(group).collect();
        let body = json!({"put": {"groups": groups}}).to_string();
        let put = send(api, Method::POST, "/v1/config", &body).await;
        assert_eq!(put.status, 200, "{put}");
    }
    let listed = yaml(&api.get(BASE).await.unwrap());
    let namespaces = listed.as_object().expect("namespaces");
    let groups = namespaces.values().filter_map(Value::as_array).map(Vec::len);
    assert_eq!((namespaces.len(), groups.sum::<usize>()), (100, GROUPS));
    // One among many is changed and deleted like any other.
    let path = format!("{BASE}/ns%207");
    assert_eq!(
        send(api, Method::POST, &path, &group("g/7", "up == 1"))
            .await
            .status,
        202
    );
    assert_eq!(api.delete(&format!("{path}/g%2F7")).await.unwrap().status, 202);
    assert_eq!(api.delete(&path).await.unwrap().status, 202);
    let left = yaml(&api.get(BASE).await.unwrap());
    assert_eq!(left.as_object().map(serde_json::Map::len), Some(99));
}
