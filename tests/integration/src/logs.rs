//! `/v1/logs`: what rules say, and what the server says of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{PAGE_WITHIN, Server, guest, holds_for};

/// One line of the guest has 65 KiB, over the limit of a rule that is not told otherwise.
const ROOM: (&str, &str) = ("WASMALERT_LIMIT_LOG_BYTES", "1000000");

/// A server with a rule `Talks`, which logs a line at each evaluation, and a rule
/// `Fails`, which fails.
async fn talkative() -> Server {
    let server = Server::start_with(&[ROOM]).await;
    server.api().push("guest", guest("evaluate")).await;
    server
}

async fn put_groups(server: &Server) {
    for (group, rule, what) in [
        ("one", "Talks", "log_bytes_exceeded"),
        ("two", "Fails", "component_error"),
    ] {
        let rule = json!([{"alert": rule, "module": "guest", "config": {"do": what}}]);
        server.group(group, rule).await;
    }
}

fn is_of(line: &Value, rule: &str) -> bool {
    line["rule"] == rule
}

#[tokio::test]
async fn lines_of_rules_and_of_the_server_arrive_as_they_come() {
    let server = talkative().await;
    // Nothing has happened yet: all that comes is live.
    let mut events = server.api().events("/v1/logs").await;
    put_groups(&server).await;
    let (mut talks, mut fails) = (Value::Null, Value::Null);
    let both = async {
        while talks.is_null() || fails.is_null() {
            let line = events.next().await.expect("the stream goes on");
            match line["rule"].as_str() {
                Some("Talks") => talks = line,
                Some("Fails") => fails = line,
                _ => panic!("a line of nobody: {line}"),
            }
        }
    };
    tokio::time::timeout(PAGE_WITHIN, both)
        .await
        .expect("a line of each arrives");
    assert_eq!(
        (&talks["namespace"], &talks["group"]),
        (&json!("test"), &json!("one"))
    );
    assert_eq!(talks["level"], "info");
    assert_eq!(talks["code"], Value::Null, "it is the rule's own");
    assert_eq!(talks["message"].as_str().map(str::len), Some(65 << 10));
    assert_eq!(
        (&fails["group"], &fails["level"]),
        (&json!("two"), &json!("error"))
    );
    assert_eq!(fails["code"], "component_error");
    let message = fails["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("the evaluation failed: ") && message.contains("failed on purpose"),
        "{fails}"
    );
}

#[tokio::test]
async fn filters_leave_lines_out() {
    let server = talkative().await;
    put_groups(&server).await;
    let recent = async |filter: &str| {
        let path = format!("/v1/logs?follow=false&{filter}");
        server.api().events(&path).await.all().await
    };
    crate::harness::eventually("both rules have lines", PAGE_WITHIN, async || {
        let lines = recent("").await;
        let both = ["Talks", "Fails"].map(|rule| lines.iter().any(|line| is_of(line, rule)));
        if both == [true, true] {
            Ok(())
        } else {
            Err(format!("{both:?}"))
        }
    })
    .await;
    for (filter, shown) in [
        ("rule=Talks", "Talks"),
        ("group=two", "Fails"),
        ("level=warn", "Fails"),
        ("namespace=test&rule=Fails&level=error", "Fails"),
    ] {
        let lines = recent(filter).await;
        assert!(!lines.is_empty(), "{filter} shows something");
        assert!(
            lines.iter().all(|line| is_of(line, shown)),
            "{filter} shows {shown} alone"
        );
    }
    for filter in ["rule=Talks&level=error", "namespace=other", "receiver=hook"] {
        assert_eq!(recent(filter).await, Vec::<Value>::new(), "{filter}");
    }
    let wrong = server
        .api()
        .get("/v1/logs?level=loud")
        .await
        .expect("the server answers");
    assert_eq!(wrong.problem(400), "bad_request");
}

#[tokio::test]
async fn a_filter_holds_for_what_is_still_to_come() {
    let server = talkative().await;
    let mut events = server.api().events("/v1/logs?rule=Fails").await;
    put_groups(&server).await;
    let few = async {
        for _ in 0..3 {
            let line = events.next().await.expect("the stream goes on");
            assert!(is_of(&line, "Fails"), "{line}");
        }
    };
    tokio::time::timeout(PAGE_WITHIN, few)
        .await
        .expect("lines arrive");
    holds_for("the server is well", Duration::from_millis(200), async || {
        server.api().get("/-/ready").await?.ok()
    })
    .await;
}
