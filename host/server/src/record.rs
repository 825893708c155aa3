//! The record of an evaluation: what it read, answered and did, as it is kept in
//! the store and shown at `/v1/evaluations/{id}`.
//!
//! Numbers are texts, so that NaN and the infinities survive JSON and every
//! value reads back to the same bits (NaN apart, of which there is one).

mod shape;

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use wasmalert_core::alert::Transition;
use wasmalert_core::evaluation::{
    Context, Effects, Journal, LogLine, MetricChange, Outcome, Timers, Trigger,
};
use wasmalert_core::fault::Fault;
use wasmalert_core::frame::Frame;
use wasmalert_core::label::Labels;
use wasmalert_core::query::{Query, QueryResult, QueryTime};

pub(crate) use self::shape::*;

/// Records above this are compressed.
const COMPRESS_ABOVE_BYTES: usize = 2_048;
/// A record that is read back may not be larger than this.
const RECORD_BYTES_MAX: u64 = 256 << 20;

/// Counts down the bytes that a record may still take.
pub(crate) struct Budget(usize);

impl Budget {
    #[must_use]
    pub(crate) fn new(bytes: usize) -> Self {
        Self(bytes)
    }

    fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.0;
        self.0 = self.0.saturating_sub(bytes);
        fits
    }
}

pub(crate) fn inputs(context: &Context, journal: &Journal, budget: &mut Budget) -> Inputs {
    let trigger = match &context.trigger {
        Trigger::Interval => TriggerRecord {
            kind: "interval".into(),
            timer: None,
        },
        Trigger::Timer { name, timer } => {
            let payload = BASE64.encode(&timer.payload);
            let timer = TimerRecord {
                name: name.clone(),
                due_ms: timer.due_ms,
                payload,
            };
            TriggerRecord {
                kind: "timer".into(),
                timer: Some(timer),
            }
        }
    };
    let state: LabelMap = journal
        .state
        .iter()
        .take_while(|(key, value)| budget.take(key.len() + value.len() * 4 / 3 + 8))
        .map(|(key, value)| (key.clone(), BASE64.encode(value)))
        .collect();
    Inputs {
        module: String::new(),
        version: None,
        digest: None,
        trigger,
        interval_ms: context.interval_ms,
        query_offset_ms: context.query_offset_ms,
        config: context.config.to_string(),
        labels: label_map(context.labels.iter()),
        source: context.source.to_string(),
        extras: context.extras.iter().cloned().collect(),
        queries: journal
            .queries
            .iter()
            .map(|(query, result)| query_record(query, result, budget))
            .collect(),
        state,
        timers: timer_records(&journal.timers),
    }
}

fn timer_records(timers: &Timers) -> Vec<TimerRecord> {
    timers
        .iter()
        .map(|(name, timer)| TimerRecord {
            name: name.clone(),
            due_ms: timer.due_ms,
            payload: BASE64.encode(&timer.payload),
        })
        .collect()
}

fn query_record(query: &Query, result: &QueryResult, budget: &mut Budget) -> QueryRecord {
    let (at_ms, range) = match query.time {
        QueryTime::Instant { at_ms } => (Some(at_ms), None),
        QueryTime::Range {
            start_ms,
            end_ms,
            step_ms,
        } => (
            None,
            Some(RangeRecord {
                start_ms,
                end_ms,
                step_ms,
            }),
        ),
    };
    let (series, count, error) = match result {
        Ok(frame) => (frame_series(frame, budget), frame.len(), None),
        Err(error) => {
            let error = CodeMessage {
                code: error.code.as_str().into(),
                message: error.message.clone(),
            };
            (Vec::new(), 0, Some(error))
        }
    };
    QueryRecord {
        source: query.source.to_string(),
        expr: query.expr.to_string(),
        at_ms,
        range,
        truncated: series.len() < count,
        series_count: count as u64,
        series,
        error,
    }
}

fn frame_series(frame: &Frame, budget: &mut Budget) -> Vec<SeriesRecord> {
    let mut records = Vec::new();
    for series in 0..frame.len() {
        let (Some(labels), Some(range)) = (frame.series_labels(series), frame.sample_range(series)) else {
            break;
        };
        let bytes: usize = labels
            .clone()
            .map(|(name, value)| name.len() + value.len() + 6)
            .sum();
        if !budget.take(bytes + range.len() * 32) {
            break;
        }
        let samples = frame.all_timestamps_ms()[range.clone()]
            .iter()
            .zip(&frame.all_values()[range]);
        let samples = samples.map(|(at, value)| (*at, number(*value))).collect();
        records.push(SeriesRecord {
            labels: label_map(labels),
            samples,
        });
    }
    records
}

pub(crate) fn outcome(outcome: &Outcome, budget: &mut Budget) -> OutcomeRecord {
    let weigh =
        |labels: &Labels| -> usize { labels.iter().map(|(n, v)| n.len() + v.len() + 6).sum::<usize>() + 32 };
    let findings = outcome.findings.iter().map_while(|finding| {
        let labels: Labels = finding.labels().collect();
        let annotations = finding.annotations.iter().map(|(n, v)| n.len() + v.len() + 6);
        let fits = budget.take(weigh(&labels) + annotations.sum::<usize>());
        fits.then(|| FindingRecord {
            labels: label_map(labels.iter()),
            value: number(finding.value),
            annotations: finding.annotations.iter().cloned().collect(),
        })
    });
    let findings = findings.collect();
    let samples = outcome.samples.iter().map_while(|sample| {
        let labels = sample.labels.to_labels();
        budget.take(weigh(&labels)).then(|| SampleRecord {
            labels: label_map(labels.iter()),
            value: number(sample.value),
        })
    });
    let samples = samples.collect();
    OutcomeRecord {
        error: None,
        findings_count: outcome.findings.len() as u64,
        findings,
        samples_count: outcome.samples.len() as u64,
        samples,
    }
}

pub(crate) fn effects(effects: &Effects, transitions: &[Transition], budget: &mut Budget) -> EffectsRecord {
    let metrics = effects.metrics.iter().map(|update| {
        let (kind, value) = match update.change {
            MetricChange::Count(by) => ("count", by),
            MetricChange::Gauge(value) => ("gauge", value),
            MetricChange::Observe(value) => ("observe", value),
        };
        MetricRecord {
            name: update.name.clone(),
            labels: label_map(update.labels.iter()),
            kind: kind.into(),
            value: number(value),
        }
    });
    let transitions = transitions.iter().take_while(|transition| {
        budget.take(
            transition
                .labels
                .iter()
                .map(|(n, v)| n.len() + v.len() + 6)
                .sum::<usize>()
                + 64,
        )
    });
    EffectsRecord {
        state: effects
            .state
            .iter()
            .map(|(key, value)| (key.clone(), value.as_ref().map(|value| BASE64.encode(value))))
            .collect(),
        timers: effects
            .timers
            .iter()
            .map(|(name, timer)| (name.clone(), timer.as_ref().map(|timer| timer.due_ms)))
            .collect(),
        log: log_records(&effects.log),
        metrics: metrics.collect(),
        transitions: transitions
            .map(|transition| TransitionRecord {
                labels: label_map(transition.labels.iter()),
                from: transition.from.map(|state| state.as_str().to_owned()),
                to: transition.to.map(|state| state.as_str().to_owned()),
                reason: transition.reason.as_str().to_owned(),
            })
            .collect(),
        ..EffectsRecord::default()
    }
}

/// The records of an evaluation that failed.
pub(crate) fn failed(fault: &Fault, log: &[LogLine]) -> (OutcomeRecord, EffectsRecord) {
    let error = CodeMessage {
        code: fault.code.as_str().into(),
        message: fault.message.clone(),
    };
    let outcome = OutcomeRecord {
        error: Some(error),
        ..OutcomeRecord::default()
    };
    let effects = EffectsRecord {
        log: log_records(log),
        ..EffectsRecord::default()
    };
    (outcome, effects)
}

fn log_records(lines: &[LogLine]) -> Vec<LogRecord> {
    lines
        .iter()
        .map(|line| LogRecord {
            level: line.level.as_str().into(),
            message: line.message.clone(),
            fields: line.fields.iter().cloned().collect(),
        })
        .collect()
}

/// A number as a text that reads back to the same number: `NaN`, `+Inf`, `-Inf`,
/// and otherwise as short as it can be.
#[must_use]
pub(crate) fn number(value: f64) -> String {
    const LONGEST_PLAIN: std::ops::Range<f64> = 1e-7..1e21;
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else if value == 0.0 || LONGEST_PLAIN.contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// Labels as JSON shows them.
pub(crate) fn label_map<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> LabelMap {
    labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A record as the bytes that are kept: JSON, compressed when it is long.
///
/// # Errors
/// A value that JSON cannot hold; there is none.
pub(crate) fn encode(record: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_vec(record)?;
    if json.len() <= COMPRESS_ABOVE_BYTES {
        return Ok(json);
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing to memory cannot fail; if it did, the record is kept as it is.
    match encoder.write_all(&json).and_then(|()| encoder.finish()) {
        Ok(compressed) => Ok(compressed),
        Err(_) => Ok(json),
    }
}

/// Reads what [`encode`] made.
///
/// # Errors
/// The bytes are not such a record.
pub(crate) fn decode<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
    if bytes.starts_with(&GZIP_MAGIC) {
        let reader = flate2::read::GzDecoder::new(bytes).take(RECORD_BYTES_MAX);
        return serde_json::from_reader(std::io::BufReader::new(reader));
    }
    serde_json::from_slice(bytes)
}

#[cfg(test)]
mod tests;
