//! Limits hold whatever comes.

use proptest::prelude::*;
use wasmalert_tsdb::{Db, Refusal, Settings};

use crate::support::{append, everything, keep_all, labels, refusal, scraped};

fn small(bytes: u64) -> Settings {
    Settings { bytes, ..keep_all() }
}

/// A value that does not compress.
fn noise(at: i64) -> f64 {
    f64::from_bits((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2)
}

#[test]
fn series_beyond_the_limit_are_refused_and_the_others_go_on() {
    let db = Db::new(Settings {
        series: 100,
        ..keep_all()
    });
    for at in 0..150 {
        let expected = (at >= 100).then_some(Refusal::Series);
        assert_eq!(refusal(&db, &scraped(at), 1, 1.0, 1), expected);
    }
    assert_eq!(refusal(&db, &scraped(99), 2, 1.0, 2), None);
    let stats = db.stats();
    assert_eq!((stats.series, stats.samples), (100, 101));
    assert!(stats.refused.contains(&(Refusal::Series, 50)));
}

#[test]
fn a_flood_of_series_leaves_room_for_samples_of_those_there_are() {
    let cap = 4 << 20;
    let db = Db::new(small(cap));
    let mut taken = 0;
    for at in 0..20_000 {
        match refusal(&db, &scraped(at), 0, 1.0, 0) {
            None => taken += 1,
            Some(reason) => assert_eq!(reason, Refusal::Bytes),
        }
        assert!(db.stats().bytes <= cap);
    }
    let stats = db.stats();
    assert!(taken > 1_000 && taken < 20_000, "{taken}");
    assert!(
        stats.index_bytes <= cap / 4 * 3 && stats.index_bytes > cap / 2,
        "{stats:?}"
    );
    // Every one of them can still be written to, for as long as it takes.
    for time_ms in 1..300 {
        for at in 0..taken {
            assert_eq!(refusal(&db, &scraped(at), time_ms, noise(time_ms), 0), None);
        }
        assert!(db.stats().bytes <= cap);
    }
    let found = everything(&db);
    assert_eq!(found.len(), taken);
    assert!(found.values().all(|samples| samples.last().unwrap().0 == 299));
    assert!(db.stats().evicted > 0);
}

#[test]
fn a_flood_of_samples_drops_the_oldest() {
    let cap = 300_000;
    let db = Db::new(small(cap));
    let names: Vec<_> = (0..5).map(|at| labels(&[("n", &at.to_string())])).collect();
    for time_ms in 0..100_000 {
        let name = &names[time_ms as usize % names.len()];
        assert_eq!(refusal(&db, name, time_ms, noise(time_ms), time_ms), None);
        assert!(db.stats().bytes <= cap);
    }
    let found = everything(&db);
    assert_eq!(found.len(), names.len());
    let stats = db.stats();
    assert!(stats.bytes > cap / 10 * 8, "{stats:?}");
    assert_eq!(stats.samples + stats.evicted, 100_000);
    assert_eq!(
        stats.samples,
        found.values().map(|samples| samples.len() as u64).sum::<u64>()
    );
    // What is left is the newest, in one piece, about as far back for each series.
    let first_ms: Vec<i64> = found.values().map(|samples| samples[0].0).collect();
    let (min_ms, max_ms) = (first_ms.iter().min().unwrap(), first_ms.iter().max().unwrap());
    assert!(max_ms - min_ms <= 2 * 120 * 5, "{first_ms:?}");
    for samples in found.values() {
        assert!(samples.windows(2).all(|pair| pair[1].0 - pair[0].0 == 5));
    }
}

#[test]
fn no_more_goes_than_has_to_when_all_chunks_are_of_one_age() {
    let cap = 500_000;
    let db = Db::new(small(cap));
    for time_ms in 0..1_000 {
        for at in 0..100 {
            append(&db, &scraped(at), &[(time_ms, noise(time_ms))], 0);
            let stats = db.stats();
            assert!(stats.evicted == 0 || stats.bytes > cap / 100 * 88, "{stats:?}");
        }
    }
    assert!(db.stats().evicted > 0);
}

#[test]
fn series_that_nobody_writes_keep_their_newest_sample() {
    let db = Db::new(small(200_000));
    let (idle, busy) = (labels(&[("n", "idle")]), labels(&[("n", "busy")]));
    append(&db, &idle, &[(0, 1.0), (1, 2.0), (2, 3.0)], 0);
    for time_ms in 10..50_000 {
        append(&db, &busy, &[(time_ms, noise(time_ms))], 0);
    }
    assert_eq!(everything(&db)[&idle], [(2, 3_f64.to_bits())]);
}

#[test]
fn a_store_without_room_for_one_series_refuses_it() {
    for bytes in [0, 100, 500] {
        let db = Db::new(small(bytes));
        assert_eq!(refusal(&db, &scraped(0), 0, 1.0, 0), Some(Refusal::Bytes));
        assert_eq!(db.stats().bytes, 0);
    }
}

#[test]
fn room_is_given_and_taken_while_samples_come() {
    let db = Db::new(small(4 << 20));
    for at in 0..100 {
        assert_eq!(refusal(&db, &scraped(at), 0, 1.0, 0), None);
    }
    db.set_room(100, 4 << 20);
    assert_eq!(refusal(&db, &scraped(100), 1, 1.0, 1), Some(Refusal::Series));
    assert_eq!(
        refusal(&db, &scraped(0), 1, 1.0, 1),
        None,
        "those that are there go on"
    );
    db.set_room(101, 4 << 20);
    assert_eq!(refusal(&db, &scraped(100), 1, 1.0, 1), None);
    let full = db.stats().bytes * 2;
    db.set_room(1_000, full);
    for time_ms in 2..2_000 {
        for at in 0..100 {
            assert_eq!(refusal(&db, &scraped(at), time_ms, noise(time_ms), 0), None);
        }
    }
    let stats = db.stats();
    assert!(stats.bytes <= full && stats.evicted > 0, "{stats:?}");
}

#[test]
fn settings_have_names() {
    let mut settings = Settings::default();
    for info in Settings::TABLE {
        let value = settings.get_mut(info.name).unwrap();
        assert_eq!(*value, info.default);
        *value = 7;
    }
    assert_eq!((settings.series, settings.out_of_order_ms), (7, 7));
    assert!(settings.get_mut("unknown").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn bytes_are_never_more_than_allowed(
        cap in 20_000_u64..200_000,
        samples in proptest::collection::vec((0_usize..400, 0_i64..1_000, any::<f64>()), 2_000),
    ) {
        let db = Db::new(small(cap));
        let mut accepted = 0;
        for (at, time_ms, value) in samples {
            // Early ones go to few series, so that some grow and many are new.
            let at = if time_ms % 3 == 0 { at } else { at % 4 };
            accepted += append(&db, &scraped(at), &[(time_ms, value)], 0).accepted;
            prop_assert!(db.stats().bytes <= cap);
        }
        let stats = db.stats();
        let held: usize = everything(&db).values().map(Vec::len).sum();
        prop_assert_eq!(stats.samples, held as u64);
        prop_assert!(stats.samples + stats.evicted <= accepted);
        prop_assert_eq!(stats.accepted, accepted);
    }
}
