//! `run`: one evaluation of a rule, now, without a server.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use wasmalert_core::evaluation::{Context, Effects, Journal, LogLine, MetricChange, Outcome, Trigger};
use wasmalert_core::frame::Frame;
use wasmalert_core::limits::Limits;
use wasmalert_core::query::{Query, QueryError, QueryErrorCode, QueryResult, QueryTime};
use wasmalert_core::units::parse_duration_ms;
use wasmalert_core::{GroupKey, RuleKey, TenantId};
use wasmalert_offline::once::{Once, Ran};
use wasmalert_sandbox::World;
use wasmalert_server::query::{DirectSource, PrometheusSpec};

use crate::Io;
use crate::args::Run;
use crate::error::Error;
use crate::output::{self, Format};

pub(crate) const HELP: &str = "\
The rule is evaluated once, as a server would at a slot: without state and timers, and nothing of
what it does counts. Queries that name no source go to the first --source.

Examples:
  wasmalert run build/disk-full.wasm --source http://127.0.0.1:9090 --config '{\"above\": 0.9}'
  wasmalert run rule.wasm --source prom=https://prom.example.com --header 'Authorization: Bearer …'
  wasmalert run rule.wasm --source http://127.0.0.1:9090 --config @config.json --at 1h --output json

Exit codes: 0 the evaluation succeeded, 1 it failed, 2 the command line or a file is wrong.";

/// The name of the source that queries without one go to.
const DEFAULT_SOURCE: &str = "default";
/// The largest configuration that is read from a file.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// Series of a query that are shown, and samples of a series.
const SERIES_MAX: usize = 1_000;

pub(crate) fn run(run: &Run, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let now_ms = moment(run.at.as_deref())?;
    let interval_ms = parse_duration_ms(&run.interval)
        .ok()
        .filter(|ms| *ms > 0)
        .ok_or_else(|| {
            Error::Usage(format!(
                "--interval: {:?} is no duration such as 15s",
                run.interval
            ))
        })?;
    let sources = sources(run)?;
    let context = Arc::new(context(run, now_ms, interval_ms)?);
    let limits = Limits::default();
    let component = super::test::modules(std::num::NonZeroUsize::MIN)?
        .file(&run.file, World::Rule)
        .map_err(|error| Error::Usage(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut ask = |query: &Query| -> QueryResult {
        match sources.get(&*query.source) {
            Some(source) => runtime.block_on(source.ask(query)),
            None => Err(QueryError {
                code: QueryErrorCode::SourceUnknown,
                message: format!(
                    "no source is called {:?}: give it with --source {0}=URL",
                    query.source
                ),
            }),
        }
    };
    let ran = Once {
        component: &component,
        context: &context,
        journal: Journal::default(),
        limits: &limits,
    }
    .run(Vec::new(), &mut ask);
    let document = document(&ran, now_ms);
    output::answer(io, format, &document, |document, _| {
        super::explain::body(document)
    })?;
    match ran.result {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Failed("the evaluation failed".into())),
    }
}

/// A time, or so long ago; now without one.
#[expect(
    clippy::disallowed_methods,
    reason = "the evaluation's now is that of whoever types"
)]
fn moment(at: Option<&str>) -> Result<i64, Error> {
    let now = SystemTime::now();
    let ms = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    };
    let Some(text) = at else { return Ok(ms(now)) };
    if let Ok(ago) = parse_duration_ms(text) {
        return Ok(ms(now).saturating_sub(ago));
    }
    humantime::parse_rfc3339(text).map(ms).map_err(|_| {
        Error::Usage(format!(
            "--at: {text:?} is neither a time such as 2026-01-31T00:00:00Z nor so long ago, such as 1h"
        ))
    })
}

fn sources(run: &Run) -> Result<BTreeMap<String, DirectSource>, Error> {
    let mut headers = BTreeMap::new();
    for header in &run.headers {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Error::Usage(format!("--header: {header:?} is not NAME: VALUE")))?;
        headers.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    let mut sources = BTreeMap::new();
    for (at, given) in run.sources.iter().enumerate() {
        let named = given
            .split_once('=')
            .filter(|(name, _)| !name.contains([':', '/']));
        let (name, url) = named.unwrap_or((DEFAULT_SOURCE, given));
        let open = || {
            let spec = PrometheusSpec {
                url: url.to_owned(),
                headers: headers.clone(),
                basic_auth: None,
                bearer_token: None,
                timeout: None,
                max_response_bytes: None,
            };
            DirectSource::new(name, spec).map_err(|error| Error::Usage(format!("--source {name}: {error}")))
        };
        sources.insert(name.to_owned(), open()?);
        if at == 0 {
            sources.insert(DEFAULT_SOURCE.to_owned(), open()?);
        }
    }
    Ok(sources)
}

fn context(run: &Run, now_ms: i64, interval_ms: i64) -> Result<Context, Error> {
    let config = match run.config.strip_prefix('@') {
        None => run.config.clone(),
        Some(path) => {
            let bytes = super::read(Path::new(path), CONFIG_BYTES_MAX)
                .map_err(|error| Error::Usage(format!("{path}: {error}")))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    if let Err(error) = serde_json::from_str::<Value>(&config) {
        return Err(Error::Usage(format!("--config is not JSON: {error}")));
    }
    let name = |text: &str| text.into();
    let tenant = TenantId::new(TenantId::DEFAULT).map_err(|error| Error::Usage(error.to_string()))?;
    let stem = run.file.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Context {
        rule: RuleKey {
            group: GroupKey {
                tenant,
                namespace: name("run"),
                group: name("run"),
            },
            rule: name(&stem),
        },
        now_ms,
        interval_ms,
        query_offset_ms: 0,
        trigger: Trigger::Interval,
        config: config.into(),
        labels: Arc::new(
            run.labels
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect(),
        ),
        source: name(DEFAULT_SOURCE),
    })
}

/// The evaluation in the shape of `GET /v1/evaluations/{id}`, without what only a server knows.
fn document(ran: &Ran, now_ms: i64) -> Value {
    let queries: Vec<Value> = ran
        .journal
        .queries
        .iter()
        .map(|(query, result)| asked(query, result))
        .collect();
    let none = (Outcome::default(), Effects::default());
    let (error, (outcome, effects), log) = match &ran.result {
        Ok(done) => (Value::Null, done, &done.1.log),
        Err(failed) => (
            json!({"code": failed.fault.code.as_str(), "message": failed.fault.message}),
            &none,
            &failed.log,
        ),
    };
    let cost = &ran.cost;
    json!({
        "slot_at": time(now_ms),
        "status": if error.is_null() { "ok" } else { "err" },
        "error": error,
        "inputs": {"queries": queries},
        "outcome": {
            "findings": outcome.findings.iter().map(|finding| json!({
                "labels": object(finding.labels()),
                "value": number(finding.value),
                "annotations": object(finding.annotations.iter().map(|(name, text)| (&**name, &**text))),
            })).collect::<Vec<_>>(),
            "samples": outcome.samples.iter().map(|sample| json!({
                "labels": object(sample.labels.iter()),
                "value": number(sample.value),
            })).collect::<Vec<_>>(),
        },
        "effects": shown(effects, log),
        "cost": {"fuel": cost.fuel, "wall_seconds": cost.wall_ns as f64 / 1e9, "memory_bytes": cost.memory_bytes,
            "host_calls": cost.host_calls, "boundary_bytes": cost.boundary_bytes},
        "rounds": ran.rounds,
    })
}

fn shown(effects: &Effects, log: &[LogLine]) -> Value {
    let state = effects.state.iter().map(|(key, value)| {
        let value = value.as_ref().map(|value| STANDARD.encode(value));
        (key.clone(), json!(value))
    });
    let timers = effects.timers.iter().map(|(name, timer)| {
        let due = timer.as_ref().map(|timer| time(timer.due_ms));
        (name.clone(), json!(due))
    });
    let metrics = effects.metrics.iter().map(|update| {
        let (kind, value) = match update.change {
            MetricChange::Count(by) => ("count", by),
            MetricChange::Gauge(value) => ("gauge", value),
            MetricChange::Observe(value) => ("observe", value),
        };
        json!({"name": update.name, "labels": object(update.labels.iter()), "kind": kind, "value": number(value)})
    });
    let log = log.iter().map(|line| {
        let fields = line.fields.iter().map(|(name, value)| (&**name, &**value));
        json!({"level": line.level.as_str(), "message": line.message, "fields": object(fields)})
    });
    json!({
        "state": state.collect::<Map<_, _>>(),
        "timers": timers.collect::<Map<_, _>>(),
        "metrics": metrics.collect::<Vec<_>>(),
        "log": log.collect::<Vec<_>>(),
    })
}

fn asked(query: &Query, result: &QueryResult) -> Value {
    let mut shown = json!({"source": query.source, "expr": query.expr});
    match query.time {
        QueryTime::Instant { at_ms } => shown["at"] = json!(time(at_ms)),
        QueryTime::Range {
            start_ms,
            end_ms,
            step_ms,
        } => {
            shown["start"] = json!(time(start_ms));
            shown["end"] = json!(time(end_ms));
            shown["step_ms"] = json!(step_ms);
        }
    }
    match result {
        Ok(frame) => {
            shown["series_count"] = json!(frame.len());
            shown["truncated"] = json!(frame.len() > SERIES_MAX);
            shown["series"] = (0..frame.len().min(SERIES_MAX))
                .map(|at| series(frame, at))
                .collect();
        }
        Err(error) => shown["error"] = json!({"code": error.code.as_str(), "message": error.message}),
    }
    shown
}

fn series(frame: &Frame, at: usize) -> Value {
    let range = frame.sample_range(at).unwrap_or_default();
    let times = &frame.all_timestamps_ms()[range.clone()];
    let values = &frame.all_values()[range];
    let samples = times.iter().zip(values);
    let samples = samples.map(|(at, value)| json!([time(*at), number(*value)]));
    json!({
        "labels": object(frame.series_labels(at).into_iter().flatten()),
        "samples": samples.collect::<Vec<_>>(),
    })
}

fn object<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let pairs = pairs.map(|(name, value)| (name.to_owned(), json!(value)));
    Value::Object(pairs.collect())
}

/// Texts, so that NaN and the infinities survive JSON.
fn number(value: f64) -> String {
    match value {
        value if value == f64::INFINITY => "+Inf".to_owned(),
        value if value == f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

fn time(ms: i64) -> String {
    /// The last moment of the year 9999.
    const LAST_MS: u64 = 253_402_300_799_999;
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0).min(LAST_MS));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}
