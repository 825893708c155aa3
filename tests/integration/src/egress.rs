//! Requests of the real binary stay where they were sent. Who may be reached under which
//! policy is tested in the server's own tests, where there are tenants.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::harness::fake::Fake;
use crate::harness::{FakeSource, PAGE_WITHIN, Reply, Server, Webhook, eventually};

#[tokio::test]
async fn a_receiver_cannot_send_a_page_on_to_somebody_else() {
    let inner = Webhook::start();
    let location = format!("{}/taken", inner.url());
    let redirect = move || async move {
        let mut headers = HeaderMap::new();
        headers.insert("location", location.parse().expect("a header's value"));
        (StatusCode::TEMPORARY_REDIRECT, headers)
    };
    let outer = Fake::start(Router::new().fallback(redirect));
    let source = FakeSource::start(Reply::Value(1.0));
    let server = Server::start().await;
    server.source(&source.url()).await;
    server.receiver("hook", "webhook", &outer.url()).await;
    let rule = json!([{"alert": "Down", "expr": "load", "source": "prom", "receivers": ["hook"]}]);
    server.group("down", rule).await;
    eventually("the redirect is refused", PAGE_WITHIN, async || {
        let notifications = server.api().notifications().await?;
        let errors = notifications.iter().filter_map(|it| it.last_error.as_deref());
        let refused = errors.filter(|error| error.contains("redirected to another host or port"));
        if refused.count() > 0 {
            Ok(())
        } else {
            Err(format!("{notifications:?}"))
        }
    })
    .await;
    assert!(inner.captured().is_empty(), "nobody came");
}
