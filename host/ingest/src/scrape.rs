//! From a scrape's answer to the samples to append.
//!
//! [`Scraped`] is what is remembered of one target. One scrape gives, at its
//! start time: the samples exposed; a stale marker for each series that the scrape
//! before had and this one has not; and five of our own: `up`,
//! `scrape_duration_seconds`, `scrape_samples_scraped`,
//! `scrape_samples_post_metric_relabeling`, `scrape_series_added`. A scrape that
//! fails, be it at the last line, exposes nothing: all series get stale markers
//! and `up` is 0.
//!
//! After Prometheus: "Automatically generated labels and time series" in its docs
//! (jobs and instances), "Staleness" (querying basics), and `scrape/scrape.go`. A
//! series whose samples carry their own times is not tracked, so it gets no stale
//! markers, unless the job says so. A series that comes twice in one scrape without
//! times counts once: the first sample wins.

mod cache;
mod labels;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::sample::stale_nan;

use crate::Sample;
use crate::limits::{Exceeded, ScrapeLimits};
use crate::relabel::Relabel;
use crate::target::{Job, Target};
use crate::text::{ContentTypeError, Format, LabelError, Line, ParseError, Parser, TextSample};
use cache::{Cache, Place};
use labels::{OwnSeries, with_target};

/// What a target answered.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub content_type: Option<&'a str>,
    /// Uncompressed. Read no more than `body_bytes` + 1 of it.
    pub body: &'a [u8],
}

/// When a scrape began, and how long it took.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The time that samples get.
    pub start_ms: i64,
    pub duration_seconds: f64,
}

/// Why a scrape failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScrapeError {
    /// There was no answer, or none with status 200.
    #[error("{0}")]
    NoAnswer(String),
    #[error(transparent)]
    ContentType(#[from] ContentTypeError),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Labels(#[from] LabelError),
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
}

/// How a scrape went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// `None` when the target is up.
    pub error: Option<ScrapeError>,
    /// Samples exposed; of a failed scrape, those before the failure.
    pub samples_scraped: u64,
    /// Samples left by relabelling.
    pub samples_kept: u64,
    /// Series that are new.
    pub series_added: u64,
    /// Samples left out since their series had come already.
    pub duplicates: u64,
    /// Stale markers made.
    pub series_ended: u64,
}

/// How samples of one job become series.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub job: Job,
    pub relabel: Relabel,
    pub limits: ScrapeLimits,
}

/// What is remembered of one target between scrapes.
#[derive(Debug)]
pub struct Scraped {
    rules: Arc<Rules>,
    target_labels: Labels,
    own: OwnSeries,
    cache: Cache,
    has_scraped: bool,
}

impl Scraped {
    #[must_use]
    pub fn new(target: &Target, rules: Arc<Rules>) -> Self {
        Self {
            rules,
            target_labels: target.labels.clone(),
            own: OwnSeries::new(&target.labels),
            cache: Cache::default(),
            has_scraped: false,
        }
    }

    /// Takes in one scrape and adds to `batch` what is to be appended.
    ///
    /// `answer` is an error, in words for people, when there was none with status
    /// 200. `batch` is not emptied before.
    pub fn accept(
        &mut self,
        answer: Result<Answer<'_>, String>,
        timing: Timing,
        batch: &mut Vec<Sample>,
    ) -> Report {
        let mut report = Report::default();
        let before = batch.len();
        self.cache.begin();
        let accepted = answer
            .map_err(ScrapeError::NoAnswer)
            .and_then(|answer| self.read(answer, timing.start_ms, batch, &mut report));
        if let Err(error) = accepted {
            report.error = Some(error);
            batch.truncate(before);
            self.cache.abandon();
        }
        let stale = self.cache.end();
        report.series_ended = stale.len() as u64;
        batch.extend(
            stale
                .into_iter()
                .map(|labels| stale_marker(labels, timing.start_ms)),
        );
        self.own.samples(&report, timing, batch);
        self.has_scraped = true;
        report
    }

    /// The target is gone: adds a stale marker for each of its series and for our
    /// own, and says how many. Prometheus does so two intervals later, at the time
    /// when the next scrape would have been, lest the target comes back.
    pub fn end(&mut self, at_ms: i64, batch: &mut Vec<Sample>) -> u64 {
        if !std::mem::take(&mut self.has_scraped) {
            return 0;
        }
        let before = batch.len();
        self.cache.begin();
        self.cache.abandon();
        let series = self.cache.end().into_iter().chain(self.own.series());
        batch.extend(series.map(|labels| stale_marker(labels, at_ms)));
        (batch.len() - before) as u64
    }

    fn read(
        &mut self,
        answer: Answer<'_>,
        start_ms: i64,
        batch: &mut Vec<Sample>,
        report: &mut Report,
    ) -> Result<(), ScrapeError> {
        let rules = Arc::clone(&self.rules);
        let bytes_max = rules.limits.body_bytes;
        if answer.body.len() > bytes_max {
            return Err(Exceeded::new("body_bytes", "bytes", answer.body.len(), bytes_max).into());
        }
        if answer.body.is_empty() {
            return Ok(());
        }
        let format = Format::of_content_type(answer.content_type, rules.job.fallback_format)?;
        let mut parser = Parser::new(format, answer.body)?;
        while let Some(line) = parser.next(self.cache.expected())? {
            if let Line::Sample(sample) = line {
                report.samples_scraped += 1;
                self.take(&sample, &rules, start_ms, batch, report)?;
            }
        }
        let samples_max = rules.limits.samples_per_scrape;
        if report.samples_kept > samples_max {
            let (found, max) = (report.samples_kept as usize, samples_max as usize);
            return Err(Exceeded::new("samples_per_scrape", "samples after relabelling", found, max).into());
        }
        Ok(())
    }

    fn take(
        &mut self,
        sample: &TextSample<'_>,
        rules: &Rules,
        start_ms: i64,
        batch: &mut Vec<Sample>,
        report: &mut Report,
    ) -> Result<(), ScrapeError> {
        let known = self.cache.find(sample.series.text);
        // Counting goes on when there are too many samples; nothing is kept of them.
        let is_over = report.samples_kept >= rules.limits.samples_per_scrape;
        let place = match known {
            Some(place) => place,
            None => {
                let labels = self.labels_of(sample, rules)?;
                if is_over && labels.is_some() {
                    report.samples_kept += 1;
                    return Ok(());
                }
                let (place, is_new) = self.cache.insert(sample.series.text, labels);
                report.series_added += u64::from(is_new);
                place
            }
        };
        let Place::Series(series) = place else {
            return Ok(());
        };
        report.samples_kept += 1;
        let own_time_ms = sample.timestamp_ms.filter(|_| rules.job.honor_timestamps);
        let is_tracked = own_time_ms.is_none() || rules.job.track_timestamps_staleness;
        let (labels, is_first) = self.cache.visit(series, is_tracked);
        if !is_first && own_time_ms.is_none() {
            report.duplicates += 1;
        } else if !is_over {
            batch.push(Sample {
                labels: Arc::clone(labels),
                timestamp_ms: own_time_ms.unwrap_or(start_ms),
                value: sample.value,
            });
        }
        Ok(())
    }

    /// The final labels of a series; `None` if it is dropped.
    fn labels_of(&self, sample: &TextSample<'_>, rules: &Rules) -> Result<Option<Labels>, ScrapeError> {
        let exposed = sample.series.labels()?;
        let labels = with_target(exposed, &self.target_labels, rules.job.honor_labels);
        let labels = rules.relabel.apply(labels);
        if let Some(labels) = &labels {
            rules.limits.labels.check(labels)?;
        }
        Ok(labels)
    }
}

fn stale_marker(labels: Arc<Labels>, timestamp_ms: i64) -> Sample {
    Sample {
        labels,
        timestamp_ms,
        value: stale_nan(),
    }
}
