use std::collections::BTreeMap;
use std::time::Duration;

use wasmalert_ingest::text::{Format, Line, Parser};

use super::{CYCLE_MS, OUTAGE_MS, Shop};

const OPENED: Duration = Duration::from_secs(1_700_000_000);
/// Long enough for the worker to catch up.
const CALM_MS: u64 = 85_000;

fn after(elapsed_ms: u64) -> Shop {
    let mut shop = Shop::new(OPENED);
    shop.advance_to(Duration::from_millis(elapsed_ms));
    shop
}

/// Every sample of the page, by its series, as the server itself reads it.
fn read(shop: &Shop) -> BTreeMap<String, f64> {
    let page = shop.page();
    let mut parser = Parser::new(Format::Prometheus, page.as_bytes()).unwrap();
    let mut samples = BTreeMap::new();
    while let Some(line) = parser.next(None).unwrap() {
        if let Line::Sample(sample) = line {
            let name = sample.series.text.to_owned();
            assert_eq!(samples.insert(name, sample.value), None, "a series twice");
        }
    }
    samples
}

/// What a series has gained between two times since the opening.
fn increase(series: &str, from_ms: u64, to_ms: u64) -> f64 {
    read(&after(to_ms))[series] - read(&after(from_ms))[series]
}

#[test]
fn every_series_is_there_from_the_start() {
    let at_first = read(&after(0));
    let later = read(&after(3 * CYCLE_MS));
    assert!(at_first.keys().eq(later.keys()));
    let counted = at_first.iter().filter(|(name, _)| name.contains("_total"));
    assert!(counted.clone().all(|(_, count)| *count == 0.0));
    assert_eq!(counted.count(), 12);
}

#[test]
fn the_page_is_a_function_of_the_time() {
    let mut often = Shop::new(OPENED);
    for elapsed_ms in (0..=200_000).step_by(730) {
        often.advance_to(Duration::from_millis(elapsed_ms));
    }
    often.advance_to(Duration::from_secs(200));
    assert_eq!(often.page(), after(200_000).page());
    // Time that goes back changes nothing.
    often.advance_to(Duration::ZERO);
    assert_eq!(often.page(), after(200_000).page());
}

#[test]
fn no_counter_goes_down() {
    let mut shop = Shop::new(OPENED);
    let mut before = read(&shop);
    for elapsed_ms in (0..=CYCLE_MS).step_by(500) {
        shop.advance_to(Duration::from_millis(elapsed_ms));
        let now = read(&shop);
        for (name, value) in now.iter().filter(|(name, _)| !name.starts_with("shop_queue")) {
            assert!(*value >= before[name], "{name} at {elapsed_ms} ms");
        }
        before = now;
    }
}

#[test]
fn requests_fail_and_are_slow_in_the_outage_alone() {
    let failed = "shop_requests_total{route=\"/checkout\",code=\"503\"}";
    let all = "shop_request_duration_seconds_count";
    let good = "shop_request_duration_seconds_bucket{le=\"0.5\"}";
    for cycle in 0..3 {
        let (start, end) = (
            cycle * CYCLE_MS + OUTAGE_MS.start,
            cycle * CYCLE_MS + OUTAGE_MS.end,
        );
        let in_outage = |series| increase(series, start, end - 100);
        assert!(in_outage(failed) / in_outage(all) > 0.09, "cycle {cycle}");
        assert!(in_outage(good) / in_outage(all) < 0.8, "cycle {cycle}");
        let after_it = |series| increase(series, end, (cycle + 1) * CYCLE_MS);
        assert_eq!(after_it(failed), 0.0, "cycle {cycle}");
        assert_eq!(after_it(good), after_it(all), "cycle {cycle}");
    }
}

#[test]
fn the_queue_grows_in_the_outage_and_is_empty_before_the_next() {
    for cycle in 0..3 {
        let orders = |ms| read(&after(cycle * CYCLE_MS + ms))["shop_queue_orders"];
        assert!(orders(OUTAGE_MS.start) < 5.0, "cycle {cycle}");
        assert!(orders(OUTAGE_MS.end) > 60.0, "cycle {cycle}");
        assert!(orders(CALM_MS) < 5.0, "cycle {cycle}");
    }
}

#[test]
fn no_payment_succeeds_in_the_outage() {
    let last = |ms| read(&after(ms))["shop_payment_last_success_timestamp_seconds"];
    assert_eq!(last(0), OPENED.as_secs_f64());
    assert_eq!(last(OUTAGE_MS.start), last(OUTAGE_MS.end - 100));
    assert!(last(OUTAGE_MS.end + 2_000) > last(OUTAGE_MS.start) + 25.0);
}

#[test]
fn failed_payments_are_among_all_payments() {
    let timeouts = "shop_payments_failed_total{reason=\"provider_timeout\"}";
    let (start, end) = (OUTAGE_MS.start, OUTAGE_MS.end - 100);
    assert_eq!(
        increase(timeouts, start, end),
        increase("shop_payments_total", start, end)
    );
    assert_eq!(increase(timeouts, end, CYCLE_MS), 0.0);
    let declined = "shop_payments_failed_total{reason=\"card_declined\"}";
    assert!(increase(declined, end, CYCLE_MS) > 0.0);
}
