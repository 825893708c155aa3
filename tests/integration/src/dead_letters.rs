//! Notifications that were given up: found, and tried again until they arrive.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::shapes::Notification;
use crate::harness::{FakeSource, PAGE_WITHIN, Reply, Server, Webhook, eventually};

/// The only notification there is, once it is so.
async fn in_status(server: &Server, status: &str) -> Notification {
    eventually(
        &format!("the notification is {status}"),
        PAGE_WITHIN,
        async || match server.api().notifications().await?.as_slice() {
            [one] if one.status == status => Ok(one.clone()),
            others => Err(format!("{others:?}")),
        },
    )
    .await
}

/// A server, and the notification that its receiver has refused.
async fn dead(webhook: &Webhook) -> (Server, FakeSource, Notification) {
    webhook.answer(400);
    let source = FakeSource::start(Reply::Value(1.0));
    let server = Server::start().await;
    server.source(&source.url()).await;
    server.receiver("hook", "webhook", &webhook.url()).await;
    let rule = json!([{"alert": "Down", "expr": "load", "source": "prom", "receivers": ["hook"]}]);
    server.group("down", rule).await;
    let letter = in_status(&server, "dead").await;
    (server, source, letter)
}

async fn retry(server: &Server, id: &str) -> u16 {
    let path = format!("/v1/notifications/{id}/retry");
    let answer = server.api().ask(Method::POST, &path, Vec::new()).await;
    answer.expect("the server answers").status
}

#[tokio::test]
async fn are_listed_with_the_reason() {
    let webhook = Webhook::start();
    let (server, _source, letter) = dead(&webhook).await;
    assert_eq!((letter.receiver.as_str(), letter.attempts), ("hook", 1));
    let error = letter.last_error.as_deref().unwrap_or_default();
    assert!(error.contains("400"), "{error}");
    for (status, count) in [("dead", 1), ("pending", 0), ("delivered", 0)] {
        let path = format!("/v1/notifications?status={status}");
        let listed = server.api().get(&path).await.expect("the server answers").json();
        assert_eq!(
            listed["notifications"].as_array().map(Vec::len),
            Some(count),
            "{listed}"
        );
    }
    let table = server.cli(&["get", "notifications", "--status", "dead"]);
    assert!(
        table.contains(&letter.id) && table.contains("dead") && table.contains("400"),
        "{table}"
    );
    let listed = server.cli(&["get", "notifications", "--status", "dead", "--output", "json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap_or_else(|e| panic!("{e}: {listed}"));
    assert_eq!(listed["notifications"][0]["id"], letter.id.as_str());
}

#[tokio::test]
async fn are_retried_until_they_arrive() {
    let webhook = Webhook::start();
    let (server, _source, letter) = dead(&webhook).await;
    // Still refused: it is tried once and is dead again.
    server.cli(&["retry", &letter.id]);
    eventually("it was tried again", PAGE_WITHIN, async || {
        match webhook.captured().len() {
            2 => Ok(()),
            count => Err(format!("{count} attempts")),
        }
    })
    .await;
    assert_eq!(in_status(&server, "dead").await.id, letter.id);
    webhook.answer(200);
    assert_eq!(retry(&server, &letter.id).await, 202);
    assert_eq!(in_status(&server, "delivered").await.id, letter.id);
    let keys: Vec<_> = webhook
        .captured()
        .into_iter()
        .map(|it| it.idempotency_key)
        .collect();
    assert_eq!(keys, vec![keys[0].clone(); 3], "the same page under the same key");
    assert_eq!(webhook.accepted()[0].alerts()[0]["labels"]["alertname"], "Down");
}

#[tokio::test]
async fn alone_can_be_retried() {
    let webhook = Webhook::start();
    let (server, _source, letter) = dead(&webhook).await;
    webhook.answer(200);
    assert_eq!(retry(&server, &letter.id).await, 202);
    in_status(&server, "delivered").await;
    assert_eq!(retry(&server, &letter.id).await, 404, "it is delivered");
    assert_eq!(retry(&server, "nobody").await, 404);
    assert_eq!(webhook.accepted().len(), 1);
}
