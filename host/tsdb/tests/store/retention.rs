//! What is too old goes.

use wasmalert_tsdb::{Db, Maintained, Settings};

use crate::support::{append, everything, labels, scraped};

const HOUR_MS: i64 = 3_600_000;
const STEP_MS: i64 = 15_000;

fn settings() -> Settings {
    Settings {
        retention_ms: HOUR_MS as u64,
        ..Settings::default()
    }
}

#[test]
fn chunks_go_as_a_whole_and_series_with_their_last_sample() {
    let db = Db::new(settings());
    let (ended, live) = (labels(&[("n", "ended")]), labels(&[("n", "live")]));
    for at in 0..240 {
        let time_ms = at * STEP_MS;
        append(&db, &live, &[(time_ms, 1.0)], time_ms);
        if at < 10 {
            append(&db, &ended, &[(time_ms, 1.0)], time_ms);
        }
    }
    assert_eq!(db.maintain(HOUR_MS), Maintained::default());
    assert_eq!(db.stats().oldest_ms, Some(0));
    // The first chunk of the live series still has samples that count.
    let maintained = db.maintain(HOUR_MS + 10 * STEP_MS);
    assert_eq!(
        maintained,
        Maintained {
            series: 1,
            chunks: 1,
            samples: 10
        }
    );
    assert_eq!(everything(&db).keys().collect::<Vec<_>>(), [&live]);
    let maintained = db.maintain(HOUR_MS + 120 * STEP_MS);
    assert_eq!(
        maintained,
        Maintained {
            series: 0,
            chunks: 1,
            samples: 120
        }
    );
    let stats = db.stats();
    assert_eq!(
        (stats.series, stats.samples, stats.oldest_ms),
        (1, 120, Some(120 * STEP_MS))
    );
    assert_eq!(
        db.maintain(i64::MAX),
        Maintained {
            series: 1,
            chunks: 1,
            samples: 120
        }
    );
    let stats = db.stats();
    assert_eq!(
        (stats.series, stats.chunks, stats.samples, stats.oldest_ms),
        (0, 0, 0, None)
    );
}

#[test]
fn what_has_gone_gives_its_bytes_back() {
    let db = Db::new(settings());
    for round in 0..4 {
        let start_ms = round * 10 * HOUR_MS;
        for at in 0..2_000 {
            let samples: Vec<_> = (0..130)
                .map(|step| (start_ms + step * 1_000, at as f64))
                .collect();
            append(&db, &scraped(at), &samples, start_ms);
        }
        assert_eq!(db.stats().series, 2_000);
        assert_eq!(db.maintain(start_ms + 9 * HOUR_MS).series, 2_000);
        let stats = db.stats();
        // What is left are the tables of a few label names.
        assert!(
            stats.bytes < 2_000 && stats.bytes == stats.index_bytes,
            "{stats:?}"
        );
    }
}

#[test]
fn a_series_comes_back_as_if_it_were_new() {
    let db = Db::new(settings());
    let set = labels(&[("n", "x")]);
    append(&db, &set, &[(0, 1.0)], 0);
    assert_eq!(db.maintain(2 * HOUR_MS).series, 1);
    let now_ms = 2 * HOUR_MS;
    assert_eq!(
        append(&db, &set, &[(now_ms, 2.0), (now_ms - 1, 1.0)], now_ms).accepted,
        2
    );
    assert_eq!(everything(&db)[&set].len(), 2);
}

#[test]
fn without_retention_nothing_goes() {
    let db = Db::new(Settings {
        retention_ms: 0,
        ..settings()
    });
    append(&db, &labels(&[("n", "x")]), &[(i64::MIN, 1.0), (0, 1.0)], 0);
    assert_eq!(db.maintain(i64::MAX), Maintained::default());
    assert_eq!(db.stats().samples, 2);
}
