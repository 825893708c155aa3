//! The Prometheus text format, version 0.0.4.

use std::fmt::Write as _;

use wasmalert_core::number;

/// What `/metrics` answers as its content type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text in the making.
#[derive(Default)]
pub(super) struct Exposition {
    text: String,
}

/// A label's name and value.
pub(super) type Pair<'a> = (&'a str, &'a str);

impl Exposition {
    /// Opens a family; its samples follow.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.text.push_str("# HELP ");
        self.text.push_str(name);
        self.text.push(' ');
        self.escaped(help, false);
        let _infallible = writeln!(self.text, "\n# TYPE {name} {kind}");
    }

    pub(super) fn sample(&mut self, name: &str, suffix: &str, labels: &[Pair<'_>], value: f64) {
        self.text.push_str(name);
        self.text.push_str(suffix);
        let mut separator = '{';
        for (name, value) in labels {
            self.text.push(separator);
            self.text.push_str(name);
            self.text.push_str("=\"");
            self.escaped(value, true);
            self.text.push('"');
            separator = ',';
        }
        if separator == ',' {
            self.text.push('}');
        }
        self.text.push(' ');
        self.text.push_str(&number::go(value));
        self.text.push('\n');
    }

    /// The samples of one histogram; `counts` has one more entry than `bounds`.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        labels: &[Pair<'_>],
        bounds: &[f64],
        counts: &[u64],
        sum: f64,
    ) {
        let mut below: u64 = 0;
        for (bound, count) in bounds.iter().chain(&[f64::INFINITY]).zip(counts) {
            below += count;
            let bound_text = number::go(*bound);
            let mut labels = labels.to_vec();
            labels.push(("le", &bound_text));
            self.sample(name, "_bucket", &labels, below as f64);
        }
        self.sample(name, "_sum", labels, sum);
        self.sample(name, "_count", labels, below as f64);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn escaped(&mut self, text: &str, quotes: bool) {
        for c in text.chars() {
            match c {
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '"' if quotes => self.text.push_str("\\\""),
                c => self.text.push(c),
            }
        }
    }
}
