//! `/metrics` in Prometheus' format, judged by Prometheus' own tool.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::harness::{FakeSource, PAGE_WITHIN, Reply, Server, eventually, guest};

/// Families that dashboards stand on.
const EXPECTED: [&str; 7] = [
    "wasmalert_evaluations_total",
    "wasmalert_evaluation_seconds_bucket",
    "wasmalert_faults_total",
    "wasmalert_slots_missed_total",
    "wasmalert_outbox_depth",
    "wasmalert_query_seconds_bucket",
    "wasmalert_scheduler_lag_seconds_bucket",
];

#[tokio::test]
async fn the_host_serves_clean_metrics() {
    let source = FakeSource::start(Reply::Value(1.0));
    let server = Server::start().await;
    server.source(&source.url()).await;
    server.api().push("guest", guest("evaluate")).await;
    let rules = json!([
        {"alert": "Fine", "module": "prometheus", "expr": "load", "source": "prom"},
        {"alert": "Traps", "module": "guest", "config": {"do": "trap"}},
    ]);
    server.group("both", rules).await;
    let text = eventually("the trap is counted", PAGE_WITHIN, async || {
        let text = text(&server, "/metrics").await?;
        let counted = text
            .lines()
            .any(|line| line.starts_with("wasmalert_faults_total{") && line.contains(r#"code="trap""#));
        if counted { Ok(text) } else { Err(text) }
    })
    .await;
    check(&text);
    for family in EXPECTED {
        assert!(
            text.lines().any(|line| line.starts_with(family)),
            "no {family} in\n{text}"
        );
    }
    for sample in text.lines().filter(|line| !line.starts_with('#')) {
        let ours = sample.starts_with("wasmalert_") || sample.starts_with("process_");
        assert!(ours, "a foreign name: {sample}");
    }
}

#[tokio::test]
async fn a_rule_serves_its_own_metrics() {
    let server = Server::start().await;
    server.api().push("guest", guest("evaluate")).await;
    server
        .group(
            "own",
            json!([{"alert": "A", "module": "guest", "config": {"do": "metrics"}}]),
        )
        .await;
    let text = eventually("the rule's counter has moved", PAGE_WITHIN, async || {
        let text = text(&server, "/v1/metrics").await?;
        let value = text.lines().find(|line| line.starts_with("guest_runs_total{"));
        let value = value
            .and_then(|line| line.rsplit_once(' '))
            .and_then(|(_, value)| value.parse().ok());
        if value.is_some_and(|value: f64| value >= 2.0) {
            Ok(text)
        } else {
            Err(text)
        }
    })
    .await;
    syntax(&text);
    assert!(text.contains("guest_level"), "{text}");
    assert!(text.contains("guest_wait_seconds_bucket"), "{text}");
}

async fn text(server: &Server, path: &str) -> Result<String, String> {
    let answer = server.api().get(path).await?;
    answer.ok()?;
    assert!(
        answer.content_type.starts_with("text/plain; version=0.0.4"),
        "{answer}"
    );
    Ok(answer.text())
}

/// No series twice, every family described, and `promtool` has no complaint.
fn check(text: &str) {
    syntax(text);
    let mut tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed with prometheus");
    let mut input = tool.stdin.take().expect("it was asked for");
    input.write_all(text.as_bytes()).expect("promtool reads");
    drop(input);
    let output = tool.wait_with_output().expect("promtool ends");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaint.is_empty(),
        "{complaint}\nin\n{text}"
    );
}

fn syntax(text: &str) {
    assert!(text.ends_with('\n'), "no newline at the end:\n{text}");
    let mut seen = BTreeSet::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# TYPE ") {
            family = comment.split(' ').next().unwrap_or_default();
            assert!(seen.insert(comment.to_owned()), "a family twice: {line}");
        } else if !line.starts_with('#') {
            let (series, value) = line
                .rsplit_once(' ')
                .unwrap_or_else(|| panic!("no value: {line}"));
            assert!(value.parse::<f64>().is_ok(), "not a number: {line}");
            assert!(
                !family.is_empty() && series.starts_with(family),
                "outside of its family {family}: {line}"
            );
            assert!(seen.insert(series.to_owned()), "a series twice: {line}");
        }
    }
}
