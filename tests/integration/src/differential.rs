//! The same rule file in a real Prometheus and here, over the same data and side by side: what Alertmanager is told,
//! and the series that alerts leave.
#![expect(
    clippy::disallowed_methods,
    reason = "the servers under test live in the present, and people choose for how long"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::Instant;

use crate::harness::{Api, Exporter, Prometheus, Server, TempDir, Webhook, eventually, parse_ms};

/// How long both run. `WASMALERT_DIFFERENTIAL_SECONDS` takes another time.
const SECONDS: u64 = 180;
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
  - alert: Kept
    expr: load{host="b"} > 20
    for: 2s
    keep_firing_for: 8s
    annotations:
      summary: '{{ $labels.host }} has {{ $value | humanize }}'
- name: limited
  interval: 2s
  limit: 1
  rules:
  - alert: TooMany
    expr: many > 0
  - record: load:count
    expr: count(load)
"#;

/// When which host has which load: second, host, load.
const TIMELINE: [(u64, &str, f64); 29] = [
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
    // Kept firing, comes back meanwhile, is kept again and resolves.
    (70, "b", 30.0),
    (80, "b", 0.0),
    (84, "b", 30.0),
    (95, "b", 0.0),
    // Comes and goes.
    (110, "a", 20.0),
    (112, "a", 0.0),
    (114, "a", 20.0),
    (122, "c", 7.0),
    (124, "c", 0.0),
    (128, "c", 7.0),
    (130, "z", 0.0),
    (136, "a", 70.0),
    (150, "a", 0.0),
    (158, "c", 0.0),
    (160, "b", 12.0),
];

/// When both are asked for their rules and alerts: where nothing has changed for a while, and nothing is about to.
const CHECKS: [u64; 8] = [12, 30, 60, 76, 105, 118, 142, 172];
/// Until then the answers have to be the same.
const SAME_WITHIN: Duration = Duration::from_secs(5);

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

/// When an alert has started, and when it was said to have ended.
type Life = (i64, Option<i64>);

/// The lives of an alert.
fn lives(told: &[Told]) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
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
    let same_life = |((starts, ended), (our_start, our_end)): (&Life, &Life)| {
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
    let result = api.query(&format!("count_over_time({expr}[{seconds}s])")).await;
    let result = result.unwrap_or_else(|error| panic!("{error}"));
    let series = result.into_iter().map(|one| {
        let count = one["value"][1].as_str().and_then(|text| text.parse().ok());
        (one["metric"].to_string(), count.unwrap_or(f64::NAN))
    });
    series.collect()
}

/// What `/api/v1/rules` and `/api/v1/alerts` say, by the path to it, and since when each alert is active.
#[derive(Debug, PartialEq)]
struct Answers {
    said: BTreeMap<String, Value>,
    active_at_ms: BTreeMap<String, i64>,
}

async fn answers(api: &Api) -> Result<Answers, String> {
    let (mut said, mut active_at_ms) = (BTreeMap::new(), BTreeMap::new());
    let mut add = |place: &str, alerts: &Value| {
        for alert in alerts.as_array().into_iter().flatten() {
            let key = format!("{place} {}", alert["labels"]);
            active_at_ms.insert(key.clone(), ms(&alert["activeAt"]));
            let mut alert = alert.clone();
            alert["activeAt"].take();
            // Written by the Prometheus of 2.42 where it is nothing.
            if alert["keepFiringSince"] == "0001-01-01T00:00:00Z" {
                alert
                    .as_object_mut()
                    .map(|fields| fields.remove("keepFiringSince"));
            }
            if !alert["keepFiringSince"].is_null() {
                alert["keepFiringSince"] = Value::Bool(true);
            }
            said.insert(key, alert);
        }
    };
    let alerts = api.get("/api/v1/alerts").await?.json();
    add("alerts", &alerts["data"]["alerts"]);
    let rules = rules_of(api).await?;
    for (place, rule) in &rules {
        add(place, &rule["alerts"]);
    }
    for (place, mut rule) in rules {
        for name in ["alerts", "lastError", "evaluationTime", "lastEvaluation"] {
            rule[name].take();
        }
        said.insert(place, rule);
    }
    Ok(Answers { said, active_at_ms })
}

/// The rules of `/api/v1/rules`, by group and name.
async fn rules_of(api: &Api) -> Result<Vec<(String, Value)>, String> {
    let rules = api.get("/api/v1/rules").await?.json();
    let mut all = Vec::new();
    for group in rules["data"]["groups"].as_array().into_iter().flatten() {
        for rule in group["rules"].as_array().into_iter().flatten() {
            let place = format!("{} {}", group["name"], rule["name"]);
            let mut rule = rule.clone();
            // Left out by the Prometheus of 2.42, written by that of 3.5.
            if rule["labels"].is_null() {
                rule["labels"] = Value::Object(serde_json::Map::new());
            }
            all.push((place, rule));
        }
    }
    Ok(all)
}

/// Waits until both say the same of rules and alerts, and looks whether alerts are active since the same time.
async fn same_answers(at: u64, theirs: &Api, ours: &Api, start_ms: i64) {
    let what = format!("both answer the same at {at} s");
    let (theirs, ours) = eventually(&what, SAME_WITHIN, async || {
        let (theirs, ours) = (answers(theirs).await?, answers(ours).await?);
        let differ = |name: &&String| theirs.said.get(*name) != ours.said.get(*name);
        let names: BTreeSet<&String> = theirs.said.keys().chain(ours.said.keys()).collect();
        let differing = names.into_iter().find(differ).map(|name| {
            let (theirs, ours) = (theirs.said.get(name), ours.said.get(name));
            format!("{name}: Prometheus, then ours:\n{theirs:?}\n{ours:?}")
        });
        match differing {
            None => Ok((theirs, ours)),
            Some(differing) => Err(differing),
        }
    })
    .await;
    assert!(theirs.said.len() > 300, "{theirs:?}");
    for (name, their_ms) in &theirs.active_at_ms {
        let our_ms = ours.active_at_ms[name];
        assert!(
            near(*their_ms, our_ms) || *their_ms < start_ms,
            "at {at} s {name} is active since {their_ms} and {our_ms}"
        );
    }
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
    let url = their_receiver.url();
    let address = url.trim_start_matches("http://");
    let prometheus = Prometheus::start_telling(&exporter, RULES, Some(address), "5s").await;
    let settings = [
        ("WASMALERT_EXTERNAL_URL", "http://alerts.example/base"),
        ("WASMALERT_EXTERNAL_LABELS", "cluster=eu"),
        ("WASMALERT_RESEND_DELAY", "5s"),
    ];
    let server = Server::start_with(&settings).await;
    server.source(&prometheus.url()).await;
    server
        .receiver("default", "alertmanager", &our_receiver.url())
        .await;
    let dir = TempDir::new("differential");
    let file = dir.write("timeline.yml", RULES).display().to_string();
    server.cli(&["import", &file]);

    let start = Instant::now();
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let start_ms = since.map_or(0, |since| since.as_millis() as i64);
    let api = Api::new(&prometheus.url(), "");
    let checks = CHECKS.iter().map(|at| (*at, None));
    let changes = TIMELINE.iter().filter(|(at, ..)| *at > 0);
    let changes = changes.map(|(at, host, load)| (*at, Some((host, load))));
    let mut timeline: Vec<(u64, Option<_>)> = changes.chain(checks).collect();
    timeline.sort_by_key(|(at, _)| *at);
    for (at, change) in timeline.into_iter().filter(|(at, _)| *at <= seconds) {
        tokio::time::sleep_until(start + Duration::from_secs(at)).await;
        let Some((host, load)) = change else {
            same_answers(at, &api, server.api(), start_ms).await;
            continue;
        };
        exporter.set(&format!("load{{host=\"{host}\"}}"), *load);
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

    let both_ran = start.elapsed().as_secs();
    for expr in ["ALERTS", "ALERTS_FOR_STATE", "host:load:max", "load:count"] {
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
