use std::time::Instant;

use proptest::prelude::*;
use wasmalert_core::frame::Frame;

use super::*;

fn frame(body: &str) -> Frame {
    match parse(body.as_bytes()) {
        Ok(Answer::Data(frame)) => frame,
        other => panic!("{body}: {other:?}"),
    }
}

#[track_caller]
fn check_refused(body: impl AsRef<[u8]>, says: &str) {
    let error = parse(body.as_ref()).expect_err("must be refused");
    assert!(error.contains(says), "{error:?} does not say {says:?}");
    assert!(error.len() <= ERROR_BYTES_MAX + 8, "{} bytes", error.len());
}

fn vector(result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}}}"#)
}

fn matrix(result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{result}}}}}"#)
}

#[test]
fn an_error_is_short_whatever_is_quoted() {
    check_refused(format!("\"{}\"", "\u{7f}".repeat(600)), "invalid type");
}

#[test]
fn what_a_source_says_is_on_one_line() {
    let body = r#"{"status":"error","errorType":"a\rb","error":"one\ntwo \u001b[2J\u009b three"}"#;
    let said = Answer::Error {
        kind: "a b".to_owned(),
        message: "one two  [2J  three".to_owned(),
    };
    assert_eq!(parse(body.as_bytes()), Ok(said));
}

#[test]
fn reads_a_vector() {
    let body = vector(
        r#"[{"metric":{"__name__":"up","job":"a\"\u00e9\\"},"value":[1435781451.781,"1"]},
            {"metric":{},"value":[-0.001,"-2.5e-07"]}]"#,
    );
    let frame = frame(&body);
    assert!(frame.is_instant());
    assert_eq!(frame.all_timestamps_ms(), [1_435_781_451_781, -1]);
    assert_eq!(frame.all_values(), [1.0, -2.5e-7]);
    let labels: Vec<_> = frame.series_labels(0).expect("a series").collect();
    assert_eq!(labels, [("__name__", "up"), ("job", "a\"é\\")]);
    assert_eq!(frame.series_labels(1).expect("a series").len(), 0);
}

#[test]
fn reads_a_matrix() {
    let frame = frame(&matrix(
        r#"[{"metric":{"a":"1"},"values":[[1,"1"],[2.5,"NaN"]]},{"values":[[3,"+Inf"]],"metric":{"a":"2"}}]"#,
    ));
    assert_eq!(frame.sample_offsets(), [0, 2, 3]);
    assert_eq!(frame.all_timestamps_ms(), [1_000, 2_500, 3_000]);
    assert!(frame.all_values()[1].is_nan());
    assert_eq!(frame.all_values()[2], f64::INFINITY);
}

#[test]
fn reads_a_scalar_as_one_series_without_labels() {
    let frame =
        frame(r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000.5,"0x1p-2"]}}"#);
    assert_eq!(frame.all_timestamps_ms(), [1_700_000_000_500]);
    assert_eq!(frame.all_values(), [0.25]);
    assert_eq!(frame.series_labels(0).expect("a series").len(), 0);
}

#[test]
fn reads_fields_in_any_order_and_skips_unknown_ones() {
    let frame = frame(
        r#" {"warnings":["w",{"x":[]}],"data":{"stats":{"a":[1,{}]},"result":[{"x":null,"value":[1,"2"],"metric":{"a":"b"}}],
            "resultType":"vector"},"infos":null,"status":"success"} "#,
    );
    assert_eq!(frame.all_values(), [2.0]);
    assert_eq!(frame.labels_of(0).expect("a series").get("a"), Some("b"));
}

#[test]
fn empty_results_are_empty_frames() {
    for body in [vector("[]"), matrix("[]"), matrix("null")] {
        assert!(frame(&body).is_empty(), "{body}");
    }
}

#[test]
fn reads_an_error_whatever_stands_beside_it() {
    let body =
        r#"{"data":null,"error":"parse error: unexpected end","errorType":"bad_data","status":"error"}"#;
    let expected = Answer::Error {
        kind: "bad_data".to_owned(),
        message: "parse error: unexpected end".to_owned(),
    };
    assert_eq!(parse(body.as_bytes()), Ok(expected));
    let long = format!(
        r#"{{"status":"error","errorType":"x","error":"{}"}}"#,
        "é".repeat(1 << 20)
    );
    let Ok(Answer::Error { message, .. }) = parse(long.as_bytes()) else {
        panic!("an error")
    };
    assert!(message.len() < ERROR_BYTES_MAX);
}

#[test]
fn refuses_what_it_cannot_represent() {
    let with = |result_type: &str, result: &str| {
        format!(r#"{{"status":"success","data":{{"resultType":"{result_type}","result":{result}}}}}"#)
    };
    check_refused(with("string", r#"[1,"text"]"#), "is a string");
    check_refused(with("heatmap", "[]"), "resultType is \"heatmap\"");
    check_refused(
        vector(r#"[{"metric":{},"histogram":[1,{}]}]"#),
        "native histograms are not supported",
    );
    check_refused(
        matrix(r#"[{"metric":{},"histograms":[[1,{}]]}]"#),
        "native histograms",
    );
}

#[test]
fn refuses_what_is_not_the_protocol() {
    check_refused("", "EOF");
    check_refused(
        "<html>not here</html>",
        "expected value at byte 1, near \"<html>not here</html>\"",
    );
    check_refused("[]", "an object with status and data");
    check_refused("{}", "status is \"\"");
    check_refused(r#"{"status":"success"}"#, "no data");
    check_refused(r#"{"status":"success","data":{}}"#, "missing field `result`");
    check_refused(r#"{"status":"success","data":[]}"#, "an object with resultType");
    check_refused(format!("{} x", vector("[]")), "trailing characters");
    check_refused(vector(r#"[{"metric":{}}]"#), "no sample");
    check_refused(vector(r#"[{"metric":{},"values":[[1,"1"]]}]"#), "not a vector");
    check_refused(matrix(r#"[{"metric":{},"value":[1,"1"]}]"#), "not a matrix");
    check_refused(matrix(r#"[{"metric":{},"values":[]}]"#), "no sample");
    check_refused(
        matrix(r#"[{"metric":{},"values":[[2,"1"],[1,"1"]]}]"#),
        "not newer",
    );
    check_refused(
        matrix(r#"[{"metric":{},"values":[[2,"1"],[2,"1"]]}]"#),
        "not newer",
    );
    check_refused(
        vector(r#"[{"metric":{},"value":[1,"one"]}]"#),
        "\"one\" is not a number",
    );
    check_refused(vector(r#"[{"metric":{},"value":[1,1]}]"#), "a number in a string");
    check_refused(vector(r#"[{"metric":{},"value":[1]}]"#), "without time and value");
    check_refused(
        vector(r#"[{"metric":{},"value":[1,"1",2]}]"#),
        "more than time and value",
    );
    check_refused(vector(r#"[{"metric":{},"value":[1e300,"1"]}]"#), "out of range");
    check_refused(vector(r#"[1,"1"]"#), "not a vector");
    check_refused(
        vector(r#"[{"metric":{},"value":[1,"1"],"value":[2,"1"]}]"#),
        "samples in two places",
    );
    check_refused(
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1","1"]}}"#,
        "without a time",
    );
    let twice = r#"{"status":"success","data":{"resultType":"vector","result":[],"result":[]}}"#;
    check_refused(twice, "duplicate field `result`");
    check_refused(b"{\"status\":\"succ\xff\"}", "invalid unicode");
    check_refused(&vector(r#"[{"metric":{"a":"b"},"value":[1,"1"]}"#)[..80], "EOF");
    check_refused(format!(r#"{{"status":{}"#, "[".repeat(1 << 20)), "invalid type");
    check_refused(format!(r#"{{"x":{}"#, "[".repeat(1 << 20)), "at byte");
    check_refused(
        vector(&format!(r#"[{}"#, r#"{"metric":"#.repeat(1 << 16))),
        "at byte",
    );
}

#[test]
fn an_error_says_where_on_a_later_line() {
    let body = "{\n  \"status\": \"success\",\n  \"data\": oops\n}";
    let at = body.find("oops").expect("is there") + 1;
    check_refused(body, &format!("at byte {at}, near "));
}

#[test]
fn duplicate_series_are_kept_for_the_rule_to_judge() {
    let frame = frame(&vector(
        r#"[{"metric":{"a":"1"},"value":[1,"1"]},{"metric":{"a":"1"},"value":[1,"2"]}]"#,
    ));
    assert_eq!(frame.len(), 2);
}

#[test]
fn reads_numbers_as_go_prints_them() {
    let cases = [
        ("0", 0.0),
        ("-0", -0.0),
        ("1e+06", 1e6),
        ("1.7976931348623157e+308", f64::MAX),
        ("5e-324", 5e-324),
        ("+Inf", f64::INFINITY),
        ("-Inf", f64::NEG_INFINITY),
        ("Inf", f64::INFINITY),
        ("0x1p+00", 1.0),
        ("-0x1.8p+01", -3.0),
        ("0x1.fffffffffffffp+1023", f64::MAX),
        ("0x1p-1074", 5e-324),
        ("0x1.00000000000008p+00", 1.0), // a tie goes to the even neighbour
        ("0x1.000000000000080000000001p+00", 1.000_000_000_000_000_2),
        ("0x1p+5000", f64::INFINITY),
        ("0x0p-99999", 0.0),
    ];
    for (text, value) in cases {
        assert_eq!(
            number::parse(text).map(f64::to_bits),
            Some(f64::to_bits(value)),
            "{text}"
        );
    }
    assert!(number::parse("NaN").is_some_and(f64::is_nan));
    for text in ["", "x", "1 ", "0x", "0x1", "0x.p1", "0x1p", "--1", "0xgp1"] {
        assert_eq!(number::parse(text), None, "{text}");
    }
}

type Series = (Vec<(String, String)>, Vec<(i64, f64)>);

/// Names, values and samples; times ascend within a series.
fn series(samples: std::ops::Range<usize>) -> impl Strategy<Value = Series> {
    let text = "[a-c\u{e9}\"\\\\\n\u{1F600}]{1,6}";
    let labels = proptest::collection::btree_map(text, text, 0..4);
    let step = 1..100_000i64;
    let value = prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(-0.0)];
    let samples = proptest::collection::vec((step, value), samples);
    let start = -4_000_000_000_000i64..4_000_000_000_000;
    (labels, start, samples).prop_map(|(labels, mut now, samples)| {
        let ascending = samples.into_iter().map(|(step, value)| {
            now += step;
            (now, value)
        });
        (labels.into_iter().collect(), ascending.collect())
    })
}

fn text_of(value: f64) -> String {
    match value {
        v if v.is_nan() => "NaN".to_owned(),
        v if v.is_infinite() => if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        v => format!("{v}"),
    }
}

fn sample_json((time_ms, value): &(i64, f64)) -> String {
    let sign = if *time_ms < 0 { "-" } else { "" };
    let ms = time_ms.unsigned_abs();
    format!("[{sign}{}.{:03},\"{}\"]", ms / 1_000, ms % 1_000, text_of(*value))
}

fn json_of(series: &[Series], instant: bool, data_first: bool) -> String {
    let items: Vec<String> = series
        .iter()
        .map(|(labels, samples)| {
            let metric: serde_json::Map<String, serde_json::Value> = labels
                .iter()
                .map(|(n, v)| (n.clone(), v.clone().into()))
                .collect();
            let metric = serde_json::Value::from(metric);
            let samples: Vec<String> = samples.iter().map(sample_json).collect();
            if instant {
                format!(r#"{{"metric":{metric},"value":{}}}"#, samples[0])
            } else {
                format!(r#"{{"metric":{metric},"values":[{}]}}"#, samples.join(","))
            }
        })
        .collect();
    let kind = if instant { "vector" } else { "matrix" };
    let data = format!(
        r#""data":{{"resultType":"{kind}","result":[{}]}}"#,
        items.join(",")
    );
    if data_first {
        format!(r#"{{{data},"status":"success"}}"#)
    } else {
        format!(r#"{{"status":"success",{data}}}"#)
    }
}

fn built(series: &[Series]) -> Frame {
    let mut builder = FrameBuilder::new();
    for (labels, samples) in series {
        for (name, value) in labels {
            builder.label(name, value);
        }
        for (time_ms, value) in samples {
            builder.sample(*time_ms, *value);
        }
        builder.end_series().expect("fits");
    }
    builder.finish()
}

#[track_caller]
fn assert_same(parsed: &Frame, expected: &Frame) {
    assert_eq!(parsed.strings(), expected.strings());
    assert_eq!(parsed.sample_offsets(), expected.sample_offsets());
    assert_eq!(parsed.all_timestamps_ms(), expected.all_timestamps_ms());
    let bits = |frame: &Frame| -> Vec<u64> {
        // NaN has many spellings and JSON but one.
        frame
            .all_values()
            .iter()
            .map(|v| if v.is_nan() { f64::NAN } else { *v }.to_bits())
            .collect()
    };
    assert_eq!(bits(parsed), bits(expected));
    for at in 0..expected.len() {
        assert_eq!(parsed.labels_of(at), expected.labels_of(at));
    }
}

proptest! {
    #[test]
    fn a_matrix_survives_the_way_through_json(
        series in proptest::collection::vec(series(1..5), 0..8), first: bool,
    ) {
        assert_same(&frame(&json_of(&series, false, first)), &built(&series));
    }

    #[test]
    fn a_vector_survives_the_way_through_json(
        series in proptest::collection::vec(series(1..2), 0..8), first: bool,
    ) {
        assert_same(&frame(&json_of(&series, true, first)), &built(&series));
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _parsed = parse(&bytes);
    }

    #[test]
    fn damaged_answers_never_panic(
        series in proptest::collection::vec(series(1..3), 1..3), at: prop::sample::Index, byte: u8, cut: bool,
    ) {
        let mut body = json_of(&series, false, false).into_bytes();
        let at = at.index(body.len());
        if cut { body.truncate(at) } else { body[at] = byte }
        if let Err(error) = parse(&body) {
            prop_assert!(error.len() <= ERROR_BYTES_MAX + 8);
        }
    }
}

#[test]
#[ignore = "a measurement: run with --ignored --nocapture"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn time_of_10_000_series() {
    let series: Vec<Series> = (0..10_000)
        .map(|at| {
            let label = |name: &str, value: String| (name.to_owned(), value);
            let labels = vec![
                label("__name__", "http_requests_total".to_owned()),
                label("cluster", format!("c{}", at % 3)),
                label("instance", format!("10.0.{}.{}:9090", at / 250, at % 250)),
                label("job", "api".to_owned()),
                label("namespace", format!("ns{}", at % 40)),
                label("pod", format!("api-{at:05}")),
            ];
            (labels, vec![(1_700_000_000_123, f64::from(at) * 1.37)])
        })
        .collect();
    let body = json_of(&series, true, false);
    let mut best = f64::MAX;
    for _ in 0..20 {
        let started = Instant::now();
        let answer = parse(body.as_bytes());
        best = best.min(started.elapsed().as_secs_f64());
        assert!(matches!(answer, Ok(Answer::Data(frame)) if frame.len() == 10_000));
    }
    eprintln!("{} bytes, best of 20: {:.2} ms", body.len(), best * 1e3);
}
