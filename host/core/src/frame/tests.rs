//! Frames and their builder.

use proptest::prelude::*;

use super::*;

type Series = (Vec<(String, String)>, Vec<(i64, f64)>);

fn build(all: &[Series]) -> Frame {
    let mut builder = FrameBuilder::new();
    for (labels, samples) in all {
        labels.iter().for_each(|(name, value)| builder.label(name, value));
        samples
            .iter()
            .for_each(|(at_ms, value)| builder.sample(*at_ms, *value));
        builder.end_series().unwrap();
    }
    builder.finish()
}

#[test]
fn an_empty_frame_has_no_series() {
    for frame in [
        Frame::default(),
        FrameBuilder::new().finish(),
        FrameBuilder::default().finish(),
    ] {
        assert!(frame.is_empty() && frame.is_instant());
        assert_eq!((frame.labels_of(0), frame.sample_range(0)), (None, None));
        assert_eq!(frame.label_column("a"), (vec![], vec![]));
        assert_eq!(frame.newest().len(), 0);
    }
}

#[test]
fn a_default_builder_builds_like_a_new_one() {
    let mut builder = FrameBuilder::default();
    builder.label("a", "1");
    builder.sample(1, 2.0);
    builder.end_series().unwrap();
    assert_eq!(
        (builder.len(), builder.finish().labels_of(0)),
        (1, Some([("a", "1")].into_iter().collect()))
    );
}

#[test]
fn a_series_without_samples_is_refused_and_leaves_no_trace() {
    let mut builder = FrameBuilder::new();
    builder.label("gone", "1");
    assert_eq!(builder.end_series(), Err(FrameError::NoSample));
    builder.label("a", "1");
    builder.sample(1, 2.0);
    builder.end_series().unwrap();
    let frame = builder.finish();
    assert_eq!(
        (frame.len(), frame.labels_of(0)),
        (1, Some([("a", "1")].into_iter().collect()))
    );
}

#[test]
fn a_series_that_was_not_closed_is_left_out() {
    let mut builder = FrameBuilder::new();
    builder.sample(1, 1.0);
    builder.end_series().unwrap();
    builder.label("a", "1");
    builder.sample(2, 2.0);
    let frame = builder.finish();
    assert_eq!(
        (frame.len(), frame.all_values(), frame.all_timestamps_ms()),
        (1, &[1.0][..], &[1][..])
    );
    assert!(frame.is_instant());
}

#[test]
fn texts_are_stored_once() {
    let labels = vec![("job".to_owned(), "job".to_owned())];
    let frame = build(&vec![(labels, vec![(0, 0.0)]); 100]);
    assert_eq!(frame.strings().len(), 1);
}

fn all_series() -> impl Strategy<Value = Vec<Series>> {
    let label = ("[a-c]", prop_oneof![Just(String::new()), "[x-z]"]);
    let labels = proptest::collection::vec(label, 0..6);
    let samples = proptest::collection::vec((any::<i64>(), -9.0..9.0), 1..4);
    proptest::collection::vec((labels, samples), 0..12)
}

/// The labels a series is to have: the first of equal names, no empty value.
fn labels_wanted((labels, _): &Series) -> Labels {
    labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .rev()
        .cloned()
        .collect()
}

proptest! {
    #[test]
    fn what_was_built_is_what_is_read(all in all_series()) {
        let frame = build(&all);
        prop_assert_eq!(frame.len(), all.len());
        prop_assert_eq!(frame.is_instant(), all.iter().all(|(_, samples)| samples.len() == 1));
        for (at, series) in all.iter().enumerate() {
            prop_assert_eq!(frame.labels_of(at), Some(labels_wanted(series)));
            let names: Vec<&str> = frame.series_labels(at).unwrap().map(|label| label.0).collect();
            prop_assert!(names.is_sorted());
            let range = frame.sample_range(at).unwrap();
            let times = frame.all_timestamps_ms()[range.clone()].iter().copied();
            let samples: Vec<_> = times.zip(frame.all_values()[range.clone()].iter().copied()).collect();
            prop_assert_eq!(&samples, &series.1);
            prop_assert_eq!(frame.newest().nth(at), Some(range.end - 1));
        }
        prop_assert_eq!(frame.labels_of(all.len()), None);
        prop_assert_eq!(frame.sample_offsets().len(), all.len() + 1);
    }

    #[test]
    fn a_label_column_agrees_with_each_series(all in all_series()) {
        let frame = build(&all);
        for name in ["a", "b", "c", "x", "absent", ""] {
            let (values, codes) = frame.label_column(name);
            let distinct: std::collections::BTreeSet<&str> = values.iter().copied().collect();
            prop_assert_eq!(distinct.len(), values.len());
            prop_assert_eq!(codes.len(), all.len());
            for (series, code) in all.iter().zip(codes) {
                let labels = labels_wanted(series);
                prop_assert_eq!(values[code as usize], labels.get(name).unwrap_or(""));
            }
        }
    }
}
