use wasmalert_core::sample::is_stale;

use super::*;

fn values(text: &str) -> Vec<Option<f64>> {
    parse_values(text).unwrap()
}

#[test]
fn items_expand() {
    assert_eq!(values("1 -2.5 3e2"), [Some(1.0), Some(-2.5), Some(300.0)]);
    assert_eq!(values("1x3"), [Some(1.0); 4]);
    assert_eq!(values("0+10x3"), [Some(0.0), Some(10.0), Some(20.0), Some(30.0)]);
    assert_eq!(values("100-20x2"), [Some(100.0), Some(80.0), Some(60.0)]);
    assert_eq!(values("-1+1x1"), [Some(-1.0), Some(0.0)]);
    assert_eq!(values("1e-2+1e+1x1"), [Some(0.01), Some(10.01)]);
    assert_eq!(values("_ 1\t_x2"), [None, Some(1.0), None, None]);
    assert_eq!(
        values("+Inf -Inf"),
        [Some(f64::INFINITY), Some(f64::NEG_INFINITY)]
    );
    assert!(values("NaN")[0].is_some_and(|value| value.is_nan() && !is_stale(value)));
    assert!(values("stale")[0].is_some_and(is_stale));
    assert_eq!(values("0x2"), [Some(0.0); 3]);
    assert_eq!(values(""), []);
}

#[test]
fn a_line_is_a_series_and_its_values() {
    for (line, labels, count) in [
        (r#"up{job="a b"} 1 2"#, r#"{__name__="up", job="a b"}"#, 2),
        ("up 1x4", r#"{__name__="up"}"#, 5),
        (r#"up {x="}"} 1"#, r#"{__name__="up", x="}"}"#, 1),
        ("{} 1", "{}", 1),
        (
            r#"{"with space", a="\"}"}"#,
            r#"{__name__="with space", a="\"}"}"#,
            0,
        ),
        ("job:up:sum\t7", r#"{__name__="job:up:sum"}"#, 1),
    ] {
        let described = parse_series(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(
            (described.labels.to_string().as_str(), described.values.len()),
            (labels, count),
            "{line}"
        );
    }
}

#[test]
fn errors_have_their_place_in_the_line() {
    for (line, wanted) in [
        ("up 1 two", "1:6: bad sample \"two\""),
        ("up 1 {{sum:1}}", "1:6: not supported: native histograms"),
        ("up _x0", "1:4: bad sample \"_x0\""),
        ("up 1x9999999999", "1:4: more than 1000000 samples in one line"),
        ("up 1+2", "1:4: bad sample \"1+2\""),
        (
            "up{a!=\"b\"} 1",
            "1:1: a series has labels, not matchers: a!=\"b\"",
        ),
        ("up offset 5m", "1:4: bad sample \"offset\""),
    ] {
        assert_eq!(parse_series(line).expect_err(line).to_string(), wanted, "{line}");
    }
}
