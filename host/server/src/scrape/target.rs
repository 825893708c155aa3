//! One target, scraped at its slots until its scrape is changed or removed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;
use wasmalert_core::TenantId;
use wasmalert_core::quota::Quota;
use wasmalert_ingest::scrape::{Answer, Report, Scraped, Timing};
use wasmalert_ingest::target::Target;
use wasmalert_ingest::{Sample, text};
use wasmalert_tsdb::Db;

use super::spec::Plan;
use crate::Host;
use crate::embedded;
use crate::fair::Lane;
use crate::http_client::{cause, read_up_to};
use crate::secrets::Secrets;
use crate::telemetry::ScrapeResult;

/// Tells the target how long it has, as Prometheus does.
const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

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
    fn new(target: &Target) -> Self {
        Self {
            url: target.url.clone(),
            up: None,
            error: None,
            last_scrape_ms: None,
            samples: 0,
        }
    }
}

/// Why a target is not scraped any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Another task goes on with it.
    GoesOn,
    /// Its series end.
    Ends,
}

/// A target that is scraped. Dropping it lets the target go as it is.
pub(super) struct Task {
    stop: oneshot::Sender<Stop>,
    status: Arc<Mutex<TargetStatus>>,
}

impl Task {
    pub(super) fn start(host: &Arc<Host>, tenant: &TenantId, plan: &Arc<Plan>, target: &Target) -> Self {
        let status = Arc::new(Mutex::new(TargetStatus::new(target)));
        let (stop, stopped) = oneshot::channel();
        let scraper = Scraper {
            host: host.clone(),
            tenant: tenant.clone(),
            db: host.embedded.of(tenant),
            plan: plan.clone(),
            target: target.clone(),
        };
        tokio::spawn(scraper.scrape_until(stopped, status.clone()));
        Self { stop, status }
    }

    pub(super) fn stop(self, why: Stop) {
        // The task may have ended by itself.
        let _ = self.stop.send(why);
    }

    pub(super) fn status(&self) -> TargetStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Scraper {
    host: Arc<Host>,
    tenant: TenantId,
    db: Arc<Db>,
    plan: Arc<Plan>,
    target: Target,
}

impl Scraper {
    async fn scrape_until(self, mut stopped: oneshot::Receiver<Stop>, status: Arc<Mutex<TargetStatus>>) {
        let host = &self.host;
        let interval_ms = self.plan.interval_ms;
        let mut scraped = Scraped::new(&self.target, self.plan.rules.clone());
        let offset_ms = self.target.offset_ms(interval_ms);
        loop {
            let now_ms = host.clock.now_ms();
            let slot_ms = next_slot_ms(now_ms, interval_ms, offset_ms);
            let wait = Duration::from_millis(slot_ms.abs_diff(now_ms));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                stop = &mut stopped => {
                    if stop == Ok(Stop::Ends) {
                        let mut batch = Vec::new();
                        scraped.end(host.clock.now_ms(), &mut batch);
                        append(&self.db, &batch, host.clock.now_ms());
                    }
                    return;
                }
            }
            if host.quarantine.of_tenant(&self.tenant).is_some() {
                continue;
            }
            let (next, report, refused) = self.scrape(scraped, slot_ms).await;
            let Some(next) = next else {
                let (tenant, url) = (&self.tenant, &self.target.url);
                tracing::error!(%tenant, url, "reading what a target exposes panicked; it is not scraped any more");
                return;
            };
            scraped = next;
            let error = report.error.as_ref().map(ToString::to_string);
            let result = if error.is_none() {
                ScrapeResult::Up
            } else {
                ScrapeResult::Down
            };
            host.metrics.scrapes.inc(&self.tenant, result);
            let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
            status.up = Some(error.is_none());
            status.error = error.or(refused).or_else(|| repeated(&report));
            status.last_scrape_ms = Some(slot_ms);
            status.samples = report.samples_scraped;
        }
    }

    /// One scrape. Its samples carry the slot's time. Gives what to remember, unless
    /// reading panicked, how it went, and what the store refused.
    async fn scrape(&self, mut scraped: Scraped, slot_ms: i64) -> (Option<Scraped>, Report, Option<String>) {
        let (host, timeout) = (&self.host, self.plan.timeout);
        let stopwatch = host.clock.stopwatch();
        let claim = host.tenants.of(&self.tenant).claim(Quota::ScrapesAtOnce);
        let fetched = async {
            let _turn = host.scrapes.turns.take(&claim).await;
            self.fetch().await
        };
        let fetched = tokio::time::timeout(timeout, fetched)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} ms", timeout.as_millis())));
        let timing = Timing {
            start_ms: slot_ms,
            duration_seconds: stopwatch.elapsed().as_secs_f64(),
        };
        let (db, now_ms) = (self.db.clone(), host.clock.now_ms());
        // The first of a large exposition takes up to a second of processor time.
        let bytes = fetched.as_ref().map_or(0, |(_, body)| body.len());
        let take = move || {
            let answer = fetched.as_ref().map(|(content_type, body)| Answer {
                content_type: content_type.as_deref(),
                body,
            });
            let mut batch = Vec::new();
            let report = scraped.accept(answer.map_err(Clone::clone), timing, &mut batch);
            let refused = append(&db, &batch, now_ms);
            (scraped, report, refused)
        };
        match host.samplers.run(Lane::for_bytes(bytes), &claim, take).await {
            Ok(((scraped, report, refused), _)) => (Some(scraped), report, refused),
            Err(_) => (None, Report::default(), None),
        }
    }

    async fn fetch(&self) -> Result<Fetched, String> {
        let secrets = self.host.catalog.of(&self.tenant).secrets.clone();
        let auth = self.plan.spec.auth();
        let fetched = self.exchange(&secrets).await;
        fetched.map_err(|error| auth.redact(&error, &[], &secrets))
    }

    async fn exchange(&self, secrets: &Secrets) -> Result<Fetched, String> {
        let url = Url::parse(&self.target.url).map_err(|error| format!("the target's URL: {error}"))?;
        let allowed = secrets.for_url(&url);
        let mut request = Request::new(Method::GET, url.clone());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(text::ACCEPT));
        let seconds = HeaderValue::try_from(self.plan.timeout.as_secs_f64().to_string());
        headers.extend(seconds.ok().map(|seconds| (TIMEOUT_HEADER, seconds)));
        let authorized = self.plan.spec.auth().apply(headers, &allowed);
        authorized.map_err(|error| error.to_string())?;
        let client = self
            .host
            .http
            .of(&self.tenant)
            .map_err(|error| error.to_string())?;
        let answer = client.execute(request).await;
        let mut response = answer.map_err(|error| error.to_string())?;
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
        // One more byte than allowed: taking it in says what is wrong with it.
        let bytes_max = self.plan.rules.limits.body_bytes.saturating_add(1);
        let body = read_up_to(&mut response, bytes_max).await;
        Ok((content_type, body.map_err(|error| cause(&error))?))
    }
}

type Fetched = (Option<String>, Vec<u8>);

/// The first slot after a time.
fn next_slot_ms(now_ms: i64, interval_ms: i64, offset_ms: i64) -> i64 {
    now_ms + interval_ms - (now_ms - offset_ms).rem_euclid(interval_ms)
}

fn repeated(report: &Report) -> Option<String> {
    let duplicates = report.duplicates;
    (duplicates > 0).then(|| format!("{duplicates} samples left out: the page has their series twice"))
}

/// Puts samples into the store; gives what it refused, as a text.
fn append(db: &Db, batch: &[Sample], now_ms: i64) -> Option<String> {
    let samples = batch.iter().map(|sample| {
        let (timestamp_ms, value) = (sample.timestamp_ms, sample.value);
        (&*sample.labels, wasmalert_tsdb::Sample { timestamp_ms, value })
    });
    embedded::append(db, samples, now_ms)
}
