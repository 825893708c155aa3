//! Secrets go out in requests, and nowhere else.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{FakeSource, PAGE_WITHIN, Reply, Server, Webhook, eventually};

const KEY: &str = "s3cr3t-of-the-header";
const PATH: &str = "s3cr3t-of-the-path";

/// A server whose rule `Down` fires to a receiver that is reached with two secrets.
async fn firing(webhook: &Webhook) -> (Server, FakeSource) {
    let source = FakeSource::start(Reply::Value(1.0));
    let server = Server::start().await;
    let api = server.api();
    server.source(&source.url()).await;
    api.put("/v1/secrets/key", &json!({"value": KEY})).await;
    api.put("/v1/secrets/path", &json!({"value": PATH})).await;
    let config = json!({
        "url": format!("{}/{{{{secret:path}}}}/in", webhook.url()),
        "headers": {"X-Key": "Key {{secret:key}}"},
    });
    api.put(
        "/v1/receivers/hook",
        &json!({"module": "webhook", "config": config}),
    )
    .await;
    let rule = json!([{
        "alert": "Down", "expr": "load", "source": "prom", "receivers": ["hook"],
        "annotations": {"summary": "take {{secret:key}} along"},
    }]);
    server.group("down", rule).await;
    (server, source)
}

#[tokio::test]
async fn the_request_has_them_and_what_alerts_say_does_not() {
    let webhook = Webhook::start();
    let (_server, _source) = firing(&webhook).await;
    let request = eventually("the page arrives", PAGE_WITHIN, async || {
        webhook.accepted().first().cloned().ok_or("nothing yet")
    })
    .await;
    assert_eq!(request.path, format!("/{PATH}/in"));
    assert_eq!(request.headers["x-key"], format!("Key {KEY}"));
    // Who writes an alert, or a label in a query's result, must not draw a secret out.
    let alert = &request.alerts()[0];
    assert_eq!(
        alert["annotations"]["summary"], "take {{secret:key}} along",
        "{alert}"
    );
}

#[tokio::test]
async fn nothing_that_is_shown_has_them() {
    let webhook = Webhook::start();
    // The receiver sends back what it got, as many do in their errors.
    webhook.answer(400);
    webhook.echo();
    let (server, _source) = firing(&webhook).await;
    eventually("the notification is given up", PAGE_WITHIN, async || {
        let notifications = server.api().notifications().await?;
        let dead = notifications.iter().find(|it| it.status == "dead");
        let error = dead.and_then(|it| it.last_error.clone()).ok_or("none is dead")?;
        // So what came back was looked at.
        if error.contains("/in") { Ok(()) } else { Err(error) }
    })
    .await;
    assert!(
        webhook.captured()[0].headers["x-key"]
            .to_str()
            .is_ok_and(|key| key.ends_with(KEY))
    );
    let mut shown = vec![server.log()];
    for path in [
        "/v1/receivers",
        "/v1/receivers/hook",
        "/v1/secrets",
        "/v1/groups",
        "/v1/rules",
        "/v1/alerts",
        "/v1/notifications",
        "/v1/logs?follow=false",
        "/v1/rules/test/down/Down/evaluations",
        "/metrics",
    ] {
        let answer = server.api().get(path).await.expect("the server answers");
        assert_eq!(answer.status, 200, "{answer}");
        assert!(!answer.body.is_empty(), "{path} shows something");
        shown.push(answer.text());
    }
    let evaluations = server.api().evaluations("test", "down", "Down").await;
    for evaluation in evaluations.unwrap_or_else(|e| panic!("{e}")) {
        let id = evaluation.id.as_str().unwrap_or_default();
        let answer = server.api().get(&format!("/v1/evaluations/{id}")).await;
        let answer = answer.expect("the server answers");
        assert_eq!(answer.status, 200, "{answer}");
        shown.push(answer.text());
    }
    for text in shown {
        assert!(!text.contains(KEY) && !text.contains(PATH), "a secret in {text}");
    }
    let receiver = server
        .api()
        .get("/v1/receivers/hook")
        .await
        .expect("the server answers");
    assert_eq!(
        receiver.json()["spec"]["config"]["headers"]["X-Key"],
        "Key {{secret:key}}"
    );
}

#[tokio::test]
async fn a_secret_is_written_and_never_read() {
    let server = Server::start().await;
    server.api().put("/v1/secrets/key", &json!({"value": KEY})).await;
    let listed = server.api().get("/v1/secrets").await.expect("the server answers");
    assert_eq!(listed.json()["secrets"][0]["name"], "key", "{listed}");
    assert_eq!(listed.json()["secrets"][0]["value"], Value::Null, "{listed}");
    let one = server.api().ask(Method::GET, "/v1/secrets/key", Vec::new()).await;
    assert_eq!(
        one.expect("the server answers").problem(405),
        "method_not_allowed"
    );
}
