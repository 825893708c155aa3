//! Series written as text, and frames made of them.

use wasmalert_core::Labels;
use wasmalert_core::frame::{Frame, FrameBuilder};
use wasmalert_core::label::METRIC_NAME;

/// Reads the labels of a series as Prometheus writes it: `up{host="a"}`,
/// `{host="a", job="b"}`, `up` or `{}`.
///
/// # Panics
/// On anything else.
#[must_use]
pub fn parse_series(text: &str) -> Labels {
    read(text).unwrap_or_else(|| panic!("not a series: {text:?}; write it as up{{host=\"a\"}}"))
}

fn read(text: &str) -> Option<Labels> {
    let (name, braces) = text
        .trim()
        .split_at(text.trim().find('{').unwrap_or(text.trim().len()));
    let mut labels = Labels::new();
    labels.set(METRIC_NAME, name.trim());
    if braces.is_empty() {
        return Some(labels);
    }
    let mut rest = braces.strip_prefix('{')?.strip_suffix('}')?.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = read_quoted(after.trim_start())?;
        labels.set(name.trim(), &value);
        rest = match after.trim_start() {
            "" => "",
            more => more.strip_prefix(',')?.trim_start(),
        };
    }
    Some(labels)
}

/// A quoted text and what follows it.
fn read_quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

/// Makes the result of an instant query at a time in ms since the epoch.
///
/// # Panics
/// As [`parse_series`].
#[must_use]
pub fn frame(time_ms: i64, series: &[(&str, f64)]) -> Frame {
    let samples: Vec<_> = series.iter().map(|(_, value)| [(time_ms, *value)]).collect();
    build(
        series
            .iter()
            .zip(&samples)
            .map(|((labels, _), samples)| (*labels, &samples[..])),
    )
}

/// Makes the result of a range query: each series with times in ms since the
/// epoch and values, oldest first.
///
/// # Panics
/// As [`parse_series`], and when a series has no sample.
#[must_use]
pub fn range_frame(series: &[(&str, &[(i64, f64)])]) -> Frame {
    build(series.iter().copied())
}

fn build<'a>(series: impl Iterator<Item = (&'a str, &'a [(i64, f64)])>) -> Frame {
    let mut builder = FrameBuilder::new();
    for (text, samples) in series {
        parse_series(text)
            .iter()
            .for_each(|(name, value)| builder.label(name, value));
        samples
            .iter()
            .for_each(|(time_ms, value)| builder.sample(*time_ms, *value));
        builder
            .end_series()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    builder.finish()
}
