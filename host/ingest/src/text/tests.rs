//! Exposition texts and what is read from them.

use proptest::prelude::*;

use super::*;
use crate::NORMAL_NAN_BITS;
use wasmalert_core::Labels;
use wasmalert_core::sample::STALE_NAN_BITS;

/// Reads a text and writes down, a line each, what it says.
fn told(format: Format, text: &str) -> Result<String, String> {
    let mut parser = Parser::new(format, text.as_bytes()).map_err(|error| error.to_string())?;
    let mut told = String::new();
    while let Some(line) = parser.next(None).map_err(|error| error.to_string())? {
        let line = match line {
            Line::Type { metric, kind } => format!("type {metric}: {kind:?}"),
            Line::Help { metric, help } => format!("help {metric}: {help:?}"),
            Line::Unit { metric, unit } => format!("unit {metric}: {unit}"),
            Line::Sample(sample) => {
                let labels = sample.series.labels().map_err(|error| error.to_string())?;
                let time = sample.timestamp_ms.map_or(String::new(), |ms| format!(" @{ms}"));
                format!("{labels} = {}{time}", sample.value)
            }
        };
        told.push_str(&line);
        told.push('\n');
    }
    assert_eq!(parser.next(None), Ok(None), "the end stays the end");
    Ok(told)
}

#[track_caller]
fn check(format: Format, text: &str, expected: &str) {
    assert_eq!(told(format, text).as_deref(), Ok(expected));
}

#[track_caller]
fn refused(format: Format, text: &str, expected: &str) {
    assert_eq!(told(format, text).err().as_deref(), Some(expected));
}

const PROMETHEUS_TEXT: &str = include_str!("testdata/all.prom.txt");
const OPENMETRICS_TEXT: &str = include_str!("testdata/all.om.txt");

#[test]
fn everything_the_prometheus_format_has() {
    check(
        Format::Prometheus,
        PROMETHEUS_TEXT,
        include_str!("testdata/all.prom.golden"),
    );
}

#[test]
fn everything_openmetrics_has() {
    check(
        Format::OpenMetrics,
        OPENMETRICS_TEXT,
        include_str!("testdata/all.om.golden"),
    );
}

#[test]
fn the_last_newline_of_the_prometheus_format_may_be_absent() {
    check(Format::Prometheus, "a 1", "{__name__=\"a\"} = 1\n");
    check(Format::Prometheus, "a 1 5", "{__name__=\"a\"} = 1 @5\n");
    check(Format::Prometheus, "", "");
    check(Format::Prometheus, "#", "");
    check(Format::Prometheus, "# HELP a", "help a: \"\"\n");
}

#[test]
fn values_are_gos() {
    let value = |text: &str| {
        let text = format!("a {text}\n");
        let mut parser = Parser::new(Format::Prometheus, text.as_bytes()).unwrap();
        match parser.next(None) {
            Ok(Some(Line::Sample(sample))) => Some(sample.value.to_bits()),
            _ => None,
        }
    };
    for (text, expected) in [
        ("+Inf", f64::INFINITY),
        ("-inf", f64::NEG_INFINITY),
        ("Infinity", f64::INFINITY),
        (".5", 0.5),
        ("5.", 5.0),
        ("+1e3", 1000.0),
        ("-0", -0.0),
        ("1E-400", 0.0),
        ("1.7976931348623157e308", f64::MAX),
    ] {
        assert_eq!(value(text), Some(expected.to_bits()), "{text}");
    }
    assert_eq!(value("nAn"), Some(NORMAL_NAN_BITS));
    assert_ne!(NORMAL_NAN_BITS, STALE_NAN_BITS);
    for text in [
        "1e400", "-1e400", "+nan", "-NaN", "1_000", "0x1p-2", "0x10", "1,5", ".", "e", "true",
    ] {
        assert_eq!(value(text), None, "{text}");
    }
}

#[test]
fn prometheus_errors_name_line_column_and_what_is_expected() {
    for (text, error) in [
        (
            "a",
            "line 1, column 2: expected a value (a number), found the end of the text",
        ),
        (
            "ok 1\na\n",
            "line 2, column 2: expected a value (a number), found the end of the line",
        ),
        (
            "a{b='c'} 1",
            "line 1, column 5: expected a label value in double quotes, found `\\'c\\'} 1`",
        ),
        (
            "a{b=\"c} 1",
            "line 1, column 5: expected a label value in double quotes, found `\\\"c} 1`",
        ),
        (
            "a{=\"c\"} 1",
            "line 1, column 3: expected a label name or a closing brace, found `=\\\"c\\\"} 1`",
        ),
        (
            "a{b=\"ü\",é=\"1\"} 1",
            "line 1, column 9: expected a label name or a closing brace, found `é=\\\"1\\\"} 1`",
        ),
        (
            "a{b} 1",
            "line 1, column 4: expected an equals sign after the label name, found `} 1`",
        ),
        (
            "{b=\"c\"} 1",
            "line 1, column 1: expected a metric name before or in the braces, found `{b=\\\"c\\\"} 1`",
        ),
        (
            "a{\"b\"} 1",
            "line 1, column 3: expected a label: there is a metric name already, found `\\\"b\\\"} 1`",
        ),
        (
            "a 1_2",
            "line 1, column 3: expected a value (a number), found `1_2`",
        ),
        (
            "a 1 -5",
            "line 1, column 5: expected a timestamp (milliseconds since 1970) or the end of the line, found `-5`",
        ),
        (
            "a 1 1.5",
            "line 1, column 6: expected the end of the line, found `.5`",
        ),
        (
            "a 1 99999999999999999999",
            "line 1, column 5: expected a timestamp (milliseconds since 1970) or the end of the line, found `99999999999999999999`",
        ),
        (
            "a 1\r\n",
            "line 1, column 3: expected a value (a number), found `1\\r`",
        ),
        (
            "# TYPE a info\n",
            "line 1, column 10: expected a metric type (counter, gauge, histogram, summary or untyped), found `info`",
        ),
        (
            "# TYPE #\n",
            "line 1, column 8: expected a metric name, found `#`",
        ),
        (
            "1a 1",
            "line 1, column 1: expected a metric name, or a brace, found `1a 1`",
        ),
        (
            "a 1\n\0",
            "line 2, column 1: expected a metric name, or a brace, found `\\0`",
        ),
    ] {
        refused(Format::Prometheus, text, error);
    }
    let error = Parser::new(Format::Prometheus, b"a 1\nb{c=\"\xff\"} 1")
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "line 2, column 6: expected UTF-8, found the byte 0xff"
    );
}

#[test]
fn openmetrics_errors_name_line_column_and_what_is_expected() {
    for (text, error) in [
        (
            "",
            "line 1, column 1: expected `# EOF` as the last line, found the end of the text",
        ),
        (
            "a 1\n",
            "line 2, column 1: expected `# EOF` as the last line, found the end of the text",
        ),
        (
            "a 1",
            "line 1, column 4: expected the end of the line, and `# EOF` as the last, found the end of the text",
        ),
        (
            "# EOF\na 1\n",
            "line 2, column 1: expected nothing after `# EOF`, found `a 1`",
        ),
        (
            "\n# EOF\n",
            "line 1, column 1: expected a metric name, or a brace, found the end of the line",
        ),
        (
            "# a comment\n# EOF\n",
            "line 1, column 3: expected `HELP `, `TYPE `, `UNIT ` or `EOF` after `# `, found `a comment`",
        ),
        (
            "a  1\n# EOF\n",
            "line 1, column 3: expected a value (a number), found ` 1`",
        ),
        (
            "a{b=\"c\", d=\"e\"} 1\n# EOF\n",
            "line 1, column 9: expected a label name or a closing brace, found ` d=\\\"e\\\"} 1`",
        ),
        (
            "a{b=\"c\"d=\"e\"} 1\n# EOF\n",
            "line 1, column 8: expected a comma or a closing brace, found `d=\\\"e\\\"} 1`",
        ),
        (
            "a{b=\"c\nd\"} 1\n# EOF\n",
            "line 1, column 5: expected a label value in double quotes, found `\\\"c`",
        ),
        (
            "a 1 NaN\n# EOF\n",
            "line 1, column 5: expected a timestamp (seconds since 1970), found `NaN`",
        ),
        (
            "a 1 # {b=\"c\"}\n# EOF\n",
            "line 1, column 14: expected a space and a value, found the end of the line",
        ),
        (
            "a 1 # {\"b\"} 1\n# EOF\n",
            "line 1, column 8: expected a label: there is a metric name already, found `\\\"b\\\"} 1`",
        ),
        (
            "# UNIT a_bytes seconds\n# EOF\n",
            "line 1, column 16: expected a unit that the metric's name ends in, found `seconds`",
        ),
        (
            "# TYPE a untyped\n# EOF\n",
            "line 1, column 10: expected a metric type (counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown), found `untyped`",
        ),
    ] {
        refused(Format::OpenMetrics, text, error);
    }
}

#[test]
fn labels_that_no_series_may_have() {
    for (text, error) in [
        (
            "a{b=\"1\",c=\"\",b=\"2\"} 1",
            "`a{b=\\\"1\\\",c=\\\"\\\",b=\\\"2\\\"}` has the label `b` twice",
        ),
        (
            "a{__name__=\"b\"} 1",
            "`a{__name__=\\\"b\\\"}` has the label `__name__` twice",
        ),
        (
            "{\"a\",\"\"=\"b\"} 1",
            "`{\\\"a\\\",\\\"\\\"=\\\"b\\\"}` has a label without a name",
        ),
        ("{\"\"} 1", "`{\\\"\\\"}` has no metric name"),
    ] {
        refused(Format::Prometheus, text, error);
    }
}

#[test]
fn bounds_of_buckets_are_written_as_by_go() {
    for (value, expected) in [
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (1.0, "1.0"),
        (-1.0, "-1.0"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (100_000.0, "100000.0"),
        (1_000_000.0, "1e+06"),
        (1_234_567.0, "1.234567e+06"),
        (123_456.5, "123456.5"),
        (1e100, "1e+100"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(number::canonical(value), expected);
    }
}

#[test]
fn an_expected_series_text_is_taken_only_when_it_is_the_whole_one() {
    for (line, expected) in [
        ("a 1", "a"),
        ("ab 1", "a"),
        ("a{b=\"c\"} 1", "a"),
        ("a {b=\"c\"} 1", "a"),
        ("a \t{b=\"c\"} 1", "a"),
        ("a{b=\"c\"} 1", "a{b=\"c\"}"),
        ("a{b=\"c\"} 1", "a{b=\"d\"}"),
        ("a", "a"),
    ] {
        let first = |expected: Option<&str>| {
            let mut parser = Parser::new(Format::Prometheus, line.as_bytes()).unwrap();
            format!("{:?}", parser.next(expected))
        };
        assert_eq!(first(Some(expected)), first(None), "{line}, {expected}");
    }
}

#[test]
fn the_content_type_chooses_the_format() {
    let format =
        |header, fallback| Format::of_content_type(header, fallback).map_err(|error| error.to_string());
    for header in [
        "text/plain",
        "text/plain; version=0.0.4; charset=utf-8",
        "Text/Plain;version=1.0.0",
    ] {
        assert_eq!(format(Some(header), None), Ok(Format::Prometheus));
    }
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(
        format(Some(openmetrics), Some(Format::Prometheus)),
        Ok(Format::OpenMetrics)
    );
    assert_eq!(format(None, Some(Format::Prometheus)), Ok(Format::Prometheus));
    assert_eq!(
        format(Some("text/html"), Some(Format::OpenMetrics)),
        Ok(Format::OpenMetrics)
    );
    let error = format(Some("application/json"), None).unwrap_err();
    assert!(
        error.starts_with("Content-Type is `application/json`, expected text/plain"),
        "{error}"
    );
    assert!(format(None, None).is_err());
    assert!(ACCEPT.starts_with("application/openmetrics-text;version=1.0.0") && !ACCEPT.contains("protobuf"));
}

/// One change to a text: a place, how much to take out, what to put in.
type Change = (prop::sample::Index, usize, Vec<u8>);

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let put = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        prop::sample::select(vec![
            "{", "}", "\"", "\\", "\n", "# ", " ", ",", "=", "é", "# EOF\n", "1e999"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, put), 1..5)
}

fn changed(text: &str, changes: Vec<Change>) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (place, out, put) in changes {
        let at = place.index(bytes.len() + 1);
        let end = bytes.len().min(at + out);
        bytes.splice(at..end, put);
    }
    bytes
}

/// Reads all there is; a text that is expected may change nothing.
fn read_all(format: Format, body: &[u8], expected: Option<&str>) -> String {
    let mut told = String::new();
    let mut parser = match Parser::new(format, body) {
        Ok(parser) => parser,
        Err(error) => return error.to_string(),
    };
    loop {
        match parser.next(expected) {
            Ok(Some(Line::Sample(sample))) => {
                assert!(sample.value.to_bits() != STALE_NAN_BITS);
                told += &format!("{sample:?} {:?}", sample.series.labels());
            }
            Ok(Some(line)) => told += &format!("{line:?}"),
            Ok(None) => return told,
            Err(error) => return told + &error.to_string(),
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(Format::Prometheus, &body, None);
        read_all(Format::OpenMetrics, &body, None);
    }

    #[test]
    fn no_changed_text_panics(changes in changes(), expected in prop::option::of("[a-z_]{1,8}|go_info\\{v=\"1\"\\}")) {
        for (format, text) in [(Format::Prometheus, PROMETHEUS_TEXT), (Format::OpenMetrics, OPENMETRICS_TEXT)] {
            let body = changed(text, changes.clone());
            let told = read_all(format, &body, None);
            prop_assert_eq!(told, read_all(format, &body, expected.as_deref()));
        }
    }

    #[test]
    fn any_labels_and_values_are_read_back(
        name in "\\PC{1,8}",
        labels in prop::collection::btree_map("\\PC{1,6}", "[\\PC\\n]{1,8}", 0..5),
        value in any::<f64>(),
        time_ms in prop::option::of(0..i64::MAX),
    ) {
        let quoted = |text: &str| {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
        };
        let mut text = format!("{{{}", quoted(&name));
        let mut expected = Labels::new();
        for (name, value) in &labels {
            text += &format!(",{}={}", quoted(name), quoted(value));
            expected.set(name, value);
        }
        expected.set("__name__", &name);
        text += &format!("}} {value}");
        if let Some(time_ms) = time_ms {
            text += &format!(" {time_ms}");
        }
        let mut parser = Parser::new(Format::Prometheus, text.as_bytes()).unwrap();
        let Ok(Some(Line::Sample(sample))) = parser.next(None) else {
            panic!("no sample: {text}");
        };
        if !labels.contains_key("__name__") {
            prop_assert_eq!(sample.series.labels(), Ok(expected));
        }
        prop_assert_eq!(sample.timestamp_ms, time_ms);
        prop_assert!(sample.value.to_bits() == value.to_bits() || value.is_nan() && sample.value.is_nan());
    }
}
