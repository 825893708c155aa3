//! Imports `log` and `metrics`.

use wasmalert_core::Labels;
use wasmalert_core::evaluation::{LogLevel, LogLine, MetricChange, MetricUpdate};
use wasmalert_core::fault::Fault;
use wasmalert_core::limits::Limit;
use wasmtime::Result;

use super::{Host, bad_call, check, label_bytes};
use crate::bindings::types::Label;
use crate::bindings::{log, metrics};

impl log::Host for Host {
    fn write(&mut self, level: log::Level, message: String, fields: Vec<Label>) -> Result<()> {
        self.enter_always(message.len() + label_bytes(&fields))?;
        let fields = fields.into_iter().map(|field| (field.name, field.value));
        Ok(self.log_line(LogLine {
            level: level_of(level),
            message,
            fields: fields.collect(),
        })?)
    }
}

impl Host {
    pub(super) fn log_line(&mut self, line: LogLine) -> Result<(), Fault> {
        // One byte more for each part, so that empty ones are not free.
        let parts = line
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len() + 1);
        let bytes = line.message.len() + 1 + parts.sum::<usize>();
        self.log_bytes = self.log_bytes.saturating_add(bytes as u64);
        check(Limit::LogBytes, self.log_bytes, &self.limits)?;
        self.log.push(line);
        Ok(())
    }
}

fn level_of(level: log::Level) -> LogLevel {
    match level {
        log::Level::Trace => LogLevel::Trace,
        log::Level::Debug => LogLevel::Debug,
        log::Level::Info => LogLevel::Info,
        log::Level::Warn => LogLevel::Warn,
        log::Level::Error => LogLevel::Error,
    }
}

impl metrics::Host for Host {
    fn count(&mut self, name: String, labels: Vec<Label>, by: f64) -> Result<()> {
        self.enter(name.len() + label_bytes(&labels))?;
        if !(by.is_finite() && by >= 0.0) {
            let message = format!(
                "counter {} counts by {by}: must be a number of at least 0",
                quote(&name)
            );
            Err(bad_call(message))?;
        }
        Ok(self.update(name, &labels, MetricChange::Count(by))?)
    }

    fn gauge(&mut self, name: String, labels: Vec<Label>, value: f64) -> Result<()> {
        self.enter(name.len() + label_bytes(&labels))?;
        Ok(self.update(name, &labels, MetricChange::Gauge(value))?)
    }

    fn observe(&mut self, name: String, labels: Vec<Label>, value: f64) -> Result<()> {
        self.enter(name.len() + label_bytes(&labels))?;
        Ok(self.update(name, &labels, MetricChange::Observe(value))?)
    }
}

impl Host {
    fn update(&mut self, name: String, labels: &[Label], change: MetricChange) -> Result<(), Fault> {
        check(Limit::LabelBytes, name.len() as u64, &self.limits)?;
        if !is_name(&name, true) {
            let message = format!("{} is no metric name: [a-zA-Z_:][a-zA-Z0-9_:]*", quote(&name));
            return Err(bad_call(message));
        }
        check(Limit::FindingLabels, labels.len() as u64, &self.limits)?;
        for label in labels {
            let longest = label.name.len().max(label.value.len());
            check(Limit::LabelBytes, longest as u64, &self.limits)?;
            if !is_name(&label.name, false) {
                let (label, metric) = (quote(&label.name), quote(&name));
                let message = format!("{label} of metric {metric} is no label name: [a-zA-Z_][a-zA-Z0-9_]*");
                return Err(bad_call(message));
            }
        }
        let labels: Labels = labels.iter().map(|label| (&label.name, &label.value)).collect();
        let series = (name, labels);
        if !self.series.contains(&series) {
            check(Limit::MetricSeries, self.series.len() as u64 + 1, &self.limits)?;
            self.series.insert(series.clone());
        }
        let (name, labels) = series;
        self.metrics.push(MetricUpdate { name, labels, change });
        Ok(())
    }
}

/// Whether a text follows Prometheus' rules for names; metrics may have colons.
fn is_name(name: &str, colons: bool) -> bool {
    let start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || (colons && byte == b':');
    let mut bytes = name.bytes();
    bytes.next().is_some_and(start) && bytes.all(|byte| start(byte) || byte.is_ascii_digit())
}

/// A name for a message: quoted and short.
fn quote(name: &str) -> String {
    let short: String = name.chars().take(80).collect();
    format!("{short:?}")
}
