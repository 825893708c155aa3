//! Labels of a target on its series, and the series about the scrape itself.

use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;

use super::{Report, Timing};
use crate::Sample;

const EXPORTED: &str = "exported_";

/// Puts the target's labels on a series. Where both have a label, the series'
/// own one stays if `honor_labels`, and is renamed if not.
pub(super) fn with_target(exposed: Labels, target: &Labels, honor_labels: bool) -> Labels {
    let mut labels = exposed;
    if honor_labels {
        for (name, value) in target.iter() {
            if labels.get(name).is_none() {
                labels.set(name, value);
            }
        }
        return labels;
    }
    let mut displaced: Vec<(String, String)> = Vec::new();
    for (name, value) in target.iter() {
        if let Some(own) = labels.get(name) {
            displaced.push((name.to_owned(), own.to_owned()));
        }
        labels.set(name, value);
    }
    displaced.sort_by_key(|(name, _)| name.len());
    for (name, value) in displaced {
        let mut free = format!("{EXPORTED}{name}");
        while labels.get(&free).is_some() {
            free.insert_str(0, EXPORTED);
        }
        labels.set(&free, &value);
    }
    labels
}

/// The series about a target's scrapes.
#[derive(Debug)]
pub(super) struct OwnSeries([Arc<Labels>; 5]);

impl OwnSeries {
    const NAMES: [&str; 5] = [
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    ];

    pub(super) fn new(target: &Labels) -> Self {
        Self(Self::NAMES.map(|name| {
            let mut labels = target.clone();
            labels.set(METRIC_NAME, name);
            Arc::new(labels)
        }))
    }

    pub(super) fn series(&self) -> impl Iterator<Item = Arc<Labels>> {
        self.0.iter().map(Arc::clone)
    }

    pub(super) fn samples(&self, report: &Report, timing: Timing, batch: &mut Vec<Sample>) {
        let values = [
            f64::from(u8::from(report.error.is_none())),
            timing.duration_seconds,
            report.samples_scraped as f64,
            report.samples_kept as f64,
            report.series_added as f64,
        ];
        batch.extend(self.series().zip(values).map(|(labels, value)| Sample {
            labels,
            timestamp_ms: timing.start_ms,
            value,
        }));
    }
}
