//! Lines of the Prometheus text format.

use super::cursor::{Fault, unescaped};
use super::number::parse_value;
use super::{Line, Parser, TextSample};

impl<'a> Parser<'a> {
    pub(super) fn prometheus_line(&mut self, expected: Option<&str>) -> Result<Option<Line<'a>>, Fault> {
        loop {
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                None => return Ok(None),
                Some(b'\n') => self.cursor.skip(1),
                Some(b'#') => {
                    if let Some(line) = self.prometheus_comment()? {
                        return Ok(Some(line));
                    }
                }
                Some(_) => return self.prometheus_sample(expected).map(Some),
            }
        }
    }

    /// Reads a line that starts with `#`; `None` if it is only a comment.
    fn prometheus_comment(&mut self) -> Result<Option<Line<'a>>, Fault> {
        self.cursor.skip(1);
        let has_blank = self.cursor.skip_blanks() > 0;
        let word = self.cursor.take_while(|byte| byte.is_ascii_uppercase());
        let is_told = has_blank && matches!(word, "HELP" | "TYPE") && self.cursor.skip_blanks() > 0;
        if !is_told {
            self.cursor.take_line();
            return Ok(None);
        }
        let metric = self.cursor.described_metric()?;
        if !matches!(self.cursor.peek(), None | Some(b' ' | b'\t' | b'\n')) {
            return Err(Fault::new(
                self.cursor.at(),
                "expected a blank after the metric name",
            ));
        }
        self.cursor.skip_blanks();
        let at = self.cursor.at();
        let rest = self.cursor.take_line();
        Ok(Some(match word {
            "HELP" => Line::Help {
                metric,
                help: unescaped(rest, false),
            },
            _ => {
                let kind = self.kind_named(rest.trim_end_matches([' ', '\t']), at)?;
                Line::Type { metric, kind }
            }
        }))
    }

    fn prometheus_sample(&mut self, expected: Option<&str>) -> Result<Line<'a>, Fault> {
        let series = self.series(expected)?;
        self.cursor.skip_blanks();
        let at = self.cursor.at();
        let value = self
            .cursor
            .take_while(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'{'));
        let value = parse_value(value).ok_or_else(|| Fault::new(at, "expected a value (a number)"))?;
        self.cursor.skip_blanks();
        let timestamp_ms = self.prometheus_timestamp()?;
        self.cursor.skip_blanks();
        if !self.cursor.eat(b'\n') && !self.cursor.is_at_end() {
            return Err(Fault::new(self.cursor.at(), "expected the end of the line"));
        }
        Ok(Line::Sample(TextSample {
            series,
            value,
            timestamp_ms,
        }))
    }

    fn prometheus_timestamp(&mut self) -> Result<Option<i64>, Fault> {
        if matches!(self.cursor.peek(), None | Some(b'\n')) {
            return Ok(None);
        }
        let at = self.cursor.at();
        let digits = self.cursor.take_while(|byte| byte.is_ascii_digit());
        let timestamp_ms = digits.parse();
        let wrong = |_| {
            Fault::new(
                at,
                "expected a timestamp (milliseconds since 1970) or the end of the line",
            )
        };
        timestamp_ms.map(Some).map_err(wrong)
    }
}
