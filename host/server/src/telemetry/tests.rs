//! What is rendered is read back by a strict reader.

mod host;
mod reader;
mod rules;

use super::exposition::Exposition;
use reader::read;

fn text_of(value: f64) -> String {
    wasmalert_core::number::go(value)
}

#[test]
fn values_are_written_as_prometheus_writes_them() {
    for (value, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.005, "0.005"),
        (100_000.0, "100000"),
        (999_999.5, "999999.5"),
        (1_000_000.0, "1e+06"),
        (123_456_789.0, "1.23456789e+08"),
        (0.0001, "0.0001"),
        (0.000_01, "1e-05"),
        (-2.5e-7, "-2.5e-07"),
        (1e100, "1e+100"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
    ] {
        assert_eq!(text_of(value), text);
    }
}

proptest::proptest! {
    #[test]
    fn values_and_labels_survive(value: f64, label in ".*", help in ".*") {
        let mut out = Exposition::default();
        out.family("a", "gauge", &help);
        out.sample("a", "", &[("b", &label)], value);
        let families = read(&out.finish());
        let (labels, read) = families["a"].samples.iter().next().expect("a sample");
        proptest::prop_assert_eq!(&families["a"].help, &help);
        proptest::prop_assert_eq!(&labels.1["b"], &label);
        proptest::prop_assert!(read.to_bits() == value.to_bits() || (read.is_nan() && value.is_nan()));
    }
}

#[test]
#[should_panic(expected = "appears twice")]
fn the_reader_refuses_a_family_that_appears_twice() {
    read("# HELP a b\n# TYPE a gauge\na 1\n# HELP a b\n# TYPE a gauge\na 1\n");
}

#[test]
#[should_panic(expected = "is not of the family")]
fn the_reader_refuses_a_sample_of_another_family() {
    read("# HELP a b\n# TYPE a gauge\nb 1\n");
}

#[test]
#[should_panic(expected = "buckets shrink")]
fn the_reader_refuses_shrinking_buckets() {
    read(
        "# HELP a b\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
    );
}
