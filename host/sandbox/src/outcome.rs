//! From what a component returns to what the core knows.
//!
//! What is returned is the component's word: counts and lengths are checked
//! before anything is copied.

use wasmalert_core::evaluation::{Description, Finding, GivenLabels, Outcome, RecordedSample};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::label::METRIC_NAME;
use wasmalert_core::limits::{Limit, Limits};

use crate::bindings::notifier::exports::wasmalert::rules::notifications as notifier;
use crate::bindings::rule::exports::wasmalert::rules::rules as rule;
use crate::bindings::types;
use crate::host::{Host, ITEM_BYTES, check, label_bytes};
use crate::model::{Disposition, DispositionKind, HttpRequest};
use crate::text::clip;

/// What a description may have.
const DESCRIPTION_NAME_BYTES_MAX: usize = 256;
const DESCRIPTION_TEXT_BYTES_MAX: usize = 256 << 10;
const DESCRIPTION_EXTRAS_MAX: usize = 64;

fn bad_outcome(message: impl Into<String>) -> Fault {
    Fault::new(FaultCode::BadOutcome, message)
}

/// An error that the component reports itself.
pub(crate) fn component_error(error: &types::ComponentError) -> Fault {
    let message = match (error.code.as_str(), error.message.as_str()) {
        ("", "") => "the component returned an error without a word".to_owned(),
        ("", message) => clip(message),
        (code, "") => clip(code),
        (code, message) => clip(&format!("{code}: {message}")),
    };
    Fault::new(FaultCode::ComponentError, message)
}

pub(crate) fn outcome(outcome: rule::Outcome, host: &mut Host) -> Result<Outcome, Fault> {
    check(Limit::Findings, outcome.findings.len() as u64, &host.limits)?;
    check(Limit::Samples, outcome.samples.len() as u64, &host.limits)?;
    host.pay(label_bytes(&outcome.extras))?;
    let findings = outcome.findings.into_iter().map(|found| finding(found, host));
    let findings = findings.collect::<Result<_, _>>()?;
    let samples = outcome.samples.into_iter().map(|recorded| sample(recorded, host));
    let samples = samples.collect::<Result<_, _>>()?;
    Ok(Outcome { findings, samples })
}

fn finding(finding: rule::Finding, host: &mut Host) -> Result<Finding, Fault> {
    let annotations = &finding.annotations;
    check(Limit::FindingLabels, annotations.len() as u64, &host.limits)?;
    for annotation in annotations {
        check_label("an annotation", annotation, Limit::AnnotationBytes, &host.limits)?;
    }
    host.pay(2 * ITEM_BYTES + label_bytes(annotations) + label_bytes(&finding.extras))?;
    Ok(Finding {
        given: given_labels(finding.series, finding.labels, host)?,
        value: finding.value,
        annotations: pairs(finding.annotations),
    })
}

fn sample(sample: rule::RecordedSample, host: &mut Host) -> Result<RecordedSample, Fault> {
    host.pay(2 * ITEM_BYTES)?;
    let labels = given_labels(sample.series, sample.labels, host)?;
    if labels.get(METRIC_NAME).is_none() {
        return Err(bad_outcome(format!(
            "a recorded sample has no label {METRIC_NAME}: {labels}"
        )));
    }
    Ok(RecordedSample {
        labels,
        value: sample.value,
    })
}

/// The labels of a series, where one is referred to, with `own` on top.
#[inline]
fn given_labels(
    series: Option<rule::SeriesRef>,
    own: Vec<types::Label>,
    host: &mut Host,
) -> Result<GivenLabels, Fault> {
    check(Limit::FindingLabels, own.len() as u64, &host.limits)?;
    for label in &own {
        check_label("a label", label, Limit::LabelBytes, &host.limits)?;
    }
    host.pay(label_bytes(&own))?;
    let own = pairs(own);
    let Some(rule::SeriesRef { frame, series }) = series else {
        return Ok(own.into_iter().collect());
    };
    let Some(found) = host.frames.get(frame as usize) else {
        return Err(bad_outcome(format!(
            "refers to frame {frame}, which this run did not receive"
        )));
    };
    let Some(labels) = GivenLabels::of_series(found, series, own) else {
        let len = found.len();
        return Err(bad_outcome(format!(
            "refers to series {series} of frame {frame}, which has {len}"
        )));
    };
    if labels.len_max() as u64 > host.limits.get(Limit::FindingLabels) {
        check(
            Limit::FindingLabels,
            labels.to_labels().len() as u64,
            &host.limits,
        )?;
    }
    Ok(labels)
}

fn check_label(what: &str, label: &types::Label, limit: Limit, limits: &Limits) -> Result<(), Fault> {
    if label.name.is_empty() {
        return Err(bad_outcome(format!("{what} has an empty name")));
    }
    check(limit, label.name.len().max(label.value.len()) as u64, limits)
}

pub(crate) fn description(told: types::Description, host: &mut Host) -> Result<Description, Fault> {
    let texts = told.name.len() + told.doc.len() + told.config_schema.len();
    let queries: usize = told.queries.iter().map(|query| query.len() + ITEM_BYTES).sum();
    host.pay(texts + queries + label_bytes(&told.extras))?;
    check(Limit::Queries, told.queries.len() as u64, &host.limits)?;
    let longest = told.doc.len().max(told.config_schema.len()).max(queries);
    if told.name.len() > DESCRIPTION_NAME_BYTES_MAX {
        return Err(bad_outcome(format!(
            "its name has more than {DESCRIPTION_NAME_BYTES_MAX} bytes"
        )));
    }
    if longest > DESCRIPTION_TEXT_BYTES_MAX {
        let message = format!("its doc, schema or queries have more than {DESCRIPTION_TEXT_BYTES_MAX} bytes");
        return Err(bad_outcome(message));
    }
    if told.extras.len() > DESCRIPTION_EXTRAS_MAX {
        return Err(bad_outcome(format!(
            "it has more than {DESCRIPTION_EXTRAS_MAX} extras"
        )));
    }
    Ok(Description {
        name: told.name,
        doc: told.doc,
        config_schema: told.config_schema,
        queries: told.queries,
        extras: pairs(told.extras),
    })
}

pub(crate) fn requests(
    requests: Vec<notifier::HttpRequest>,
    host: &mut Host,
) -> Result<Vec<HttpRequest>, Fault> {
    check(Limit::Requests, requests.len() as u64, &host.limits)?;
    for request in &requests {
        let texts = request.method.len() + request.url.len() + request.body.len();
        host.pay(texts + label_bytes(&request.headers) + label_bytes(&request.extras))?;
        if request.method.is_empty() || request.url.is_empty() {
            return Err(bad_outcome("a request has no method or no URL"));
        }
        if request.headers.iter().any(|header| header.name.is_empty()) {
            return Err(bad_outcome("a request has a header without a name"));
        }
    }
    let requests = requests.into_iter().map(|request| HttpRequest {
        method: request.method,
        url: request.url,
        headers: pairs(request.headers),
        body: request.body,
        extras: pairs(request.extras),
    });
    Ok(requests.collect())
}

pub(crate) fn disposition(told: &notifier::Disposition, host: &mut Host) -> Result<Disposition, Fault> {
    host.pay(told.kind.len() + told.reason.len() + label_bytes(&told.extras))?;
    let kind = match told.kind.as_str() {
        "delivered" => DispositionKind::Delivered,
        "retry" => DispositionKind::Retry {
            after_ms: told.retry_after_ms,
        },
        "failed" => DispositionKind::Failed,
        other => {
            let message = format!("disposition {other:?}: must be `delivered`, `retry` or `failed`");
            return Err(bad_outcome(clip(&message)));
        }
    };
    Ok(Disposition {
        kind,
        reason: clip(&told.reason),
    })
}

fn pairs(labels: Vec<types::Label>) -> Vec<(String, String)> {
    labels
        .into_iter()
        .map(|label| (label.name, label.value))
        .collect()
}
