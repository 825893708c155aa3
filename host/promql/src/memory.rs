//! A storage in memory, for tests and rule tests.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;

use crate::error::Error;
use crate::matcher::{MatchOp, Matcher};
use crate::storage::{Select, Storage, Visit};

/// Plain columns, found by metric name.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    series: Vec<Columns>,
    by_labels: HashMap<Arc<Labels>, usize>,
    by_name: HashMap<Box<str>, Vec<usize>>,
}

#[derive(Debug)]
struct Columns {
    labels: Arc<Labels>,
    timestamps_ms: Vec<i64>,
    values: Vec<f64>,
}

impl MemoryStorage {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sample; one of the same series and time is replaced.
    pub fn append(&mut self, labels: &Labels, timestamp_ms: i64, value: f64) {
        let at = self.find_or_add(labels);
        let series = &mut self.series[at];
        let newest = series.timestamps_ms.last();
        if newest.is_none_or(|newest| *newest < timestamp_ms) {
            series.timestamps_ms.push(timestamp_ms);
            series.values.push(value);
            return;
        }
        match series.timestamps_ms.binary_search(&timestamp_ms) {
            Ok(at) => series.values[at] = value,
            Err(at) => {
                series.timestamps_ms.insert(at, timestamp_ms);
                series.values.insert(at, value);
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    fn find_or_add(&mut self, labels: &Labels) -> usize {
        if let Some(at) = self.by_labels.get(labels) {
            return *at;
        }
        let at = self.series.len();
        let labels = Arc::new(labels.clone());
        let name = labels.get(METRIC_NAME).unwrap_or("");
        self.by_name.entry(name.into()).or_default().push(at);
        self.by_labels.insert(Arc::clone(&labels), at);
        self.series.push(Columns {
            labels,
            timestamps_ms: Vec::new(),
            values: Vec::new(),
        });
        at
    }
}

impl Columns {
    /// Shows the samples asked for, if the labels fulfil `matchers`.
    fn show(&self, select: &Select<'_>, matchers: &[&Matcher], visit: Visit<'_>) -> Result<(), Error> {
        let end = self.timestamps_ms.partition_point(|time| *time <= select.max_ms);
        let start = if select.newest_only {
            let newest = end.saturating_sub(1);
            newest
                + usize::from(
                    self.timestamps_ms
                        .get(newest)
                        .is_some_and(|time| *time < select.min_ms),
                )
        } else {
            self.timestamps_ms.partition_point(|time| *time < select.min_ms)
        };
        let fulfils = |matcher: &&Matcher| matcher.matches(self.labels.get(&matcher.name).unwrap_or(""));
        if start >= end || !matchers.iter().all(fulfils) {
            return Ok(());
        }
        visit(
            &self.labels,
            &self.timestamps_ms[start..end],
            &self.values[start..end],
        )
    }
}

impl Storage for MemoryStorage {
    fn select(&self, select: &Select<'_>, visit: Visit<'_>) -> Result<(), Error> {
        let (name, others): (Vec<&Matcher>, Vec<&Matcher>) = select
            .matchers
            .iter()
            .partition(|matcher| &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal);
        match name[..] {
            [name] => {
                let found = self.by_name.get(&name.value).map_or(&[][..], Vec::as_slice);
                found
                    .iter()
                    .try_for_each(|at| self.series[*at].show(select, &others, visit))
            }
            _ => {
                let all: Vec<&Matcher> = select.matchers.iter().collect();
                self.series
                    .iter()
                    .try_for_each(|series| series.show(select, &all, visit))
            }
        }
    }
}
