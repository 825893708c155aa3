//! Series notation: how test files write series and their samples.
//!
//! ```text
//! http_requests_total{job="api", instance="0"}  0+10x3 _ 40 stale 1x2
//! ```
//!
//! A line is a series (a name, labels in braces, or both) and its samples, the
//! first at time 0 and each one interval after the one before:
//!
//! | Written | Samples |
//! | --- | --- |
//! | `1.5`, `-3`, `+Inf`, `NaN` | that number |
//! | `1x3` | 1 four times: itself and three repeats |
//! | `0+10x3` | 0 10 20 30: three steps of 10 |
//! | `100-20x2` | 100 80 60 |
//! | `_` | no sample |
//! | `_x3` | no sample three times |
//! | `stale` | a stale marker: the series has ended |
//!
//! Numbers are decimal: `0x3` is four times 0. Native histograms (`{{…}}`) are
//! refused.

#[cfg(test)]
mod tests;

use wasmalert_core::Labels;
use wasmalert_core::sample::stale_nan;

use crate::ast::Node;
use crate::error::{Error, Position};
use crate::limits::Limits;
use crate::matcher::MatchOp;
use crate::parse::{parse_number, parse_selector};

/// Samples that one line may write.
pub const SAMPLES_MAX: usize = 1_000_000;

/// A series and its samples; None where a sample is missing.
#[derive(Debug, Clone)]
pub struct Described {
    pub labels: Labels,
    pub values: Vec<Option<f64>>,
}

/// Reads a line: a series, blanks, samples.
///
/// # Errors
/// [`Error::Parse`] with the place within the line, and [`Error::NotSupported`]
/// for native histograms.
pub fn parse_series(line: &str) -> Result<Described, Error> {
    let (series, values) = split(line);
    let labels = parse_labels(series)?;
    let column = series.chars().count() as u32 + 1;
    let values = parse_values(values).map_err(|error| shift(error, column - 1))?;
    Ok(Described { labels, values })
}

/// Reads the labels of a series, such as `up{job="a"}`, `{a="b"}` or `{}`.
///
/// # Errors
/// [`Error::Parse`]
pub fn parse_labels(text: &str) -> Result<Labels, Error> {
    let inner = text
        .trim()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    if inner.is_some_and(|inner| inner.trim().is_empty()) {
        return Ok(Labels::new());
    }
    let at = Position::START;
    let expr = parse_selector(text, &Limits::default())?;
    let Node::Selector(selector) = expr.node else {
        return Err(Error::parse(at, "expected the labels of a series"));
    };
    let mut labels = Labels::new();
    for matcher in selector.matchers {
        if matcher.op != MatchOp::Equal {
            return Err(Error::parse(
                at,
                format!("a series has labels, not matchers: {matcher}"),
            ));
        }
        labels.set(&matcher.name, &matcher.value);
    }
    Ok(labels)
}

/// Reads samples, such as `0+10x3 _ stale`.
///
/// # Errors
/// [`Error::Parse`] with the place within the text, and [`Error::NotSupported`]
/// for native histograms.
pub fn parse_values(text: &str) -> Result<Vec<Option<f64>>, Error> {
    let mut values = Vec::new();
    let mut column = 1;
    for (at, item) in text.split([' ', '\t']).enumerate() {
        column += u32::from(at > 0);
        let position = Position { line: 1, column };
        if item.contains("{{") {
            return Err(Error::not_supported(position, "native histograms"));
        }
        if !item.is_empty() {
            let (start, step, repeats) =
                parse_item(item).ok_or_else(|| Error::parse(position, format!("bad sample {item:?}")))?;
            expand(&mut values, start, step, repeats).ok_or_else(|| {
                Error::parse(position, format!("more than {SAMPLES_MAX} samples in one line"))
            })?;
        }
        column += item.chars().count() as u32;
    }
    Ok(values)
}

/// Splits a line where the series ends: at the first blank outside of braces.
fn split(line: &str) -> (&str, &str) {
    let mut in_braces = false;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"' | '\'') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '"' | '\'' | '`' => quote = Some(c),
                '{' => in_braces = true,
                '}' => return line.split_at(at + 1),
                ' ' | '\t' if !in_braces && !line[at..].trim_start().starts_with('{') => {
                    return line.split_at(at);
                }
                _ => {}
            },
        }
    }
    (line, "")
}

/// Start, step and repeats of an item; no start means no samples.
fn parse_item(item: &str) -> Option<(Option<f64>, f64, usize)> {
    if item == "stale" {
        return Some((Some(stale_nan()), 0.0, 0));
    }
    if let Some(rest) = item.strip_prefix('_') {
        let repeats = match rest.strip_prefix('x') {
            Some(repeats) => repeats.parse::<usize>().ok()?.checked_sub(1)?,
            None if rest.is_empty() => 0,
            None => return None,
        };
        return Some((None, 0.0, repeats));
    }
    let (numbers, repeats) = match item.split_once('x') {
        Some((numbers, repeats)) => (numbers, Some(repeats.parse().ok()?)),
        None => (item, None),
    };
    if let Some(start) = signed(numbers) {
        return Some((Some(start), 0.0, repeats.unwrap_or(0)));
    }
    let repeats = repeats?;
    numbers
        .char_indices()
        .skip(1)
        .filter(|(_, c)| matches!(c, '+' | '-'))
        .find_map(|(at, _)| Some((Some(signed(&numbers[..at])?), signed(&numbers[at..])?, repeats)))
}

fn signed(text: &str) -> Option<f64> {
    let (sign, number) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if number.starts_with(['+', '-']) {
        return None;
    }
    parse_number(number).map(|number| sign * number)
}

fn expand(values: &mut Vec<Option<f64>>, start: Option<f64>, step: f64, repeats: usize) -> Option<()> {
    let total = values.len().checked_add(repeats)?.checked_add(1)?;
    if total > SAMPLES_MAX {
        return None;
    }
    let mut value = start;
    for _ in 0..=repeats {
        values.push(value);
        // A stale marker stays one: adding would make it an ordinary NaN.
        if step != 0.0 {
            value = value.map(|value| value + step);
        }
    }
    Some(())
}

fn shift(error: Error, columns: u32) -> Error {
    match error {
        Error::Parse { at, message } => Error::Parse {
            at: Position {
                column: at.column + columns,
                ..at
            },
            message,
        },
        Error::NotSupported { at, construct } => Error::NotSupported {
            at: Position {
                column: at.column + columns,
                ..at
            },
            construct,
        },
        error => error,
    }
}
