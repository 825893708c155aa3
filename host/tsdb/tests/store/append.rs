//! What is accepted, what is refused, and that nothing else happens.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wasmalert_core::Labels;
use wasmalert_core::sample::stale_nan;
use wasmalert_tsdb::{Db, Entry, FUTURE_MS_MAX, Refusal, Sample, Settings, labels_of_pairs};

use crate::support::{append, everything, keep_all, labels, refusal, selected};

/// When the tests take place.
const NOW_MS: i64 = 1_700_000_000_000;
const RETENTION_MS: i64 = 3_600_000;
const WINDOW_MS: i64 = 60_000;

fn settings() -> Settings {
    Settings {
        retention_ms: RETENTION_MS as u64,
        out_of_order_ms: WINDOW_MS as u64,
        ..Settings::default()
    }
}

/// What the documentation of `append` says, over maps.
#[derive(Default)]
struct Model(BTreeMap<Labels, BTreeMap<i64, u64>>);

impl Model {
    fn append(&mut self, labels: &Labels, sample: Sample, now_ms: i64) -> Result<(), Refusal> {
        let time_ms = sample.timestamp_ms;
        if time_ms < now_ms - RETENTION_MS {
            return Err(Refusal::TooOld);
        }
        if time_ms > now_ms + FUTURE_MS_MAX {
            return Err(Refusal::TooFarInFuture);
        }
        let series = self.0.entry(labels.clone()).or_default();
        let newest_ms = series.keys().next_back();
        if newest_ms.is_some_and(|newest| time_ms < newest - WINDOW_MS) {
            return Err(Refusal::OutOfOrder);
        }
        let bits = sample.value.to_bits();
        if *series.entry(time_ms).or_insert(bits) != bits {
            return Err(Refusal::Duplicate);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn takes_what_a_map_would(
        batches in proptest::collection::vec(
            proptest::collection::vec((0_u8..3, -80_i64..80, 0_i64..1_000, 0_u8..2), 0..60),
            1..30,
        ),
    ) {
        let (db, mut model) = (Db::new(settings()), Model::default());
        for (at, batch) in batches.iter().enumerate() {
            let now_ms = NOW_MS + at as i64 * 30_000;
            let samples: Vec<_> = batch
                .iter()
                .map(|&(series, minutes, jitter_ms, value)| {
                    // Mostly close to now, some over every bound.
                    let timestamp_ms = now_ms + minutes * minutes * minutes / 8 * 60 + jitter_ms;
                    let set = labels(&[("__name__", "m"), ("n", ["a", "b", "c"][usize::from(series)])]);
                    (set, [Sample { timestamp_ms, value: f64::from(value) }])
                })
                .collect();
            let entries: Vec<_> = samples
                .iter()
                .map(|(labels, samples)| Entry { labels, samples })
                .collect();
            let appended = db.append(&entries, now_ms);
            let mut refused: BTreeMap<Refusal, u64> = BTreeMap::new();
            for (labels, [sample]) in &samples {
                if let Err(reason) = model.append(labels, *sample, now_ms) {
                    *refused.entry(reason).or_default() += 1;
                }
            }
            let found = appended.refused.iter().map(|refused| (refused.reason, refused.samples));
            prop_assert_eq!(found.collect::<BTreeMap<_, _>>(), refused.clone());
            let all: u64 = refused.values().sum();
            prop_assert_eq!(appended.accepted, samples.len() as u64 - all);
        }
        model.0.retain(|_, samples| !samples.is_empty());
        let expected: BTreeMap<_, Vec<_>> =
            model.0.into_iter().map(|(labels, samples)| (labels, samples.into_iter().collect())).collect();
        let stats = db.stats();
        prop_assert_eq!(stats.series, expected.len() as u64);
        prop_assert_eq!(stats.samples, expected.values().map(|samples| samples.len() as u64).sum::<u64>());
        let times = || expected.values().flatten().map(|(time_ms, _)| *time_ms);
        prop_assert_eq!((stats.oldest_ms, stats.newest_ms), (times().min(), times().max()));
        prop_assert_eq!(everything(&db), expected);
    }

    #[test]
    fn without_retention_any_time_and_any_value_is_taken(
        samples in proptest::collection::btree_map(any::<i64>(), any::<u64>(), 1..500),
        shuffled in any::<u64>(),
    ) {
        let db = Db::new(keep_all());
        let set = labels(&[("n", "x")]);
        let mut order: Vec<_> = samples.iter().map(|(time, bits)| (*time, f64::from_bits(*bits))).collect();
        order.sort_by_key(|(time, _)| (*time as u64).wrapping_mul(shuffled | 1));
        prop_assert_eq!(append(&db, &set, &order, 0).accepted, samples.len() as u64);
        let found = everything(&db);
        prop_assert_eq!(found.get(&set).unwrap(), &samples.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn bounds_are_met_exactly() {
    let db = Db::new(settings());
    let at = |name: &str| labels(&[("n", name)]);
    let refusal = |name: &str, time_ms: i64| refusal(&db, &at(name), time_ms, 1.0, NOW_MS);
    assert_eq!(refusal("old", NOW_MS - RETENTION_MS - 1), Some(Refusal::TooOld));
    assert_eq!(refusal("old", NOW_MS - RETENTION_MS), None);
    assert_eq!(
        refusal("new", NOW_MS + FUTURE_MS_MAX + 1),
        Some(Refusal::TooFarInFuture)
    );
    assert_eq!(refusal("new", NOW_MS + FUTURE_MS_MAX), None);
    assert_eq!(refusal("late", NOW_MS), None);
    assert_eq!(refusal("late", NOW_MS - WINDOW_MS - 1), Some(Refusal::OutOfOrder));
    assert_eq!(refusal("late", NOW_MS - WINDOW_MS), None);
    assert_eq!(db.stats().series, 3);
}

#[test]
fn markers_and_nans_stay_what_they_are() {
    let db = Db::new(keep_all());
    let set = labels(&[("n", "x")]);
    let values = [
        stale_nan(),
        f64::NAN,
        -f64::NAN,
        f64::INFINITY,
        -0.0,
        f64::MIN_POSITIVE / 2.0,
    ];
    let samples: Vec<_> = (0..).zip(values).collect();
    assert_eq!(append(&db, &set, &samples, 0).accepted, 6);
    // The same again is nothing new, another zero is.
    assert_eq!(append(&db, &set, &samples, 0).accepted, 6);
    assert_eq!(refusal(&db, &set, 4, 0.0, 0), Some(Refusal::Duplicate));
    let found: Vec<u64> = everything(&db)[&set].iter().map(|(_, bits)| *bits).collect();
    assert_eq!(found, values.map(f64::to_bits));
    assert_eq!(db.stats().samples, 6);
}

#[test]
fn refusals_name_reason_and_first_sample() {
    let db = Db::new(settings());
    let set = labels(&[("__name__", "up"), ("job", "a")]);
    let appended = append(
        &db,
        &set,
        &[(5, 1.0), (NOW_MS, 1.0), (7, 1.0), (NOW_MS, 2.0)],
        NOW_MS,
    );
    assert_eq!(appended.accepted, 1);
    let texts: Vec<_> = appended.refused.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2);
    assert_eq!(
        texts[0],
        "2 samples refused (too_old): older than retention_ms allows; \
         the first is of {__name__=\"up\", job=\"a\"} at 5 ms"
    );
    assert!(
        texts[1].starts_with("1 samples refused (duplicate): "),
        "{}",
        texts[1]
    );
    let counted: Vec<_> = db
        .stats()
        .refused
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(counted, [(Refusal::TooOld, 2), (Refusal::Duplicate, 1)]);
}

type Pairs = &'static [(&'static str, &'static str)];

#[test]
fn label_sets_against_the_settings_are_refused() {
    let db = Db::new(Settings {
        labels_per_series: 3,
        label_name_bytes: 8,
        label_value_bytes: 10,
        ..settings()
    });
    let cases: [(Pairs, Option<Refusal>); 7] = [
        (&[], Some(Refusal::InvalidLabels)),
        (&[("a", "")], Some(Refusal::InvalidLabels)),
        (&[("", "x")], Some(Refusal::InvalidLabels)),
        (
            &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")],
            Some(Refusal::LabelsPerSeries),
        ),
        (&[("long_name", "x")], Some(Refusal::LabelNameBytes)),
        (&[("a", "12345678901")], Some(Refusal::LabelValueBytes)),
        (&[("longname", "1234567890"), ("b", "1"), ("c", "1")], None),
    ];
    for (pairs, expected) in cases {
        assert_eq!(
            refusal(&db, &labels(pairs), NOW_MS, 1.0, NOW_MS),
            expected,
            "{pairs:?}"
        );
    }
    assert_eq!(db.stats().series, 1);
}

#[test]
fn names_that_come_twice_make_no_label_set() {
    let set = |pairs: &[(&str, &str)]| labels_of_pairs(pairs.iter().copied());
    assert_eq!(
        set(&[("b", "1"), ("a", "2"), ("c", "")]),
        Ok(labels(&[("a", "2"), ("b", "1")]))
    );
    for pairs in [
        &[][..],
        &[("a", "")],
        &[("a", "1"), ("b", "1"), ("a", "1")],
        &[("", "1")],
    ] {
        assert_eq!(set(pairs), Err(Refusal::InvalidLabels), "{pairs:?}");
    }
}

#[test]
fn no_series_is_made_for_samples_that_are_refused() {
    let db = Db::new(settings());
    let set = labels(&[("n", "x")]);
    assert_eq!(
        append(&db, &set, &[(0, 1.0), (1, 1.0)], NOW_MS).refused_samples(),
        2
    );
    let stats = db.stats();
    assert_eq!((stats.series, stats.bytes, stats.oldest_ms), (0, 0, None));
}

#[test]
fn the_newest_is_found_wherever_the_range_ends() {
    let db = Db::new(keep_all());
    let set = labels(&[("n", "x")]);
    let samples: Vec<_> = (0..1_000).map(|at| (at * 10, at as f64)).collect();
    append(&db, &set, &samples, 0);
    for (min_ms, max_ms, newest_ms) in [
        (0, i64::MAX, Some(9_990)),
        (9_990, 9_990, Some(9_990)),
        (9_991, i64::MAX, None),
        (0, 9_989, Some(9_980)),
        (0, 5_004, Some(5_000)),
        (5_001, 5_009, None),
        (0, 0, Some(0)),
        (i64::MIN, -1, None),
        (10, 5, None),
    ] {
        let found = selected(&db, &[], min_ms, max_ms, true);
        let newest = found.get(&set).map(|samples| samples[samples.len() - 1].0);
        assert_eq!(newest, newest_ms, "{min_ms} to {max_ms}");
    }
}
