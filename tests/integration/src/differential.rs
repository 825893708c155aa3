//! The same rule file in a real Prometheus and here, over the same data and side by side: what Alertmanager is told,
//! and the series that alerts leave.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::Instant;

use crate::harness::{Api, Exporter, Prometheus, Server, TempDir, Webhook, parse_ms};

/// How long both run. `WASMALERT_DIFFERENTIAL_SECONDS` takes another time.
const SECONDS: u64 = 80;
/// Between the slots of the two lies up to an interval, and a scrape may come between.
const TOLERANCE: Duration = Duration::from_millis(2_600);
const RESEND: Duration = Duration::from_secs(5);

const RULES: &str = r#"
groups:
- name: timeline
  interval: 1s
  rules:
  - record: host:load:max
    expr: max by (host) (load)
    labels: {recorded: "yes"}
  - alert: Load
    expr: host:load:max > 10
    for: 3s
    labels:
      severity: '{{ if gt $value 50.0 }}page{{ else }}ticket{{ end }}'
      cluster: mine
    annotations:
      summary: 'the load of {{ $labels.host }} is high in {{ $externalLabels.cluster }}'
  - alert: AtOnce
    expr: load{host="c"} == 7
    annotations:
      summary: 'c is {{ $value }}'
  - alert: OfAlerts
    expr: count by (alertname) (ALERTS{alertname='AtOnce' , alertstate="firing"}) > 0
  - alert: Many
    expr: many > 0
    labels: {empty: ""}
  - alert: Gone
    expr: absent(load{host="z"})
"#;

/// When which host has which load: second, host, load.
const TIMELINE: [(u64, &str, f64); 14] = [
    (0, "a", 0.0),
    (0, "b", 0.0),
    (0, "c", 0.0),
    // Fires, and goes to another severity, which is another alert.
    (4, "a", 20.0),
    (20, "a", 60.0),
    (34, "a", 0.0),
    // Pending, and gone before it fires.
    (6, "b", 30.0),
    (8, "b", 0.0),
    // Fires at once, resolves and comes again.
    (5, "c", 7.0),
    (15, "c", 0.0),
    (25, "c", 7.0),
    (50, "c", 0.0),
    (40, "z", 1.0),
    (44, "b", 11.0),
];

/// What a receiver was told of an alert.
#[derive(Debug, Clone)]
struct Told {
    starts_ms: i64,
    ends_ms: i64,
    at: SystemTime,
    annotations: Value,
    generator_url: Value,
}

impl Told {
    fn at_ms(&self) -> i64 {
        let since = self.at.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as i64)
    }

    fn is_firing(&self) -> bool {
        self.ends_ms > self.at_ms()
    }
}

fn ms(time: &Value) -> i64 {
    let text = time.as_str().unwrap_or_else(|| panic!("{time} is no time"));
    parse_ms(text).unwrap_or_else(|| panic!("{text} is no time"))
}

/// What was told, by labels, in the order it came.
fn told(webhook: &Webhook) -> BTreeMap<String, Vec<Told>> {
    let (now, instant) = (SystemTime::now(), Instant::now());
    let mut all: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for captured in webhook.captured() {
        assert_eq!(captured.path, "/api/v2/alerts");
        let alerts = captured.body.as_array().expect("a list of alerts");
        assert!((1..=256).contains(&alerts.len()), "{}", alerts.len());
        for alert in alerts {
            let told = Told {
                starts_ms: ms(&alert["startsAt"]),
                ends_ms: ms(&alert["endsAt"]),
                at: now - (instant - captured.at),
                annotations: alert["annotations"].clone(),
                generator_url: alert["generatorURL"].clone(),
            };
            all.entry(alert["labels"].to_string()).or_default().push(told);
        }
    }
    all
}

/// The lives of an alert: when each has started, and when it was said to have ended.
fn lives(told: &[Told]) -> Vec<(i64, Option<i64>)> {
    let mut lives: Vec<(i64, Option<i64>)> = Vec::new();
    for one in told {
        if lives
            .last()
            .is_none_or(|(starts_ms, _)| *starts_ms != one.starts_ms)
        {
            lives.push((one.starts_ms, None));
        }
        if let Some((_, ended)) = lives.last_mut().filter(|_| !one.is_firing()) {
            *ended = Some(one.ends_ms);
        }
    }
    lives
}

fn near(a_ms: i64, b_ms: i64) -> bool {
    a_ms.abs_diff(b_ms) <= TOLERANCE.as_millis() as u64
}

/// The times between what was told while an alert fired.
fn resent_after(told: &[Told]) -> Vec<Duration> {
    let firing: Vec<&Told> = told.iter().filter(|one| one.is_firing()).collect();
    let pairs = firing
        .windows(2)
        .filter(|pair| pair[0].starts_ms == pair[1].starts_ms);
    let gaps = pairs.map(|pair| pair[1].at.duration_since(pair[0].at).unwrap_or_default());
    gaps.collect()
}

/// What differs between what the two have told of the alert with these labels.
fn differences(labels: &str, theirs: &[Told], ours: &[Told], start_ms: i64) -> Vec<String> {
    let mut wrong = Vec::new();
    let texts = |all: &[Told]| -> BTreeSet<String> {
        all.iter()
            .map(|one| format!("{} {}", one.annotations, one.generator_url))
            .collect()
    };
    if texts(theirs) != texts(ours) {
        wrong.push(format!("{labels}:\n  {:?}\n  {:?}", texts(theirs), texts(ours)));
    }
    let (their_lives, our_lives) = (lives(theirs), lives(ours));
    let same_life = |((starts, ended), (our_start, our_end)): (&(i64, Option<i64>), &(i64, Option<i64>))| {
        let ends = match (ended, our_end) {
            (Some(ended), Some(our_end)) => near(*ended, *our_end),
            (None, None) => true,
            _ => false,
        };
        // What has fired from the start began when each of them did.
        (near(*starts, *our_start) || *starts < start_ms) && ends
    };
    if their_lives.len() != our_lives.len() || !their_lives.iter().zip(&our_lives).all(same_life) {
        wrong.push(format!("{labels}: lives\n  {their_lives:?}\n  {our_lives:?}"));
    }
    for (who, all) in [("Prometheus", theirs), ("we", ours)] {
        let valid = |one: &&Told| one.is_firing();
        for one in all.iter().filter(valid) {
            // Four times the longer of interval and resend delay, from the slot on.
            let valid_ms = one.ends_ms - one.at_ms();
            if !near(valid_ms, 4 * RESEND.as_millis() as i64) {
                wrong.push(format!("{labels}: {who} said so for {valid_ms} ms"));
            }
        }
        for gap in resent_after(all) {
            // Later than the delay, at the next slot.
            let (least, most) = (RESEND.saturating_sub(TOLERANCE / 2), RESEND + TOLERANCE);
            if !(least..=most).contains(&gap) {
                wrong.push(format!("{labels}: {who} told again after {gap:?}"));
            }
        }
    }
    wrong
}

/// How many samples each series that an expression selects has had in the last seconds.
async fn samples(api: &Api, expr: &str, seconds: u64) -> BTreeMap<String, f64> {
    let query = format!("count_over_time({expr}[{seconds}s])");
    let escaped: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answer = api.get(&format!("/api/v1/query?query={escaped}")).await;
    let answer = answer.unwrap_or_else(|error| panic!("{error}")).json();
    let result = answer["data"]["result"].as_array().cloned().unwrap_or_default();
    let series = result.into_iter().map(|one| {
        let count = one["value"][1].as_str().and_then(|text| text.parse().ok());
        (one["metric"].to_string(), count.unwrap_or(f64::NAN))
    });
    series.collect()
}

#[tokio::test]
async fn alertmanager_is_told_the_same_and_the_same_series_are_left() {
    let seconds = std::env::var("WASMALERT_DIFFERENTIAL_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let exporter = Exporter::start();
    for (_, host, load) in TIMELINE.iter().filter(|(at, ..)| *at == 0) {
        exporter.set(&format!("load{{host=\"{host}\"}}"), *load);
    }
    let (their_receiver, our_receiver) = (Webhook::start(), Webhook::start());
    let address = their_receiver.url();
    let address = address
        .trim_start_matches("http://")
        .split('/')
        .next()
        .expect("an address");
    let prometheus = Prometheus::start_telling(&exporter, RULES, Some(address), "5s").await;
    let settings = [
        ("WASMALERT_EXTERNAL_URL", "http://alerts.example/base"),
        ("WASMALERT_EXTERNAL_LABELS", "cluster=eu"),
        ("WASMALERT_RESEND_DELAY", "5s"),
    ];
    let server = Server::start_with(&settings).await;
    server.source(&prometheus.url()).await;
    let url = our_receiver.url();
    let base = url.split("/").take(3).collect::<Vec<_>>().join("/");
    server.receiver("default", "alertmanager", &base).await;
    let dir = TempDir::new("differential");
    let file = dir.write("timeline.yml", RULES).display().to_string();
    server.cli(&["import", &file]);

    let start = Instant::now();
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let start_ms = since.map_or(0, |since| since.as_millis() as i64);
    let mut timeline = TIMELINE.to_vec();
    timeline.sort_by_key(|(at, ..)| *at);
    for (at, host, load) in timeline.into_iter().filter(|(at, ..)| *at > 0) {
        tokio::time::sleep_until(start + Duration::from_secs(at)).await;
        exporter.set(&format!("load{{host=\"{host}\"}}"), load);
        if at == 4 {
            (0..300).for_each(|n| exporter.set(&format!("many{{n=\"{n}\"}}"), 1.0));
        }
    }
    tokio::time::sleep_until(start + Duration::from_secs(seconds)).await;

    let (theirs, ours) = (told(&their_receiver), told(&our_receiver));
    let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let mut wrong = Vec::new();
    for labels in &names {
        match (theirs.get(*labels), ours.get(*labels)) {
            (Some(theirs), Some(ours)) => wrong.extend(differences(labels, theirs, ours, start_ms)),
            (Some(_), None) => wrong.push(format!("{labels}: we have told nothing")),
            _ => wrong.push(format!("{labels}: Prometheus has told nothing")),
        }
    }
    assert!(names.len() > 305, "{names:?}");
    assert!(
        wrong.is_empty(),
        "Prometheus, then ours:\n{}",
        wrong[..wrong.len().min(20)].join("\n")
    );

    let api = Api::new(&prometheus.url(), "");
    let both_ran = start.elapsed().as_secs();
    for expr in ["ALERTS", "ALERTS_FOR_STATE", "host:load:max"] {
        let (theirs, ours) = (
            samples(&api, expr, both_ran).await,
            samples(server.api(), expr, both_ran).await,
        );
        let names: (Vec<_>, Vec<_>) = (theirs.keys().collect(), ours.keys().collect());
        assert_eq!(names.0, names.1, "{expr}");
        for (series, count) in &theirs {
            let ours = ours[series];
            assert!(
                (count - ours).abs() <= 3.0,
                "{expr}: {series} has {count} and {ours} samples"
            );
        }
    }
}
