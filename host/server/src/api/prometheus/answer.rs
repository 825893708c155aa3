//! Answers as Prometheus gives them.

use std::fmt::Display;
use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::ser::{SerializeMap, SerializeTuple};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use wasmalert_core::Labels;
use wasmalert_promql::{Error, Metric, Outcome, Value};
use wasmalert_tsdb::Found;

use crate::api::AsItIs;

/// Why a call was refused.
#[derive(Debug)]
pub(in crate::api) struct Refused {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Refused {
    pub(super) fn of(status: StatusCode, error: impl Display) -> Self {
        Self {
            status,
            kind: if status.is_server_error() {
                "internal"
            } else {
                "bad_data"
            },
            message: error.to_string(),
        }
    }

    pub(super) fn bad_data(message: impl Into<String>) -> Self {
        Self::of(StatusCode::BAD_REQUEST, message.into())
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let (status, kind) = match &error {
            Error::Parse { .. } | Error::NotSupported { .. } | Error::Range(_) => {
                (StatusCode::BAD_REQUEST, "bad_data")
            }
            Error::Evaluation { .. } | Error::Limit { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
            Error::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
            Error::Storage(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        Self {
            status,
            kind,
            message: error.to_string(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = Refusal {
            status: "error",
            error_type: self.kind,
            error: self.message,
        };
        let mut response = (self.status, Json(body)).into_response();
        response.extensions_mut().insert(AsItIs);
        response
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refusal {
    /// `error`.
    status: &'static str,
    /// `bad_data`, `execution`, `timeout` or `internal`.
    error_type: &'static str,
    error: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Success<T> {
    /// `success`.
    status: &'static str,
    data: T,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: Vec<String>,
}

pub(super) fn success<T: Serialize>(data: T, warnings: Vec<String>) -> Response {
    let status = "success";
    Json(Success {
        status,
        data,
        warnings,
    })
    .into_response()
}

/// Names or values that were found.
pub(super) fn found(found: Found<Box<str>>) -> Response {
    let warnings = cut(&found);
    success(found.items, warnings)
}

pub(super) fn found_series(found: Found<Arc<Labels>>) -> Response {
    let warnings = cut(&found);
    let labels: Vec<LabelsOf<'_>> = found.items.iter().map(|labels| LabelsOf::Set(labels)).collect();
    success(labels, warnings)
}

fn cut<T>(found: &Found<T>) -> Vec<String> {
    let warning = || "results truncated due to limit".to_owned();
    found.is_cut.then(warning).into_iter().collect()
}

/// What an expression came to; `at_ms` is the time of an instant query.
pub(super) fn outcome(outcome: &Outcome, at_ms: i64) -> Response {
    success(data(&outcome.value, at_ms), outcome.warnings.clone())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data<'a> {
    result_type: &'static str,
    result: Result_<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Result_<'a> {
    One(Point<'a>),
    Many(Vec<SeriesOf<'a>>),
}

#[derive(Serialize)]
struct SeriesOf<'a> {
    metric: LabelsOf<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Point<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Point<'a>>>,
}

pub(super) fn data(value: &Value, at_ms: i64) -> Data<'_> {
    let (result_type, result) = match value {
        Value::Scalar(value) => ("scalar", Result_::One(Point(at_ms, Text::Number(*value)))),
        Value::String(text) => ("string", Result_::One(Point(at_ms, Text::Plain(text)))),
        Value::Vector(samples) => {
            let series = samples.iter().map(|sample| SeriesOf {
                metric: LabelsOf::Metric(&sample.metric),
                value: Some(Point(at_ms, Text::Number(sample.value))),
                values: None,
            });
            ("vector", Result_::Many(series.collect()))
        }
        Value::Matrix(matrix) => {
            let series = matrix.iter().map(|series| SeriesOf {
                metric: LabelsOf::Metric(&series.metric),
                value: None,
                values: Some(points(&series.timestamps_ms, &series.values)),
            });
            ("matrix", Result_::Many(series.collect()))
        }
    };
    Data { result_type, result }
}

fn points(timestamps_ms: &[i64], values: &[f64]) -> Vec<Point<'static>> {
    let pairs = timestamps_ms.iter().zip(values);
    pairs
        .map(|(at_ms, value)| Point(*at_ms, Text::Number(*value)))
        .collect()
}

enum LabelsOf<'a> {
    Set(&'a Labels),
    Metric(&'a Metric),
}

impl Serialize for LabelsOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Set(labels) => labels
                .iter()
                .try_for_each(|(name, value)| map.serialize_entry(name, value))?,
            Self::Metric(metric) => metric
                .iter()
                .try_for_each(|(name, value)| map.serialize_entry(name, value))?,
        }
        map.end()
    }
}

/// A time in ms, and a value.
struct Point<'a>(i64, Text<'a>);

enum Text<'a> {
    Number(f64),
    Plain(&'a str),
}

impl Serialize for Point<'_> {
    /// Seconds, whole ones without a fraction; the value is a text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        if self.0 % 1_000 == 0 {
            pair.serialize_element(&(self.0 / 1_000))?;
        } else {
            pair.serialize_element(&(self.0 as f64 / 1e3))?;
        }
        match &self.1 {
            Text::Number(value) => pair.serialize_element(&number(*value))?,
            Text::Plain(text) => pair.serialize_element(text)?,
        }
        pair.end()
    }
}

/// A number as Prometheus writes it: as short as it can be and read back the same,
/// with an exponent of at least two digits where it is very small or large.
pub(super) fn number(value: f64) -> String {
    const PLAIN: std::ops::Range<f64> = 1e-6..1e21;
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value == 0.0 || PLAIN.contains(&value.abs()) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}
