//! Whether an evaluation succeeds, and what it then comes to.

use std::collections::BTreeMap;
use std::fmt;

use wasmalert_core::Labels;
use wasmalert_core::evaluation::{
    Finding, GivenLabels, LogLine, MetricUpdate, RecordedSample, State, Timers,
};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::label::METRIC_NAME;
use wasmalert_core::limits::Limit;

use super::answer::Asked;
use super::run::Run;
use crate::{Error, Label, Outcome, SeriesRef};

/// What a successful evaluation came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// What is wrong, in the order of the rule: labels without the rule's own.
    pub findings: Vec<Finding>,
    /// The samples to record.
    pub samples: Vec<RecordedSample>,
    /// The lines written.
    pub log: Vec<LogLine>,
    /// The changes to metrics, in order.
    pub metrics: Vec<MetricUpdate>,
    /// The queries asked, each once, in order.
    pub queries: Vec<Asked>,
    /// The state afterwards.
    pub state: State,
    /// The timers afterwards.
    pub timers: Timers,
}

impl Evaluation {
    /// The findings' labels as Prometheus writes them, sorted.
    #[must_use]
    pub fn found(&self) -> Vec<String> {
        let mut found: Vec<_> = self
            .findings
            .iter()
            .map(|finding| finding.labels().collect::<Labels>().to_string())
            .collect();
        found.sort();
        found
    }

    /// The finding with these labels, written as Prometheus does.
    ///
    /// # Panics
    /// There is none, or the text is not a series.
    #[must_use]
    pub fn finding(&self, labels: &str) -> &Finding {
        let wanted = super::parse_series(labels);
        let found = self
            .findings
            .iter()
            .find(|finding| finding.labels().collect::<Labels>() == wanted);
        found.unwrap_or_else(|| panic!("no finding {wanted}, but {:?}", self.found()))
    }

    /// The recorded samples as Prometheus writes them, in the order of the rule.
    #[must_use]
    pub fn recorded(&self) -> Vec<(String, f64)> {
        self.samples
            .iter()
            .map(|sample| (sample.labels.to_string(), sample.value))
            .collect()
    }

    /// The messages logged, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<&str> {
        self.log.iter().map(|line| &*line.message).collect()
    }
}

/// Why an evaluation failed. Nothing that it did counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable code, such as `query_timeout` or `duplicate_labels`; the rule's
    /// own where it returned an error.
    pub code: String,
    /// What is wrong, for people.
    pub message: String,
}

impl Failure {
    pub(super) fn new(code: &str, message: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::new(fault.code.as_str(), &fault.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(&error.code, &error.message)
    }
}

/// Judges a run, as the host does before it commits.
pub(super) fn judge(
    answer: Result<Outcome, Error>,
    mut run: Run,
    rule_labels: &Labels,
) -> Result<Evaluation, Failure> {
    if let Some(failure) = run.failure.take() {
        return Err(failure);
    }
    let outcome = answer?;
    run.check(Limit::Findings, outcome.findings.len());
    run.check(Limit::Samples, outcome.samples.len());
    let findings = outcome
        .findings
        .into_iter()
        .map(|f| finding(&run, f))
        .collect::<Result<Vec<_>, _>>()?;
    let samples = outcome
        .samples
        .into_iter()
        .map(|s| sample(&run, s))
        .collect::<Result<Vec<_>, _>>()?;
    let most = findings
        .iter()
        .map(|f| f.given.to_labels().len().max(f.annotations.len()))
        .max();
    run.check(Limit::FindingLabels, most.unwrap_or(0));
    check_unique(&findings, rule_labels)?;
    match run.failure {
        Some(failure) => Err(failure),
        None => Ok(Evaluation {
            findings,
            samples,
            log: run.log,
            metrics: run.metrics,
            queries: run.asked,
            state: run.state,
            timers: run.timers,
        }),
    }
}

fn finding(run: &Run, finding: crate::Finding) -> Result<Finding, Failure> {
    Ok(Finding {
        given: given_labels(run, finding.series, finding.labels)?,
        value: finding.value,
        annotations: pairs(finding.annotations),
    })
}

fn sample(run: &Run, sample: crate::RecordedSample) -> Result<RecordedSample, Failure> {
    let labels = given_labels(run, sample.series, sample.labels)?;
    if labels.get(METRIC_NAME).is_none() {
        let message = format!("the recorded sample {labels} has no {METRIC_NAME}");
        return Err(Fault::new(FaultCode::BadOutcome, message).into());
    }
    let value = sample.value;
    Ok(RecordedSample { labels, value })
}

fn given_labels(run: &Run, series: Option<SeriesRef>, own: Vec<Label>) -> Result<GivenLabels, Failure> {
    let own = pairs(own);
    let Some(at) = series else {
        return Ok(own.into_iter().collect());
    };
    let frame = run.frames.get(at.frame as usize);
    frame
        .and_then(|frame| GivenLabels::of_series(frame, at.series, own))
        .ok_or_else(|| {
            let message = format!("series {} of frame {} is not there", at.series, at.frame);
            Fault::new(FaultCode::BadOutcome, message).into()
        })
}

fn check_unique(findings: &[Finding], rule_labels: &Labels) -> Result<(), Failure> {
    let mut seen = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        let identity: Labels = finding.labels().chain(rule_labels.iter()).collect();
        if let Some(first) = seen.insert(identity.clone(), at) {
            let message = format!("findings {first} and {at} are both {identity}");
            return Err(Fault::new(FaultCode::DuplicateLabels, message).into());
        }
    }
    Ok(())
}

fn pairs(labels: Vec<Label>) -> Vec<(String, String)> {
    labels
        .into_iter()
        .map(|label| (label.name, label.value))
        .collect()
}
