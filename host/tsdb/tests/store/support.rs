//! What the tests share.

use std::collections::BTreeMap;

use wasmalert_core::Labels;
use wasmalert_promql::{Matcher, Select, Storage};
use wasmalert_tsdb::{Appended, Db, Entry, Refusal, Sample, Settings};

/// Times and bits of values, by labels.
pub(crate) type Content = BTreeMap<Labels, Vec<(i64, u64)>>;

/// A store without retention, otherwise as it comes.
pub(crate) fn keep_all() -> Settings {
    Settings {
        retention_ms: 0,
        ..Settings::default()
    }
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_iter(pairs.iter().copied())
}

/// A series like those of a scrape.
pub(crate) fn scraped(at: usize) -> Labels {
    let instance = format!("10.0.{}.{}:9100", at / 250 % 250, at % 250);
    let pod = format!("checkout-6d5f9c7b8-{at:05x}");
    labels(&[
        ("__name__", "http_requests_total"),
        ("job", "checkout"),
        ("instance", &instance),
        ("pod", &pod),
        ("namespace", ["shop", "payment", "search"][at % 3]),
        ("code", ["200", "404", "500"][at % 3]),
        ("method", "GET"),
    ])
}

pub(crate) fn append(db: &Db, labels: &Labels, samples: &[(i64, f64)], now_ms: i64) -> Appended {
    let samples: Vec<_> = samples
        .iter()
        .map(|&(timestamp_ms, value)| Sample { timestamp_ms, value })
        .collect();
    let entry = Entry {
        labels,
        samples: &samples,
    };
    db.append(&[entry], now_ms)
}

/// Appends one sample and says why it was refused, if it was.
pub(crate) fn refusal(db: &Db, labels: &Labels, time_ms: i64, value: f64, now_ms: i64) -> Option<Refusal> {
    let appended = append(db, labels, &[(time_ms, value)], now_ms);
    assert_eq!(appended.accepted + appended.refused_samples(), 1);
    appended.refused.first().map(|refused| refused.reason)
}

/// Everything a selector finds.
pub(crate) fn selected(
    storage: &dyn Storage,
    matchers: &[Matcher],
    min_ms: i64,
    max_ms: i64,
    newest_only: bool,
) -> Content {
    let select = Select {
        matchers,
        min_ms,
        max_ms,
        newest_only,
    };
    let mut found = Content::new();
    storage
        .select(&select, &mut |labels, timestamps_ms, values| {
            assert!(!timestamps_ms.is_empty() && timestamps_ms.len() == values.len());
            assert!(timestamps_ms.is_sorted_by(|a, b| a < b));
            assert!(timestamps_ms[0] >= min_ms && timestamps_ms[timestamps_ms.len() - 1] <= max_ms);
            let bits = values.iter().map(|value| value.to_bits());
            let samples = timestamps_ms.iter().copied().zip(bits).collect();
            let before = found.insert((**labels).clone(), samples);
            assert!(before.is_none(), "{labels} comes twice");
            Ok(())
        })
        .unwrap();
    found
}

pub(crate) fn everything(db: &Db) -> Content {
    selected(db, &[], i64::MIN, i64::MAX, false)
}
