//! The Prometheus text format, version 0.0.4.

use std::fmt::Write as _;

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
        write_value(&mut self.text, value);
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
            let mut bound_text = String::new();
            write_value(&mut bound_text, *bound);
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

/// Writes a value as Prometheus does (Go's `%g` with the fewest digits).
pub(super) fn write_value(text: &mut String, value: f64) {
    let _infallible = if value.is_nan() {
        text.write_str("NaN")
    } else if value.is_infinite() {
        text.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        write!(text, "{value}")
    } else {
        write_exponent(text, value)
    };
}

/// Go's exponents have a sign and at least two digits: `1e+06`.
pub(crate) fn write_exponent(text: &mut String, value: f64) -> std::fmt::Result {
    let rust = format!("{value:e}");
    let (mantissa, exponent) = rust.split_once('e').unwrap_or((&rust, "0"));
    let (sign, digits) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |digits| ('-', digits));
    write!(text, "{mantissa}e{sign}{digits:0>2}")
}
