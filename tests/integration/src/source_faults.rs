//! Sources that are down, slow, or talk nonsense: alerts stay as they are, and
//! the rule says what is wrong.

use serde_json::json;

use crate::harness::{FakeSource, PAGE_WITHIN, Reply, Server, eventually};

/// Resident bytes the server may keep after a source was well again.
const GROWTH_BYTES_MAX: u64 = 64 << 20;

async fn health(server: &Server, expected: &str, code: &str) {
    let what = format!("the rule's health is {expected} {code}");
    eventually(&what, PAGE_WITHIN, async || {
        let rule = server.api().rule("test", "load", "Load").await?;
        if (rule.health.as_str(), rule.code()) == (expected, code) {
            Ok(())
        } else {
            Err(format!("{rule:?}"))
        }
    })
    .await;
}

async fn firing() -> (Server, FakeSource, i64) {
    let source = FakeSource::start(Reply::Value(7.0));
    let server = Server::start().await;
    let config = json!({"kind": "prometheus", "url": source.url(), "timeout": "1s"});
    server.api().put("/v1/sources/prom", &config).await;
    let rule = json!({"alert": "Load", "module": "prometheus", "expr": "load > 0", "source": "prom"});
    server.group("load", json!([rule])).await;
    let alert = eventually("the alert fires", PAGE_WITHIN, async || {
        let alert = server.api().alert("Load").await?;
        if alert.state == "firing" {
            Ok(alert)
        } else {
            Err(format!("{alert:?}"))
        }
    })
    .await;
    (server, source, alert.active_at_ms)
}

/// Breaks the source, checks that the alert is as it was, and mends it.
async fn check(reply: Reply, code: &str) {
    let (server, source, active_at_ms) = firing().await;
    let resident_bytes = server.resident_bytes();
    source.set(reply);
    health(&server, "err", code).await;
    let alert = server
        .api()
        .alert("Load")
        .await
        .expect("the alert is still there");
    assert_eq!(
        (alert.state.as_str(), alert.active_at_ms),
        ("firing", active_at_ms)
    );

    source.set(Reply::Value(8.0));
    health(&server, "ok", "").await;
    let alert = server
        .api()
        .alert("Load")
        .await
        .expect("the alert is still there");
    assert_eq!(
        (alert.state.as_str(), alert.active_at_ms),
        ("firing", active_at_ms)
    );
    let growth = server.resident_bytes().saturating_sub(resident_bytes);
    assert!(growth < GROWTH_BYTES_MAX, "memory grew by {growth} bytes");
    source.set(Reply::Nothing);
    eventually("the alert resolves", PAGE_WITHIN, async || {
        let alert = server.api().alert("Load").await?;
        if alert.state == "resolved" {
            Ok(())
        } else {
            Err(format!("{alert:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn slow() {
    check(Reply::Slow, "query_timeout").await;
}

#[tokio::test]
async fn garbage() {
    check(Reply::Text("<html>It works!</html>"), "query_bad_response").await;
}

#[tokio::test]
async fn cut_short() {
    check(
        Reply::Text(r#"{"status":"success","data":{"resultType":"vector","res"#),
        "query_bad_response",
    )
    .await;
}

#[tokio::test]
async fn wrong_types() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":7,"value":"x"}]}}"#;
    check(Reply::Text(body), "query_bad_response").await;
}

#[tokio::test]
async fn refused() {
    check(Reply::Refused, "query_failed").await;
}

#[tokio::test]
async fn a_hundred_megabytes() {
    check(Reply::Endless { bytes: 100 << 20 }, "query_too_large").await;
}

#[tokio::test]
async fn down() {
    let (server, mut source, active_at_ms) = firing().await;
    source.stop();
    health(&server, "err", "query_unavailable").await;
    let alert = server
        .api()
        .alert("Load")
        .await
        .expect("the alert is still there");
    assert_eq!(
        (alert.state.as_str(), alert.active_at_ms),
        ("firing", active_at_ms)
    );
    source.resume();
    health(&server, "ok", "").await;
    let alert = server
        .api()
        .alert("Load")
        .await
        .expect("the alert is still there");
    assert_eq!(
        (alert.state.as_str(), alert.active_at_ms),
        ("firing", active_at_ms)
    );
}

#[tokio::test]
async fn unknown() {
    let server = Server::start().await;
    let rule = json!({"alert": "Load", "module": "prometheus", "expr": "load", "source": "prom"});
    let group = json!({"interval": "1s", "rules": [rule]})
        .to_string()
        .into_bytes();
    let answer = server
        .api()
        .ask(reqwest::Method::PUT, "/v1/groups/test/load", group)
        .await;
    let code = answer.expect("the server answers").problem(422);
    assert_eq!(code, "invalid");
}
