use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use wasmalert_core::evaluation::{Finding, Timer};
use wasmalert_core::frame::FrameBuilder;
use wasmalert_core::{GroupKey, RuleKey, TenantId};

use super::*;

fn context() -> Context {
    let group = GroupKey {
        tenant: TenantId::new("default").unwrap(),
        namespace: "ns".into(),
        group: "g".into(),
    };
    Context {
        rule: RuleKey {
            group,
            rule: "r".into(),
        },
        now_ms: 10_000,
        interval_ms: 1_000,
        query_offset_ms: 0,
        trigger: Trigger::Timer {
            name: "t".into(),
            timer: Timer {
                due_ms: 9_999,
                payload: vec![0, 255],
            },
        },
        config: "{}".into(),
        labels: Arc::default(),
        source: "prom".into(),
        extras: vec![("label:team".into(), "{{ $value }}".into())],
    }
}

/// A journal with one query of `series` series.
fn journal(series: usize) -> Journal {
    let mut frame = FrameBuilder::new();
    for at in 0..series {
        frame.label("instance", &format!("host-{at}"));
        frame.sample(10_000, at as f64 / 3.0);
        frame.end_series().unwrap();
    }
    let query = Query {
        source: "prom".into(),
        expr: "up".into(),
        time: QueryTime::Instant { at_ms: 10_000 },
    };
    Journal {
        queries: BTreeMap::from([(query, Ok(Arc::new(frame.finish())))]),
        state: Arc::new(BTreeMap::from([("k".to_owned(), vec![1, 2, 3])])),
        timers: Arc::default(),
    }
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    for series in [0, 1, 500] {
        let record = inputs(&context(), &journal(series), &mut Budget::new(1 << 20));
        assert_eq!(record.queries[0].series.len(), series);
        assert!(!record.queries[0].truncated);
        let read: Inputs = decode(&encode(&record).unwrap()).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.trigger.timer.unwrap().payload, "AP8=");
        assert_eq!(read.state["k"], "AQID");
    }
}

#[test]
fn a_large_record_is_compressed_and_a_larger_one_loses_series() {
    let whole = inputs(&context(), &journal(500), &mut Budget::new(1 << 20));
    let bytes = encode(&whole).unwrap();
    assert!(bytes.len() < serde_json::to_vec(&whole).unwrap().len() / 2);

    let part = inputs(&context(), &journal(500), &mut Budget::new(4_096));
    let query = &part.queries[0];
    assert!(query.truncated && query.series_count == 500);
    assert!((10..200).contains(&query.series.len()), "{}", query.series.len());
}

#[test]
fn what_follows_a_part_that_did_not_fit_is_left_out_too() {
    let mut budget = Budget::new(100);
    assert!(!budget.take(101));
    assert!(!budget.take(1));
}

#[test]
fn bytes_that_are_no_record_are_an_error() {
    for bytes in [
        &b""[..],
        b"{",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x00garbage",
        &[0xff; 64],
    ] {
        assert!(decode::<Inputs>(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn findings_over_the_budget_are_counted() {
    let finding = |at: usize| Finding {
        given: [("instance", format!("host-{at}"))].into_iter().collect(),
        value: f64::NAN,
        annotations: vec![("summary".into(), "down".into())],
    };
    let answer = Outcome {
        findings: (0..1_000).map(finding).collect(),
        samples: Vec::new(),
    };
    let record = outcome(&answer, &mut Budget::new(2_000));
    assert_eq!(record.findings_count, 1_000);
    assert!((10..100).contains(&record.findings.len()));
    assert_eq!(record.findings[0].value, "NaN");
    assert_eq!(record.findings[0].annotations["summary"], "down");
}

#[test]
fn numbers_are_written_as_prometheus_clients_expect() {
    for (value, text) in [
        (0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (1e300, "1e300"),
        (5e-324, "5e-324"),
    ] {
        assert_eq!(number(value), text);
    }
}

proptest! {
    #[test]
    fn numbers_read_back_to_the_same_bits(bits: u64) {
        let value = f64::from_bits(bits);
        let read: f64 = number(value).parse().unwrap();
        prop_assert!(read.to_bits() == bits || value.is_nan() && read.is_nan());
    }
}
