//! Writers, readers, eviction, retention and snapshots at the same time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::{io, mem};

use wasmalert_core::Labels;
use wasmalert_promql::{Matcher, Select, Storage};
use wasmalert_tsdb::{Db, Entry, Sample, Settings};

use crate::support::{Content, append, everything, keep_all, scraped, selected};

const SERIES: usize = 64;
const WRITERS: usize = 3;
const STEPS: i64 = 3_000;

/// The value that belongs to a time: a torn sample would have another.
fn value_at(series: usize, time_ms: i64) -> f64 {
    (series as i64 * 1_000_000 + time_ms) as f64
}

fn assert_whole(found: &Content, sets: &[Labels]) {
    for (labels, samples) in found {
        let series = sets.iter().position(|set| set == labels).unwrap();
        for (time_ms, bits) in samples {
            assert_eq!(
                f64::from_bits(*bits),
                value_at(series, *time_ms),
                "{labels} at {time_ms}"
            );
        }
    }
}

/// Every writer writes all series, each some of the times; half a step out of order.
fn write(db: &Db, sets: &[Labels], writer: usize) -> u64 {
    let mut accepted = 0;
    for step in 0..STEPS {
        if step as usize % WRITERS != writer {
            continue;
        }
        let time_ms = if step % 10 == 0 { step - step.min(5) } else { step } * 2 + writer as i64 % 2;
        let samples: Vec<_> = (0..sets.len())
            .map(|series| {
                [Sample {
                    timestamp_ms: time_ms,
                    value: value_at(series, time_ms),
                }]
            })
            .collect();
        let entries: Vec<_> = sets
            .iter()
            .zip(&samples)
            .map(|(labels, samples)| Entry { labels, samples })
            .collect();
        let appended = db.append(&entries, time_ms);
        assert_eq!(appended.accepted + appended.refused_samples(), sets.len() as u64);
        accepted += appended.accepted;
    }
    accepted
}

#[test]
fn a_store_is_shared_between_threads() {
    fn assert_shared<T: Send + Sync + 'static>() {}
    assert_shared::<Db>();
}

#[test]
fn nothing_is_lost_or_torn() {
    let db = Db::new(keep_all());
    let sets: Vec<_> = (0..SERIES).map(scraped).collect();
    let (done, accepted) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (db, sets, accepted) = (&db, &sets, &accepted);
                scope.spawn(move || {
                    accepted.fetch_add(write(db, sets, writer), Ordering::Relaxed);
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                assert_whole(&everything(&db), &sets);
                let one = Matcher::equal("code", "404");
                assert_whole(&selected(&db, &[one], 100, 4_000, true), &sets);
                let mut bytes = Vec::new();
                db.snapshot(&mut bytes).unwrap();
                let (copy, restored) = Db::restore(keep_all(), &mut &bytes[..]);
                assert_eq!(restored.damage, None);
                assert_whole(&everything(&copy), &sets);
                reads += 1;
            }
            reads
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    let found = everything(&db);
    assert_whole(&found, &sets);
    let stats = db.stats();
    assert_eq!(accepted.into_inner(), SERIES as u64 * STEPS as u64);
    assert_eq!(
        stats.samples,
        found.values().map(|samples| samples.len() as u64).sum::<u64>()
    );
    assert_eq!(found.len(), SERIES);
}

#[test]
fn limits_hold_while_series_come_and_go() {
    let cap = 1 << 20;
    let db = Db::new(Settings {
        bytes: cap,
        retention_ms: 1_000,
        out_of_order_ms: 1_000,
        ..Settings::default()
    });
    let sets: Vec<_> = (0..SERIES * 20).map(scraped).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (db, sets) = (&db, &sets);
                scope.spawn(move || {
                    for part in 0..20 {
                        // Each part has series of its own; those before run out.
                        let part_ms = part as i64 * 1_500;
                        let sets = &sets[part * SERIES..(part + 1) * SERIES];
                        for step in 0..300 {
                            for (at, labels) in sets.iter().enumerate() {
                                let time_ms = part_ms + step * 3 + writer as i64;
                                let value = value_at(part * SERIES + at, time_ms);
                                let samples = [Sample {
                                    timestamp_ms: time_ms,
                                    value,
                                }];
                                db.append(
                                    &[Entry {
                                        labels,
                                        samples: &samples,
                                    }],
                                    part_ms + step * 3,
                                );
                            }
                        }
                    }
                })
            })
            .collect();
        let others = scope.spawn(|| {
            let mut removed = 0;
            while !done.load(Ordering::Relaxed) {
                assert!(db.stats().bytes <= cap);
                assert_whole(&everything(&db), &sets);
                if let Some(newest_ms) = db.stats().newest_ms {
                    removed += db.maintain(newest_ms).series;
                }
            }
            removed
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        assert!(others.join().unwrap() > 0);
    });
    let found = everything(&db);
    assert_whole(&found, &sets);
    let stats = db.stats();
    assert_eq!(
        stats.samples,
        found.values().map(|samples| samples.len() as u64).sum::<u64>()
    );
    assert_eq!(stats.series, found.len() as u64);
    // All counts meet again at nothing.
    db.maintain(i64::MAX);
    let stats = db.stats();
    assert_eq!((stats.series, stats.chunks, stats.samples), (0, 0, 0));
    assert_eq!(stats.bytes, stats.index_bytes);
}

const RETENTION_MS: i64 = 1_000;
/// When the first and the last series of [`aged`] are too old.
const LATER_MS: i64 = RETENTION_MS + 1;

/// A store whose first series will next be made anew in the last one's slot.
fn aged(sets: &[Labels]) -> Db {
    let db = Db::new(Settings {
        retention_ms: RETENTION_MS as u64,
        ..Settings::default()
    });
    for (at, set) in sets.iter().enumerate() {
        let is_old = at == 0 || at + 1 == sets.len();
        append(
            &db,
            set,
            &[(if is_old { 0 } else { LATER_MS }, 1.0)],
            LATER_MS - 1,
        );
    }
    db
}

fn renew_first(db: &Db, sets: &[Labels]) {
    assert_eq!(db.maintain(LATER_MS).series, 2);
    assert_eq!(append(db, &sets[0], &[(LATER_MS, 2.0)], LATER_MS).accepted, 1);
}

#[test]
fn a_series_made_anew_during_a_query_comes_once() {
    let sets: Vec<_> = (0..1_000).map(scraped).collect();
    let db = aged(&sets);
    let select = Select {
        matchers: &[Matcher::equal("job", "checkout")],
        min_ms: 0,
        max_ms: i64::MAX,
        newest_only: true,
    };
    let (mut seen, mut firsts) = (0, 0);
    db.select(&select, &mut |labels, _, _| {
        if seen == 0 {
            renew_first(&db, &sets);
        }
        seen += 1;
        firsts += usize::from(**labels == sets[0]);
        Ok(())
    })
    .unwrap();
    assert_eq!((firsts, seen), (1, sets.len() - 1));
}

#[test]
fn a_series_made_anew_during_a_snapshot_is_written_once() {
    /// Renews the first series once that has been written.
    struct Renewing<'a>(Vec<u8>, bool, &'a Db, &'a [Labels]);
    impl io::Write for Renewing<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() > 12 && !mem::replace(&mut self.1, true) {
                renew_first(self.2, self.3);
            }
            self.0.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let sets: Vec<_> = (0..1_000).map(scraped).collect();
    let db = aged(&sets);
    let mut out = Renewing(Vec::new(), false, &db, &sets);
    db.snapshot(&mut out).unwrap();
    let (copy, restored) = Db::restore(keep_all(), &mut &out.0[..]);
    assert_eq!((restored.damage, restored.series), (None, sets.len() as u64 - 1));
    assert_eq!(everything(&copy)[&sets[0]], [(0, 1_f64.to_bits())]);
}
