//! Lines of the OpenMetrics text format: stricter about blanks, closed by
//! `# EOF`, times in seconds, and exemplars, which are checked and left out.
//!
//! `_created` lines are samples like any other, as in Prometheus.

use super::cursor::{Fault, unescaped};
use super::number::parse_value;
use super::series::scan_labels;
use super::{Format, Line, Parser, TextSample};

impl<'a> Parser<'a> {
    pub(super) fn openmetrics_line(&mut self, expected: Option<&str>) -> Result<Option<Line<'a>>, Fault> {
        if self.cursor.is_at_end() {
            return Err(Fault::new(self.cursor.at(), "expected `# EOF` as the last line"));
        }
        if !self.cursor.eat_text("# ") {
            return self.openmetrics_sample(expected).map(Some);
        }
        if self.cursor.eat_text("EOF") {
            self.cursor.eat(b'\n');
            if self.cursor.is_at_end() {
                return Ok(None);
            }
            return Err(Fault::new(self.cursor.at(), "expected nothing after `# EOF`"));
        }
        self.openmetrics_metadata().map(Some)
    }

    fn openmetrics_metadata(&mut self) -> Result<Line<'a>, Fault> {
        let start = self.cursor.at();
        let word = self.cursor.take_while(|byte| byte.is_ascii_uppercase());
        if !matches!(word, "HELP" | "TYPE" | "UNIT") || !self.cursor.eat(b' ') {
            return Err(Fault::new(
                start,
                "expected `HELP `, `TYPE `, `UNIT ` or `EOF` after `# `",
            ));
        }
        let metric = self.cursor.described_metric()?;
        if !self.cursor.eat(b' ') {
            return Err(Fault::new(
                self.cursor.at(),
                "expected a space after the metric name",
            ));
        }
        let at = self.cursor.at();
        let rest = self.cursor.take_line();
        self.openmetrics_newline()?;
        Ok(match word {
            "HELP" => Line::Help {
                metric,
                help: unescaped(rest, true),
            },
            "TYPE" => Line::Type {
                metric,
                kind: self.kind_named(rest, at)?,
            },
            _ => {
                let stem = metric.strip_suffix(rest);
                if !rest.is_empty() && !stem.is_some_and(|stem| stem.ends_with('_')) {
                    return Err(Fault::new(at, "expected a unit that the metric's name ends in"));
                }
                Line::Unit { metric, unit: rest }
            }
        })
    }

    fn openmetrics_sample(&mut self, expected: Option<&str>) -> Result<Line<'a>, Fault> {
        let series = self.series(expected)?;
        let value = self.openmetrics_value()?;
        let mut timestamp_ms = None;
        if self.cursor.peek() == Some(b' ') && !self.cursor.rest().starts_with(b" # {") {
            timestamp_ms = Some(self.openmetrics_timestamp()?);
        }
        if self.cursor.eat_text(" # {") {
            self.openmetrics_exemplar()?;
        }
        self.openmetrics_newline()?;
        Ok(Line::Sample(TextSample {
            series,
            value,
            timestamp_ms,
        }))
    }

    fn openmetrics_exemplar(&mut self) -> Result<(), Fault> {
        scan_labels(&mut self.cursor, Format::OpenMetrics, false, &mut |_| {})?;
        self.openmetrics_value()?;
        if self.cursor.peek() == Some(b' ') {
            self.openmetrics_timestamp()?;
        }
        Ok(())
    }

    fn openmetrics_value(&mut self) -> Result<f64, Fault> {
        if !self.cursor.eat(b' ') {
            return Err(Fault::new(self.cursor.at(), "expected a space and a value"));
        }
        let at = self.cursor.at();
        let value = self.cursor.take_while(|byte| !matches!(byte, b' ' | b'\n'));
        parse_value(value).ok_or_else(|| Fault::new(at, "expected a value (a number)"))
    }

    /// Reads a space and a time in seconds, as milliseconds cut off.
    fn openmetrics_timestamp(&mut self) -> Result<i64, Fault> {
        let at = self.cursor.at() + 1;
        let seconds = self.openmetrics_value()?;
        if !seconds.is_finite() {
            return Err(Fault::new(at, "expected a timestamp (seconds since 1970)"));
        }
        Ok((seconds * 1000.0) as i64)
    }

    fn openmetrics_newline(&mut self) -> Result<(), Fault> {
        match self.cursor.eat(b'\n') {
            true => Ok(()),
            false => Err(Fault::new(
                self.cursor.at(),
                "expected the end of the line, and `# EOF` as the last",
            )),
        }
    }
}
