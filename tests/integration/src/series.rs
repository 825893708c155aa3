//! Results of 10,000 series.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Exporter, PAGE_WITHIN, Prometheus, Server, Webhook, eventually};

const SERIES: usize = 10_000;

/// Alerts that one notification may carry.
const BATCH: usize = 256;

#[tokio::test]
async fn ten_thousand_series_make_ten_thousand_alerts() {
    let exporter = Exporter::start();
    for host in 0..SERIES {
        exporter.set(&format!(r#"load{{host="h{host}"}}"#), 1.0);
    }
    let prometheus = Prometheus::start(&exporter).await;
    let webhook = Webhook::start();
    let server = Server::start().await;
    server.source(&prometheus.url()).await;
    server.receiver("hook", "webhook", &webhook.url()).await;
    let rule = json!({
        "alert": "Load", "module": "prometheus", "expr": "load > 0", "source": "prom", "receivers": ["hook"],
    });
    let group = json!({"interval": "5s", "rules": [rule]});
    server.api().put("/v1/groups/test/load", &group).await;

    eventually("every series fires", PAGE_WITHIN * 2, async || {
        let alerts = server.api().alerts().await?;
        let firing = alerts.iter().filter(|alert| alert.state == "firing").count();
        if firing == SERIES {
            Ok(())
        } else {
            Err(format!("{firing} firing"))
        }
    })
    .await;
    eventually("every alert is paged", PAGE_WITHIN * 2, async || {
        let hosts = paged(&webhook);
        if hosts.len() == SERIES {
            Ok(())
        } else {
            Err(format!("{} paged", hosts.len()))
        }
    })
    .await;
    let largest = webhook
        .captured()
        .iter()
        .map(|request| request.alerts().len())
        .max();
    assert!(largest <= Some(BATCH), "{largest:?} alerts in one request");

    // All but a few calm down: those few stay, and the evaluation keeps its health.
    for host in 3..SERIES {
        exporter.set(&format!(r#"load{{host="h{host}"}}"#), 0.0);
    }
    eventually("all but three resolve", PAGE_WITHIN * 2, async || {
        let alerts = server.api().alerts().await?;
        let firing = alerts.iter().filter(|alert| alert.state == "firing").count();
        if firing == 3 {
            Ok(())
        } else {
            Err(format!("{firing} firing"))
        }
    })
    .await;
    let rule = server
        .api()
        .rule("test", "load", "Load")
        .await
        .expect("the rule is listed");
    assert_eq!(rule.health, "ok", "{rule:?}");
}

fn paged(webhook: &Webhook) -> BTreeSet<String> {
    let captured = webhook.captured();
    let alerts = captured.iter().flat_map(|request| request.alerts());
    alerts
        .filter_map(|alert| alert["labels"]["host"].as_str())
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_result_over_the_limit_on_findings_changes_nothing() {
    let exporter = Exporter::start();
    for host in 0..10 {
        exporter.set(&format!(r#"load{{host="h{host}"}}"#), 1.0);
    }
    let prometheus = Prometheus::start(&exporter).await;
    let server = Server::start().await;
    server.source(&prometheus.url()).await;
    let rule = json!({
        "alert": "Load", "module": "prometheus", "expr": "load > 0", "source": "prom", "limits": {"findings": 10},
    });
    server.group("load", Value::Array(vec![rule])).await;
    let firing = async || {
        let alerts = server.api().alerts().await?;
        let firing = alerts.iter().filter(|alert| alert.state == "firing").count();
        if firing == 10 {
            Ok(())
        } else {
            Err(format!("{firing} firing"))
        }
    };
    eventually("all fire", PAGE_WITHIN, firing).await;
    exporter.set(r#"load{host="one too many"}"#, 1.0);
    eventually("the rule fails", PAGE_WITHIN, async || {
        let rule = server.api().rule("test", "load", "Load").await?;
        if rule.code() == "findings_exceeded" {
            Ok(())
        } else {
            Err(format!("{rule:?}"))
        }
    })
    .await;
    firing()
        .await
        .unwrap_or_else(|e: String| panic!("alerts changed: {e}"));
}
