//! Figures, printed as lines of JSON and not judged:
//! `cargo test --release -p wasmalert-tsdb -- --ignored --nocapture --test-threads 1`

use std::slice::from_ref;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use wasmalert_core::Labels;
use wasmalert_promql::{Limits, MatchOp, Matcher, Options, Query, Select, Storage};
use wasmalert_tsdb::{Db, Entry, Sample, Settings};

use crate::support::{append, keep_all, labels, scraped};

const STEP_MS: i64 = 15_000;

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn timed<T>(f: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = f();
    (result, start.elapsed())
}

#[expect(clippy::print_stdout, reason = "it measures")]
fn report(what: &str, value: f64, unit: &str) {
    println!(r#"{{"what":"{what}","value":{value:.3},"unit":"{unit}"}}"#);
}

/// A number that looks random, from 0 to 1.
fn random(seed: u64) -> f64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ x >> 31) >> 11) as f64 / (1_u64 << 53) as f64
}

fn wide() -> Settings {
    Settings {
        bytes: 4 << 30,
        ..keep_all()
    }
}

fn bytes_per_sample(what: &str, jitter_ms: i64, mut value: impl FnMut(u64) -> f64) {
    let db = Db::new(wide());
    let samples: Vec<_> = (0..24_000)
        .map(|at| {
            let jitter_ms = (random(at + 1_000_000) * jitter_ms as f64) as i64;
            (at as i64 * STEP_MS + jitter_ms, value(at))
        })
        .collect();
    let set = labels(&[("n", "x")]);
    append(&db, &set, &samples, 0);
    let stats = db.stats();
    let bytes = (stats.bytes - stats.index_bytes) as f64;
    report(what, bytes / stats.samples as f64, "bytes per sample");
}

#[test]
#[ignore = "it measures"]
fn measure_bytes_per_sample() {
    let mut total = 0.0;
    bytes_per_sample("counter at 15 s", 0, |at| {
        total += (random(at) * 100.0).floor();
        total
    });
    let mut total = 0.0;
    bytes_per_sample("counter at 15 s, times off by up to 5 ms", 5, |at| {
        total += (random(at) * 100.0).floor();
        total
    });
    bytes_per_sample("constant at 15 s", 0, |_| 1.0);
    bytes_per_sample("gauge of whole numbers", 0, |at| (random(at) * 100.0).floor());
    bytes_per_sample("random gauge", 0, random);
}

#[test]
#[ignore = "it measures"]
fn measure_append() {
    const SERIES: usize = 10_000;
    const STEPS: i64 = 240;
    let db = Db::new(wide());
    let sets: Vec<Labels> = (0..SERIES).map(scraped).collect();
    let mut total = Duration::ZERO;
    for step in 0..STEPS {
        let samples: Vec<_> = (0..SERIES)
            .map(|at| {
                [Sample {
                    timestamp_ms: step * STEP_MS,
                    value: (step * at as i64) as f64,
                }]
            })
            .collect();
        let entries: Vec<_> = sets
            .iter()
            .zip(&samples)
            .map(|(labels, samples)| Entry { labels, samples })
            .collect();
        let (appended, took) = timed(|| db.append(&entries, step * STEP_MS));
        assert_eq!(appended.accepted, SERIES as u64);
        if step == 0 {
            report(
                "new series",
                SERIES as f64 / took.as_secs_f64(),
                "series per second",
            );
        } else {
            total += took;
        }
    }
    let samples = (SERIES as i64 * (STEPS - 1)) as f64;
    report(
        "append, one thread",
        samples / total.as_secs_f64(),
        "samples per second",
    );
    let stats = db.stats();
    report(
        "index",
        stats.index_bytes as f64 / SERIES as f64,
        "bytes per series",
    );
    let matchers = [Matcher::equal("__name__", "http_requests_total")];
    for (what, min_ms, newest_only) in [
        ("select 10,000 series, newest only", (STEPS - 2) * STEP_MS, true),
        ("select 10,000 series, 5 minutes", (STEPS - 20) * STEP_MS, false),
        ("select 10,000 series, 1 hour", 0, false),
    ] {
        let select = Select {
            matchers: &matchers,
            min_ms,
            max_ms: STEPS * STEP_MS,
            newest_only,
        };
        let mut found = 0;
        let runs = 10;
        let ((), took) = timed(|| {
            for _ in 0..runs {
                db.select(&select, &mut |_, timestamps_ms, _| {
                    found += timestamps_ms.len();
                    Ok(())
                })
                .unwrap();
            }
        });
        assert!(found >= SERIES * runs);
        report(what, took.as_secs_f64() * 1e3 / runs as f64, "milliseconds");
    }
    let limits = Limits::default();
    for text in [
        "http_requests_total > 1e9",
        "sum by (code) (rate(http_requests_total[5m]))",
    ] {
        let query = Query::parse(text, &limits).unwrap();
        let (_, took) = timed(|| query.instant(&db, STEPS * STEP_MS, &Options::default()).unwrap());
        report(&format!("query {text}"), took.as_secs_f64() * 1e3, "milliseconds");
    }
    let mut bytes = Vec::new();
    let (_, took) = timed(|| db.snapshot(&mut bytes).unwrap());
    report(
        "snapshot",
        stats.samples as f64 / took.as_secs_f64(),
        "samples per second",
    );
    let ((_, restored), took) = timed(|| Db::restore(wide(), &mut &bytes[..]));
    assert_eq!(restored.samples, stats.samples);
    report(
        "restore",
        stats.samples as f64 / took.as_secs_f64(),
        "samples per second",
    );
}

/// How long this thread has been on a processor.
fn on_processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// The time on a processor that `f` takes, at its fastest: what else runs only
/// slows. The clock ticks slowly, so it is read once for several `runs`.
fn fastest(runs: u32, mut f: impl FnMut()) -> Duration {
    let times = (0..10).map(|_| {
        let start = on_processor();
        (0..runs).for_each(|_| f());
        on_processor() - start
    });
    times.min().unwrap_or_default() / runs
}

/// Rates of counters, at a time when the newest chunk is nearly full, and over an
/// hour.
#[test]
#[ignore = "it measures"]
fn measure_rate() {
    const SERIES: usize = 10_000;
    const STEPS: i64 = 355;
    let db = Db::new(wide());
    for at in 0..SERIES {
        let mut total = 0.0;
        let samples: Vec<_> = (0..STEPS)
            .map(|step| {
                let seed = at as u64 * STEPS as u64 + step as u64;
                total += (random(seed) * 100.0).floor();
                (step * STEP_MS + (random(seed + 1) * 5.0) as i64, total)
            })
            .collect();
        append(&db, &scraped(at), &samples, 0);
    }
    let (end_ms, options) = (STEPS * STEP_MS, Options::default());
    for text in [
        "http_requests_total > 1e9",
        "rate(http_requests_total[5m])",
        "sum(rate(http_requests_total[5m]))",
        "sum by (code) (rate(http_requests_total[5m]))",
    ] {
        let query = Query::parse(text, &Limits::default()).unwrap();
        let took = fastest(5, || drop(query.instant(&db, end_ms, &options).unwrap()));
        report(&format!("query {text}"), took.as_secs_f64() * 1e3, "milliseconds");
    }
    for text in [
        "http_requests_total > 1e9",
        "sum by (code) (rate(http_requests_total[5m]))",
        "sum by (code) (rate(http_requests_total[1h]))",
    ] {
        let query = Query::parse(text, &Limits::default()).unwrap();
        let start_ms = end_ms - 3_600_000;
        let run = || drop(query.range(&db, start_ms, end_ms, STEP_MS, &options).unwrap());
        let took = fastest(1, run);
        report(
            &format!("query {text} over an hour"),
            took.as_secs_f64() * 1e3,
            "milliseconds",
        );
    }
}

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

#[test]
#[ignore = "it measures"]
fn measure_million_series() {
    const SERIES: usize = 1_000_000;
    let before = resident_bytes();
    let db = Db::new(wide());
    let mut slowest = Duration::ZERO;
    let (_, took) = timed(|| {
        for at in 0..SERIES {
            let set = scraped(at);
            let ((), took) = timed(|| drop(append(&db, &set, &[(0, at as f64)], 0)));
            slowest = slowest.max(took);
        }
    });
    report("a million new series", took.as_secs_f64(), "seconds");
    report("the slowest of them", slowest.as_secs_f64() * 1e3, "milliseconds");
    let stats = db.stats();
    report(
        "bytes as counted",
        stats.bytes as f64 / SERIES as f64,
        "bytes per series",
    );
    report(
        "bytes resident",
        (resident_bytes() - before) / SERIES as f64,
        "bytes per series",
    );
    let (_, took) = timed(|| db.maintain(0));
    report(
        "maintain a million series",
        took.as_secs_f64() * 1e3,
        "milliseconds",
    );
    let done = AtomicBool::new(false);
    let (slowest, queries) = thread::scope(|scope| {
        let (db, done) = (&db, &done);
        let reader = scope.spawn(move || {
            let pattern = Matcher::new("pod", MatchOp::Matches, ".*abc.*", 100_000).unwrap();
            let mut queries = 0;
            while !done.load(Relaxed) {
                assert!(
                    !db.series(&[from_ref(&pattern)], i64::MIN, i64::MAX, 10)
                        .items
                        .is_empty()
                );
                db.maintain(0);
                queries += 1;
            }
            queries
        });
        let mut slowest = Duration::ZERO;
        for at in 0..500_000 {
            // One in ten is new.
            let set = scraped(if at % 10 == 0 { SERIES + at } else { at });
            let (_, took) = timed(|| append(db, &set, &[(1, 1.0)], 0));
            slowest = slowest.max(took);
        }
        done.store(true, Relaxed);
        (slowest, reader.join().unwrap())
    });
    report(
        "queries over a million values meanwhile",
        f64::from(queries),
        "queries",
    );
    report(
        "the slowest append beside them",
        slowest.as_secs_f64() * 1e3,
        "milliseconds",
    );
}
