//! What rules record is written to the target of their source: to a real Prometheus, and to one that is away, refuses
//! and comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use wasmalert_ingest::limits::WriteLimits;
use wasmalert_ingest::remote_write::decode;

use crate::harness::{
    Api, Captured, Exporter, PAGE_WITHIN, Prometheus, Server, Webhook, eventually, holds_for,
};

/// A series of a name and the labels that tell series of the tests apart, such as `up{team=x}`.
fn name(metric: &Value) -> String {
    let mut labels: Vec<String> = Vec::new();
    for (name, value) in metric.as_object().into_iter().flatten() {
        if name != "__name__" {
            labels.push(format!("{name}={}", value.as_str().unwrap_or_default()));
        }
    }
    labels.sort();
    format!(
        "{}{{{}}}",
        metric["__name__"].as_str().unwrap_or_default(),
        labels.join(",")
    )
}

async fn query(api: &Api, expr: &str) -> Result<BTreeMap<String, String>, String> {
    let result = api.query(expr).await?;
    let series = result.iter().map(|one| {
        let value = one["value"][1].as_str().unwrap_or_default();
        (name(&one["metric"]), value.to_owned())
    });
    Ok(series.collect())
}

async fn until(api: &Api, expr: &str, wanted: &[&str]) {
    eventually(&format!("{expr} is {wanted:?}"), PAGE_WITHIN, async || {
        let found: Vec<String> = query(api, expr).await?.into_keys().collect();
        match found == wanted {
            true => Ok(()),
            false => Err(format!("{found:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn a_prometheus_takes_what_rules_record_and_the_series_of_their_alerts() {
    let exporter = Exporter::start();
    exporter.set("load{host=\"a\"}", 20.0);
    let prometheus = Prometheus::start(&exporter).await;
    let settings = [("WASMALERT_EXTERNAL_LABELS", "cluster=eu,team=outside")];
    let server = Server::start_with(&settings).await;
    let (api, theirs) = (server.api(), Api::new(&prometheus.url(), ""));
    let source = json!({
        "kind": "prometheus", "url": prometheus.url(), "write_url": format!("{}/api/v1/write", prometheus.url()),
    });
    api.put("/v1/sources/default", &source).await;
    let rules = |threshold: u32| {
        json!([
            {"alert": "load:max", "config": {"expr": "max by (host) (load)", "record": "load:max"},
             "labels": {"team": "x"}},
            {"alert": "High", "expr": format!("load > {threshold}"), "for": "1h"},
            // Of what was written to the source.
            {"alert": "Recorded", "expr": "load:max{team=\"x\", cluster=\"eu\"} > 10"},
        ])
    };
    server.group("g", rules(10)).await;
    until(&theirs, "load:max", &["load:max{cluster=eu,host=a,team=x}"]).await;
    let pending = "ALERTS{alertname=High,alertstate=pending,cluster=eu,host=a,instance=exporter,job=exporter,team=outside}";
    let pending = eventually("the alert is there", PAGE_WITHIN, async || {
        let found = query(&theirs, "ALERTS{alertname=\"High\"}").await?;
        match found.len() {
            1 => Ok(found.into_keys().next().unwrap_or_default()),
            _ => Err(format!("{found:?}, wanted something such as {pending}")),
        }
    })
    .await;
    for part in ["alertstate=pending", "cluster=eu", "host=a", "team=outside"] {
        assert!(pending.contains(part), "{pending}");
    }
    until(
        &theirs,
        "count by (alertname) (ALERTS_FOR_STATE)",
        &["{alertname=High}", "{alertname=Recorded}"],
    )
    .await;
    // What ends, ends there too: at the next slot, long before five minutes are over.
    server.group("g", rules(100)).await;
    until(&theirs, "ALERTS{alertname=\"High\"}", &[]).await;
    let rules = json!([{"alert": "other", "config": {"expr": "vector(1)", "record": "other"}}]);
    server.group("g", rules).await;
    until(&theirs, "load:max", &[]).await;
    until(&theirs, "other", &["other{cluster=eu,team=outside}"]).await;
    assert_eq!(api.delete("/v1/groups/test/g").await.unwrap().status, 204);
    until(&theirs, "other", &[]).await;
}

/// The samples of a series in the requests that were answered with that status, in the order they came.
fn samples(captured: &[Captured], status: u16, series: &str) -> Vec<(i64, f64)> {
    let mut all = Vec::new();
    for captured in captured.iter().filter(|one| one.status == status) {
        assert_eq!(captured.path, "/push");
        for (name, value) in [
            ("content-type", "application/x-protobuf"),
            ("content-encoding", "snappy"),
            ("x-prometheus-remote-write-version", "0.1.0"),
            ("x-scope-orgid", "ours"),
        ] {
            assert_eq!(captured.headers[name], value);
        }
        let request = decode(&captured.bytes, &WriteLimits::default()).expect("it is valid");
        for (labels, samples) in request.iter() {
            if labels.get("__name__") == Some(series) {
                all.extend(samples.iter().map(|sample| (sample.timestamp_ms, sample.value)));
            }
        }
    }
    all
}

async fn metrics(server: &Server) -> String {
    server
        .api()
        .get("/metrics")
        .await
        .expect("the server answers")
        .text()
}

async fn counted(server: &Server, result: &str) -> f64 {
    let sample = format!("wasmalert_remote_write_samples_total{{tenant=\"default\",result=\"{result}\"}}");
    let metrics = metrics(server).await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(&sample));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
}

async fn start(target: &Webhook) -> Server {
    let server = Server::start().await;
    server
        .api()
        .put("/v1/secrets/org", &json!({"value": "ours"}))
        .await;
    let source = json!({
        "kind": "prometheus", "url": "http://127.0.0.1:9", "write_url": format!("{}/push", target.url()),
        "headers": {"X-Scope-OrgID": "{{secret:org}}"},
    });
    let embedded = json!({"kind": "embedded", "write_to": "away"});
    server.api().put("/v1/sources/away", &source).await;
    server.api().put("/v1/sources/default", &embedded).await;
    let rules = json!([{"alert": "n", "config": {"expr": "vector(time())", "record": "n"}}]);
    server.group("g", rules).await;
    server
}

async fn until_captured(target: &Webhook, what: &str, is_there: impl Fn(&[Captured]) -> bool) {
    eventually(what, PAGE_WITHIN, async || {
        let captured = target.captured();
        match is_there(&captured) {
            true => Ok(()),
            false => Err(format!("{} requests", captured.len())),
        }
    })
    .await;
}

#[tokio::test]
async fn what_could_not_be_sent_arrives_later_in_its_order() {
    let target = Webhook::start();
    target.answer(503);
    let server = start(&target).await;
    until_captured(&target, "it is tried again", |all| all.len() >= 3).await;
    let waiting = metrics(&server).await;
    assert!(
        waiting.contains("wasmalert_remote_write_waiting{tenant=\"default\"}"),
        "{waiting}"
    );
    let logs = server.cli(&["logs"]);
    assert!(
        logs.contains("remote write of the source \\\"away\\\": HTTP status 503")
            || logs.contains("remote write of the source \"away\": HTTP status 503"),
        "{logs}"
    );
    let tried = samples(&target.captured(), 503, "n");
    target.answer(200);
    until_captured(&target, "all has arrived", |all| {
        samples(all, 200, "n").len() > tried.len() + 2
    })
    .await;
    let arrived = samples(&target.captured(), 200, "n");
    assert_eq!(arrived[0], tried[0], "the first is not lost");
    let times: Vec<i64> = arrived.iter().map(|(at_ms, _)| *at_ms).collect();
    assert!(
        times.is_sorted_by(|a, b| a < b),
        "each slot once, in order: {times:?}"
    );
    let seen = query(server.api(), "count_over_time(n[1h])").await.unwrap();
    let counted_here: usize = seen.values().map(|count| count.parse::<usize>().unwrap()).sum();
    assert!(
        times.len() + 3 >= counted_here,
        "none is lost: {times:?} of {counted_here}"
    );
    assert!(counted(&server, "sent").await >= arrived.len() as f64);
    assert_eq!(counted(&server, "refused").await, 0.0);
}

#[tokio::test]
async fn what_a_target_refuses_is_not_tried_again() {
    let target = Webhook::start();
    target.answer(400);
    let server = start(&target).await;
    until_captured(&target, "three requests", |all| all.len() >= 3).await;
    let refused = samples(&target.captured(), 400, "n");
    let mut times: Vec<i64> = refused.iter().map(|(at_ms, _)| *at_ms).collect();
    times.dedup();
    assert_eq!(times.len(), refused.len(), "none is sent twice: {refused:?}");
    assert!(counted(&server, "refused").await >= 2.0);
    let logs = server.cli(&["logs"]);
    assert!(logs.contains("samples were refused: HTTP status 400"), "{logs}");
    // Without a target nothing is sent any more, and nothing waits.
    server
        .api()
        .put("/v1/sources/default", &json!({"kind": "embedded"}))
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let sent = target.captured().len();
    holds_for("nothing is sent", Duration::from_secs(2), async || {
        match target.captured().len() == sent {
            true => Ok(()),
            false => Err("it is sent on".to_owned()),
        }
    })
    .await;
}

/// A target that refuses requests with a series of that name, as a Prometheus does with samples that are out of order.
#[tokio::test]
async fn few_samples_that_are_refused_take_no_others_with_them() {
    let target = Webhook::start();
    let server = start(&target).await;
    until_captured(&target, "it is sent", |all| !samples(all, 200, "n").is_empty()).await;
    target.refuse_with("bad");
    let record = |name: &str| json!({"alert": name, "config": {"expr": "vector(time())", "record": name}});
    let rules = json!([record("n"), record("bad"), record("o"), record("p")]);
    server.group("g", rules).await;
    until_captured(&target, "the others are taken", |all| {
        ["n", "o", "p"]
            .iter()
            .all(|name| samples(all, 200, name).len() >= 3)
    })
    .await;
    assert_eq!(samples(&target.captured(), 200, "bad"), []);
    eventually("it is counted", PAGE_WITHIN, async || {
        match counted(&server, "refused").await {
            refused if refused >= 2.0 => Ok(()),
            refused => Err(refused),
        }
    })
    .await;
    let refused = samples(&target.captured(), 400, "bad");
    let mut times: Vec<i64> = refused.iter().map(|(at_ms, _)| *at_ms).collect();
    times.dedup();
    assert!(
        counted(&server, "refused").await <= times.len() as f64 + 1.0,
        "{times:?}"
    );
}

#[tokio::test]
async fn what_waits_is_sent_before_the_server_stops() {
    let target = Webhook::start();
    let mut server = start(&target).await;
    until_captured(&target, "it is sent", |all| !samples(all, 200, "n").is_empty()).await;
    // A request takes some time, so that more waits.
    target.delay(Duration::from_millis(1_100));
    eventually("more waits than is on its way", PAGE_WITHIN, async || {
        let metrics = metrics(&server).await;
        let waiting = metrics
            .lines()
            .find(|line| line.starts_with("wasmalert_remote_write_waiting{"));
        match waiting.is_some_and(|line| line.ends_with(" 2")) {
            true => Ok(()),
            false => Err(format!("{waiting:?}")),
        }
    })
    .await;
    let evaluations = server.api().rule("test", "g", "n").await.unwrap().evaluations;
    server.stop();
    let arrived = samples(&target.captured(), 200, "n").len();
    assert!(arrived as i64 >= evaluations, "{arrived} of {evaluations}");
}

#[tokio::test]
async fn targets_are_checked_before_they_are_taken() {
    let server = Server::start().await;
    let put = async |source: Value| {
        let body = source.to_string().into_bytes();
        let answer = server.api().ask(Method::PUT, "/v1/sources/s", body).await;
        let answer = answer.unwrap();
        assert_eq!(answer.problem(422), "invalid");
        answer
    };
    for (write_url, what) in [
        (
            "ftp://host/push",
            "write_url: must start with http:// or https://",
        ),
        ("http://user:pw@host/push", "write_url: must not hold a user"),
        ("push", "write_url: "),
    ] {
        let source = json!({"kind": "prometheus", "url": "http://127.0.0.1:9", "write_url": write_url});
        let problem = put(source).await;
        assert!(problem.to_string().contains(what), "{problem:?}");
    }
    let problem = put(json!({"kind": "embedded", "write_to": "nobody"})).await;
    let what = r#"write_to of the source \"s\": \"nobody\" is no source of kind prometheus with a write_url"#;
    assert!(problem.to_string().contains(what), "{problem}");
    // Nor may a target go that something is written to.
    let api = server.api();
    let target =
        json!({"kind": "prometheus", "url": "http://127.0.0.1:9", "write_url": "http://127.0.0.1:9/push"});
    api.put("/v1/sources/t", &target).await;
    api.put("/v1/sources/e", &json!({"kind": "embedded", "write_to": "t"}))
        .await;
    let gone = api.delete("/v1/sources/t").await.unwrap();
    assert!(
        gone.status >= 400 && gone.to_string().contains("write_to"),
        "{gone}"
    );
    let readable = json!({"kind": "prometheus", "url": "http://127.0.0.1:9"})
        .to_string()
        .into_bytes();
    let unwritable = api.ask(Method::PUT, "/v1/sources/t", readable).await.unwrap();
    assert_eq!(unwritable.problem(422), "invalid");
    assert_eq!(api.delete("/v1/sources/e").await.unwrap().status, 204);
    assert_eq!(api.delete("/v1/sources/t").await.unwrap().status, 204);
}

#[tokio::test]
async fn alerts_taken_over_from_a_prometheus_go_on_waiting_from_where_they_are() {
    const RULES: &str = "
groups:
- name: taken
  interval: 1s
  rules:
  - {alert: Old, expr: 'load > 10', for: 1h, labels: {severity: page}}
  - {alert: Other, expr: 'load > 10', for: 1h}
";
    let exporter = Exporter::start();
    exporter.set("load{host=\"a\"}", 20.0);
    let prometheus = Prometheus::start_with_rules(&exporter, RULES).await;
    let theirs = Api::new(&prometheus.url(), "");
    let since = eventually("Prometheus has them pending", PAGE_WITHIN, async || {
        let found = query(&theirs, "ALERTS_FOR_STATE").await?;
        match found.len() {
            2 => Ok(found),
            _ => Err(format!("{found:?}")),
        }
    })
    .await;
    // Some time passes.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let settings = [("WASMALERT_EXTERNAL_LABELS", "cluster=eu")];
    let server = Server::start_with(&settings).await;
    // Of a source that does not answer nothing is taken over yet, and the next evaluation asks again.
    server.source("http://127.0.0.1:9").await;
    let dir = crate::harness::TempDir::new("take-over");
    let file = dir.write("taken.yml", RULES).display().to_string();
    server.cli(&["import", &file, "--restore-for-state"]);
    server.cli(&["import", &file, "--namespace", "anew"]);
    eventually("it has failed", PAGE_WITHIN, async || {
        let rule = server.api().rule("taken", "taken", "Old").await?;
        match rule.health.as_str() {
            "err" => Ok(()),
            health => Err(health.to_owned()),
        }
    })
    .await;
    server.source(&prometheus.url()).await;
    let active = eventually("both groups have them pending", PAGE_WITHIN, async || {
        let alerts = server.api().alerts().await?;
        match alerts.len() {
            4 => Ok(alerts),
            _ => Err(format!("{alerts:?}")),
        }
    })
    .await;
    for (series, seconds) in since {
        let alertname = if series.contains("alertname=Old") {
            "Old"
        } else {
            "Other"
        };
        let theirs_ms = seconds.parse::<f64>().unwrap() as i64 * 1_000;
        let ours = active
            .iter()
            .filter(|alert| alert.labels["alertname"] == alertname);
        let mut ours: Vec<i64> = ours.map(|alert| alert.active_at_ms).collect();
        ours.sort_unstable();
        assert_eq!(ours[0], theirs_ms, "{alertname}");
        assert!(
            ours[1] > theirs_ms + 2_000,
            "without the option it begins anew: {ours:?}"
        );
    }
}
