//! The tests of notifiers.

use wasmalert_core::units::parse_duration_ms;
use wasmalert_sandbox::{AlertStatus, HttpResponse, NotifyAlert, NotifyBatch};

use super::super::{Delivery, ExpectedBody, ExpectedDisposition, ExpectedRequest};
use super::checks::number;
use wasmalert_rulefile::fields::Fields;
use wasmalert_rulefile::problem::Problems;

/// Alerts of one batch, as the host delivers them.
const ALERTS_MAX: usize = 256;
/// How long receivers may believe an alert that says nothing else: four intervals of a minute.
const BELIEVED_MS: i64 = 240_000;

pub(super) fn read(fields: &mut Fields<'_>, start_ms: i64, problems: &mut Problems) -> Vec<Delivery> {
    items(fields, "notifier_test", problems, |fields, problems| {
        delivery(fields, start_ms, problems)
    })
}

/// What is made of each item of a list, all of whose fields have to be known.
fn items<T>(
    fields: &mut Fields<'_>,
    name: &str,
    problems: &mut Problems,
    mut read: impl FnMut(&mut Fields<'_>, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let path = fields.at(name);
    let mut items = Vec::new();
    for (at, node) in fields.list(name, problems).iter().enumerate() {
        let Some(mut fields) = Fields::of(node, format!("{path}[{at}]"), problems) else {
            continue;
        };
        items.extend(read(&mut fields, problems));
        fields.finish(problems);
    }
    items
}

fn delivery(fields: &mut Fields<'_>, start_ms: i64, problems: &mut Problems) -> Option<Delivery> {
    let line = fields.line;
    let module = fields.required("module", problems);
    let config = fields
        .take("config")
        .map_or_else(|| "{}".to_owned(), |node| node.to_json().to_string());
    let now_ms = start_ms.saturating_add(fields.duration("eval_time", problems).unwrap_or(0));
    let mut text = |name: &str, problems: &mut Problems| {
        let text = fields.text(name, problems);
        text.map_or_else(|| "test".to_owned(), |text| text.text)
    };
    let (receiver, namespace) = (text("receiver", problems), text("namespace", problems));
    let (group, rule) = (text("group", problems), text("rule", problems));
    let external_url = fields
        .text("external_url", problems)
        .map_or_else(String::new, |url| url.text);
    let alerts = items(fields, "alerts", problems, |fields, problems| {
        Some(alert(fields, start_ms, problems))
    });
    if !(1..=ALERTS_MAX).contains(&alerts.len()) {
        problems.add(
            line,
            format_args!("{}: needs 1 to {ALERTS_MAX} alerts", fields.at("alerts")),
        );
    }
    let wants_requests = fields.has("exp_requests");
    let requests = items(fields, "exp_requests", problems, request);
    let error = fields.text("exp_error", problems).map(|error| error.text);
    let responses = items(fields, "responses", problems, response);
    Some(Delivery {
        line,
        module: module?.text,
        batch: NotifyBatch {
            tenant: "default".to_owned(),
            receiver,
            namespace,
            group,
            rule,
            config: config.into(),
            now_ms,
            idempotency_key: "test".to_owned(),
            external_url,
            alerts,
        },
        requests: wants_requests.then_some(requests),
        error,
        responses,
    })
}

fn alert(fields: &mut Fields<'_>, start_ms: i64, problems: &mut Problems) -> NotifyAlert {
    let status = fields.parsed("status", problems, |text| {
        let all = [AlertStatus::Firing, AlertStatus::Resolved];
        let found = all.into_iter().find(|status| status.as_str() == text);
        found.ok_or("expected firing or resolved")
    });
    let labels: wasmalert_core::Labels = fields.texts("labels", problems).into_iter().collect();
    let annotations = fields.texts("annotations", problems).into_iter().collect();
    let value = fields.parsed("value", problems, number).unwrap_or(1.0);
    let starts_at_ms = start_ms.saturating_add(fields.duration("starts_at", problems).unwrap_or(0));
    let ends_at = fields.duration("ends_at", problems);
    let generator_url = fields.text("generator_url", problems);
    NotifyAlert {
        status: status.unwrap_or(AlertStatus::Firing),
        fingerprint: format!("{:016x}", labels.fingerprint()),
        labels,
        annotations,
        value,
        starts_at_ms,
        ends_at_ms: ends_at.map_or(starts_at_ms.saturating_add(BELIEVED_MS), |ends_at| {
            start_ms.saturating_add(ends_at)
        }),
        generator_url: generator_url.map_or_else(String::new, |url| url.text),
    }
}

fn request(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<ExpectedRequest> {
    let method = fields.text("method", problems);
    let url = fields.required("url", problems);
    let headers = fields.texts("headers", problems).into_iter();
    let headers = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let text = fields
        .text("body", problems)
        .map(|body| ExpectedBody::Text(body.text));
    let json = fields.take("json").map(|node| ExpectedBody::Json(node.to_json()));
    if text.is_some() && json.is_some() {
        problems.add(
            fields.line,
            format_args!("{}: give `body` or `json`", fields.path),
        );
    }
    Some(ExpectedRequest {
        method: method.map_or_else(|| "POST".to_owned(), |method| method.text),
        url: url?.text,
        headers,
        body: text.or(json),
    })
}

fn response(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<ExpectedDisposition> {
    let line = fields.line;
    let request = fields.parsed("request", problems, str::parse::<u32>);
    if !fields.has("status") {
        problems.add(line, format_args!("{} is missing", fields.at("status")));
    }
    let status = fields.parsed("status", problems, str::parse::<u16>);
    let headers = fields.texts("headers", problems).into_iter().collect();
    let body = fields
        .text("body", problems)
        .map_or_else(String::new, |body| body.text);
    let kind = fields.required("exp", problems).and_then(|kind| {
        let known = ["delivered", "retry", "failed"].contains(&kind.text.as_str());
        if !known {
            problems.add(
                kind.line,
                format_args!("{}: expected delivered, retry or failed", fields.at("exp")),
            );
        }
        known.then_some(kind.text)
    });
    let retry_after_ms = fields.parsed("exp_retry_after", problems, parse_duration_ms);
    let reason = fields.text("exp_reason", problems).map(|reason| reason.text);
    Some(ExpectedDisposition {
        line,
        request: request.unwrap_or(0),
        response: HttpResponse {
            status: status?,
            headers,
            body: body.into_bytes(),
        },
        kind: kind?,
        retry_after_ms,
        reason,
    })
}
