//! Labels as a component gives them.

use super::*;
use crate::frame::FrameBuilder;

fn frame() -> Arc<Frame> {
    let mut frame = FrameBuilder::new();
    for instance in ["a", "b"] {
        frame.label("__name__", "up");
        frame.label("instance", instance);
        frame.label("job", "node");
        frame.sample(0, 1.0);
        frame.end_series().unwrap();
    }
    Arc::new(frame.finish())
}

fn own(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    owned.collect()
}

fn given(series: u32, labels: &[(&str, &str)]) -> GivenLabels {
    GivenLabels::of_series(&frame(), series, own(labels)).unwrap()
}

#[test]
fn own_labels_win_and_empty_ones_remove() {
    let given = given(1, &[("job", "mine"), ("instance", ""), ("team", "x")]);
    assert_eq!(given.to_string(), r#"{__name__="up", job="mine", team="x"}"#);
    assert_eq!((given.get("job"), given.get("instance")), (Some("mine"), None));
    assert_eq!((given.get("__name__"), given.get("absent")), (Some("up"), None));
    assert!(given.len_max() >= given.to_labels().len());
}

#[test]
fn a_series_that_is_not_there_has_no_labels() {
    assert!(GivenLabels::of_series(&frame(), 2, Vec::new()).is_none());
    assert!(GivenLabels::of_series(&Arc::default(), 0, Vec::new()).is_none());
}

#[test]
fn labels_are_the_same_wherever_they_lie() {
    let apart: GivenLabels = [("job", "node"), ("instance", "a"), ("__name__", "up")]
        .into_iter()
        .collect();
    assert_eq!(apart, given(0, &[]));
    assert_ne!(apart, given(1, &[]));
    assert_eq!(apart, given(1, &[("instance", "a")]));
}

#[test]
fn a_finding_is_not_told_apart_by_the_metrics_name() {
    for labels in [&[][..], &[("__name__", "other")]] {
        let finding = Finding {
            given: given(0, labels),
            value: 1.0,
            annotations: Vec::new(),
        };
        let names: Vec<_> = finding.labels().map(|label| label.0).collect();
        assert_eq!(names, ["instance", "job"]);
    }
}
