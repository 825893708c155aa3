//! What each target does with an input. It panics where something is wrong.

use wasmalert_core::Labels;
use wasmalert_core::frame::Frame;
use wasmalert_core::sample::{Sample, stale_nan};
use wasmalert_core::units::parse_duration_ms;
use wasmalert_ingest::answer::{self, Answer};
use wasmalert_ingest::limits::{LabelLimits, WriteLimits};
use wasmalert_ingest::remote_write::{self, WriteRequest};
use wasmalert_ingest::text::{Format, Line, Parser};
use wasmalert_promql::{Limits, MemoryStorage, Options, Query, Value, notation};

/// Reads an exposition in both formats, and again with each series text known
/// beforehand: the lines are the same.
pub fn text(input: &[u8]) {
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let (Ok(mut parser), Ok(mut knowing)) = (Parser::new(format, input), Parser::new(format, input))
        else {
            return;
        };
        while let Ok(Some(line)) = parser.next(None) {
            let expected = match &line {
                Line::Sample(sample) => Some(sample.series.text),
                _ => None,
            };
            let again = knowing.next(expected).expect("a known series is read again");
            assert_eq!(format!("{:?}", Some(&line)), format!("{again:?}"));
            if let Line::Sample(sample) = line
                && let Ok(labels) = sample.series.labels()
            {
                assert!(labels.get("__name__").is_some(), "{labels}");
            }
        }
    }
}

/// Reads a request, compressed and not; what is read is written and read again.
pub fn remote_write(input: &[u8]) {
    let limits = WriteLimits {
        body_bytes: 1 << 20,
        decoded_bytes: 1 << 20,
        series_per_request: 1_000,
        samples_per_request: 10_000,
        labels: LabelLimits::default(),
    };
    let compressed = snap::raw::Encoder::new()
        .compress_vec(input)
        .expect("a small input");
    for body in [input, &compressed] {
        let Ok(request) = remote_write::decode(body, &limits) else {
            continue;
        };
        let encoded = remote_write::encode(request.iter()).expect("a small request");
        let again = remote_write::decode(&encoded, &limits).expect("what was written is read");
        assert_eq!(parts(&request), parts(&again));
    }
}

/// Labels, and times with the bits of values.
fn parts(request: &WriteRequest) -> Vec<(Labels, Vec<(i64, u64)>)> {
    let bits = |sample: &Sample| (sample.timestamp_ms, sample.value.to_bits());
    request
        .iter()
        .map(|(labels, samples)| (labels.clone(), samples.iter().map(bits).collect()))
        .collect()
}

/// Bytes of a frame for each byte of an answer, at most, and those of an empty one.
const FRAME_BYTES_PER_BYTE: usize = 32;
const FRAME_BYTES_EMPTY: usize = 1 << 10;

/// Reads an answer of a source. Its columns agree, and it is not much larger than
/// the answer; an error says little of it.
pub fn answer(input: &[u8]) {
    match answer::parse(input) {
        Ok(Answer::Data(frame)) => check_frame(&frame, input.len()),
        Ok(Answer::Error { kind, message }) => {
            for text in [kind, message] {
                let is_short = text.len() <= answer::ERROR_BYTES_MAX;
                assert!(is_short && !text.chars().any(char::is_control), "{text:?}");
            }
        }
        // Above that come an ellipsis and the text around.
        Err(why) => assert!(
            !why.is_empty() && why.len() <= answer::ERROR_BYTES_MAX + 8,
            "{why}"
        ),
    }
}

fn check_frame(frame: &Frame, input_bytes: usize) {
    let (series, samples) = (frame.len(), frame.all_values().len());
    assert_eq!(frame.all_timestamps_ms().len(), samples);
    assert_eq!(frame.newest().len(), series);
    assert_eq!(frame.is_instant(), samples == series);
    let mut next = 0;
    for at in 0..series {
        let range = frame.sample_range(at).expect("a series has samples");
        assert!(range.start == next && range.end > next, "{range:?}");
        next = range.end;
        let labels = frame.series_labels(at).expect("a series has labels");
        let names: Vec<&str> = labels.clone().map(|(name, _)| name).collect();
        assert!(names.is_sorted_by(|one, other| one < other), "{names:?}");
        for (name, value) in labels {
            assert!(!value.is_empty(), "{name}");
            let (values, codes) = frame.label_column(name);
            assert_eq!(codes.len(), series);
            assert_eq!(values[codes[at] as usize], value);
        }
        let times = &frame.all_timestamps_ms()[range];
        assert!(times.is_sorted_by(|one, other| one < other), "{times:?}");
    }
    assert_eq!(next, samples);
    assert!(frame.sample_range(series).is_none() && frame.series_labels(series).is_none());
    let bytes_max = FRAME_BYTES_EMPTY + input_bytes * FRAME_BYTES_PER_BYTE;
    assert!(
        frame.bytes() <= bytes_max,
        "{} bytes of {input_bytes}",
        frame.bytes()
    );
}

/// Parses an expression and evaluates it, within tight limits.
pub fn promql(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let limits = Limits {
        expression_bytes: 4_096,
        steps: 500,
        samples_loaded: 10_000,
        result_samples: 20_000,
        label_bytes: 1 << 20,
        fuel: 200_000,
        regex_bytes: 100_000,
        ..Limits::default()
    };
    let Ok(query) = Query::parse(text, &limits) else {
        return;
    };
    let (storage, options) = (
        storage(),
        Options {
            limits,
            ..Options::default()
        },
    );
    for time_ms in [0, 100_000, i64::MAX] {
        if let Ok(outcome) = query.instant(&storage, time_ms, &options) {
            check(&outcome.value, time_ms);
        }
        let end_ms = time_ms.saturating_add(300_000);
        if let Ok(outcome) = query.range(&storage, time_ms, end_ms, 60_000, &options) {
            check(&outcome.value, time_ms);
        }
    }
}

/// Every result is a frame, and no sample of it a stale marker.
fn check(value: &Value, time_ms: i64) {
    let frame = value.to_frame(time_ms).expect("a small result");
    let stale = stale_nan().to_bits();
    assert!(
        frame.all_values().iter().all(|value| value.to_bits() != stale),
        "{value:?}"
    );
}

fn storage() -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    let values = [
        1.0,
        2.0,
        f64::NAN,
        0.0,
        5.5,
        stale_nan(),
        -3.0,
        f64::INFINITY,
        1e300,
        7.0,
    ];
    for name in ["a", "b", "up"] {
        for (job, le) in [("x", "0.1"), ("x", "+Inf"), ("y", ""), ("", "bad")] {
            let labels = Labels::from_iter([("__name__", name), ("job", job), ("le", le)]);
            for (at, value) in values.iter().enumerate() {
                storage.append(&labels, at as i64 * 15_000, *value);
            }
        }
    }
    storage
}

/// Reads a line of series notation; its labels are written and read again.
pub fn series_notation(input: &[u8]) {
    let Ok(line) = std::str::from_utf8(input) else {
        return;
    };
    let _ = parse_duration_ms(line);
    let Ok(described) = notation::parse_series(line) else {
        return;
    };
    assert!(described.values.len() <= notation::SAMPLES_MAX);
    let labels = described.labels;
    let written = labels
        .iter()
        .map(|(name, value)| format!("{}={}", quoted(name), quoted(value)));
    let written = format!("{{{}}}", written.collect::<Vec<_>>().join(","));
    assert_eq!(
        notation::parse_labels(&written).as_ref(),
        Ok(&labels),
        "{written}"
    );
}

/// A string as PromQL writes it, every character escaped.
fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
    format!("\"{escaped}\"")
}
