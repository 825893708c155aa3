use proptest::prelude::*;
use wasmalert_core::sample::stale_nan;

use super::*;

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        Just(stale_nan()),
        Just(f64::NAN),
        Just(f64::NEG_INFINITY),
        Just(-0.0),
        (0_u32..1000).prop_map(f64::from),
    ]
}

fn time_ms() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
        (0_i64..200).prop_map(|at| at * 15_000),
        0_i64..1_000_000,
    ]
}

/// Up to a full chunk of samples, times increasing.
fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let times = proptest::collection::btree_set(time_ms(), 1..=usize::from(SAMPLES_MAX));
    times.prop_flat_map(|times| {
        let count = times.len();
        proptest::collection::vec(value(), count)
            .prop_map(move |values| times.iter().copied().zip(values).collect())
    })
}

fn encode(samples: &[(i64, f64)]) -> OpenChunk {
    let samples = samples
        .iter()
        .map(|&(timestamp_ms, value)| Sample { timestamp_ms, value });
    OpenChunk::encode(samples).expect("at least one sample")
}

fn bits(columns: &Columns) -> Vec<(i64, u64)> {
    columns
        .iter()
        .map(|sample| (sample.timestamp_ms, sample.value.to_bits()))
        .collect()
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(samples in samples()) {
        let open = encode(&samples);
        let expected: Vec<_> = samples.iter().map(|(time, value)| (*time, value.to_bits())).collect();
        let mut columns = Columns::default();
        open.decode(&mut columns).unwrap();
        prop_assert_eq!(bits(&columns), expected.clone());
        prop_assert!(open.allocated_bytes() <= OpenChunk::FULL_BYTES_MAX);
        let sealed = open.seal();
        sealed.check(&mut columns).unwrap();
        prop_assert_eq!(bits(&columns), expected);
    }

    #[test]
    fn decoding_starts_at_a_mark(samples in samples(), from in any::<prop::sample::Index>(), later in 0..2_i64) {
        let open = encode(&samples);
        let expected: Vec<_> = samples.iter().map(|(time, value)| (*time, value.to_bits())).collect();
        let from = from.index(samples.len());
        let mut columns = Columns::default();
        open.decode_from(samples[from].0.saturating_add(later), &mut columns).unwrap();
        let found = bits(&columns);
        prop_assert!(expected.ends_with(&found));
        prop_assert!(found.len() >= samples.len() - from - later as usize);
        // No further back than to the mark before.
        let needed = samples.len() - from;
        if needed <= usize::from(MARK_SAMPLES) && samples.len() >= usize::from(2 * MARK_SAMPLES) {
            prop_assert!(found.len() <= usize::from(2 * MARK_SAMPLES));
        }
    }

    #[test]
    fn growth_is_foretold(samples in samples()) {
        let mut chunk = encode(&samples[..1]);
        prop_assert!(chunk.allocated_bytes() <= OpenChunk::NEW_BYTES);
        for &(timestamp_ms, value) in &samples[1..] {
            let max = chunk.allocated_bytes() + chunk.growth_max();
            chunk.push(Sample { timestamp_ms, value });
            prop_assert!(chunk.allocated_bytes() <= max);
        }
    }

    #[test]
    fn no_bytes_make_decoding_panic(min_ms: i64, count: u16, bytes: Vec<u8>) {
        let chunk = Chunk { min_ms, max_ms: min_ms, count, bytes: bytes.into() };
        let _ = chunk.decode(&mut Columns::default());
        let _ = chunk.check(&mut Columns::default());
    }
}

#[test]
fn steady_series_take_two_bits_a_sample() {
    let samples: Vec<_> = (0..120).map(|at| (at * 15_000, 1.0)).collect();
    let chunk = encode(&samples).seal();
    // The first value, the first difference, then two bits for each sample.
    assert_eq!(chunk.bytes.len(), (64 + 24 + 1 + 118 * 2_usize).div_ceil(8));
}

#[test]
fn a_head_that_lies_is_found() {
    let honest = encode(&[(1, 1.0), (5, 2.0), (9, 2.0)]).seal();
    let mut columns = Columns::default();
    assert_eq!(honest.check(&mut columns), Ok(()));
    let lies = [
        Chunk {
            count: 2,
            ..honest.clone()
        },
        Chunk {
            count: 0,
            ..honest.clone()
        },
        Chunk {
            count: SAMPLES_MAX + 1,
            ..honest.clone()
        },
        Chunk {
            max_ms: 10,
            ..honest.clone()
        },
        Chunk {
            min_ms: 2,
            ..honest.clone()
        },
    ];
    for lie in lies {
        assert_eq!(lie.check(&mut columns), Err(ChunkError::Head), "{lie:?}");
    }
    let wrapped = Chunk {
        min_ms: i64::MAX - 1,
        ..honest.clone()
    };
    assert_eq!(wrapped.check(&mut columns), Err(ChunkError::Unsorted));
    let longer = Chunk { count: 4, ..honest };
    assert!(longer.check(&mut columns).is_err());
}
