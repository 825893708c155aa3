//! Parameters, in the URL or in a form.

use std::time::{Duration, UNIX_EPOCH};

use wasmalert_core::query::QueryTime;
use wasmalert_core::units::parse_duration_ms;

use super::answer::Refused;

/// Time for one query.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(120);
const TIMEOUT_MAX: Duration = Duration::from_secs(600);

/// The parameters of a call; those of the form come after those of the URL.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn new(query: Option<&str>, form: &str) -> Self {
        let pairs = |text: &str| -> Vec<(String, String)> {
            form_urlencoded::parse(text.as_bytes()).into_owned().collect()
        };
        let mut all = pairs(query.unwrap_or_default());
        all.extend(pairs(form));
        Self(all)
    }

    /// The values of a parameter that may come several times.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().find(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refused> {
        self.get(name)
            .ok_or_else(|| Refused::bad_data(format!("the parameter {name} is missing")))
    }

    /// A time in seconds since the epoch or as RFC 3339, in ms since the epoch.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        parse_time(text).map(Some).ok_or_else(|| {
            Refused::bad_data(format!(
                "invalid parameter \"{name}\": cannot parse {text:?} to a valid timestamp: seconds since the epoch, or RFC 3339 in UTC"
            ))
        })
    }

    /// The times from `start` to `end`; all there are without them.
    pub(super) fn span(&self) -> Result<(i64, i64), Refused> {
        let start_ms = self.time("start")?.unwrap_or(i64::MIN);
        let end_ms = self.time("end")?.unwrap_or(i64::MAX);
        in_order(start_ms, end_ms)?;
        Ok((start_ms, end_ms))
    }

    pub(super) fn range(&self) -> Result<QueryTime, Refused> {
        let time = |name: &str| -> Result<i64, Refused> {
            self.required(name)?;
            Ok(self.time(name)?.unwrap_or_default())
        };
        let (start_ms, end_ms) = (time("start")?, time("end")?);
        let step = self.required("step")?;
        let step_ms = parse_span_ms(step).filter(|ms| *ms > 0).ok_or_else(|| {
            Refused::bad_data(format!(
                "invalid parameter \"step\": {step:?} is not a number of seconds or a duration above zero"
            ))
        })?;
        in_order(start_ms, end_ms)?;
        Ok(QueryTime::Range {
            start_ms,
            end_ms,
            step_ms,
        })
    }

    pub(super) fn timeout(&self) -> Result<Duration, Refused> {
        let Some(text) = self.get("timeout") else {
            return Ok(TIMEOUT_DEFAULT);
        };
        let set_ms = parse_span_ms(text).and_then(|ms| u64::try_from(ms).ok());
        set_ms
            .map(|ms| Duration::from_millis(ms).min(TIMEOUT_MAX))
            .ok_or_else(|| {
                Refused::bad_data(format!(
                    "invalid parameter \"timeout\": {text:?} is not a duration"
                ))
            })
    }

    /// How many entries an answer may have; 0 is as many as there may be.
    pub(super) fn limit(&self, max: usize) -> Result<usize, Refused> {
        let Some(text) = self.get("limit") else {
            return Ok(max);
        };
        match text.parse::<usize>() {
            Ok(0) => Ok(max),
            Ok(limit) => Ok(limit.min(max)),
            Err(_) => Err(Refused::bad_data(format!(
                "invalid parameter \"limit\": {text:?} is not a number"
            ))),
        }
    }
}

fn in_order(start_ms: i64, end_ms: i64) -> Result<(), Refused> {
    if end_ms < start_ms {
        return Err(Refused::bad_data("end timestamp must not be before start time"));
    }
    Ok(())
}

/// A number of seconds or a duration, in ms.
fn parse_span_ms(text: &str) -> Option<i64> {
    parse_seconds(text).or_else(|| parse_duration_ms(text).ok())
}

pub(in crate::api) fn parse_time(text: &str) -> Option<i64> {
    parse_seconds(text).or_else(|| {
        let since = humantime::parse_rfc3339(text).ok()?.duration_since(UNIX_EPOCH);
        i64::try_from(since.ok()?.as_millis()).ok()
    })
}

/// Seconds, with a fraction or not, in ms; none beyond what a time may be.
fn parse_seconds(text: &str) -> Option<i64> {
    /// The year 292,277,024, as in Prometheus.
    const SECONDS_MAX: f64 = 9_223_372_036_854_775.0;
    let seconds: f64 = text.parse().ok()?;
    (seconds.abs() <= SECONDS_MAX).then(|| (seconds * 1e3).round() as i64)
}
