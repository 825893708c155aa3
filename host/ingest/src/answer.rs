//! Answers of a source: the JSON of the Prometheus HTTP API, parsed straight into columns.
//!
//! Nothing between the text and the frame: labels and samples go to the
//! [`FrameBuilder`] as they are read. Fields may come in any order, so what the
//! result means is settled at the end, from what was seen.

mod number;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use wasmalert_core::frame::{Frame, FrameBuilder, FrameError};

use crate::bounded;

/// The longest error of a parse, without the text around it, and the longest of a source.
pub const ERROR_BYTES_MAX: usize = 512;
/// How much of the text around an error is shown, each side.
const SNIPPET_BYTES: usize = 24;
/// Samples at or beyond this time have lost their milliseconds.
const TIME_MS_MAX: f64 = 9.0e15;

/// What a source said.
#[derive(Debug, PartialEq)]
pub enum Answer {
    Data(Frame),
    Error { kind: String, message: String },
}

/// Parses an answer.
///
/// # Errors
/// What is wrong, and where, in at most [`ERROR_BYTES_MAX`] bytes.
pub fn parse(body: &[u8]) -> Result<Answer, String> {
    let mut answer = Parts::default();
    let mut text = serde_json::Deserializer::from_slice(body);
    let parsed = ObjectSeed(&mut answer)
        .deserialize(&mut text)
        .and_then(|()| text.end());
    parsed.map_err(|error| located(&error, body))?;
    answer
        .settle()
        .map_err(|reason| bounded(&reason, ERROR_BYTES_MAX))
}

/// The error with its offset in the body and the text around it.
fn located(error: &serde_json::Error, body: &[u8]) -> String {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => body
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b'\n')
            .nth(line - 2)
            .map_or(0, |(at, _)| at + 1),
    };
    let offset = (line_start + error.column()).min(body.len());
    let around = offset.saturating_sub(SNIPPET_BYTES)..(offset + SNIPPET_BYTES).min(body.len());
    let snippet = String::from_utf8_lossy(&body[around]);
    let reason = error.to_string();
    let reason = reason
        .rsplit_once(" at line ")
        .map_or(reason.as_str(), |(reason, _)| reason);
    let reason = bounded(reason, ERROR_BYTES_MAX / 2);
    // Escapes make a text of control characters several times as long.
    bounded(
        &format!("{reason} at byte {offset}, near {snippet:?}"),
        ERROR_BYTES_MAX,
    )
}

/// The answer as far as it is read.
#[derive(Default)]
struct Parts {
    status: String,
    error_type: String,
    error: String,
    data: Option<Data>,
}

struct Data {
    result_type: String,
    series: FrameBuilder,
    /// A series had `values`, so the result is a matrix.
    has_ranges: bool,
    /// A series had `value`, so the result is a vector.
    has_instants: bool,
    /// The two entries of a scalar or string.
    pair: (Option<i64>, Option<String>),
}

impl Default for Data {
    fn default() -> Self {
        Self {
            result_type: String::new(),
            series: FrameBuilder::new(),
            has_ranges: false,
            has_instants: false,
            pair: (None, None),
        }
    }
}

impl Parts {
    fn settle(self) -> Result<Answer, String> {
        match self.status.as_str() {
            "error" => Ok(Answer::Error {
                kind: self.error_type,
                message: self.error,
            }),
            "success" => self.data.ok_or("it has no data")?.settle().map(Answer::Data),
            other => Err(format!(
                "its status is {other:?}, neither \"success\" nor \"error\""
            )),
        }
    }
}

impl Data {
    fn settle(mut self) -> Result<Frame, String> {
        let series = !self.series.is_empty();
        let fits = match self.result_type.as_str() {
            "vector" => !self.has_ranges && self.pair.0.is_none(),
            "matrix" => !self.has_instants && self.pair.0.is_none(),
            "scalar" => !series,
            "string" => return Err(FrameError::Text.to_string()),
            other => return Err(format!("its resultType is {other:?}, which is not known")),
        };
        if !fits {
            return Err(format!("its result is not a {}", self.result_type));
        }
        if self.result_type == "scalar" {
            let (Some(time_ms), Some(text)) = &self.pair else {
                return Err("its scalar has no time and value".to_owned());
            };
            let value = number::parse(text).ok_or("its scalar is not a number")?;
            self.series.sample(*time_ms, value);
            self.series.end_series().map_err(|error| error.to_string())?;
        }
        Ok(self.series.finish())
    }
}

/// A text, borrowed from the body where it has no escapes.
struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Self::Value, D::Error> {
        text.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A text that is kept: on one line, cut where it is long. It gets into logs and onto
/// terminals.
fn kept<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    let text = bounded(&map.next_value_seed(TextSeed)?, ERROR_BYTES_MAX / 2);
    Ok(text.replace(char::is_control, " "))
}

/// The next field's name.
fn field<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    map.next_key_seed(TextSeed)
}

/// Declares a seed: its name, the JSON it starts on, and how to read that.
macro_rules! seed {
    ($name:ident($inner:ty) -> $value:ty, $expects:literal, $ask:ident, $($visit:item)+) => {
        struct $name<'p>(&'p mut $inner);

        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<$value, D::Error> {
                text.$ask(self)
            }
        }

        impl<'de> Visitor<'de> for $name<'_> {
            type Value = $value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expects)
            }

            $($visit)+
        }
    };
}

seed! {
    ObjectSeed(Parts) -> (), "an object with status and data", deserialize_map,
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let answer = self.0;
        while let Some(name) = field(&mut map)? {
            match &*name {
                "status" => answer.status = kept(&mut map)?,
                "errorType" => answer.error_type = kept(&mut map)?,
                "error" => answer.error = kept(&mut map)?,
                "data" if answer.data.is_some() => return Err(A::Error::duplicate_field("data")),
                "data" => map.next_value_seed(DataSeed(&mut answer.data))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

seed! {
    DataSeed(Option<Data>) -> (), "an object with resultType and result", deserialize_any,
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(()) // some servers write "data": null beside an error
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let data = self.0.insert(Data::default());
        let mut has_result = false;
        while let Some(name) = field(&mut map)? {
            match &*name {
                "resultType" => data.result_type = kept(&mut map)?,
                "result" if has_result => return Err(A::Error::duplicate_field("result")),
                "result" => {
                    map.next_value_seed(ResultSeed(data))?;
                    has_result = true;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if has_result { Ok(()) } else { Err(A::Error::missing_field("result")) }
    }
}

seed! {
    ResultSeed(Data) -> (), "a list of series, or a time and a value", deserialize_any,
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(()) // an empty list, as some servers write it
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(ElementSeed(self.0))?.is_some() {}
        Ok(())
    }
}

seed! {
    ElementSeed(Data) -> (), "a series, or a scalar's time or value", deserialize_any,
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let data = self.0;
        let mut has_samples = false;
        while let Some(name) = field(&mut map)? {
            match &*name {
                "value" | "values" if has_samples => {
                    return Err(A::Error::custom("a series with samples in two places"));
                }
                "metric" => map.next_value_seed(LabelsSeed(&mut data.series))?,
                "value" => {
                    (has_samples, data.has_instants) = (true, true);
                    map.next_value_seed(SampleSeed(&mut data.series))?;
                }
                "values" => {
                    (has_samples, data.has_ranges) = (true, true);
                    map.next_value_seed(SamplesSeed(&mut data.series))?;
                }
                "histogram" | "histograms" => {
                    return Err(A::Error::custom("native histograms are not supported: use histogram_quantile() or the like in the query"));
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        data.series.end_series().map_err(A::Error::custom)
    }
    fn visit_f64<E: serde::de::Error>(self, time: f64) -> Result<(), E> {
        match self.0.pair {
            (None, None) => self.0.pair.0 = Some(time_ms(time)?),
            _ => return Err(E::custom("a second time")),
        }
        Ok(())
    }
    fn visit_u64<E: serde::de::Error>(self, time: u64) -> Result<(), E> {
        self.visit_f64(time as f64)
    }
    fn visit_i64<E: serde::de::Error>(self, time: i64) -> Result<(), E> {
        self.visit_f64(time as f64)
    }
    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        match self.0.pair {
            (Some(_), None) => self.0.pair.1 = Some(bounded(value, ERROR_BYTES_MAX / 2)),
            _ => return Err(E::custom("a value without a time")),
        }
        Ok(())
    }
}

seed! {
    LabelsSeed(FrameBuilder) -> (), "an object of labels", deserialize_map,
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = field(&mut map)? {
            let value = map.next_value_seed(TextSeed)?;
            self.0.label(&name, &value);
        }
        Ok(())
    }
}

seed! {
    SamplesSeed(FrameBuilder) -> (), "a list of samples", deserialize_seq,
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut newest = None;
        while let Some(time_ms) = list.next_element_seed(SampleSeed(self.0))? {
            if newest >= Some(time_ms) {
                return Err(A::Error::custom("a sample that is not newer than the one before it"));
            }
            newest = Some(time_ms);
        }
        Ok(())
    }
}

seed! {
    SampleSeed(FrameBuilder) -> i64, "a sample [seconds, \"value\"]", deserialize_seq,
    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<i64, A::Error> {
        let incomplete = || A::Error::custom("a sample without time and value");
        let time_ms = time_ms(pair.next_element()?.ok_or_else(incomplete)?)?;
        let mut value = f64::NAN;
        pair.next_element_seed(ValueSeed(&mut value))?.ok_or_else(incomplete)?;
        if pair.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("a sample with more than time and value"));
        }
        self.0.sample(time_ms, value);
        Ok(time_ms)
    }
}

seed! {
    ValueSeed(f64) -> (), "a number in a string", deserialize_str,
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let number = number::parse(text);
        *self.0 = number.ok_or_else(|| E::custom(format!("{:?} is not a number", bounded(text, 32))))?;
        Ok(())
    }
}

fn time_ms<E: serde::de::Error>(seconds: f64) -> Result<i64, E> {
    let ms = (seconds * 1_000.0).round();
    if ms.abs() < TIME_MS_MAX {
        Ok(ms as i64)
    } else {
        Err(E::custom("a time that is out of range"))
    }
}

#[cfg(test)]
mod tests;
