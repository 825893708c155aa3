//! Snapshots, whole and damaged.

use std::io::{self, Read};

use proptest::prelude::*;
use wasmalert_tsdb::{Damage, DamageKind, Db, Restored, Settings};

use crate::support::{Content, append, everything, keep_all, labels, scraped};

/// Magic and version.
const START_BYTES: usize = 12;
const RECORD_HEAD_BYTES: usize = 9;
const CHECKSUM_BYTES: usize = 4;

fn filled(series: usize, samples: i64) -> Db {
    let db = Db::new(keep_all());
    for at in 0..series {
        let columns: Vec<_> = (0..samples + at as i64)
            .map(|step| {
                (
                    step * 15_000,
                    if step % 7 == 0 {
                        f64::NAN
                    } else {
                        (step * 3) as f64
                    },
                )
            })
            .collect();
        append(&db, &scraped(at), &columns, 0);
    }
    db
}

fn snapshot(db: &Db) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = db.snapshot(&mut bytes).unwrap();
    assert_eq!(written.bytes, bytes.len() as u64);
    let stats = db.stats();
    assert_eq!((written.series, written.samples), (stats.series, stats.samples));
    bytes
}

fn restore(settings: Settings, mut bytes: &[u8]) -> (Db, Restored) {
    Db::restore(settings, &mut bytes)
}

fn damage(bytes: &[u8]) -> DamageKind {
    restore(keep_all(), bytes).1.damage.unwrap().kind
}

/// Where each record starts, the end included.
fn records(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![START_BYTES];
    loop {
        let start = starts[starts.len() - 1];
        let Some(head) = bytes.get(start..start + RECORD_HEAD_BYTES) else {
            return starts;
        };
        let length = u64::from_le_bytes(head[1..].try_into().unwrap()) as usize;
        starts.push(start + RECORD_HEAD_BYTES + length + CHECKSUM_BYTES);
    }
}

/// A record with a right checksum.
fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend((content.len() as u64).to_le_bytes());
    bytes.extend(content);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

#[test]
fn what_is_written_is_read() {
    let db = filled(40, 500);
    // Out of order and split chunks too.
    append(
        &db,
        &scraped(0),
        &(0..400).map(|at| (at * 15_000 + 1, 0.5)).collect::<Vec<_>>(),
        0,
    );
    append(
        &db,
        &labels(&[("one", "sample")]),
        &[(i64::MIN, f64::INFINITY)],
        0,
    );
    let bytes = snapshot(&db);
    let (restored, outcome) = restore(keep_all(), &bytes);
    let stats = db.stats();
    let expected = Restored {
        series: 41,
        samples: stats.samples,
        refused_series: 0,
        damage: None,
    };
    assert_eq!(outcome, expected);
    assert_eq!(everything(&restored), everything(&db));
    let again = restored.stats();
    assert_eq!(
        (again.oldest_ms, again.newest_ms),
        (stats.oldest_ms, stats.newest_ms)
    );
    assert_eq!((again.chunks, again.series), (stats.chunks, stats.series));
    // The same store gives the same bytes.
    assert_eq!(snapshot(&restored), bytes);
}

#[test]
fn an_empty_store_has_a_snapshot() {
    let bytes = snapshot(&Db::new(keep_all()));
    let (db, outcome) = restore(keep_all(), &bytes);
    assert_eq!(
        outcome,
        Restored {
            series: 0,
            samples: 0,
            refused_series: 0,
            damage: None
        }
    );
    assert_eq!(append(&db, &scraped(0), &[(0, 1.0)], 0).accepted, 1);
}

#[test]
fn narrower_settings_are_kept_to() {
    let db = filled(40, 2_000);
    let bytes = snapshot(&db);
    let (few, outcome) = restore(
        Settings {
            series: 10,
            ..keep_all()
        },
        &bytes,
    );
    assert_eq!(
        (outcome.series, outcome.refused_series, outcome.damage),
        (10, 30, None)
    );
    let kept = everything(&few);
    let all = everything(&db);
    assert!(kept.iter().all(|(labels, samples)| all[labels] == *samples));
    let cap = db.stats().bytes / 2;
    let (small, outcome) = restore(
        Settings {
            bytes: cap,
            ..keep_all()
        },
        &bytes,
    );
    assert_eq!((outcome.series, outcome.damage), (40, None));
    assert!(small.stats().bytes <= cap);
    let found = everything(&small);
    assert_eq!(
        outcome.samples,
        found.values().map(|samples| samples.len() as u64).sum::<u64>()
    );
    assert!(
        found
            .iter()
            .all(|(labels, samples)| all[labels].ends_with(samples))
    );
}

#[test]
fn damage_has_a_place_and_a_kind() {
    let bytes = snapshot(&filled(3, 300));
    let starts = records(&bytes);
    assert_eq!(starts.len(), 5);
    assert_eq!(damage(b""), DamageKind::Truncated);
    assert_eq!(damage(b"not a snapshot"), DamageKind::NotASnapshot);
    assert_eq!(damage(b"wasmtsdb\x02\0\0\0"), DamageKind::Version(2));
    let cut = restore(keep_all(), &bytes[..starts[2] - 1]).1;
    let expected = Damage {
        at_bytes: starts[1] as u64,
        kind: DamageKind::Truncated,
    };
    assert_eq!((cut.series, cut.damage), (1, Some(expected)));
    let no_end = restore(keep_all(), &bytes[..starts[3]]).1;
    assert_eq!(
        (no_end.series, no_end.damage.unwrap().kind),
        (3, DamageKind::Truncated)
    );
    let mut flipped = bytes.clone();
    flipped[starts[1] + 100] ^= 1;
    let flipped = restore(keep_all(), &flipped).1;
    assert_eq!(
        (flipped.series, flipped.damage.unwrap().kind),
        (1, DamageKind::Checksum)
    );
    let mut long = bytes[..starts[1] + 1].to_vec();
    long.extend((1_u64 << 60).to_le_bytes());
    assert_eq!(damage(&long), DamageKind::TooLong);
    let mut within = bytes[..starts[1] + 1].to_vec();
    within.extend((1_u64 << 28).to_le_bytes());
    within.extend([0; 100]);
    assert_eq!(damage(&within), DamageKind::Truncated);
}

#[test]
fn records_that_no_store_writes_are_refused() {
    let bytes = snapshot(&filled(2, 300));
    let starts = records(&bytes);
    let first = &bytes[starts[0] + RECORD_HEAD_BYTES..starts[1] - CHECKSUM_BYTES];
    let head = &bytes[..START_BYTES];
    let with = |content: &[u8]| [head, &record(1, content)].concat();
    let invalid = |bytes: &[u8], reason: &str| match damage(bytes) {
        DamageKind::Invalid(found) => assert!(found.contains(reason), "{found}"),
        other => panic!("{reason}: {other:?}"),
    };
    assert_eq!(damage(&with(first)), DamageKind::Truncated);
    invalid(&[&with(first)[..], &record(1, first)].concat(), "comes twice");
    invalid(
        &[&with(first)[..], &record(2, &[0; 16])].concat(),
        "does not agree",
    );
    invalid(&[head, &record(3, &[])].concat(), "unknown kind");
    invalid(&with(&[first, &[0]].concat()), "longer than its parts");
    invalid(&with(&first[..first.len() - 1]), "shorter than its parts");
    invalid(&with(&[]), "shorter than its parts");
    // The list of labels, and the number of chunks, claim more than there is.
    let mut many = first.to_vec();
    many[..4].fill(0xff);
    assert!(matches!(damage(&with(&many)), DamageKind::Invalid(_)));
    let set = scraped(0);
    let labels_bytes = 4 + set
        .iter()
        .map(|(name, value)| 8 + name.len() + value.len())
        .sum::<usize>();
    let mut many = first.to_vec();
    many[labels_bytes + 16..labels_bytes + 20].fill(0xff);
    invalid(&with(&many), "shorter than its parts");
    // The first chunk's first time, which its stream does not repeat.
    let mut overlapping = first.to_vec();
    overlapping[labels_bytes + 20] ^= 1;
    invalid(&with(&overlapping), "what its head says");
    let mut newest = first.to_vec();
    newest[labels_bytes..labels_bytes + 8].fill(0);
    invalid(&with(&newest), "not the newest");
}

/// The chunks of a series in another order, and one of them twice.
#[test]
fn chunks_out_of_order_are_refused() {
    let bytes = snapshot(&filled(1, 400));
    let starts = records(&bytes);
    let content = &bytes[starts[0] + RECORD_HEAD_BYTES..starts[1] - CHECKSUM_BYTES];
    let set = scraped(0);
    let chunks_at = 4
        + set
            .iter()
            .map(|(name, value)| 8 + name.len() + value.len())
            .sum::<usize>()
        + 20;
    let length = |at: usize| u32::from_le_bytes(content[at + 18..at + 22].try_into().unwrap()) as usize + 22;
    let second_at = chunks_at + length(chunks_at);
    let third_at = second_at + length(second_at);
    let (first, second) = (&content[chunks_at..second_at], &content[second_at..third_at]);
    let (before, after) = (&content[..chunks_at], &content[third_at..]);
    // The second, moved to start where the first ends: its stream holds no times but the steps.
    let mut moved = second.to_vec();
    for at in [0, 8] {
        let time_ms = i64::from_le_bytes(moved[at..at + 8].try_into().unwrap());
        moved[at..at + 8].copy_from_slice(&(time_ms - 15_000).to_le_bytes());
    }
    for chunks in [[second, first], [first, first], [first, &moved]] {
        let content = [before, chunks[0], chunks[1], after].concat();
        let bytes = [&bytes[..START_BYTES], &record(1, &content)].concat();
        let expected = DamageKind::Invalid("the chunks of a series overlap or are unsorted");
        assert_eq!(damage(&bytes), expected);
    }
}

struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(out)? {
            0 => Err(io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn what_was_read_before_a_failure_is_kept() {
    let bytes = snapshot(&filled(3, 300));
    let end = records(&bytes)[2];
    let (db, outcome) = Db::restore(keep_all(), &mut Failing(&bytes[..end + 5]));
    assert_eq!(outcome.series, 2);
    assert_eq!(
        outcome.damage.unwrap().kind,
        DamageKind::Read("the disk is gone".to_owned())
    );
    assert_eq!(everything(&db).len(), 2);
}

/// Everything found is as it was before the damage.
fn assert_part_of(found: &Content, all: &Content) {
    for (labels, samples) in found {
        assert_eq!(all.get(labels), Some(samples), "{labels}");
    }
}

proptest! {
    #[test]
    fn flipped_bytes_lose_what_comes_after(flips in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4)) {
        let db = filled(8, 200);
        let mut bytes = snapshot(&db);
        let starts = records(&bytes);
        let mut first = bytes.len();
        let original = bytes.clone();
        for (at, mask) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        if let Some(at) = (0..bytes.len()).find(|at| bytes[*at] != original[*at]) {
            first = at;
        }
        let (restored, outcome) = restore(keep_all(), &bytes);
        // Records that end before the first flip are kept, the others are not.
        let whole = starts.iter().skip(1).take(8).filter(|end| **end <= first).count();
        prop_assert_eq!(outcome.series, whole as u64);
        prop_assert_eq!(outcome.damage.is_none(), bytes == original);
        assert_part_of(&everything(&restored), &everything(&db));
    }

    #[test]
    fn cut_snapshots_lose_what_is_cut(at in any::<prop::sample::Index>()) {
        let db = filled(8, 200);
        let bytes = snapshot(&db);
        let at = at.index(bytes.len());
        let (restored, outcome) = restore(keep_all(), &bytes[..at]);
        let whole = records(&bytes).iter().skip(1).take(8).filter(|end| **end <= at).count();
        prop_assert_eq!(outcome.series, whole as u64);
        prop_assert_eq!(outcome.damage.unwrap().kind, DamageKind::Truncated);
        assert_part_of(&everything(&restored), &everything(&db));
    }

    /// Behind right checksums, so that the content itself is looked at.
    #[test]
    fn hostile_records_do_no_harm(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>()) {
        let bytes = snapshot(&filled(1, 300));
        let starts = records(&bytes);
        let mut content = bytes[starts[0] + RECORD_HEAD_BYTES..starts[1] - CHECKSUM_BYTES].to_vec();
        for (at, byte) in flips {
            let at = at.index(content.len());
            content[at] = byte;
        }
        content.truncate(content.len() - cut.index(content.len()) / 50);
        let (db, _) = restore(keep_all(), &[&bytes[..START_BYTES], &record(1, &content)].concat());
        // Whatever has got in can be read, written to and written out.
        for (labels, samples) in everything(&db) {
            let newest_ms = samples[samples.len() - 1].0;
            append(&db, &labels, &[(newest_ms.saturating_sub(1), 1.0), (newest_ms.saturating_add(1), 1.0)], 0);
        }
        let again = restore(keep_all(), &snapshot(&db)).1;
        prop_assert_eq!(again.damage, None);
    }

    #[test]
    fn any_bytes_do_no_harm(bytes: Vec<u8>) {
        let bytes = [b"wasmtsdb\x01\0\0\0", &bytes[..]].concat();
        prop_assert!(restore(keep_all(), &bytes).1.damage.is_some());
    }
}
