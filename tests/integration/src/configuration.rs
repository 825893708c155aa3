//! Configuration as one thing: changed whole or not at all, on record, and back to what it was.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, PAGE_WITHIN, Server, component, eventually};

fn group(name: &str, expr: &str) -> Value {
    let rules = json!([{"alert": "A", "expr": expr}]);
    json!({"namespace": "ns", "name": name, "spec": {"interval": "1s", "rules": rules}})
}

fn source(name: &str, timeout: &str) -> Value {
    json!({"name": name, "spec": {"kind": "embedded", "timeout": timeout}})
}

async fn post(api: &Api, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let body = body.to_string().into_bytes();
    let answer = api.ask_with(Method::POST, path, body, headers).await;
    answer.expect("the server answers")
}

async fn change(api: &Api, body: Value) -> Answer {
    post(api, "/v1/config", &body, &[]).await
}

/// What an answer says has changed, such as `created group ns/a`.
fn told(answer: &Answer) -> Vec<String> {
    let answered = answer.json();
    let changes = answered["changes"].as_array();
    let changes = changes.unwrap_or_else(|| panic!("{answer}")).iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = changes.map(|change| {
        let namespace = match text(&change["namespace"]) {
            namespace if namespace.is_empty() => namespace,
            namespace => format!("{namespace}/"),
        };
        let (action, kind) = (text(&change["action"]), text(&change["kind"]));
        format!("{action} {kind} {namespace}{}", text(&change["name"]))
    });
    told.collect()
}

async fn groups(api: &Api) -> Vec<String> {
    let rules = api.rules().await.expect("rules");
    rules.into_iter().map(|rule| rule.group).collect()
}

#[tokio::test]
async fn a_change_of_many_things_is_made_whole_or_not_at_all() {
    let server = Server::start().await;
    let api = server.api();
    let all = json!({
        "sources": [source("s", "1s")],
        "receivers": [{"name": "hook", "spec": {"module": "webhook", "config": {"url": "http://127.0.0.1:1"}}}],
        "groups": [group("a", "vector(1)"), {"namespace": "ns", "name": "b", "spec": {"interval": "1s", "rules": [
            {"alert": "B", "expr": "vector(1)", "source": "s", "receivers": ["hook"]}]}}],
    });
    let dry = post(api, "/v1/config?dry_run=true", &json!({"put": all}), &[]).await;
    let created = [
        "created source s",
        "created receiver hook",
        "created group ns/a",
        "created group ns/b",
    ];
    assert_eq!(told(&dry), created);
    assert_eq!(
        dry.json()["changes"][3]["after"]["rules"][0]["source"],
        "s",
        "{dry}"
    );
    assert_eq!(groups(api).await, [""; 0], "a dry run changes nothing");
    let made = change(api, json!({"put": all})).await;
    assert_eq!(told(&made), created);
    let revision = made.json()["revision"].clone();
    assert_eq!(groups(api).await, ["a", "b"]);
    eventually("both are evaluated", PAGE_WITHIN, async || {
        let alerts = api.alerts().await?;
        match alerts.len() {
            2 => Ok(()),
            _ => Err(format!("{alerts:?}")),
        }
    })
    .await;
    assert_eq!(told(&change(api, json!({"put": all})).await), [""; 0]);

    // Every error at once, each with its place; and nothing of what is good is there.
    let wrong = json!({"put": {"sources": [source("good", "1s"), source("bad", "1y")], "groups": [
        {"namespace": "ns", "name": "c", "spec": {"rules": [{"alert": "", "expr": "x", "for": "soon"}]}},
        {"namespace": "ns", "name": "d", "spec": {"rules": [{"alert": "D", "expr": "x", "receivers": ["nobody"]}]}}]}});
    let refused = change(api, wrong).await;
    assert_eq!(refused.problem(422), "invalid");
    let problems = refused.json()["problems"].to_string();
    for problem in [
        "source bad: timeout",
        "group ns/c: rules[0].for",
        "group ns/d: rules[0].receivers: there is no receiver nobody",
    ] {
        assert!(problems.contains(problem), "{problem} is not in {problems}");
    }
    let unlike = json!({"put": {"groups": [group("e", "x"), {"namespace": "ns", "name": "f", "spec": {"rules": [
        {"alert": "F", "config": {"expr": 5}}]}}]}});
    let refused = change(api, unlike).await;
    assert_eq!(refused.problem(422), "config_invalid");
    assert!(
        refused.text().contains("group ns/f: rules[0].config"),
        "{refused}"
    );
    // What is used stays, also where what uses it is to be changed in the same go.
    let used =
        json!({"put": {"groups": [group("a", "vector(2)")]}, "delete": [{"kind": "source", "name": "s"}]});
    let refused = change(api, used).await;
    assert_eq!(refused.problem(409), "in_use");
    let twice = json!({"put": {"groups": [group("a", "x")]}, "delete": [{"kind": "group", "namespace": "ns", "name": "a"}]});
    assert_eq!(change(api, twice).await.problem(400), "bad_request");
    let odd = json!({"prune": ["module"]});
    assert_eq!(change(api, odd).await.problem(400), "bad_request");
    let whole = api.get("/v1/config").await.unwrap().json();
    assert_eq!(whole["revision"], revision, "{whole}");
    assert_eq!(whole["sources"][0]["name"], "s", "{whole}");

    // What is not named any more goes, of the kinds that are asked for.
    let fewer = json!({"put": {"groups": [group("a", "vector(1)"), group("g", "vector(1)")]}, "prune": ["group", "source"]});
    let pruned = change(api, fewer).await;
    assert_eq!(
        told(&pruned),
        ["created group ns/g", "deleted group ns/b", "deleted source s"]
    );
    assert_eq!(groups(api).await, ["a", "g"]);
    let left = api.get("/v1/receivers").await.unwrap().json();
    assert_eq!(left["receivers"][0]["name"], "hook", "{left}");
}

#[tokio::test]
async fn two_writers_do_not_overwrite_each_other() {
    let server = Server::start().await;
    let api = server.api();
    let path = "/v1/groups/ns/a";
    let spec = |expr: &str| group("a", expr)["spec"].to_string().into_bytes();
    let put = async |expr: &str, headers: &[(&str, &str)]| {
        let answer = api.ask_with(Method::PUT, path, spec(expr), headers).await;
        answer.expect("the server answers")
    };
    assert_eq!(
        put("vector(1)", &[("if-match", "*")]).await.problem(412),
        "revision_mismatch"
    );
    let made = put("vector(1)", &[("if-none-match", "*")]).await;
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(
        put("vector(2)", &[("if-none-match", "*")]).await.problem(412),
        "revision_mismatch"
    );
    let first = made.etag;
    assert_eq!(api.get(path).await.unwrap().etag, first);
    let second = put("vector(2)", &[("if-match", &first)]).await;
    assert_eq!(second.status, 200, "{second}");
    let late = put("vector(3)", &[("if-match", &first)]).await;
    assert_eq!(late.problem(412), "revision_mismatch");
    assert!(late.text().contains("the group ns/a is at revision"), "{late}");
    let gone = api
        .ask_with(Method::DELETE, path, Vec::new(), &[("if-match", &first)])
        .await;
    assert_eq!(gone.unwrap().problem(412), "revision_mismatch");
    assert_eq!(
        put("vector(3)", &[("if-match", "12")]).await.problem(400),
        "bad_request"
    );
    let body = json!({"put": {"groups": [group("b", "x")]}});
    let stale = post(api, "/v1/config", &body, &[("if-match", &first)]).await;
    assert_eq!(stale.problem(412), "revision_mismatch");
    let now = api.get("/v1/config").await.unwrap().etag;
    let taken = post(api, "/v1/config", &body, &[("if-match", &now)]).await;
    assert_eq!(told(&taken), ["created group ns/b"]);
    let second = second.etag;
    let gone = api
        .ask_with(Method::DELETE, path, Vec::new(), &[("if-match", &second)])
        .await;
    assert_eq!(gone.unwrap().status, 204);
    for (kind, body) in [
        ("sources/s", json!({"kind": "embedded"})),
        ("scrapes/s", json!({"targets": ["127.0.0.1:1"]})),
        (
            "receivers/r",
            json!({"module": "webhook", "config": {"url": "http://127.0.0.1:1"}}),
        ),
    ] {
        let path = format!("/v1/{kind}");
        let body = body.to_string().into_bytes();
        let made = api
            .ask_with(Method::PUT, &path, body, &[("if-none-match", "*")])
            .await
            .unwrap();
        assert_eq!(made.status, 201, "{made}");
        assert_eq!(api.get(&path).await.unwrap().etag, made.etag);
        let gone = api
            .ask_with(Method::DELETE, &path, Vec::new(), &[("if-match", "\"1\"")])
            .await;
        assert_eq!(gone.unwrap().problem(412), "revision_mismatch");
    }
}

#[tokio::test]
async fn changes_are_on_record_and_undone() {
    let server = Server::start().await;
    let api = server.api();
    let secret = json!({"name": "prom", "spec": {"kind": "prometheus", "url": "http://127.0.0.1:1", "bearer_token": "hush"}});
    let first = change(
        api,
        json!({"put": {"sources": [secret], "groups": [group("a", "vector(1)"), group("b", "vector(1)")]}}),
    )
    .await;
    let good = first.json()["revision"].as_i64().expect("a revision");
    server
        .api()
        .put("/v1/groups/ns/a", &group("a", "vector(2) > 3")["spec"])
        .await;
    assert_eq!(api.delete("/v1/groups/ns/b").await.unwrap().status, 204);
    server
        .api()
        .put("/v1/groups/ns/c", &group("c", "vector(1)")["spec"])
        .await;

    let history = api.get("/v1/config/history?limit=2").await.unwrap().json();
    let calls: Vec<&str> = history["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["call"].as_str())
        .collect();
    assert_eq!(calls, ["PUT /v1/groups/ns/c", "DELETE /v1/groups/ns/b"]);
    assert_eq!(
        (&history["changes"][0]["actor"], &history["changes"][0]["address"]),
        (&json!("operator"), &json!("127.0.0.1"))
    );
    let next = history["next"].as_str().expect("a next page");
    let older = api
        .get(&format!("/v1/config/history?before={next}"))
        .await
        .unwrap()
        .json();
    assert_eq!(older["changes"].as_array().unwrap().len(), 2, "{older}");
    let one = api.get(&format!("/v1/config/history/{good}")).await.unwrap();
    assert_eq!(one.json()["changes"][0]["after"]["bearer_token"], "***", "{one}");
    assert!(!one.text().contains("hush"), "{one}");
    // What is shown cannot be put back by mistake.
    let whole = api.get("/v1/config").await.unwrap().json();
    let refused = change(api, json!({"put": {"sources": whole["sources"]}})).await;
    assert_eq!(refused.problem(422), "invalid");
    assert!(
        refused.text().contains("source prom: a credential is ***"),
        "{refused}"
    );
    let one = api
        .get(&format!("/v1/config/history/{}", good + 1))
        .await
        .unwrap()
        .json();
    assert_eq!(
        one["changes"][0]["before"]["rules"][0]["expr"], "vector(1)",
        "{one}"
    );
    assert_eq!(
        api.get("/v1/config/history/999").await.unwrap().problem(404),
        "not_found"
    );

    let back = json!({"revision": good});
    let would = post(api, "/v1/config/rollback?dry_run=true", &back, &[]).await;
    let undone = ["changed group ns/a", "created group ns/b", "deleted group ns/c"];
    assert_eq!(told(&would), undone);
    assert_eq!(groups(api).await, ["a", "c"]);
    let done = post(api, "/v1/config/rollback", &back, &[]).await;
    assert_eq!(told(&done), undone);
    assert_eq!(groups(api).await, ["a", "b"]);
    let shown = api.get("/v1/groups/ns/a").await.unwrap().json();
    assert_eq!(shown["rules"][0]["expr"], "vector(1)", "{shown}");
    eventually("what runs is what was", PAGE_WITHIN, async || {
        let alerts = api.alerts().await?;
        match alerts.len() {
            2 => Ok(()),
            _ => Err(format!("{alerts:?}")),
        }
    })
    .await;
    // A rollback is a change like any other.
    let undone = json!({"revision": done.json()["revision"].as_i64().unwrap() - 1});
    let again = post(api, "/v1/config/rollback", &undone, &[]).await;
    assert_eq!(again.json()["changes"].as_array().unwrap().len(), 3, "{again}");
    assert_eq!(groups(api).await, ["a", "c"]);
    let beyond = post(api, "/v1/config/rollback", &json!({"revision": 999}), &[]).await;
    assert_eq!(beyond.problem(422), "invalid");
}

#[tokio::test]
async fn promoting_needs_the_scope_that_brings_code() {
    let server = Server::start().await;
    let api = server.api();
    for name in ["prometheus", "hysteresis"] {
        let pushed = api.upload("mine", component(name)).await;
        assert_eq!(pushed.status, 201, "{pushed}");
    }
    let key = async |scope: &str| {
        let wanted = json!({"scopes": [scope]});
        let made = post(api, "/v1/keys", &wanted, &[]).await.json();
        api.with_token(made["key"].as_str().expect("a key"))
    };
    let (writer, deployer) = (key("write").await, key("deploy").await);
    let promote = json!({"put": {"modules": [{"name": "mine", "version": 1}]}});
    assert_eq!(change(&writer, promote).await.problem(403), "forbidden");
    let before = api.get("/v1/config").await.unwrap().json()["revision"]
        .as_i64()
        .expect("a revision");
    let back = json!({"revision": before - 1});
    assert_eq!(
        post(&writer, "/v1/config/rollback", &back, &[])
            .await
            .problem(403),
        "forbidden"
    );
    // A key that deploys does not write.
    assert_eq!(
        post(&deployer, "/v1/config/rollback", &back, &[])
            .await
            .problem(403),
        "forbidden"
    );
    let both = json!({"scopes": ["write", "deploy"]});
    let made = post(api, "/v1/keys", &both, &[]).await.json();
    let both = api.with_token(made["key"].as_str().expect("a key"));
    let done = post(&both, "/v1/config/rollback", &back, &[]).await;
    assert_eq!(told(&done), ["changed module mine"]);
    let shown = api.get("/v1/modules/mine/versions/1").await.unwrap().json();
    assert_eq!(shown["promoted"], true, "{shown}");
}

#[tokio::test]
async fn what_is_stored_runs_though_its_caller_has_gone() {
    const GROUPS: usize = 1_500;
    let server = Server::start().await;
    let api = server.api();
    let groups: Vec<Value> = (0..GROUPS)
        .map(|at| group(&format!("g{at}"), "vector(1)"))
        .collect();
    let body = json!({"put": {"groups": groups}}).to_string().into_bytes();
    let gone = tokio::time::timeout(
        std::time::Duration::from_millis(400),
        api.ask(Method::POST, "/v1/config", body),
    );
    let _ = gone.await;
    eventually(
        "all or none are stored, and those run",
        PAGE_WITHIN * 2,
        async || {
            let stored = api.get("/v1/config").await?.json()["groups"]
                .as_array()
                .map_or(0, Vec::len);
            let running = api.rules().await?.len();
            match stored == running && [0, GROUPS].contains(&stored) {
                true => Ok(()),
                false => Err(format!("{stored} are stored, {running} run")),
            }
        },
    )
    .await;
}
