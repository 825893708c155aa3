//! The embedded source: what rules record and what is written to it can be asked,
//! by rules and by Prometheus' clients, also after a restart.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use reqwest::Method;
use serde_json::{Value, json};
use wasmalert_core::Labels;
use wasmalert_core::sample::Sample;
use wasmalert_ingest::remote_write::encode;

use crate::harness::{Api, Exporter, PAGE_WITHIN, Prometheus, Server, Webhook, eventually};

#[expect(
    clippy::disallowed_methods,
    reason = "the servers under test live in the present"
)]
fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("the clock is after 1970").as_millis() as i64
}

fn series(labels: &[(&str, &str)], samples: impl IntoIterator<Item = (i64, f64)>) -> (Labels, Vec<Sample>) {
    let samples = samples
        .into_iter()
        .map(|(timestamp_ms, value)| Sample { timestamp_ms, value });
    (labels.iter().copied().collect(), samples.collect())
}

fn request(all: &[(Labels, Vec<Sample>)]) -> Vec<u8> {
    encode(all.iter().map(|(labels, samples)| (labels, &samples[..]))).expect("it is small")
}

async fn write(api: &Api, all: &[(Labels, Vec<Sample>)]) {
    let answer = api.ask(Method::POST, "/api/v1/write", request(all)).await;
    answer
        .and_then(|answer| answer.ok())
        .unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_rule_sees_what_the_rule_before_it_recorded_in_the_same_slot() {
    let server = Server::start().await;
    let rules = json!([
        {"alert": "record", "module": "prometheus", "config": {"expr": "vector(time())", "record": "slot:time"},
         "labels": {"team": "x"}},
        // Only a sample of this very slot passes.
        {"alert": "Seen", "expr": "slot:time{team=\"x\"} == time()"},
        {"alert": "Alerted", "expr": "ALERTS{alertname=\"Seen\", alertstate=\"firing\"}"},
    ]);
    server.group("chain", rules).await;
    eventually("each rule fires on the one before it", PAGE_WITHIN, async || {
        for rule in ["Seen", "Alerted"] {
            let alert = server.api().alert(rule).await?;
            assert_eq!(alert.labels["team"], "x", "{alert:?}");
        }
        Ok::<_, String>(())
    })
    .await;
    let api = server.api();
    let since = api.query("ALERTS_FOR_STATE{alertname=\"Seen\"} <= time()").await;
    assert_eq!(since.unwrap()[0]["metric"]["__name__"], "ALERTS_FOR_STATE");
    let names = api.data("/api/v1/label/__name__/values", &[]).await.unwrap();
    assert_eq!(names, json!(["ALERTS", "ALERTS_FOR_STATE", "slot:time"]));
}

#[tokio::test]
async fn a_hundred_rules_see_each_other_in_one_slot_before_any_is_written() {
    let server = Server::start().await;
    let rule = |at: usize| match at {
        0 => json!({"alert": "R0", "expr": "vector(1)"}),
        at => json!({"alert": format!("R{at}"), "expr": format!("ALERTS{{alertname=\"R{}\"}}", at - 1)}),
    };
    server.group("chain", (0..100).map(rule).collect()).await;
    eventually("all of them fire since the same slot", PAGE_WITHIN, async || {
        let alerts = server.api().alerts().await?;
        let since: BTreeSet<i64> = alerts.iter().map(|alert| alert.active_at_ms).collect();
        if alerts.len() == 100 && since.len() == 1 {
            Ok(())
        } else {
            Err(format!("{} alerts, since {since:?}", alerts.len()))
        }
    })
    .await;
}

#[tokio::test]
async fn an_alert_that_is_gone_leaves_a_stale_marker() {
    let server = Server::start().await;
    let api = server.api();
    write(api, &[series(&[("__name__", "load")], [(now_ms() - 1_000, 9.0)])]).await;
    server
        .group("load", json!([{"alert": "Load", "expr": "load > 5"}]))
        .await;
    eventually("it fires", PAGE_WITHIN, async || {
        let found = api.query("ALERTS{alertname=\"Load\"}").await?;
        if found.len() == 1 {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await;
    write(api, &[series(&[("__name__", "load")], [(now_ms(), 1.0)])]).await;
    eventually(
        "its series are gone at once, not after five minutes",
        PAGE_WITHIN,
        async || {
            let found = api.query("{__name__=~\"ALERTS.*\"}").await?;
            if found.is_empty() {
                Ok(())
            } else {
                Err(format!("{found:?}"))
            }
        },
    )
    .await;
}

#[tokio::test]
async fn samples_outlive_a_restart() {
    let mut server = Server::start().await;
    let at_ms = now_ms() - 60_000;
    let written = [series(
        &[("__name__", "kept"), ("job", "a")],
        (0..300).map(|at| (at_ms + at, at as f64)),
    )];
    write(server.api(), &written).await;
    server.stop();
    server.restart().await;
    assert_eq!(
        server
            .api()
            .query("count_over_time(kept{job=\"a\"}[5m])")
            .await
            .unwrap()[0]["value"][1],
        "300"
    );
}

#[tokio::test]
async fn samples_of_any_age_are_taken_without_retention_and_refused_with_one() {
    let old = [series(&[("__name__", "old")], [(1_000_000, 1.0), (1_000, 2.0)])];
    let mut server = Server::start().await;
    let answer = server
        .api()
        .ask(Method::POST, "/api/v1/write", request(&old))
        .await
        .unwrap();
    assert_eq!(answer.status, 400, "{answer}");
    let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    assert!(error.contains("old") && error.contains("retention"), "{answer}");
    server.restart_with(&[("WASMALERT_RETENTION", "0")]).await;
    write(server.api(), &old).await;
    for (time, value) in [("1", "2"), ("1000", "1")] {
        let found = server
            .api()
            .data("/api/v1/query", &[("query", "old"), ("time", time)])
            .await;
        assert_eq!(found.unwrap()["result"][0]["value"][1], value);
    }
}

#[tokio::test]
async fn what_is_no_write_request_is_refused() {
    let server = Server::start().await;
    // The last one says that it has 4 GiB.
    for (body, status) in [
        (&b""[..], 400),
        (b"hello", 400),
        (&[0xff; 64], 400),
        (&[0xff, 0xff, 0xff, 0xff, 0x0f], 413),
    ] {
        let answer = server
            .api()
            .ask(Method::POST, "/api/v1/write", body.to_vec())
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{body:?}: {answer}");
        assert_eq!(answer.json()["status"], "error", "{answer}");
    }
}

#[tokio::test]
async fn errors_are_prometheus_errors() {
    let server = Server::start().await;
    for (path, kind, status) in [
        ("/api/v1/query", "bad_data", 400),
        ("/api/v1/query?query=up%20%2B", "bad_data", 400),
        ("/api/v1/query?query=up&time=never", "bad_data", 400),
        (
            "/api/v1/query_range?query=up&start=0&end=1000000&step=1",
            "execution",
            422,
        ),
        (
            "/api/v1/query_range?query=up&start=2&end=1&step=1",
            "bad_data",
            400,
        ),
        ("/api/v1/series", "bad_data", 400),
        ("/api/v1/series?match[]=sum(up)", "bad_data", 400),
    ] {
        let answer = server.api().get(path).await.unwrap();
        assert_eq!(answer.status, status, "{answer}");
        let body = answer.json();
        assert_eq!(
            (&body["status"], &body["errorType"]),
            (&json!("error"), &json!(kind)),
            "{answer}"
        );
        assert!(
            body["error"].as_str().is_some_and(|error| error.len() > 10),
            "{answer}"
        );
    }
    let stranger = server.api().with_token("");
    assert_eq!(
        stranger.get("/api/v1/query?query=up").await.unwrap().problem(401),
        "unauthorized"
    );
}

/// Ten minutes of samples, one every 15 s: counters with a reset, a gauge with a
/// gap, a histogram, values that are no numbers.
fn samples(end_ms: i64) -> Vec<(Labels, Vec<Sample>)> {
    let times = move || (0..40_i64).map(move |at| (at, end_ms - (39 - at) * 15_000));
    let mut all = Vec::new();
    for (instance, step) in [("a", 3.0), ("b", 0.5), ("c", 11.25)] {
        let counter = times().map(|(at, ms)| (ms, (at % 25) as f64 * step));
        all.push(series(
            &[
                ("__name__", "t_requests_total"),
                ("instance", instance),
                ("job", "api"),
            ],
            counter,
        ));
        let gauge = times().filter(|(at, _)| !(10..30).contains(at));
        let gauge = gauge.map(|(at, ms)| (ms, (at as f64 * step).sin()));
        all.push(series(&[("__name__", "t_load"), ("instance", instance)], gauge));
    }
    for (le, share) in [("0.1", 0.2), ("1", 0.7), ("10", 0.95), ("+Inf", 1.0)] {
        let bucket = times().map(|(at, ms)| (ms, (at as f64 * 100.0 * share).floor()));
        all.push(series(&[("__name__", "t_seconds_bucket"), ("le", le)], bucket));
    }
    let odd = [f64::NAN, f64::INFINITY, -0.0, 1e-9, 1e300];
    all.push(series(
        &[("__name__", "t_odd")],
        times().map(|(at, ms)| (ms, odd[at as usize % odd.len()])),
    ));
    all
}

const QUERIES: [&str; 26] = [
    "t_load",
    "t_load > 0.5",
    "t_load * on(instance) group_left(job) t_requests_total",
    "rate(t_requests_total[2m])",
    "increase(t_requests_total[5m])",
    "irate(t_requests_total[1m])",
    "sum by (job) (rate(t_requests_total[5m]))",
    "sum without (instance) (t_requests_total)",
    "topk(2, t_requests_total)",
    "quantile(0.9, t_requests_total)",
    "count_values(\"v\", t_requests_total)",
    "stddev(t_load)",
    "avg_over_time(t_load[10m])",
    "quantile_over_time(0.3, t_load[10m])",
    "max_over_time(rate(t_requests_total[1m])[5m:30s])",
    "deriv(t_requests_total[3m])",
    "predict_linear(t_requests_total[3m], 600)",
    "changes(t_requests_total[10m]) + resets(t_requests_total[10m])",
    "histogram_quantile(0.9, rate(t_seconds_bucket[5m]))",
    "label_replace(t_load, \"host\", \"$1-x\", \"instance\", \"(.*)\")",
    "t_odd",
    "absent(t_nothing{a=\"b\"})",
    "t_requests_total offset 3m unless t_load < 0",
    "t_load{instance=~\"a|b\"} or t_requests_total{instance!~\"a.*\"}",
    "round(t_load, 0.01) ^ 2 % 0.3",
    "day_of_week(vector(1600000000)) + scalar(t_odd) * 0",
];

/// Sorted, numbers cut to ten digits: the order of a vector is nobody's promise,
/// and sums may be added up in another order.
fn comparable(data: &Value) -> String {
    fn cut(value: &Value) -> Value {
        match value {
            Value::String(text) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => json!(format!("{number:.9e}")),
                _ => value.clone(),
            },
            Value::Array(items) => items.iter().map(cut).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| (name.clone(), cut(field)))
                .collect(),
            other => other.clone(),
        }
    }
    let mut data = cut(data);
    let list = if data.is_array() {
        &mut data
    } else {
        &mut data["result"]
    };
    if let Some(items) = list
        .as_array_mut()
        .filter(|items| items.iter().any(Value::is_object))
    {
        items.sort_by_key(Value::to_string);
    }
    data.to_string()
}

#[tokio::test]
async fn it_answers_as_the_real_prometheus_does() {
    let exporter = Exporter::start();
    let prometheus = Prometheus::start(&exporter).await;
    let theirs = Api::new(&prometheus.url(), "");
    let server = Server::start().await;
    let ours = server.api();
    let end_ms = now_ms() / 15_000 * 15_000 - 15_000;
    for api in [&theirs, ours] {
        write(api, &samples(end_ms)).await;
    }
    // Not a sample's time: there the two major versions differ.
    let seconds = |ms: i64| format!("{}.{:03}", ms / 1_000, ms % 1_000);
    let (at, start) = (seconds(end_ms + 7_001), seconds(end_ms - 299_993));
    for expr in QUERIES {
        let instant = [("query", expr), ("time", &*at)];
        let range = [
            ("query", expr),
            ("start", &*start),
            ("end", &*at),
            ("step", "17s"),
        ];
        for (path, params) in [
            ("/api/v1/query", &instant[..]),
            ("/api/v1/query_range", &range[..]),
        ] {
            let [expected, got] = [theirs.data(path, params).await, ours.data(path, params).await]
                .map(|data| comparable(&data.unwrap_or_else(|error| panic!("{expr}: {error}"))));
            assert!(!expected.contains("\"result\":[]"), "{expr} finds nothing");
            assert_eq!(got, expected, "{path} {expr}");
        }
    }
    let matching = [
        ("match[]", "{__name__=~\"t_.*\"}"),
        ("start", &*start),
        ("end", &*at),
    ];
    for path in [
        "/api/v1/series",
        "/api/v1/labels",
        "/api/v1/label/instance/values",
        "/api/v1/label/__name__/values",
    ] {
        let [expected, got] = [
            theirs.data(path, &matching).await,
            ours.data(path, &matching).await,
        ]
        .map(|data| comparable(&data.unwrap_or_else(|error| panic!("{path}: {error}"))));
        assert_eq!(got, expected, "{path}");
    }
}

#[tokio::test]
async fn rules_that_read_nothing_of_each_other_ask_at_the_same_time() {
    const DELAY: Duration = Duration::from_millis(400);
    // Each query takes its time, and comes to nothing.
    let source = Webhook::start();
    source.delay(DELAY);
    let server = Server::start().await;
    server.source(&source.url()).await;
    let record = |name: &str, expr: &str| json!({"alert": name, "config": {"expr": expr, "record": name}});
    let mut rules: Vec<Value> = (0..10)
        .map(|n| record(&format!("r{n}"), &format!("x{n}")))
        .collect();
    rules.push(record("last", "sum(r3)"));
    let group = json!({"interval": "10s", "rules": rules});
    server.api().put("/v1/groups/test/slow", &group).await;
    let asked = eventually("all have asked", PAGE_WITHIN, async || {
        let captured = source.captured();
        match captured.len() {
            11.. => Ok(captured),
            asked => Err(format!("{asked} of 11")),
        }
    })
    .await;
    let first = asked[0].at;
    let after: Vec<Duration> = asked.iter().map(|request| request.at - first).collect();
    let at_once = after.iter().filter(|after| **after < DELAY.mul_f32(0.8)).count();
    assert_eq!(at_once, 8, "{after:?}");
    let last = String::from_utf8_lossy(&asked[10].bytes).into_owned();
    assert!(last.contains("sum%28r3%29"), "{last}");
    assert!(
        after[10] - after[9] >= DELAY.mul_f32(0.8),
        "it waits for those before it: {after:?}"
    );
}
