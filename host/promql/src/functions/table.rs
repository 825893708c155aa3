//! Every function by name, in the order of the alphabet.

use super::{Body, Function, date, histogram, label, math, over_time, rate, vector};
use crate::ast::Type::{self, Matrix, Scalar, String, Vector};

const fn function(name: &'static str, arguments: &'static [Type], returns: Type, body: Body) -> Function {
    Function {
        name,
        arguments,
        optional: 0,
        variadic: false,
        returns,
        body,
    }
}

const fn map(name: &'static str, f: fn(f64) -> f64) -> Function {
    function(name, &[Vector], Vector, Body::Map(f))
}

const fn map_with(
    name: &'static str,
    arguments: &'static [Type],
    f: fn(f64, &[f64]) -> Option<f64>,
) -> Function {
    function(name, arguments, Vector, Body::MapWith(f))
}

const fn over(name: &'static str, f: fn(&crate::window::Window<'_>) -> Option<f64>) -> Function {
    function(name, &[Matrix], Vector, Body::Over(f))
}

const fn date(name: &'static str, f: fn(i64) -> f64) -> Function {
    Function {
        optional: 1,
        ..function(name, &[Vector], Vector, Body::Date(f))
    }
}

const fn special(
    name: &'static str,
    arguments: &'static [Type],
    returns: Type,
    f: super::Special,
) -> Function {
    function(name, arguments, returns, Body::Special(f))
}

static FUNCTIONS: &[Function] = &[
    map("abs", f64::abs),
    special("absent", &[Vector], Vector, vector::absent),
    special("absent_over_time", &[Matrix], Vector, vector::absent_over_time),
    map("acos", f64::acos),
    map("acosh", f64::acosh),
    map("asin", f64::asin),
    map("asinh", f64::asinh),
    map("atan", f64::atan),
    map("atanh", f64::atanh),
    over("avg_over_time", over_time::avg),
    map("ceil", f64::ceil),
    over("changes", rate::changes),
    map_with("clamp", &[Vector, Scalar, Scalar], math::clamp),
    map_with("clamp_max", &[Vector, Scalar], math::clamp_max),
    map_with("clamp_min", &[Vector, Scalar], math::clamp_min),
    map("cos", f64::cos),
    map("cosh", f64::cosh),
    over("count_over_time", over_time::count),
    date("day_of_month", date::day_of_month),
    date("day_of_week", date::day_of_week),
    date("day_of_year", date::day_of_year),
    date("days_in_month", date::days_in_month),
    map("deg", math::deg),
    over("delta", rate::delta),
    over("deriv", rate::deriv),
    map("exp", f64::exp),
    map("floor", f64::floor),
    special(
        "histogram_fraction",
        &[Scalar, Scalar, Vector],
        Vector,
        histogram::fraction,
    ),
    special(
        "histogram_quantile",
        &[Scalar, Vector],
        Vector,
        histogram::quantile,
    ),
    date("hour", date::hour),
    over("idelta", rate::idelta),
    over("increase", rate::increase),
    over("irate", rate::irate),
    Function {
        optional: 1,
        variadic: true,
        ..special(
            "label_join",
            &[Vector, String, String, String],
            Vector,
            label::join,
        )
    },
    // Its body is a node of its own, for its pattern.
    special(
        "label_replace",
        &[Vector, String, String, String, String],
        Vector,
        label::replace_unbuilt,
    ),
    function(
        "last_over_time",
        &[Matrix],
        Vector,
        Body::OverNamed(over_time::last),
    ),
    map("ln", f64::ln),
    map("log10", f64::log10),
    map("log2", f64::log2),
    over("max_over_time", over_time::max),
    over("min_over_time", over_time::min),
    date("minute", date::minute),
    date("month", date::month),
    special("pi", &[], Scalar, vector::pi),
    function(
        "predict_linear",
        &[Matrix, Scalar],
        Vector,
        Body::Over(rate::predict_linear),
    ),
    over("present_over_time", over_time::present),
    function(
        "quantile_over_time",
        &[Scalar, Matrix],
        Vector,
        Body::Over(over_time::quantile_over),
    ),
    map("rad", math::rad),
    over("rate", rate::rate),
    over("resets", rate::resets),
    Function {
        optional: 1,
        ..map_with("round", &[Vector, Scalar], math::round)
    },
    special("scalar", &[Vector], Scalar, vector::scalar),
    map("sgn", math::sgn),
    map("sin", f64::sin),
    map("sinh", f64::sinh),
    special("sort", &[Vector], Vector, vector::sort),
    special("sort_desc", &[Vector], Vector, vector::sort_desc),
    map("sqrt", f64::sqrt),
    over("stddev_over_time", over_time::stddev),
    over("stdvar_over_time", over_time::stdvar),
    over("sum_over_time", over_time::sum),
    map("tan", f64::tan),
    map("tanh", f64::tanh),
    special("time", &[], Scalar, vector::time),
    special("timestamp", &[Vector], Vector, vector::timestamp),
    special("vector", &[Scalar], Vector, vector::vector),
    date("year", date::year),
];

/// Valid in Prometheus, behind a flag that is off by default.
const EXPERIMENTAL: &[&str] = &[
    "double_exponential_smoothing",
    "end",
    "first_over_time",
    "histogram_quantiles",
    "info",
    "integral",
    "limit_ratio",
    "limitk",
    "mad_over_time",
    "max_of",
    "min_of",
    "range",
    "sort_by_label",
    "sort_by_label_desc",
    "start",
    "start_timestamp",
    "step",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
];

/// Of use with native histograms alone.
const NATIVE_HISTOGRAMS: &[&str] = &[
    "histogram_avg",
    "histogram_count",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
];

/// A function by its name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    let at = FUNCTIONS
        .binary_search_by(|function| function.name.cmp(name))
        .ok()?;
    FUNCTIONS.get(at)
}

/// What to call a function that Prometheus has and this crate refuses.
pub(crate) fn refused(name: &str) -> Option<std::string::String> {
    let lower = name.to_ascii_lowercase();
    if EXPERIMENTAL.contains(&&*lower) {
        return Some(format!("the experimental function {lower}"));
    }
    if NATIVE_HISTOGRAMS.contains(&&*lower) {
        return Some(format!("{lower}: there are no native histograms"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_sorted_for_the_binary_search() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
        assert!(FUNCTIONS.iter().all(|function| refused(function.name).is_none()));
    }
}
