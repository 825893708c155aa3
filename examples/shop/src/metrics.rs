//! Metrics, and the page that a scrape reads: Prometheus' text format 0.0.4.
//!
//! A *family* is the series of one name: they share help and type, and differ in
//! the values of their labels.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The `Content-Type` of a page.
pub const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A family of counters with `N` labels. Values of labels are part of the
/// program's text: nothing that a user types becomes one.
#[derive(Debug)]
pub struct Counters<const N: usize> {
    labels: [&'static str; N],
    counts: BTreeMap<[&'static str; N], u64>,
}

impl<const N: usize> Counters<N> {
    /// All series are there from the start, at 0: a series that begins with its
    /// first event shows no increase, so that event would be missed.
    pub fn new(labels: [&'static str; N], values: impl IntoIterator<Item = [&'static str; N]>) -> Self {
        let counts = values.into_iter().map(|values| (values, 0)).collect();
        Self { labels, counts }
    }

    pub fn increment(&mut self, values: [&'static str; N]) {
        *self.counts.entry(values).or_default() += 1;
    }
}

/// A histogram without labels.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// Of what is at most the bound, and above the one before.
    counts: Vec<u64>,
    above: u64,
    sum: f64,
}

impl Histogram {
    /// `bounds` ascend; `+Inf` follows by itself.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len()],
            above: 0,
            sum: 0.0,
        }
    }

    pub fn observe(&mut self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        *self.counts.get_mut(at).unwrap_or(&mut self.above) += 1;
        self.sum += value;
    }
}

/// A page in the making.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    pub fn counters<const N: usize>(&mut self, name: &str, help: &str, counters: &Counters<N>) {
        self.family(name, "counter", help);
        for (values, count) in &counters.counts {
            let labels: Vec<_> = counters.labels.into_iter().zip(*values).collect();
            self.sample(name, &labels, *count as f64);
        }
    }

    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.family(name, "gauge", help);
        self.sample(name, labels, value);
    }

    pub fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        let mut count = 0;
        for (bound, more) in histogram.bounds.iter().zip(&histogram.counts) {
            count += more;
            self.sample(
                &format!("{name}_bucket"),
                &[("le", &bound.to_string())],
                count as f64,
            );
        }
        count += histogram.above;
        self.sample(&format!("{name}_bucket"), &[("le", "+Inf")], count as f64);
        self.sample(&format!("{name}_sum"), &[], histogram.sum);
        self.sample(&format!("{name}_count"), &[], count as f64);
    }

    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        let _infallible = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let value = value
                .replace('\\', r"\\")
                .replace('\n', r"\n")
                .replace('"', "\\\"");
            let before = if at == 0 { '{' } else { ',' };
            let _infallible = write!(self.0, "{before}{label}=\"{value}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _infallible = writeln!(self.0, " {value}");
    }
}
