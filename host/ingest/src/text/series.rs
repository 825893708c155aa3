//! Series texts: `name`, `name{label="value"}`, `{"name",label="value"}`.

use std::borrow::Cow;

use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;

use super::cursor::{Cursor, Fault, unescaped};
use super::number::{canonical, parse_value};
use super::{Format, MetricType};
use crate::limits::shortened;

/// A series as exposed. It is well-formed; its labels may yet be invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Series<'a> {
    /// As in the exposition, from the name or brace to its end.
    pub text: &'a str,
    pub(super) format: Format,
    /// Of the last `# TYPE` line before it.
    pub(super) kind: MetricType,
}

/// Labels that no series may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    #[error("`{series}` has the label `{name}` twice")]
    Twice { series: String, name: String },
    #[error("`{series}` has a label without a name")]
    Nameless { series: String },
    #[error("`{series}` has no metric name")]
    NoMetricName { series: String },
}

/// A part of a series text, escapes as they are.
pub(super) enum Part<'a> {
    Metric(&'a str),
    Label { name: &'a str, value: &'a str },
}

impl Series<'_> {
    /// Decodes the labels, the metric's name as `__name__` among them.
    ///
    /// As in Prometheus 3, `le` of a histogram and `quantile` of a summary are
    /// brought into one form, in which 1 is `1.0`.
    ///
    /// # Errors
    /// A name comes twice or is empty, or there is no metric name.
    pub fn labels(&self) -> Result<Labels, LabelError> {
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        let scanned = scan(&mut Cursor::new(self.text), self.format, &mut |part| match part {
            Part::Metric(name) => pairs.push((METRIC_NAME.into(), unescaped(name, true))),
            Part::Label { name, value } => {
                let name = unescaped(name, true);
                let value = self.normalised(&name, unescaped(value, true));
                pairs.push((name, value));
            }
        });
        debug_assert!(scanned.is_ok(), "a series text is well-formed");
        pairs.sort_unstable();
        let series = || shortened(self.text);
        if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let name = shortened(&twice[0].0);
            return Err(LabelError::Twice {
                series: series(),
                name,
            });
        }
        if pairs.iter().any(|(name, _)| name.is_empty()) {
            return Err(LabelError::Nameless { series: series() });
        }
        let labels: Labels = pairs.into_iter().collect();
        match labels.get(METRIC_NAME) {
            Some(_) => Ok(labels),
            None => Err(LabelError::NoMetricName { series: series() }),
        }
    }

    fn normalised<'v>(&self, name: &str, value: Cow<'v, str>) -> Cow<'v, str> {
        let is_number = matches!(
            (self.kind, name),
            (MetricType::Histogram, "le") | (MetricType::Summary, "quantile")
        );
        match is_number.then(|| parse_value(&value)).flatten() {
            Some(number) => canonical(number).into(),
            None => value,
        }
    }
}

/// Reads a series text from its first byte to its end.
pub(super) fn scan<'a>(
    cursor: &mut Cursor<'a>,
    format: Format,
    visit: &mut impl FnMut(Part<'a>),
) -> Result<(), Fault> {
    let start = *cursor;
    let name = cursor.metric_name();
    if name.is_empty() && cursor.peek() != Some(b'{') {
        return Err(Fault::new(cursor.at(), "expected a metric name, or a brace"));
    }
    if !name.is_empty() {
        visit(Part::Metric(name));
    }
    let after_name = *cursor;
    skip_blanks(cursor, format);
    if !cursor.eat(b'{') {
        *cursor = after_name;
        return Ok(());
    }
    if scan_labels(cursor, format, name.is_empty(), visit)? {
        return Ok(());
    }
    Err(Fault::new(
        start.at(),
        "expected a metric name before or in the braces",
    ))
}

/// Reads labels up to the closing brace, and says whether there is a metric name.
pub(super) fn scan_labels<'a>(
    cursor: &mut Cursor<'a>,
    format: Format,
    may_name_metric: bool,
    visit: &mut impl FnMut(Part<'a>),
) -> Result<bool, Fault> {
    let mut has_name = !may_name_metric;
    loop {
        skip_blanks(cursor, format);
        if cursor.eat(b'}') {
            return Ok(has_name);
        }
        let start = cursor.at();
        let (name, is_quoted) = match cursor.quoted(true) {
            Some(name) => (name, true),
            None => (cursor.label_name(), false),
        };
        if name.is_empty() && !is_quoted {
            return Err(Fault::new(start, "expected a label name or a closing brace"));
        }
        skip_blanks(cursor, format);
        if cursor.eat(b'=') {
            skip_blanks(cursor, format);
            let value = cursor.quoted(format == Format::Prometheus);
            let missing = || Fault::new(cursor.at(), "expected a label value in double quotes");
            visit(Part::Label {
                name,
                value: value.ok_or_else(missing)?,
            });
        } else if is_quoted && matches!(cursor.peek(), Some(b',' | b'}')) {
            if has_name {
                return Err(Fault::new(
                    start,
                    "expected a label: there is a metric name already",
                ));
            }
            has_name = true;
            visit(Part::Metric(name));
        } else {
            return Err(Fault::new(
                cursor.at(),
                "expected an equals sign after the label name",
            ));
        }
        skip_blanks(cursor, format);
        // Prometheus lets the comma be absent in its own format.
        if !cursor.eat(b',') && format == Format::OpenMetrics && cursor.peek() != Some(b'}') {
            return Err(Fault::new(cursor.at(), "expected a comma or a closing brace"));
        }
    }
}

/// OpenMetrics has no blanks but those it names.
fn skip_blanks(cursor: &mut Cursor<'_>, format: Format) {
    if format == Format::Prometheus {
        cursor.skip_blanks();
    }
}
