use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Bits of values by time: what a series should hold.
type Model = BTreeMap<i64, u64>;

fn samples() -> impl Strategy<Value = Vec<(i64, u8)>> {
    let time_ms = prop_oneof![
        8 => 0_i64..600,
        1 => any::<i64>(),
        1 => Just(i64::MIN),
        1 => Just(i64::MAX),
    ];
    // Few values, so that equal times often have equal values too.
    proptest::collection::vec((time_ms, 0_u8..3), 1..600)
}

fn append_all(samples: &[(i64, u8)], window_ms: Option<i64>) -> (Data, Model) {
    let (mut data, mut model) = (Data::default(), Model::new());
    for &(timestamp_ms, value) in samples {
        let value = f64::from(value);
        let before = data.bytes() + data.growth_max(timestamp_ms);
        let result = data.append(Sample { timestamp_ms, value }, window_ms);
        assert!(data.bytes() <= before, "growth was not foretold");
        assert_eq!(data.bytes(), data.count_bytes());
        let newest_ms = model.last_key_value().map(|(time_ms, _)| *time_ms);
        let is_behind =
            |window: i64| newest_ms.is_some_and(|newest| timestamp_ms < newest.saturating_sub(window));
        let expected = match model.get(&timestamp_ms) {
            _ if window_ms.is_some_and(is_behind) => Err(Refusal::OutOfOrder),
            None => Ok(Placed::Added),
            Some(bits) if *bits == value.to_bits() => Ok(Placed::Repeated),
            Some(_) => Err(Refusal::Duplicate),
        };
        assert_eq!(result, expected, "{value} at {timestamp_ms}");
        if result.is_ok() {
            model.insert(timestamp_ms, value.to_bits());
        }
    }
    (data, model)
}

fn held(data: &Data, min_ms: i64, max_ms: i64) -> Vec<(i64, u64)> {
    let mut columns = Columns::default();
    data.decode(min_ms, max_ms, &mut columns).unwrap();
    let (timestamps_ms, values) = columns.within(min_ms, max_ms);
    let bits = values.iter().map(|value| value.to_bits());
    timestamps_ms.iter().copied().zip(bits).collect()
}

fn modelled(model: &Model, min_ms: i64, max_ms: i64) -> Vec<(i64, u64)> {
    if min_ms > max_ms {
        return Vec::new();
    }
    model
        .range(min_ms..=max_ms)
        .map(|(time, bits)| (*time, *bits))
        .collect()
}

/// Chunks are in order, apart from each other, none empty and none too large.
fn assert_in_order(data: &Data) {
    let mut last_ms = None;
    let mut chunks = Vec::new();
    data.for_each_chunk(|chunk| chunks.push(chunk.clone()));
    for chunk in &chunks {
        chunk.check(&mut Columns::default()).unwrap();
        assert!(last_ms.is_none_or(|last| last < chunk.min_ms));
        last_ms = Some(chunk.max_ms);
    }
    let newest_ms = data.newest().map(|newest| newest.timestamp_ms);
    assert!(last_ms.is_none() || last_ms < newest_ms);
    assert!(data.open.as_ref().is_none_or(|open| !open.is_full()));
}

proptest! {
    #[test]
    fn holds_what_a_map_would(
        samples in samples(),
        window_ms in proptest::option::of(0_i64..700),
        ranges in proptest::collection::vec((-10_i64..700, -10_i64..700), 8),
    ) {
        let (data, model) = append_all(&samples, window_ms);
        assert_in_order(&data);
        prop_assert_eq!(data.samples(), model.len() as u64);
        prop_assert_eq!(held(&data, i64::MIN, i64::MAX), modelled(&model, i64::MIN, i64::MAX));
        prop_assert_eq!(data.oldest_ms(), model.keys().next().copied());
        let mut columns = Columns::default();
        for (min_ms, max_ms) in ranges {
            let expected = modelled(&model, min_ms, max_ms);
            prop_assert!(data.overlaps(min_ms, max_ms) || expected.is_empty());
            prop_assert_eq!(held(&data, min_ms, max_ms), expected);
            let newest = data.newest_until(max_ms, &mut columns).unwrap();
            let newest = newest.map(|sample| (sample.timestamp_ms, sample.value.to_bits()));
            prop_assert_eq!(newest, modelled(&model, i64::MIN, max_ms).last().copied());
        }
    }

    #[test]
    fn drops_whole_chunks_that_are_too_old(samples in samples(), cutoff_ms in -10_i64..700) {
        let (mut data, model) = append_all(&samples, None);
        let before = data.bytes();
        let dropped = data.drop_before(cutoff_ms);
        prop_assert_eq!(data.bytes(), data.count_bytes());
        prop_assert_eq!(before - dropped.bytes, data.bytes());
        prop_assert_eq!(model.len() as u64, data.samples() + dropped.samples);
        assert_in_order(&data);
        // Nothing that should stay is gone, and less than a chunk stays that could go.
        let left = held(&data, i64::MIN, i64::MAX);
        prop_assert!(left.ends_with(&modelled(&model, cutoff_ms, i64::MAX)));
        let kept = left.iter().filter(|(time_ms, _)| *time_ms < cutoff_ms).count();
        prop_assert!(kept < usize::from(SAMPLES_MAX));
        prop_assert_eq!(data.is_empty(), modelled(&model, cutoff_ms, i64::MAX).is_empty());
    }

    #[test]
    fn restored_series_go_on_as_if_nothing_had_happened(samples in samples(), more in samples()) {
        let (data, mut model) = append_all(&samples, None);
        let mut chunks = Vec::new();
        data.for_each_chunk(|chunk| chunks.push(chunk.clone()));
        let mut restored = Data::restored(chunks, data.newest().unwrap());
        prop_assert_eq!(restored.bytes(), restored.count_bytes());
        for (timestamp_ms, value) in more {
            let sample = Sample { timestamp_ms, value: f64::from(value) };
            if restored.append(sample, None).is_ok() {
                model.insert(timestamp_ms, sample.value.to_bits());
            }
        }
        assert_in_order(&restored);
        prop_assert_eq!(held(&restored, i64::MIN, i64::MAX), modelled(&model, i64::MIN, i64::MAX));
    }
}

#[test]
fn eviction_keeps_the_newest_sample() {
    let samples: Vec<_> = (0..500).map(|at| (at, 1)).collect();
    let (mut data, _) = append_all(&samples, None);
    assert_eq!(data.chunks(), 5);
    let dropped = data.drop_chunks_before(i64::MAX);
    assert_eq!((dropped.chunks, dropped.samples), (5, 499));
    assert_eq!(data.bytes(), 0);
    assert_eq!(held(&data, i64::MIN, i64::MAX), [(499, 1_f64.to_bits())]);
}
