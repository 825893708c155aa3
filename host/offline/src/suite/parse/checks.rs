//! The checks of a test.

use std::collections::BTreeMap;

use wasmalert_core::alert::NotifyReason;
use wasmalert_core::label::{ALERT_NAME, Labels};
use wasmalert_promql::notation::parse_labels;
use wasmalert_promql::{Limits, Query, Type};

use super::super::{Check, Expected, ExpectedTimer, RuleRef, key_of};
use wasmalert_rulefile::fields::{Fields, scalar};
use wasmalert_rulefile::problem::Problems;
use wasmalert_rulefile::rules::Group;
use wasmalert_rulefile::yaml::{Kind, Node};

/// All checks of a test, in the order of their times.
pub(super) fn read(fields: &mut Fields<'_>, groups: &[Group], problems: &mut Problems) -> Vec<Check> {
    let mut checks = Vec::new();
    each(fields, "alert_rule_test", &mut checks, problems, alerts);
    each(fields, "promql_expr_test", &mut checks, problems, samples);
    each(fields, "state_test", &mut checks, problems, |fields, problems| {
        let rule = rule(fields, groups, problems);
        let state = state(fields, problems);
        Some(Expected::State { rule: rule?, state })
    });
    each(fields, "timer_test", &mut checks, problems, |fields, problems| {
        let rule = rule(fields, groups, problems);
        let timers = timers(fields, problems);
        Some(Expected::Timers { rule: rule?, timers })
    });
    each(fields, "notification_test", &mut checks, problems, notifications);
    checks.sort_by_key(|check| check.at_ms); // stable
    checks
}

fn each(
    fields: &mut Fields<'_>,
    kind: &str,
    checks: &mut Vec<Check>,
    problems: &mut Problems,
    mut read: impl FnMut(&mut Fields<'_>, &mut Problems) -> Option<Expected>,
) {
    let path = fields.at(kind);
    for (at, node) in fields.list(kind, problems).iter().enumerate() {
        let Some(mut fields) = Fields::of(node, format!("{path}[{at}]"), problems) else {
            continue;
        };
        // promtool takes a missing time for 0, too.
        let at_ms = fields.duration("eval_time", problems).unwrap_or(0);
        let expected = read(&mut fields, problems);
        fields.finish(problems);
        checks.extend(expected.map(|expected| Check {
            line: node.line,
            at_ms,
            expected,
        }));
    }
}

fn alerts(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Expected> {
    let alertname = fields.required("alertname", problems)?.text;
    let path = fields.at("exp_alerts");
    let mut alerts = Vec::new();
    for (at, node) in fields.list("exp_alerts", problems).iter().enumerate() {
        let Some(mut fields) = Fields::of(node, format!("{path}[{at}]"), problems) else {
            continue;
        };
        let labels = labels(&mut fields, problems);
        let annotations = fields.texts("exp_annotations", problems);
        fields.finish(problems);
        alerts.push((labels, annotations));
    }
    Some(Expected::Alerts { alertname, alerts })
}

/// The labels of an alert but its name, which may be left out.
fn labels(fields: &mut Fields<'_>, problems: &mut Problems) -> Labels {
    let mut labels: Labels = fields.texts("exp_labels", problems).into_iter().collect();
    labels.set(ALERT_NAME, "");
    labels
}

fn samples(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Expected> {
    let expr = fields.required("expr", problems)?;
    let query = Query::parse(&expr.text, &Limits::default())
        .map_err(|error| error.to_string())
        .and_then(|query| match query.kind() {
            Type::Vector | Type::Scalar => Ok(query),
            Type::Matrix | Type::String => Err("expected an instant vector or a scalar".to_owned()),
        })
        .map_err(|error| problems.add(expr.line, format_args!("{}: {error}", fields.at("expr"))));
    let path = fields.at("exp_samples");
    let mut samples = Vec::new();
    for (at, node) in fields.list("exp_samples", problems).iter().enumerate() {
        let Some(mut fields) = Fields::of(node, format!("{path}[{at}]"), problems) else {
            continue;
        };
        if fields.has("histogram") {
            problems.add(
                node.line,
                format_args!("{path}[{at}]: native histograms are not supported"),
            );
            fields.take("histogram");
        }
        let labels = fields
            .parsed("labels", problems, parse_labels)
            .unwrap_or_default();
        let value = fields.parsed("value", problems, number).unwrap_or(0.0);
        fields.finish(problems);
        samples.push((labels, value));
    }
    Some(Expected::Samples {
        expr: expr.text,
        query: query.ok()?,
        samples,
    })
}

/// A number as YAML or PromQL writes it.
pub(super) fn number(text: &str) -> Result<f64, String> {
    let plain = text.replace('_', "").to_ascii_lowercase();
    let plain = match plain.as_str() {
        ".nan" => "nan",
        ".inf" | "+.inf" => "inf",
        "-.inf" => "-inf",
        other => other,
    };
    plain.parse().map_err(|_| format!("{text:?} is not a number"))
}

/// The rule that a check is about: its name, and the group's where several have it.
fn rule(fields: &mut Fields<'_>, groups: &[Group], problems: &mut Problems) -> Option<RuleRef> {
    let name = fields.required("rule", problems);
    let of_group = fields.text("group", problems);
    let name = name?;
    let mut found = Vec::new();
    for (group_at, group) in groups.iter().enumerate() {
        if of_group
            .as_ref()
            .is_some_and(|of_group| of_group.text != group.name)
        {
            continue;
        }
        let keys = group.spec.rule_keys(&key_of(group));
        let of_name = keys.iter().enumerate().filter(|(_, key)| *key.rule == *name.text);
        found.extend(of_name.map(|(rule, _)| (group_at, rule)));
    }
    match found[..] {
        [(group, rule)] => Some(RuleRef {
            name: name.text,
            group,
            rule,
        }),
        [] => {
            problems.add(
                name.line,
                format_args!("{}: there is no rule {:?}", fields.at("rule"), name.text),
            );
            None
        }
        _ => {
            let message = format!(
                "{}: several groups have a rule {:?}; add `group`",
                fields.at("rule"),
                name.text
            );
            problems.add(name.line, message);
            None
        }
    }
}

fn state(fields: &mut Fields<'_>, problems: &mut Problems) -> BTreeMap<String, Vec<u8>> {
    let path = fields.at("exp_state");
    let mut state = BTreeMap::new();
    let Some(mut fields) = fields
        .take("exp_state")
        .and_then(|node| Fields::of(node, path, problems))
    else {
        return state;
    };
    for (key, node) in fields.rest() {
        match bytes(node) {
            Ok(bytes) => drop(state.insert(key.name.clone(), bytes)),
            Err(error) => problems.add(node.line, format_args!("{}: {error}", fields.at(&key.name))),
        }
    }
    state
}

/// A text, or `{hex: 00ff}`.
fn bytes(node: &Node) -> Result<Vec<u8>, String> {
    let wrong = || format!("expected a text or `{{hex: …}}`, not {}", node.what());
    if let Some(text) = scalar(node) {
        return Ok(text.text.into_bytes());
    }
    let Kind::Map(entries) = &node.kind else {
        return Err(wrong());
    };
    match &entries[..] {
        [(key, value)] if key.name == "hex" => {
            let text = scalar(value).ok_or_else(wrong)?.text;
            from_hex(&text).ok_or_else(|| format!("{text:?} is not pairs of hexadecimal digits"))
        }
        _ => Err(wrong()),
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

fn timers(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<ExpectedTimer> {
    let path = fields.at("exp_timers");
    let mut timers = Vec::new();
    for (at, node) in fields.list("exp_timers", problems).iter().enumerate() {
        let Some(mut fields) = Fields::of(node, format!("{path}[{at}]"), problems) else {
            continue;
        };
        if !fields.has("due") {
            problems.add(node.line, format_args!("{path}[{at}].due is missing"));
        }
        let name = fields.required("name", problems);
        let due_ms = fields.duration("due", problems);
        let payload = fields.take("payload").and_then(|node| {
            let wrong = |error| problems.add(node.line, format_args!("{path}[{at}].payload: {error}"));
            bytes(node).map_err(wrong).ok()
        });
        fields.finish(problems);
        if let (Some(name), Some(due_ms)) = (name, due_ms) {
            timers.push(ExpectedTimer {
                name: name.text,
                due_ms,
                payload,
            });
        }
    }
    timers
}

fn notifications(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Expected> {
    let alertname = fields.required("alertname", problems)?.text;
    let path = fields.at("exp_notifications");
    let mut notifications = Vec::new();
    for (at, node) in fields.list("exp_notifications", problems).iter().enumerate() {
        let Some(mut fields) = Fields::of(node, format!("{path}[{at}]"), problems) else {
            continue;
        };
        if !fields.has("reason") {
            problems.add(node.line, format_args!("{path}[{at}].reason is missing"));
        }
        let reason = fields.parsed("reason", problems, |text| {
            NotifyReason::parse(text).ok_or("expected fired, resolved or resend")
        });
        let labels = labels(&mut fields, problems);
        fields.finish(problems);
        notifications.extend(reason.map(|reason| (reason, labels)));
    }
    Some(Expected::Notifications {
        alertname,
        notifications,
    })
}
