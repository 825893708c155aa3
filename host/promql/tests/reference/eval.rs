//! A small, slow evaluator: one expression at one time, as Prometheus' documentation
//! and engine define it. A range query is such a result at each of its steps.

use wasmalert_core::Labels;

use crate::doubt::Doubt;
use crate::operators;
use crate::over::{Window, over};
use crate::tree::{At, Range, RangeOf, Selector, Shift, Tree};

const NAME: &str = "__name__";
/// The bits of a stale marker.
const STALE: u64 = 0x7ff0_0000_0000_0002;

pub(crate) type Stored = [(Labels, Vec<(i64, f64)>)];
pub(crate) type Vector = Vec<(Labels, f64)>;

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(f64),
    Vector(Vector),
}

/// The data do not fit the expression.
#[derive(Debug)]
pub(crate) struct Refused;

pub(crate) struct Reference<'a> {
    pub(crate) series: &'a Stored,
    pub(crate) query_start_ms: i64,
    pub(crate) query_end_ms: i64,
    pub(crate) lookback_ms: i64,
    pub(crate) subquery_step_ms: i64,
    pub(crate) doubt: Doubt,
}

pub(crate) fn without_name(labels: &Labels) -> Labels {
    labels.iter().filter(|label| label.0 != NAME).collect()
}

/// Refuses a vector in which labels come twice.
pub(crate) fn unique(vector: Vector) -> Result<Vector, Refused> {
    let twice = |at: usize| vector[..at].iter().any(|other| other.0 == vector[at].0);
    if (0..vector.len()).any(twice) {
        return Err(Refused);
    }
    Ok(vector)
}

/// Changes each sample, and drops all names.
fn unnamed(vector: Vector, f: impl Fn(f64) -> f64) -> Result<Value, Refused> {
    let vector = vector
        .iter()
        .map(|(labels, value)| (without_name(labels), f(*value)));
    unique(vector.collect()).map(Value::Vector)
}

fn matches(selector: &Selector, labels: &Labels) -> bool {
    selector.0.iter().all(|(label, op, text)| {
        let value = labels.get(label).unwrap_or("");
        let like = || {
            text.split('|')
                .any(|part| part == value || (part == ".+" && !value.is_empty()))
        };
        match *op {
            "=" => value == *text,
            "!=" => value != *text,
            "=~" => like(),
            _ => !like(),
        }
    })
}

impl Reference<'_> {
    pub(crate) fn at(&self, tree: &Tree, time_ms: i64) -> Result<Value, Refused> {
        Ok(match tree {
            Tree::Number(number) => Value::Scalar(*number),
            Tree::Time => Value::Scalar(time_ms as f64 / 1000.0),
            Tree::ScalarOf(tree) => Value::Scalar(match self.vector(tree, time_ms)?[..] {
                [(_, value)] => value,
                _ => f64::NAN,
            }),
            Tree::VectorOf(tree) => Value::Vector(vec![(Labels::new(), self.scalar(tree, time_ms)?)]),
            Tree::Selector(selector, shift) => {
                let newest = self.newest(selector, *shift, time_ms);
                Value::Vector(
                    newest
                        .map(|(labels, (_, value))| (labels.clone(), value))
                        .collect(),
                )
            }
            Tree::Negate(tree) => match self.at(tree, time_ms)? {
                Value::Scalar(value) => Value::Scalar(-value),
                Value::Vector(vector) => unnamed(vector, |value| -value)?,
            },
            Tree::Map(name, tree, params) => self.map(name, tree, params, time_ms)?,
            Tree::Timestamp(tree) => match &**tree {
                Tree::Selector(selector, shift) => {
                    let newest = self.newest(selector, *shift, time_ms);
                    let times =
                        newest.map(|(labels, (time_ms, _))| (labels.clone(), time_ms as f64 / 1000.0));
                    unnamed(times.collect(), |time_s| time_s)?
                }
                tree => unnamed(self.vector(tree, time_ms)?, |_| time_ms as f64 / 1000.0)?,
            },
            Tree::Absent(tree) if !self.vector(tree, time_ms)?.is_empty() => Value::Vector(Vec::new()),
            Tree::Absent(tree) => Value::Vector(vec![(absent_labels(tree), 1.0)]),
            Tree::Over(name, param, range) => self.over(name, param.as_deref(), range, time_ms)?,
            Tree::Binary(binary) => {
                let lhs = self.at(&binary.lhs, time_ms)?;
                operators::binary(binary, lhs, self.at(&binary.rhs, time_ms)?, &self.doubt)?
            }
            Tree::Aggregate(aggregate) => {
                let vector = self.vector(&aggregate.of, time_ms)?;
                let param = |tree: &Tree| self.scalar(tree, time_ms);
                Value::Vector(operators::aggregate(aggregate, param, &vector, &self.doubt)?)
            }
        })
    }

    fn vector(&self, tree: &Tree, time_ms: i64) -> Result<Vector, Refused> {
        match self.at(tree, time_ms)? {
            Value::Vector(vector) => Ok(vector),
            Value::Scalar(_) => panic!("{tree} is no vector"),
        }
    }

    fn scalar(&self, tree: &Tree, time_ms: i64) -> Result<f64, Refused> {
        match self.at(tree, time_ms)? {
            Value::Scalar(value) => Ok(value),
            Value::Vector(_) => panic!("{tree} is no scalar"),
        }
    }

    fn shifted(&self, shift: Shift, time_ms: i64) -> i64 {
        let at_ms = match shift.at {
            Some(At::Start) => self.query_start_ms,
            Some(At::End) => self.query_end_ms,
            Some(At::Second(second)) => second * 1000,
            None => time_ms,
        };
        at_ms - shift.offset_s.unwrap_or(0) * 1000
    }

    /// The newest sample of each series, unless it is too old or a stale marker.
    fn newest(
        &self,
        selector: &Selector,
        shift: Shift,
        time_ms: i64,
    ) -> impl Iterator<Item = (&Labels, (i64, f64))> {
        let to_ms = self.shifted(shift, time_ms);
        let after_ms = to_ms - self.lookback_ms;
        self.series
            .iter()
            .filter(|series| matches(selector, &series.0))
            .filter_map(move |(labels, samples)| {
                let newest = samples.iter().rfind(|sample| sample.0 <= to_ms)?;
                let fresh = newest.0 > after_ms && newest.1.to_bits() != STALE;
                fresh.then_some((labels, *newest))
            })
    }

    /// All samples of a range, series by series.
    fn windows(&self, range: &Range, time_ms: i64) -> Result<Vec<(Labels, Window)>, Refused> {
        let end_ms = self.shifted(range.shift, time_ms);
        let start_ms = end_ms - range.range_s * 1000;
        let mut found: Vec<(Labels, Window)> = Vec::new();
        let mut add = |labels: &Labels, sample: (i64, f64)| {
            let known = found
                .iter()
                .position(|series| series.0 == *labels)
                .unwrap_or_else(|| {
                    let samples = Vec::new();
                    found.push((
                        labels.clone(),
                        Window {
                            start_ms,
                            end_ms,
                            samples,
                        },
                    ));
                    found.len() - 1
                });
            found[known].1.samples.push(sample);
        };
        match &range.of {
            RangeOf::Stored(selector) => {
                for (labels, samples) in self.series.iter().filter(|series| matches(selector, &series.0)) {
                    for (time_ms, value) in samples {
                        if *time_ms > start_ms && *time_ms <= end_ms && value.to_bits() != STALE {
                            add(labels, (*time_ms, *value));
                        }
                    }
                }
            }
            RangeOf::Computed(tree, step_s) => {
                let step_ms = step_s.map_or(self.subquery_step_ms, |step_s| step_s * 1000);
                for inner_ms in (start_ms + 1..=end_ms).filter(|time_ms| time_ms % step_ms == 0) {
                    for (labels, value) in self.vector(tree, inner_ms)? {
                        add(&labels, (inner_ms, value));
                    }
                }
            }
        }
        Ok(found)
    }

    fn over(&self, name: &str, param: Option<&Tree>, range: &Range, time_ms: i64) -> Result<Value, Refused> {
        let windows = self.windows(range, time_ms)?;
        if name == "absent_over_time" {
            let labels = match &range.of {
                RangeOf::Stored(selector) => asked_for(selector),
                RangeOf::Computed(..) => Labels::new(),
            };
            return Ok(Value::Vector(if windows.is_empty() {
                vec![(labels, 1.0)]
            } else {
                Vec::new()
            }));
        }
        let param = param.map_or(Ok(f64::NAN), |param| self.scalar(param, time_ms))?;
        let found = windows.iter().filter_map(|(labels, window)| {
            let value = over(name, param, window, &self.doubt)?;
            let named = name == "last_over_time";
            Some((
                if named {
                    labels.clone()
                } else {
                    without_name(labels)
                },
                value,
            ))
        });
        unique(found.collect()).map(Value::Vector)
    }

    fn map(&self, name: &str, tree: &Tree, params: &[Tree], time_ms: i64) -> Result<Value, Refused> {
        let vector = self.vector(tree, time_ms)?;
        let params = params
            .iter()
            .map(|param| self.scalar(param, time_ms))
            .collect::<Result<Vec<f64>, Refused>>()?;
        if let ("clamp", [min, max]) = (name, &params[..]) {
            self.doubt.compared(*min, *max);
            if min > max {
                return Ok(Value::Vector(Vec::new()));
            }
        }
        unnamed(vector, |value| self.number(name, value, &params))
    }

    fn number(&self, name: &str, value: f64, params: &[f64]) -> f64 {
        let larger = |a: f64, b: f64| {
            if a.is_nan() || b.is_nan() {
                f64::NAN
            } else {
                a.max(b)
            }
        };
        let smaller = |a: f64, b: f64| -larger(-a, -b);
        let whole = |number: f64| {
            self.doubt.rounded(number);
            number
        };
        match (name, params) {
            ("abs", []) => value.abs(),
            ("floor", []) => whole(value).floor(),
            ("ceil", []) => whole(value).ceil(),
            ("sqrt", []) => value.sqrt(),
            ("sgn", []) if whole(value) == 0.0 || value.is_nan() => value,
            ("sgn", []) => value.signum(),
            ("round", []) => whole(value + 0.5).floor(),
            ("round", [to]) => whole(value * (1.0 / to) + 0.5).floor() / (1.0 / to),
            ("clamp", [min, max]) => larger(*min, smaller(*max, value)),
            ("clamp_min", [min]) => larger(*min, value),
            ("clamp_max", [max]) => smaller(*max, value),
            _ => panic!("no function {name} with {} numbers", params.len()),
        }
    }
}

fn absent_labels(tree: &Tree) -> Labels {
    match tree {
        Tree::Selector(selector, _) => asked_for(selector),
        _ => Labels::new(),
    }
}

/// The labels that a selector asks for by equality: of each label the first
/// equality, unless there is another matcher after it.
fn asked_for(selector: &Selector) -> Labels {
    let last_of = |label: &str| selector.0.iter().rposition(|matcher| matcher.0 == label);
    let first_equal = |label: &str| {
        let mut matchers = selector.0.iter();
        matchers.position(|matcher| matcher.0 == label && matcher.1 == "=")
    };
    let shown = selector.0.iter().enumerate().filter(|(at, (label, ..))| {
        *label != NAME && first_equal(label) == Some(*at) && last_of(label) == Some(*at)
    });
    shown.map(|(_, (label, _, text))| (label, text)).collect()
}
