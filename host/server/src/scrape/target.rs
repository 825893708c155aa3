//! One target, scraped at its slots until its scrape is changed or removed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;
use wasmalert_core::TenantId;
use wasmalert_ingest::scrape::{Answer, Report, Scraped, Timing};
use wasmalert_ingest::target::Target;
use wasmalert_ingest::{Sample, text};
use wasmalert_tsdb::{Db, Entry};

use super::Stop;
use super::spec::Plan;
use crate::Host;
use crate::http_client::cause;

/// Tells the target how long it has, as Prometheus does.
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// How a target was at its last scrape.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TargetStatus {
    pub url: String,
    /// Null until the first scrape.
    pub up: Option<bool>,
    /// Why it is not up, or what of it was refused.
    pub error: Option<String>,
    /// ms since the epoch.
    pub last_scrape_ms: Option<i64>,
    /// Samples that it exposed.
    pub samples: u64,
}

impl TargetStatus {
    pub(super) fn new(target: &Target) -> Self {
        Self {
            url: target.url.clone(),
            up: None,
            error: None,
            last_scrape_ms: None,
            samples: 0,
        }
    }
}

pub(super) async fn scrape_until_stopped(
    host: Arc<Host>,
    tenant: TenantId,
    plan: Arc<Plan>,
    target: Target,
    status: Arc<Mutex<TargetStatus>>,
    mut stopped: watch::Receiver<Stop>,
) {
    let db = host.embedded.of(&tenant);
    let mut scraped = Scraped::new(&target, plan.rules.clone());
    let offset_ms = target.offset_ms(plan.interval_ms);
    loop {
        let now_ms = host.clock.now_ms();
        let slot_ms = next_slot_ms(now_ms, plan.interval_ms, offset_ms);
        let wait = Duration::from_millis(slot_ms.abs_diff(now_ms));
        let stop = tokio::select! {
            () = tokio::time::sleep(wait) => None,
            _ = stopped.changed() => stopped.borrow_and_update().clone(),
        };
        if let Some(go_on) = stop {
            if !go_on.contains(&target) {
                let mut batch = Vec::new();
                scraped.end(host.clock.now_ms(), &mut batch);
                append(&db, &batch, host.clock.now_ms());
            }
            return;
        }
        let (next, report, refused) = scrape(&host, &db, &plan, &target, scraped, slot_ms).await;
        let Some(next) = next else {
            tracing::error!(%tenant, url = target.url, "reading what a target exposes panicked; it is not scraped any more");
            return;
        };
        scraped = next;
        let error = report.error.as_ref().map(ToString::to_string);
        let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
        status.up = Some(error.is_none());
        status.error = error.or(refused);
        status.last_scrape_ms = Some(slot_ms);
        status.samples = report.samples_scraped;
    }
}

/// The first slot after a time.
fn next_slot_ms(now_ms: i64, interval_ms: i64, offset_ms: i64) -> i64 {
    now_ms + interval_ms - (now_ms - offset_ms).rem_euclid(interval_ms)
}

/// One scrape. Its samples carry the slot's time. Gives what to remember, unless
/// reading panicked, how it went, and what the store refused.
async fn scrape(
    host: &Host,
    db: &Arc<Db>,
    plan: &Plan,
    target: &Target,
    mut scraped: Scraped,
    slot_ms: i64,
) -> (Option<Scraped>, Report, Option<String>) {
    let stopwatch = host.clock.stopwatch();
    let fetched = async {
        let _permit = host.scrapes.permits.acquire().await;
        fetch(host, plan, target).await
    };
    let fetched = tokio::time::timeout(plan.timeout, fetched)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} ms", plan.timeout.as_millis())));
    let timing = Timing {
        start_ms: slot_ms,
        duration_seconds: stopwatch.elapsed().as_secs_f64(),
    };
    let (db, now_ms) = (db.clone(), host.clock.now_ms());
    // The first of a large exposition takes up to a second of processor time.
    let taking = tokio::task::spawn_blocking(move || {
        let answer = fetched.as_ref().map(|(content_type, body)| Answer {
            content_type: content_type.as_deref(),
            body,
        });
        let mut batch = Vec::new();
        let report = scraped.accept(answer.map_err(Clone::clone), timing, &mut batch);
        let refused = append(&db, &batch, now_ms);
        (scraped, report, refused)
    });
    match taking.await {
        Ok((scraped, report, refused)) => (Some(scraped), report, refused),
        Err(_) => (None, Report::default(), None),
    }
}

type Fetched = (Option<String>, Vec<u8>);

async fn fetch(host: &Host, plan: &Plan, target: &Target) -> Result<Fetched, String> {
    let request = host
        .http
        .raw()
        .get(&target.url)
        .header(ACCEPT, text::ACCEPT)
        .header(TIMEOUT_HEADER, plan.timeout.as_secs_f64().to_string());
    let mut response = request.send().await.map_err(|error| cause(&error))?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!(
            "the target answered with the status {}",
            response.status()
        ));
    }
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
        body.extend_from_slice(&chunk);
        // Taking it in says what is wrong with it.
        if body.len() > plan.rules.limits.body_bytes {
            break;
        }
    }
    Ok((content_type, body))
}

/// Puts samples into the store; gives what it refused, as a text.
fn append(db: &Db, batch: &[Sample], now_ms: i64) -> Option<String> {
    let samples: Vec<[wasmalert_tsdb::Sample; 1]> = batch
        .iter()
        .map(|sample| {
            [wasmalert_tsdb::Sample {
                timestamp_ms: sample.timestamp_ms,
                value: sample.value,
            }]
        })
        .collect();
    let entries: Vec<Entry<'_>> = batch
        .iter()
        .zip(&samples)
        .map(|(sample, samples)| Entry {
            labels: &sample.labels,
            samples,
        })
        .collect();
    let refused = db.append(&entries, now_ms).refused;
    let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
    (!refused.is_empty()).then(|| refused.join("; "))
}
