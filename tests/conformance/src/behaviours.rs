//! The twenty behaviours, in the order of `README.md`.

use wasmalert_core::evaluation::{
    Finding, LogLevel, MetricChange, MetricUpdate, State, Timer, Timers, Trigger,
};
use wasmalert_core::fault::FaultCode;
use wasmalert_core::query::QueryErrorCode;

use crate::guest::{Answer, Done, Failed, Given, Guest, INTERVAL_MS, NOW_MS, frame, many, value_of_many};

/// What a guest has to show.
pub struct Behaviour {
    pub name: &'static str,
    pub check: fn(&Guest) -> Result<(), String>,
}

const fn behaviour(name: &'static str, check: fn(&Guest) -> Result<(), String>) -> Behaviour {
    Behaviour { name, check }
}

pub const BEHAVIOURS: [Behaviour; 20] = [
    behaviour("describe", describe),
    behaviour("context", context),
    behaviour("config", config),
    behaviour("instant", instant),
    behaviour("columns", columns),
    behaviour("range", range),
    behaviour("prefetch", prefetch),
    behaviour("may_fail", may_fail),
    behaviour("query_error", query_error),
    behaviour("empty", empty),
    behaviour("large", large),
    behaviour("utf8", utf8),
    behaviour("floats", floats),
    behaviour("state", state),
    behaviour("timers", timers),
    behaviour("output", output),
    behaviour("record", record),
    behaviour("error", error),
    behaviour("exception", exception),
    behaviour("limit", limit),
];

/// Texts of one to four bytes a character, some of which JSON escapes.
const TEXT: &str = "naïve \"quoted\" \\ 日本語 🦀 \u{10ffff} \u{7f}";

fn describe(guest: &Guest) -> Result<(), String> {
    let told = guest.describe()?;
    same("name", &*told.name, "conformance")?;
    same("doc is empty", told.doc.is_empty(), false)?;
    let schema: serde_json::Value =
        serde_json::from_str(&told.config_schema).map_err(|error| error.to_string())?;
    same("schema", schema, serde_json::json!({"type": "object"}))?;
    same("queries", told.queries, vec!["up".to_owned()])
}

fn context(guest: &Guest) -> Result<(), String> {
    let done = run(guest, "context", "", &Given::default())?;
    let interval = INTERVAL_MS.to_string();
    let now = NOW_MS.to_string();
    let labels = [
        ("group", "hosts"),
        ("interval_ms", &*interval),
        ("namespace", "prod/eu"),
        ("now_ms", &now),
        ("owner", "sre-日本"),
        ("rule", "guest"),
        ("tenant", "acme"),
        ("trigger", "interval"),
    ];
    same("labels", labels_of(only(&done)?), pairs(&labels))
}

fn config(guest: &Guest) -> Result<(), String> {
    for (on, number, list, sum) in [(true, 1.5, "[1, 2.25, -3]", 1.75), (false, -2e10, "[]", -2e10)] {
        let text = serde_json::to_string(TEXT).map_err(|error| error.to_string())?;
        let more =
            format!(r#", "text": {text}, "number": {number:e}, "list": {list}, "nested": {{"on": {on}}}"#);
        let done = run(guest, "config", &more, &Given::default())?;
        let finding = only(&done)?;
        let on = on.to_string();
        same(
            "labels",
            labels_of(finding),
            pairs(&[("on", &on), ("text", TEXT)]),
        )?;
        same("value", finding.value, sum)?;
    }
    Ok(())
}

fn cpu() -> Given {
    Given::answering(
        "cpu",
        frame(&[
            (
                &[("__name__", "cpu"), ("host", "a"), ("job", "node")],
                &[(0, 0.95)],
            ),
            (
                &[("__name__", "cpu"), ("host", "b"), ("job", "node")],
                &[(2_000, 0.25)],
            ),
            (
                &[("__name__", "cpu"), ("host", "ü"), ("job", "node")],
                &[(1_000, 0.905)],
            ),
        ]),
    )
}

fn instant(guest: &Guest) -> Result<(), String> {
    let done = run(guest, "instant", r#", "above": 0.9"#, &cpu())?;
    let found: Vec<_> = done
        .outcome
        .findings
        .iter()
        .map(|it| (labels_of(it), it.value, it.annotations.clone()))
        .collect();
    let expected = [("a", 0.95), ("ü", 0.905)].map(|(host, value)| {
        let summary = ("summary".to_owned(), format!("{host} is busy"));
        (pairs(&[("host", host), ("job", "node")]), value, vec![summary])
    });
    same("findings", found, expected.to_vec())?;
    same("runs", done.runs, 2)
}

fn columns(guest: &Guest) -> Result<(), String> {
    let done = run(guest, "columns", "", &cpu())?;
    let finding = only(&done)?;
    let labels = [("hosts", "a,b,ü"), ("last", "__name__=cpu,host=ü,job=node")];
    same("labels", labels_of(finding), pairs(&labels))?;
    same("value", finding.value, 0.95 + 0.25 + 0.905)?;
    same(
        "annotations",
        &finding.annotations,
        &pairs(&[("first_ms", &NOW_MS.to_string())]),
    )
}

fn range(guest: &Guest) -> Result<(), String> {
    let given = Given::answering(
        "cpu",
        frame(&[
            (&[("host", "a")], &[(240_000, 1.0), (180_000, 5.5), (60_000, 3.0)]),
            (&[("host", "b")], &[(0, 7.0)]),
        ]),
    );
    let done = run(guest, "range", "", &given)?;
    let found: Vec<_> = done
        .outcome
        .findings
        .iter()
        .map(|it| (labels_of(it), it.value, it.annotations.clone()))
        .collect();
    let expected = [("a", 4.5, "3"), ("b", 0.0, "1")]
        .map(|(host, value, points)| (pairs(&[("host", host)]), value, pairs(&[("points", points)])));
    same("findings", found, expected.to_vec())
}

fn prefetch(guest: &Guest) -> Result<(), String> {
    let given = Given::answering("a", frame(&[(&[], &[(0, 40.0)])]))
        .and("b", Answer::Series(frame(&[(&[], &[(0, 2.0)])])));
    let done = run(guest, "prefetch", "", &given)?;
    same("value", only(&done)?.value, 42.0)?;
    same("labels", labels_of(only(&done)?), Vec::new())?;
    same("runs", done.runs, 2)
}

fn broken() -> Given {
    Given::default().and("broken", Answer::Failed(QueryErrorCode::Timeout, "took too long"))
}

fn may_fail(guest: &Guest) -> Result<(), String> {
    let done = run(guest, "may_fail", "", &broken())?;
    let finding = only(&done)?;
    same("labels", labels_of(finding), pairs(&[("code", "query_timeout")]))?;
    same(
        "annotations",
        &finding.annotations,
        &pairs(&[("message", "took too long")]),
    )
}

fn query_error(guest: &Guest) -> Result<(), String> {
    let failed = fails(guest, "query_error", &broken())?;
    same("code", failed.fault.code.as_str(), "query_timeout")?;
    contains("message", &failed.fault.message, "took too long")
}

fn empty(guest: &Guest) -> Result<(), String> {
    let done = run(guest, "empty", "", &Given::answering("nothing", frame(&[])))?;
    same("findings", done.outcome.findings.len(), 0)?;
    same(
        "log",
        lines(&done),
        vec![(LogLevel::Info, "0 series".to_owned(), Vec::new())],
    )
}

fn large(guest: &Guest) -> Result<(), String> {
    const SERIES: usize = 10_000;
    let done = run(guest, "large", "", &Given::answering("many", many(SERIES)))?;
    let expected = (0..SERIES)
        .map(|at| (at, value_of_many(at)))
        .filter(|(_, value)| *value > 0.5);
    let expected: Vec<_> = expected
        .map(|(at, value)| (format!("host-{at:05}"), value))
        .collect();
    let found = done.outcome.findings.iter();
    let found: Vec<_> = found
        .map(|it| (it.given.get("host").unwrap_or_default().to_owned(), it.value))
        .collect();
    same("number of findings", found.len(), expected.len())?;
    same("findings are the same", found == expected, true)
}

fn utf8(guest: &Guest) -> Result<(), String> {
    let text = serde_json::to_string(TEXT).map_err(|error| error.to_string())?;
    let done = run(guest, "utf8", &format!(r#", "text": {text}"#), &Given::default())?;
    let finding = only(&done)?;
    same("labels", labels_of(finding), pairs(&[("text", TEXT)]))?;
    same("value", finding.value, TEXT.chars().count() as f64)?;
    same(
        "annotations",
        &finding.annotations,
        &pairs(&[("twice", &TEXT.repeat(2))]),
    )?;
    same(
        "log",
        lines(&done),
        vec![(LogLevel::Info, TEXT.to_owned(), Vec::new())],
    )?;
    same(
        "state",
        done.effects.state_after(&State::new()).get("text").cloned(),
        Some(TEXT.as_bytes().to_vec()),
    )
}

fn floats(guest: &Guest) -> Result<(), String> {
    const VALUES: [f64; 8] = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        5e-324,
        f64::MAX,
        0.1,
        1.0 / 3.0,
    ];
    let names: Vec<String> = (0..VALUES.len()).map(|at| at.to_string()).collect();
    let labels: Vec<_> = names.iter().map(|name| [("n", &**name)]).collect();
    let samples = VALUES.map(|value| [(0, value)]);
    let series: Vec<_> = labels
        .iter()
        .zip(&samples)
        .map(|(labels, samples)| (&labels[..], &samples[..]))
        .collect();
    let done = run(guest, "floats", "", &Given::answering("odd", frame(&series)))?;
    // NaN is NaN, whatever its payload: the host gives its own.
    let bits = |value: f64| {
        if value.is_nan() {
            f64::NAN.to_bits()
        } else {
            value.to_bits()
        }
    };
    let found: Vec<_> = done
        .outcome
        .findings
        .iter()
        .map(|it| (it.given.get("n").map(str::to_owned), bits(it.value)))
        .collect();
    let expected: Vec<_> = names
        .iter()
        .zip(VALUES)
        .map(|(name, value)| (Some(name.clone()), bits(value)))
        .collect();
    same("findings", found, expected)
}

fn state(guest: &Guest) -> Result<(), String> {
    let mut given = Given::default();
    given.state.insert("gone".to_owned(), b"x".to_vec());
    given.state.insert("a/0".to_owned(), b"kept".to_vec());
    for round in 1..=3_usize {
        let done = run(guest, "state", "", &given)?;
        let finding = only(&done)?;
        same("value", finding.value, round as f64)?;
        same("labels", labels_of(finding), pairs(&[("keys", "a/0,a/2")]))?;
        given.state = done.effects.state_after(&given.state);
        let expected: State = [
            ("a/0".to_owned(), b"kept".to_vec()),
            ("a/2".to_owned(), Vec::new()),
            ("count".to_owned(), vec![0xff; round]),
        ]
        .into();
        same("state", &given.state, &expected)?;
    }
    Ok(())
}

fn timers(guest: &Guest) -> Result<(), String> {
    let done = run(guest, "timers", "", &Given::default())?;
    same("labels", labels_of(only(&done)?), pairs(&[("pending", "wake")]))?;
    let wake = Timer {
        due_ms: NOW_MS + 1_000,
        payload: vec![0, 0xff, 0x78],
    };
    let expected: Timers = [("wake".to_owned(), wake.clone())].into();
    same("timers", done.effects.timers_after(&Timers::new()), expected)?;
    let timer = Timer {
        due_ms: NOW_MS - 250,
        payload: wake.payload,
    };
    let given = Given {
        trigger: Some(Trigger::Timer {
            name: "wake".to_owned(),
            timer,
        }),
        ..Given::default()
    };
    let done = run(guest, "timers", "", &given)?;
    let finding = only(&done)?;
    same(
        "labels",
        labels_of(finding),
        pairs(&[("payload", "00ff78"), ("timer", "wake")]),
    )?;
    same("value", finding.value, 250.0)
}

fn output(guest: &Guest) -> Result<(), String> {
    let done = run(guest, "output", "", &Given::default())?;
    let levels = LogLevel::ALL.iter().enumerate();
    let expected: Vec<_> = levels
        .map(|(at, level)| {
            (
                *level,
                level.as_str().to_owned(),
                pairs(&[("n", &at.to_string())]),
            )
        })
        .collect();
    same("log", lines(&done), expected)?;
    let found: Vec<String> = done.effects.metrics.iter().map(metric).collect();
    let expected = [
        "count runs_total kind=a 2",
        "gauge level  -1.5",
        "observe took_seconds  0.25",
    ];
    same("metrics", found, expected.map(str::to_owned).to_vec())
}

fn metric(update: &MetricUpdate) -> String {
    let labels: Vec<String> = update
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let (kind, value) = match update.change {
        MetricChange::Count(by) => ("count", by),
        MetricChange::Gauge(value) => ("gauge", value),
        MetricChange::Observe(value) => ("observe", value),
    };
    format!("{kind} {} {} {value}", update.name, labels.join(","))
}

fn record(guest: &Guest) -> Result<(), String> {
    let done = run(guest, "record", "", &cpu())?;
    let found: Vec<_> = done
        .outcome
        .samples
        .iter()
        .map(|it| (it.labels.to_labels().to_string(), it.value))
        .collect();
    let expected = vec![
        (
            r#"{__name__="cpu:copy", copied="yes", host="a", job="node"}"#.to_owned(),
            0.95,
        ),
        (r#"{__name__="answer", unit="x"}"#.to_owned(), 42.0),
    ];
    same("samples", found, expected)
}

fn error(guest: &Guest) -> Result<(), String> {
    let failed = fails(guest, "error", &Given::default())?;
    same("code", failed.fault.code, FaultCode::ComponentError)?;
    contains("message", &failed.fault.message, "too_hot")?;
    contains("message", &failed.fault.message, "5 degrees too hot")?;
    let failed = fails(guest, "no such thing", &Given::default())?;
    contains("message", &failed.fault.message, "bad_config")
}

fn exception(guest: &Guest) -> Result<(), String> {
    let failed = fails(guest, "exception", &Given::default())?;
    let logged = failed
        .log
        .iter()
        .any(|line| line.level == LogLevel::Error && line.message.contains("boom"));
    match logged || failed.fault.message.contains("boom") {
        true => Ok(()),
        false => Err(format!("nothing says boom: {failed:?}")),
    }
}

fn limit(guest: &Guest) -> Result<(), String> {
    let failed = fails(guest, "limit", &Given::default())?;
    same("code", failed.fault.code.as_str(), "fuel_exceeded")
}

fn run(guest: &Guest, what: &str, more: &str, given: &Given) -> Result<Done, String> {
    let done = guest.evaluate(&format!(r#"{{"do": "{what}"{more}}}"#), given);
    done.map_err(|failed| format!("failed: {} {:?}", failed.fault, failed.log))
}

fn fails(guest: &Guest, what: &str, given: &Given) -> Result<Failed, String> {
    match guest.evaluate(&format!(r#"{{"do": "{what}"}}"#), given) {
        Err(failed) => Ok(failed),
        Ok(done) => Err(format!("did not fail: {:?}", done.outcome)),
    }
}

fn only(done: &Done) -> Result<&Finding, String> {
    match &done.outcome.findings[..] {
        [finding] => Ok(finding),
        other => Err(format!("not one finding: {other:?}")),
    }
}

fn labels_of(finding: &Finding) -> Vec<(String, String)> {
    let mut labels: Vec<_> = finding
        .labels()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    labels.sort();
    labels
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

type Line = (LogLevel, String, Vec<(String, String)>);

fn lines(done: &Done) -> Vec<Line> {
    done.effects
        .log
        .iter()
        .map(|line| (line.level, line.message.clone(), line.fields.clone()))
        .collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{what}: expected {expected:?}, got {found:?}")),
    }
}

fn contains(what: &str, found: &str, part: &str) -> Result<(), String> {
    match found.contains(part) {
        true => Ok(()),
        false => Err(format!("{what}: expected {part:?} in {found:?}")),
    }
}
