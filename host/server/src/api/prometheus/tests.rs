//! Parameters and numbers as Prometheus has them.

use wasmalert_core::Labels;
use wasmalert_core::query::QueryTime;
use wasmalert_promql::{Sample, Series, Value};

use super::answer::{data, number};
use super::params::{Params, parse_time};

#[test]
fn numbers_are_written_as_go_does() {
    for (value, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (9.5e-7, "9.5e-07"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e-300, "-1.5e-300"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
    ] {
        assert_eq!(number(value), text);
    }
}

#[test]
fn times_are_seconds_or_rfc_3339() {
    for (text, ms) in [
        ("0", Some(0)),
        ("1435781451.781", Some(1_435_781_451_781)),
        ("-1.5", Some(-1_500)),
        ("2015-07-01T20:10:51.781Z", Some(1_435_781_451_781)),
        ("1969-12-31T23:59:59Z", None),
        ("NaN", None),
        ("1e300", None),
        ("yesterday", None),
    ] {
        assert_eq!(parse_time(text), ms, "{text}");
    }
}

#[test]
fn parameters_come_from_the_url_and_from_the_form() {
    let params = Params::new(
        Some("start=10&match%5B%5D=up&limit=0"),
        "end=20&step=1m&match[]=a%7Bb%3D%22c%22%7D",
    );
    assert_eq!(params.all("match[]"), ["up", r#"a{b="c"}"#]);
    assert_eq!(params.limit(7).unwrap(), 7);
    assert_eq!(
        params.range().unwrap(),
        QueryTime::Range {
            start_ms: 10_000,
            end_ms: 20_000,
            step_ms: 60_000
        }
    );
    for wrong in [
        "start=20&end=10&step=1",
        "start=1&end=2&step=0",
        "start=1&end=2&step=x",
        "start=1&end=2",
    ] {
        assert!(Params::new(Some(wrong), "").range().is_err(), "{wrong}");
    }
}

#[test]
fn results_have_prometheus_shapes() {
    let labels: Labels = [("__name__", "up"), ("job", "a")].into_iter().collect();
    let vector = Value::Vector(vec![Sample {
        metric: labels.clone().into(),
        value: 1.0,
    }]);
    let matrix = Value::Matrix(vec![Series {
        metric: labels.into(),
        timestamps_ms: vec![1_000, 2_500],
        values: vec![1.0, f64::NAN],
    }]);
    for (value, json) in [
        (
            Value::Scalar(1.5),
            r#"{"resultType":"scalar","result":[1,"1.5"]}"#,
        ),
        (
            Value::String("é".into()),
            r#"{"resultType":"string","result":[1,"é"]}"#,
        ),
        (
            vector,
            r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1,"1"]}]}"#,
        ),
        (
            matrix,
            r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[1,"1"],[2.5,"NaN"]]}]}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&data(&value, 1_000)).unwrap(), json);
    }
}
