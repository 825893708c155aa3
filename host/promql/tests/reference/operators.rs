//! Binary operators and aggregations.

use wasmalert_core::Labels;

use crate::doubt::Doubt;
use crate::eval::{Refused, Value, Vector, unique, without_name};
use crate::over::{fold, quantile};
use crate::tree::{Aggregate, Binary, Group, Matching, Param, Tree};

fn only(labels: &Labels, names: &[&str]) -> Labels {
    labels.iter().filter(|label| names.contains(&label.0)).collect()
}

fn all_but(labels: &Labels, names: &[&str]) -> Labels {
    labels.iter().filter(|label| !names.contains(&label.0)).collect()
}

pub(crate) fn binary(node: &Binary, lhs: Value, rhs: Value, doubt: &Doubt) -> Result<Value, Refused> {
    match (lhs, rhs) {
        (Value::Scalar(a), Value::Scalar(b)) => Ok(Value::Scalar(number(node.op, a, b, doubt))),
        (Value::Vector(lhs), Value::Scalar(b)) => with_scalar(node, lhs, |a| (a, b), doubt),
        (Value::Scalar(a), Value::Vector(rhs)) => with_scalar(node, rhs, |b| (a, b), doubt),
        (Value::Vector(lhs), Value::Vector(rhs)) => match node.op {
            "and" | "or" | "unless" => set(node, lhs, rhs).map(Value::Vector),
            _ => matched(node, lhs, rhs, doubt).map(Value::Vector),
        },
    }
}

fn is_comparison(op: &str) -> bool {
    matches!(op, "==" | "!=" | "<" | ">" | "<=" | ">=")
}

fn number(op: &str, a: f64, b: f64, doubt: &Doubt) -> f64 {
    match op {
        "+" => {
            doubt.added(&[a, b], a + b);
            a + b
        }
        "-" => {
            doubt.added(&[a, -b], a - b);
            a - b
        }
        "*" => a * b,
        "/" => a / b,
        "%" => {
            doubt.rounded(a / b);
            a % b
        }
        "^" => {
            doubt.note(b.is_finite() && b.abs() > 100.0);
            a.powf(b)
        }
        "atan2" => a.atan2(b),
        _ => {
            doubt.compared(a, b);
            let holds = match op {
                "==" => a == b,
                "!=" => a != b,
                "<" => a < b,
                ">" => a > b,
                "<=" => a <= b,
                _ => a >= b,
            };
            if holds { 1.0 } else { 0.0 }
        }
    }
}

/// What two samples yield: a filter keeps `kept`.
fn sample(node: &Binary, a: f64, b: f64, kept: f64, doubt: &Doubt) -> Option<f64> {
    let value = number(node.op, a, b, doubt);
    if is_comparison(node.op) && !node.bool {
        return (value == 1.0).then_some(kept);
    }
    Some(value)
}

fn keeps_name(node: &Binary) -> bool {
    is_comparison(node.op) && !node.bool
}

fn with_scalar(
    node: &Binary,
    vector: Vector,
    sides: impl Fn(f64) -> (f64, f64),
    doubt: &Doubt,
) -> Result<Value, Refused> {
    let found = vector.into_iter().filter_map(|(labels, value)| {
        let (a, b) = sides(value);
        let value = sample(node, a, b, value, doubt)?;
        Some((
            if keeps_name(node) {
                labels
            } else {
                without_name(&labels)
            },
            value,
        ))
    });
    unique(found.collect()).map(Value::Vector)
}

/// The labels that two samples have to agree in.
fn key(matching: &Option<Matching>, labels: &Labels) -> Labels {
    match matching {
        Some(matching) if matching.on => only(labels, &matching.labels),
        Some(matching) => without_name(&all_but(labels, &matching.labels)),
        None => without_name(labels),
    }
}

fn set(node: &Binary, lhs: Vector, rhs: Vector) -> Result<Vector, Refused> {
    let key = |sample: &(Labels, f64)| key(&node.matching, &sample.0);
    let has = |vector: &Vector, wanted: &(Labels, f64)| vector.iter().any(|other| key(other) == key(wanted));
    let both: Vector = match node.op {
        "and" => lhs.into_iter().filter(|sample| has(&rhs, sample)).collect(),
        "unless" => lhs.into_iter().filter(|sample| !has(&rhs, sample)).collect(),
        _ => {
            let more = rhs
                .into_iter()
                .filter(|sample| !has(&lhs, sample))
                .collect::<Vector>();
            lhs.into_iter().chain(more).collect()
        }
    };
    unique(both)
}

fn matched(node: &Binary, lhs: Vector, rhs: Vector, doubt: &Doubt) -> Result<Vector, Refused> {
    if lhs.is_empty() || rhs.is_empty() {
        return Ok(Vec::new());
    }
    let group = node
        .matching
        .as_ref()
        .and_then(|matching| matching.group.as_ref());
    let swapped = group.is_some_and(|group| group.0 == Group::Right);
    let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
    let key = |labels: &Labels| key(&node.matching, labels);
    unique(one.iter().map(|(labels, value)| (key(labels), *value)).collect())?;
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for (many_labels, many_value) in &many {
        let Some((one_labels, one_value)) = one.iter().find(|(labels, _)| key(labels) == key(many_labels))
        else {
            continue;
        };
        let labels = joined(node, many_labels, one_labels);
        // Each has a partner of its own, even if the comparison drops it.
        if group.is_none() && seen.contains(&key(many_labels)) {
            return Err(Refused);
        }
        seen.push(key(many_labels));
        let (a, b) = if swapped {
            (*one_value, *many_value)
        } else {
            (*many_value, *one_value)
        };
        if let Some(value) = sample(node, a, b, a, doubt) {
            found.push((labels, value));
        }
    }
    unique(found)
}

/// The labels of a result: those of the many, with what is copied from the one.
fn joined(node: &Binary, many: &Labels, one: &Labels) -> Labels {
    let mut labels = if keeps_name(node) {
        many.clone()
    } else {
        without_name(many)
    };
    let Some(matching) = &node.matching else {
        return labels;
    };
    match &matching.group {
        Some((_, include)) => {
            for label in include {
                labels.set(label, one.get(label).unwrap_or(""));
            }
            labels
        }
        None if matching.on => only(&labels, &matching.labels),
        None => all_but(&labels, &matching.labels),
    }
}

pub(crate) fn aggregate(
    node: &Aggregate,
    param: impl Fn(&Tree) -> Result<f64, Refused>,
    vector: &Vector,
    doubt: &Doubt,
) -> Result<Vector, Refused> {
    let param = match &node.param {
        Param::Scalar(tree) => param(tree)?,
        Param::Label(label) => return Ok(count_values(node, label, vector, doubt)),
        Param::None => f64::NAN,
    };
    let mut found = Vec::new();
    for (labels, members) in groups(node, &node.labels, vector) {
        let values: Vec<f64> = members.iter().map(|member| member.1).collect();
        match node.op {
            "topk" | "bottomk" => found.extend(ranked(node.op == "topk", param, members, doubt)),
            "quantile" => found.push((labels, quantile(param, &values))),
            op => found.push((labels, fold(op, &values, doubt))),
        }
    }
    Ok(found)
}

/// The samples of each group, and what its labels are.
fn groups(node: &Aggregate, names: &[&str], vector: &Vector) -> Vec<(Labels, Vector)> {
    let mut groups: Vec<(Labels, Vector)> = Vec::new();
    for sample in vector {
        let labels = if node.without {
            without_name(&all_but(&sample.0, names))
        } else {
            only(&sample.0, names)
        };
        match groups.iter_mut().find(|group| group.0 == labels) {
            Some(group) => group.1.push(sample.clone()),
            None => groups.push((labels, vec![sample.clone()])),
        }
    }
    groups
}

fn ranked(largest: bool, count: f64, mut members: Vector, doubt: &Doubt) -> Vector {
    members.sort_by(|(_, a), (_, b)| match (a.is_nan(), b.is_nan()) {
        (false, false) if largest => b.total_cmp(a),
        (false, false) => a.total_cmp(b),
        (a, b) => a.cmp(&b),
    });
    let count = if count >= 1.0 { count as usize } else { 0 };
    if (1..members.len()).contains(&count) {
        let (last, next) = (members[count - 1].1, members[count].1);
        doubt.compared(last, next);
        // Of equal ones any may be kept.
        doubt.note(last == next || (last.is_nan() && next.is_nan()));
    }
    members.truncate(count);
    members
}

/// The value becomes a label, and then series are counted.
fn count_values(node: &Aggregate, label: &'static str, vector: &Vector, doubt: &Doubt) -> Vector {
    let mut labelled = vector.clone();
    for (labels, value) in &mut labelled {
        doubt.written(*value);
        let text = match *value {
            f64::INFINITY => "+Inf".to_owned(),
            f64::NEG_INFINITY => "-Inf".to_owned(),
            value => value.to_string(),
        };
        labels.set(label, &text);
    }
    let mut names = node.labels.clone();
    if !node.without {
        names.push(label);
    }
    let groups = groups(node, &names, &labelled).into_iter();
    groups
        .map(|(labels, members)| (labels, members.len() as f64))
        .collect()
}
