//! Killed in the middle, the server goes on where it was.

use std::time::Duration;

use serde_json::json;

use crate::harness::shapes::Alert;
use crate::harness::{FakeSource, PAGE_WITHIN, Reply, Server, Webhook, eventually, guest, holds_for};

async fn in_state(server: &Server, alertname: &str, state: &str) -> Alert {
    eventually(&format!("{alertname} is {state}"), PAGE_WITHIN, async || {
        let alert = server.api().alert(alertname).await?;
        if alert.state == state {
            Ok(alert)
        } else {
            Err(format!("{alert:?}"))
        }
    })
    .await
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_ends_at_once() {
    let mut server = Server::start().await;
    let (code, said) = server.run_second();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another server uses the data directory"), "{said}");
    assert!(said.contains("/data: stop it, or give this one"), "{said}");
    let ready = server.api().get("/-/ready").await.expect("the first one goes on");
    assert_eq!(ready.status, 200);
    // A killed one leaves no lock behind.
    server.restart().await;
}

#[tokio::test]
async fn a_pending_alert_keeps_its_time() {
    const FOR_MS: i64 = 6_000;
    let source = FakeSource::start(Reply::Value(1.0));
    let mut server = Server::start().await;
    server.source(&source.url()).await;
    let rule =
        json!({"alert": "Held", "module": "prometheus", "expr": "load", "for": "6s", "source": "prom"});
    server.group("held", json!([rule])).await;
    let before = in_state(&server, "Held", "pending").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.restart().await;
    let after = in_state(&server, "Held", "firing").await;
    assert_eq!(after.active_at_ms, before.active_at_ms);
    let held_ms = after.fired_at_ms.expect("it fires") - after.active_at_ms;
    // Starting anew would have made it twice as long, less the three seconds.
    assert!(
        (FOR_MS..FOR_MS + 2_500).contains(&held_ms),
        "held for {held_ms} ms"
    );
}

#[tokio::test]
async fn a_firing_alert_and_the_state_of_its_rule_stay() {
    let mut server = Server::start().await;
    server.api().push("guest", guest("evaluate")).await;
    let rule = json!({"alert": "Counter", "module": "guest", "config": {"do": "count"}});
    server.group("counter", json!([rule])).await;
    let counted = async |server: &Server, at_least: f64| {
        eventually(
            &format!("the rule has counted to {at_least}"),
            PAGE_WITHIN,
            async || {
                let alert = server.api().alert("Counter").await?;
                if alert.value >= at_least {
                    Ok(alert)
                } else {
                    Err(format!("{alert:?}"))
                }
            },
        )
        .await
    };
    let before = counted(&server, 4.0).await;
    assert_eq!(before.state, "firing");
    server.restart().await;
    // It is there at once, firing, and the first evaluation counts on.
    in_state(&server, "Counter", "firing").await;
    let after = counted(&server, before.value + 1.0).await;
    assert!(
        after.value < before.value + 4.0,
        "it counts on one by one: {after:?} after {before:?}"
    );
    assert_eq!(
        (after.active_at_ms, after.fired_at_ms),
        (before.active_at_ms, before.fired_at_ms)
    );
}

#[tokio::test]
async fn a_timer_set_before_wakes_after() {
    let mut server = Server::start().await;
    server.api().push("guest", guest("evaluate")).await;
    // Sets a timer of six seconds at its first evaluation, reports it once it came.
    let rule = json!({"alert": "Woken", "module": "guest", "config": {"do": "timer"}});
    server.group("woken", json!([rule])).await;
    eventually("the rule has run", PAGE_WITHIN, async || {
        let rule = server.api().rule("test", "woken", "Woken").await?;
        if rule.health == "ok" {
            Ok(())
        } else {
            Err(format!("{rule:?}"))
        }
    })
    .await;
    server.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.restart().await;
    let alert = in_state(&server, "Woken", "firing").await;
    assert_eq!(alert.labels["payload"], "remember me");
}

#[tokio::test]
async fn an_undelivered_notification_arrives_once_with_its_key() {
    let webhook = Webhook::start();
    webhook.answer(503);
    let source = FakeSource::start(Reply::Value(1.0));
    let mut server = Server::start().await;
    server.source(&source.url()).await;
    server.receiver("hook", "webhook", &webhook.url()).await;
    let rule = json!({
        "alert": "Down", "module": "prometheus", "expr": "load", "source": "prom", "receivers": ["hook"],
    });
    server.group("down", json!([rule])).await;
    let key = eventually("delivery is tried", PAGE_WITHIN, async || {
        webhook
            .captured()
            .first()
            .map(|first| first.idempotency_key.clone())
            .ok_or("nothing yet")
    })
    .await;
    assert!(!key.is_empty());
    server.kill();
    webhook.answer(200);
    server.restart().await;
    eventually("the page arrives", PAGE_WITHIN * 2, async || {
        webhook.accepted().first().map(|_| ()).ok_or("nothing yet")
    })
    .await;
    let once = async || {
        let keys: Vec<_> = webhook
            .captured()
            .into_iter()
            .map(|request| request.idempotency_key)
            .collect();
        let accepted = webhook.accepted().len();
        if accepted == 1 && keys.iter().all(|k| *k == key) {
            Ok(())
        } else {
            Err(format!("{accepted} pages: {keys:?}"))
        }
    };
    holds_for("there is no second page", Duration::from_secs(3), once).await;
    server.restart().await;
    holds_for("nor after another start", Duration::from_secs(4), once).await;
}

#[tokio::test]
async fn killed_while_the_receiver_answers_it_pages_again_under_the_same_key() {
    let webhook = Webhook::start();
    webhook.delay(Duration::from_secs(20));
    let source = FakeSource::start(Reply::Value(1.0));
    let mut server = Server::start().await;
    server.source(&source.url()).await;
    server.receiver("hook", "webhook", &webhook.url()).await;
    let rule = json!({
        "alert": "Down", "module": "prometheus", "expr": "load", "source": "prom", "receivers": ["hook"],
    });
    server.group("down", json!([rule])).await;
    eventually("the request is on its way", PAGE_WITHIN, async || {
        webhook.captured().first().map(|_| ()).ok_or("nothing yet")
    })
    .await;
    server.kill();
    webhook.delay(Duration::ZERO);
    server.restart().await;
    let repeated = eventually("the page comes again", PAGE_WITHIN * 2, async || {
        webhook.captured().get(1).cloned().ok_or("nothing yet")
    })
    .await;
    assert_eq!(repeated.idempotency_key, webhook.captured()[0].idempotency_key);
    holds_for(
        "and then no more",
        Duration::from_secs(3),
        async || match webhook.captured().len() {
            2 => Ok(()),
            count => Err(format!("{count} requests")),
        },
    )
    .await;
}
