//! What happens in the shop, as a function of the time since it opened.
//!
//! Visitors make *requests*; a good checkout puts an *order* into the queue; a
//! worker takes orders out and asks a provider for the *payment*. In every
//! *cycle* there is an *outage* of that provider: checkouts are slow or fail, no
//! payment succeeds, the queue grows. After it the worker catches up.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::time::Duration;

use crate::metrics::{Counters, Histogram, Page};

/// The shop moves on in steps of this length.
const TICK_MS: u64 = 100;
/// How often everything repeats.
pub const CYCLE_MS: u64 = 90_000;
/// When in a cycle the provider of payments does not answer.
pub const OUTAGE_MS: Range<u64> = 10_000..35_000;
const REQUESTS_PER_TICK: u64 = 2;
const ORDERS_MAX: u64 = 500;

const HOME: &str = "/";
const PRODUCT: &str = "/product/{id}";
const CHECKOUT: &str = "/checkout";
const ROUTES: [&str; 3] = [HOME, PRODUCT, CHECKOUT];
const CODES: [&str; 3] = ["200", "404", "503"];
const CARD_DECLINED: &str = "card_declined";
const PROVIDER_TIMEOUT: &str = "provider_timeout";
/// The objective is half a second, so that is one of the bounds.
const SECONDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// The shop and its metrics.
#[derive(Debug)]
pub struct Shop {
    /// Since the epoch.
    opened: Duration,
    ticks: u64,
    requests: Counters<2>,
    request_seconds: Histogram,
    payments: Counters<0>,
    payments_failed: Counters<1>,
    /// Since the epoch; the opening counts as one, so that a shop that never
    /// gets a payment is noticed too.
    last_payment: Duration,
    orders: u64,
}

impl Shop {
    /// Opens at a time since the epoch.
    #[must_use]
    pub fn new(opened: Duration) -> Self {
        let all = ROUTES.iter().flat_map(|route| CODES.map(|code| [*route, code]));
        Self {
            opened,
            ticks: 0,
            requests: Counters::new(["route", "code"], all),
            request_seconds: Histogram::new(SECONDS),
            payments: Counters::new([], [[]]),
            payments_failed: Counters::new(["reason"], [[CARD_DECLINED], [PROVIDER_TIMEOUT]]),
            last_payment: opened,
            orders: 0,
        }
    }

    /// Lets happen what happens until a time since the opening.
    pub fn advance_to(&mut self, elapsed: Duration) {
        while Duration::from_millis((self.ticks + 1) * TICK_MS) <= elapsed {
            self.ticks += 1;
            for number in 0..REQUESTS_PER_TICK {
                self.request(self.ticks * REQUESTS_PER_TICK + number);
            }
            self.work();
        }
    }

    fn is_outage(&self) -> bool {
        OUTAGE_MS.contains(&(self.ticks * TICK_MS % CYCLE_MS))
    }

    /// Every fourth request is a checkout. In an outage two of five fail.
    fn request(&mut self, number: u64) {
        let route = [HOME, HOME, PRODUCT, CHECKOUT][number as usize % 4];
        let is_hit = route == CHECKOUT && self.is_outage();
        let code = match route {
            CHECKOUT if self.orders == ORDERS_MAX || is_hit && number / 4 % 5 < 2 => "503",
            PRODUCT if (number / 4).is_multiple_of(50) => "404",
            _ => "200",
        };
        self.requests.increment([route, code]);
        // Spreads evenly from 0 to 1.
        let spread = (number as f64 * 0.618_034).fract();
        self.request_seconds.observe(match is_hit {
            true => 0.6 + 1.4 * spread,
            false => 0.02 + 0.2 * spread,
        });
        if (route, code) == (CHECKOUT, "200") {
            self.orders += 1;
        }
    }

    /// The worker asks for up to eight payments a second, of which one is declined
    /// every five seconds; in an outage for one a second, and keeps the order.
    fn work(&mut self) {
        let is_outage = self.is_outage();
        let rests = match is_outage {
            true => !self.ticks.is_multiple_of(10),
            false => self.ticks.is_multiple_of(5),
        };
        if rests || self.orders == 0 {
            return;
        }
        self.payments.increment([]);
        if is_outage {
            self.payments_failed.increment([PROVIDER_TIMEOUT]);
            return;
        }
        self.orders -= 1;
        if self.ticks % 50 == 1 {
            self.payments_failed.increment([CARD_DECLINED]);
        } else {
            self.last_payment = self.opened + Duration::from_millis(self.ticks * TICK_MS);
        }
    }

    /// The metrics as a page.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = Page::default();
        page.counters("shop_requests_total", "Requests answered.", &self.requests);
        page.histogram(
            "shop_request_duration_seconds",
            "Time until a request was answered.",
            &self.request_seconds,
        );
        page.counters(
            "shop_payments_total",
            "Payments asked for, failed ones included.",
            &self.payments,
        );
        page.counters(
            "shop_payments_failed_total",
            "Payments that failed.",
            &self.payments_failed,
        );
        page.gauge(
            "shop_payment_last_success_timestamp_seconds",
            "When a payment last succeeded, or the shop was started.",
            &[],
            self.last_payment.as_secs_f64(),
        );
        page.gauge(
            "shop_queue_orders",
            "Orders that wait for their payment.",
            &[],
            self.orders as f64,
        );
        page.gauge(
            "shop_queue_orders_max",
            "Orders that may wait.",
            &[],
            ORDERS_MAX as f64,
        );
        page.gauge(
            "shop_build_info",
            "Always 1.",
            &[("version", env!("CARGO_PKG_VERSION"))],
            1.0,
        );
        page.gauge(
            "process_start_time_seconds",
            "When the process was started.",
            &[],
            self.opened.as_secs_f64(),
        );
        page.finish()
    }
}
