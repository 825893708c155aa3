//! The functions of PromQL: what they take, and which room has their body.

pub(crate) mod date;
pub(crate) mod histogram;
pub(crate) mod label;
pub(crate) mod math;
pub(crate) mod over_time;
pub(crate) mod rate;
mod table;
pub(crate) mod vector;

use std::fmt;

use crate::ast::{Expr, Type};
use crate::error::{Error, Position};
use crate::eval::{Evaluator, Steps, drop_names};
use crate::selector::over_windows;
use crate::value::{Computed, Grid};
use crate::window::Window;

/// A function's signature and body.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [Type],
    /// How many of the last arguments may be left out.
    pub(crate) optional: usize,
    /// Whether the last argument may be repeated.
    pub(crate) variadic: bool,
    pub(crate) returns: Type,
    body: Body,
}

/// A body that wants all arguments as they are.
type Special = fn(&mut Evaluator<'_>, Position, &[Expr], Steps) -> Result<Computed, Error>;

#[derive(Clone, Copy)]
enum Body {
    /// Number to number, for each sample.
    Map(fn(f64) -> f64),
    /// The same with scalar arguments; None filters the sample out.
    MapWith(fn(f64, &[f64]) -> Option<f64>),
    /// A range of samples to a number, with scalar arguments.
    Over(fn(&Window<'_>) -> Option<f64>),
    /// The same, and keeps the name.
    OverNamed(fn(&Window<'_>) -> Option<f64>),
    /// Seconds since the epoch to a number; of the current time by default.
    Date(fn(i64) -> f64),
    Special(Special),
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

pub(crate) use table::{find, refused};

/// Calls a function whose arguments the parser has checked.
pub(crate) fn call(
    eval: &mut Evaluator<'_>,
    at: Position,
    function: &Function,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    match function.body {
        Body::Map(f) => {
            let mut grid = argument_vector(eval, at, arguments, steps)?;
            grid.filter_map(|_, value| Some(f(value)));
            drop_names(&mut grid, at)?;
            Ok(Computed::Vector(grid))
        }
        Body::MapWith(f) => {
            let mut grid = argument_vector(eval, at, arguments, steps)?;
            let params = scalars(eval, arguments, steps)?;
            let mut at_step = Vec::with_capacity(params.len());
            grid.filter_map(|step, value| {
                at_step.clear();
                at_step.extend(params.iter().map(|values| values[step]));
                f(value, &at_step)
            });
            drop_names(&mut grid, at)?;
            Ok(Computed::Vector(grid))
        }
        Body::Over(f) => {
            let mut grid = windowed(eval, at, function, arguments, steps, f)?;
            drop_names(&mut grid, at)?;
            Ok(Computed::Vector(grid))
        }
        Body::OverNamed(f) => windowed(eval, at, function, arguments, steps, f).map(Computed::Vector),
        Body::Date(f) => date::call(eval, at, arguments, steps, f),
        Body::Special(f) => f(eval, at, arguments, steps),
    }
}

/// The first argument, an instant vector.
fn argument_vector(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Grid, Error> {
    let argument = arguments
        .iter()
        .find(|argument| argument.kind == Type::Vector)
        .ok_or_else(|| Error::evaluation(at, "expected an instant vector"))?;
    let grid = eval.vector(argument, steps)?;
    eval.meter.visit(grid.values.len())?;
    Ok(grid)
}

/// The scalar arguments, in order, each at every step.
fn scalars(eval: &mut Evaluator<'_>, arguments: &[Expr], steps: Steps) -> Result<Vec<Vec<f64>>, Error> {
    arguments
        .iter()
        .filter(|argument| argument.kind == Type::Scalar)
        .map(|argument| eval.scalar(argument, steps))
        .collect()
}

fn windowed(
    eval: &mut Evaluator<'_>,
    at: Position,
    function: &Function,
    arguments: &[Expr],
    steps: Steps,
    f: fn(&Window<'_>) -> Option<f64>,
) -> Result<Grid, Error> {
    let range = arguments
        .iter()
        .find(|argument| argument.kind == Type::Matrix)
        .ok_or_else(|| Error::evaluation(at, "expected a range vector"))?;
    let params = scalars(eval, arguments, steps)?;
    if function.name == "quantile_over_time" {
        histogram::warn_of_quantiles(eval, at, &params[0]);
    }
    over_windows(eval, range, steps, &params, f)
}
