//! From an upload to a page, and to its end.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Alertmanager, Exporter, FakeSource, PAGE_WITHIN, Prometheus, Reply, Server, Webhook};
use crate::harness::{component, eventually, holds_for};

#[tokio::test]
async fn an_uploaded_rule_pages_and_resolves() {
    let exporter = Exporter::start();
    exporter.set(r#"load{host="a"}"#, 9.0);
    exporter.set(r#"load{host="b"}"#, 1.0);
    let prometheus = Prometheus::start(&exporter).await;
    let alertmanager = Alertmanager::start().await;
    let server = Server::start().await;
    server.source(&prometheus.url()).await;
    server.receiver("am", "alertmanager", &alertmanager.url()).await;
    let module = server.api().push("mine", component("prometheus")).await;
    assert_eq!(
        (module.name.as_str(), module.version, module.world.as_str()),
        ("mine", 1, "rule")
    );

    let rule = json!({
        "alert": "HighLoad", "module": "mine", "expr": "load > 5", "for": "2s",
        "labels": {"severity": "page"}, "annotations": {"summary": "too much"},
        "source": "prom", "receivers": ["am"],
    });
    server.group("load", json!([rule])).await;

    let alert = eventually("Alertmanager has the alert", PAGE_WITHIN, async || {
        let mut alerts = alertmanager.active("HighLoad").await?;
        alerts.pop().ok_or("none there".to_owned())
    })
    .await;
    assert_eq!(alert["labels"]["host"], "a", "{alert}");
    assert_eq!(alert["labels"]["severity"], "page", "{alert}");
    assert_eq!(alert["labels"]["__name__"], json!(null), "{alert}");
    assert_eq!(alert["annotations"]["summary"], "too much", "{alert}");
    let seen = server.api().alert("HighLoad").await.expect("the alert is listed");
    assert_eq!(seen.annotations["summary"], "too much");
    assert_eq!((seen.state.as_str(), seen.value), ("firing", 9.0));
    assert!(
        seen.fired_at_ms.expect("it fires") - seen.active_at_ms >= 2_000,
        "{seen:?}"
    );

    exporter.set(r#"load{host="a"}"#, 1.0);
    eventually(
        "Alertmanager lets go of the alert",
        PAGE_WITHIN,
        async || match alertmanager.active("HighLoad").await?.len() {
            0 => Ok(()),
            count => Err(format!("{count} active")),
        },
    )
    .await;
    let seen = server
        .api()
        .alert("HighLoad")
        .await
        .expect("a resolved alert is listed for a while");
    assert_eq!(seen.state, "resolved");
    explained(&server).await;
}

/// Each evaluation of the rule can be looked into.
async fn explained(server: &Server) {
    let evaluations = server.api().evaluations("test", "load", "HighLoad").await;
    let evaluations = evaluations.unwrap_or_else(|e| panic!("{e}"));
    let newest = evaluations.first().expect("there is one");
    let id = newest
        .id
        .as_str()
        .map_or_else(|| newest.id.to_string(), str::to_owned);
    let answer = server
        .api()
        .get(&format!("/v1/evaluations/{id}"))
        .await
        .expect("the server answers");
    let evaluation = answer.json();
    assert_eq!(evaluation["id"], newest.id, "{answer}");
    assert!(evaluation["cost"]["fuel"].as_u64() > Some(0), "{answer}");
    assert!(answer.text().contains("load > 5"), "its query is there: {answer}");
}

#[tokio::test]
async fn all_is_delivered_once_alertmanager_is_back() {
    const HOSTS: usize = 5;
    let exporter = Exporter::start();
    for host in 0..HOSTS {
        exporter.set(&format!(r#"load{{host="{host}"}}"#), 9.0);
    }
    let prometheus = Prometheus::start(&exporter).await;
    let mut alertmanager = Alertmanager::stopped();
    let server = Server::start().await;
    server.source(&prometheus.url()).await;
    server.receiver("am", "alertmanager", &alertmanager.url()).await;
    let rule = json!({
        "alert": "HighLoad", "module": "prometheus", "expr": "load > 5", "source": "prom", "receivers": ["am"],
    });
    server.group("load", json!([rule])).await;

    eventually("delivery is tried in vain", PAGE_WITHIN, async || {
        let notifications = server.api().notifications().await?;
        let tried = notifications
            .iter()
            .any(|n| n.receiver == "am" && n.status == "pending" && n.attempts > 1);
        if tried {
            Ok(())
        } else {
            Err(format!("{notifications:?}"))
        }
    })
    .await;
    alertmanager.run().await;
    eventually(
        "Alertmanager has every alert",
        PAGE_WITHIN * 2,
        async || match alertmanager.active("HighLoad").await?.len() {
            HOSTS => Ok(()),
            count => Err(format!("{count} of {HOSTS}")),
        },
    )
    .await;
    eventually("nothing is left to deliver", PAGE_WITHIN, async || {
        let notifications = server.api().notifications().await?;
        let left = notifications.iter().filter(|n| n.status != "delivered").count();
        if left == 0 {
            Ok(())
        } else {
            Err(format!("{notifications:?}"))
        }
    })
    .await;
}

/// A server whose rule `Down` fires to the receiver `hook`.
async fn firing(webhook: &Webhook) -> (Server, FakeSource) {
    let source = FakeSource::start(Reply::Value(1.0));
    let server = Server::start().await;
    server.source(&source.url()).await;
    server.receiver("hook", "webhook", &webhook.url()).await;
    let rule = json!({
        "alert": "Down", "module": "prometheus", "expr": "load", "source": "prom", "receivers": ["hook"],
    });
    server.group("down", json!([rule])).await;
    (server, source)
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let webhook = Webhook::start();
    webhook.ask_to_wait("4");
    let (server, _source) = firing(&webhook).await;
    eventually("a first attempt arrives", PAGE_WITHIN, async || {
        webhook.captured().first().map(|_| ()).ok_or("nothing yet")
    })
    .await;
    webhook.answer(200);
    eventually("a second attempt is accepted", PAGE_WITHIN, async || {
        webhook.accepted().first().map(|_| ()).ok_or("nothing yet")
    })
    .await;
    let captured = webhook.captured();
    let [first, second] = captured.as_slice() else {
        panic!("two attempts, not {captured:?}")
    };
    assert!(
        second.at - first.at >= Duration::from_secs(4),
        "waited {:?}",
        second.at - first.at
    );
    assert!(!first.idempotency_key.is_empty(), "{first:?}");
    assert_eq!(first.idempotency_key, second.idempotency_key);
    let notifications = server
        .api()
        .notifications()
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    let key = &notifications[0].idempotency_key;
    assert!(
        first.idempotency_key.starts_with(key.as_str()),
        "{first:?} for {key}"
    );
    assert_eq!(second.alerts()[0]["labels"]["alertname"], "Down", "{second:?}");
}

#[tokio::test]
async fn a_refused_notification_becomes_a_dead_letter() {
    let webhook = Webhook::start();
    webhook.answer(400);
    let (server, _source) = firing(&webhook).await;
    eventually("the notification is given up", PAGE_WITHIN, async || {
        let notifications = server.api().notifications().await?;
        let dead = notifications
            .iter()
            .any(|n| n.receiver == "hook" && n.status == "dead");
        if dead {
            Ok(())
        } else {
            Err(format!("{notifications:?}"))
        }
    })
    .await;
    holds_for(
        "it is not tried again",
        Duration::from_secs(3),
        async || match webhook.captured().len() {
            1 => Ok(()),
            count => Err(format!("{count} attempts")),
        },
    )
    .await;
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_nobody_else() {
    let (slow, quick) = (Webhook::start(), Webhook::start());
    slow.delay(Duration::from_secs(60));
    let (server, _source) = firing(&slow).await;
    eventually("the slow receiver is asked", PAGE_WITHIN, async || {
        slow.captured().first().map(|_| ()).ok_or("nothing yet")
    })
    .await;
    server.receiver("quick", "webhook", &quick.url()).await;
    let rule = json!({
        "alert": "Other", "module": "prometheus", "expr": "load", "source": "prom", "receivers": ["quick"],
    });
    server.group("other", json!([rule])).await;
    eventually("the quick receiver has its page", PAGE_WITHIN, async || {
        quick.accepted().first().map(|_| ()).ok_or("nothing yet")
    })
    .await;
}

#[tokio::test]
async fn each_notification_is_delivered_once() {
    let webhook = Webhook::start();
    let server = Server::start_with(&[("WASMALERT_RESEND_DELAY", "1ms")]).await;
    server.receiver("default", "alertmanager", &webhook.url()).await;
    // Two requests for each of a rule's notifications, which end together.
    let expr = "label_replace(vector(1), \"a\", \"1\", \"\", \"\")";
    let rules = (0..10).map(|rule| json!({"alert": format!("A{rule}"), "expr": expr}));
    let rules: Vec<_> = rules.collect();
    for group in 0..30 {
        server.group(&format!("g{group}"), json!(rules)).await;
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    // Each says until when the alert may be believed, which no other does of it.
    let bodies: Vec<String> = webhook
        .captured()
        .iter()
        .map(|told| told.body.to_string())
        .collect();
    let once: std::collections::BTreeSet<&String> = bodies.iter().collect();
    assert!(bodies.len() > 1_000, "{}", bodies.len());
    assert_eq!(bodies.len() - once.len(), 0, "of {}", bodies.len());
}

#[tokio::test]
async fn a_receiver_gets_alerts_with_the_labels_it_wants() {
    let (server, webhook) = (Server::start().await, Webhook::start());
    let receiver = |relabel: serde_json::Value| json!({"module": "webhook", "config": {"url": webhook.url()}, "relabel": relabel});
    let rules = json!([
        {"drop_series": {"label": "severity", "regex": "info|none"}},
        {"label_drop": "replica"},
    ]);
    server.api().put("/v1/receivers/default", &receiver(rules)).await;
    let rule = |name: &str, severity: &str| json!({"alert": name, "expr": "vector(1)", "labels": {"severity": severity, "replica": "1"}});
    server
        .group("g", json!([rule("Told", "page"), rule("Kept", "info")]))
        .await;
    eventually("all are delivered", PAGE_WITHIN, async || {
        let notifications = server.api().notifications().await?;
        match notifications
            .iter()
            .filter(|one| one.status == "delivered")
            .count()
        {
            2 => Ok(()),
            _ => Err(format!("{notifications:?}")),
        }
    })
    .await;
    let told: Vec<_> = webhook
        .captured()
        .iter()
        .flat_map(|told| told.alerts().to_vec())
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        told[0]["labels"],
        json!({"alertname": "Told", "severity": "page"})
    );
    let wrong = receiver(json!([{"label_drop": "("}])).to_string().into_bytes();
    let answer = server
        .api()
        .ask(reqwest::Method::PUT, "/v1/receivers/default", wrong)
        .await
        .unwrap();
    assert_eq!(answer.problem(422), "invalid");
    assert!(
        answer.to_string().contains("relabel: relabelling rule 1"),
        "{answer}"
    );
}
