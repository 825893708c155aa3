//! Random series and expressions.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use wasmalert_core::Labels;

use crate::tree::{Aggregate, At, Binary, Group, Matching, Param, Range, RangeOf, Selector, Shift, Tree};

/// Times between samples.
const SCRAPE_MS: i64 = 10_000;
const SCRAPES: i64 = 40;

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) series: Vec<(Labels, Vec<(i64, f64)>)>,
    pub(crate) tree: Tree,
    pub(crate) time_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) lookback_ms: i64,
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let tree = prop_oneof![9 => vector(), 1 => scalar(vector().boxed())];
    let lookback_ms = select(vec![300_000, 25_000, 10_000]);
    (
        series(),
        tree,
        0..450_000_i64,
        1..90_000_i64,
        lookback_ms,
        any::<bool>(),
    )
        .prop_map(|(series, tree, time_ms, step_ms, lookback_ms, even)| {
            // Times at which samples lie on the edges of windows, and others.
            let even = |ms: i64| if even { ms - ms % 5_000 } else { ms };
            Case {
                series,
                tree,
                time_ms: even(time_ms),
                step_ms: even(step_ms).max(1),
                lookback_ms,
            }
        })
}

/// What happens at a scrape.
#[derive(Debug, Clone, Copy)]
enum Scrape {
    Missing,
    Counted(u8),
    Reset,
    Is(f64),
}

fn scrape() -> impl Strategy<Value = Scrape> {
    let odd = select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    prop_oneof![
        4 => Just(Scrape::Missing),
        20 => (0..5_u8).prop_map(Scrape::Counted),
        2 => Just(Scrape::Reset),
        4 => (-8..8_i8).prop_map(|half| Scrape::Is(f64::from(half) / 2.0)),
        1 => odd.prop_map(Scrape::Is),
        2 => Just(Scrape::Is(stale)),
    ]
}

/// The samples of one series; `late_ms` after each scrape was due.
fn samples(scrapes: &[Scrape], late_ms: i64) -> Vec<(i64, f64)> {
    let mut count = 0.0;
    let mut samples = Vec::new();
    for (at, scrape) in scrapes.iter().enumerate() {
        let time_ms = at as i64 * SCRAPE_MS + late_ms;
        match scrape {
            Scrape::Missing => {}
            Scrape::Counted(more) => {
                count += f64::from(*more);
                samples.push((time_ms, count));
            }
            Scrape::Reset => {
                count = 0.0;
                samples.push((time_ms, count));
            }
            Scrape::Is(value) => samples.push((time_ms, *value)),
        }
    }
    samples
}

fn series() -> impl Strategy<Value = Vec<(Labels, Vec<(i64, f64)>)>> {
    let mut all = Vec::new();
    for name in ["a", "b"] {
        for job in ["x", "y", ""] {
            for host in ["1", "2", ""] {
                all.push(Labels::from_iter([
                    ("__name__", name),
                    ("job", job),
                    ("host", host),
                ]));
            }
        }
    }
    let one = (vec(scrape(), 0..SCRAPES as usize), select(vec![0, 0, 1, 3_333]));
    (subsequence(all, 1..8), vec(one, 8)).prop_map(|(labels, data)| {
        let data = data.iter().map(|(scrapes, late_ms)| samples(scrapes, *late_ms));
        labels.into_iter().zip(data).collect()
    })
}

fn selector() -> impl Strategy<Value = Selector> {
    let name = select(vec![
        ("__name__", "=", "a"),
        ("__name__", "=", "a"),
        ("__name__", "=", "b"),
        ("__name__", "=~", "a|b"),
        ("job", "=~", ".+"),
    ]);
    let other = select(vec![
        ("job", "=", "x"),
        ("job", "!=", "x"),
        ("job", "=~", "x|y"),
        ("host", "!~", "1|3"),
        ("host", "=~", ".+"),
        ("host", "=", ""),
    ]);
    (name, option::weighted(0.3, other))
        .prop_map(|(name, other)| Selector([name].into_iter().chain(other).collect()))
}

fn shift() -> impl Strategy<Value = Shift> {
    let at = prop_oneof![Just(At::Start), Just(At::End), (0..400_i64).prop_map(At::Second)];
    let offset_s = prop_oneof![Just(10_i64), -60..120_i64];
    (option::weighted(0.15, at), option::weighted(0.2, offset_s))
        .prop_map(|(at, offset_s)| Shift { at, offset_s })
}

fn range(vector: BoxedStrategy<Tree>) -> impl Strategy<Value = Range> {
    let step_s = option::weighted(0.7, select(vec![5_i64, 10, 15, 40]));
    let of = prop_oneof![
        3 => selector().prop_map(RangeOf::Stored),
        1 => (vector, step_s).prop_map(|(tree, step_s)| RangeOf::Computed(Box::new(tree), step_s)),
    ];
    let range_s = prop_oneof![select(vec![10_i64, 30, 60, 100]), 1..200_i64];
    (of, range_s, shift()).prop_map(|(of, range_s, shift)| Range { of, range_s, shift })
}

fn number() -> impl Strategy<Value = Tree> {
    prop_oneof![
        6 => (-8..16_i8).prop_map(|half| f64::from(half) / 2.0),
        1 => select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e9, 0.1]),
    ]
    .prop_map(Tree::Number)
}

fn scalar(vector: BoxedStrategy<Tree>) -> impl Strategy<Value = Tree> {
    let simple = prop_oneof![4 => number(), 1 => Just(Tree::Time)].boxed();
    let op = prop_oneof![select(ARITHMETIC), select(COMPARISONS)];
    prop_oneof![
        5 => simple.clone(),
        1 => vector.prop_map(|tree| Tree::ScalarOf(Box::new(tree))),
        1 => (simple.clone(), op, simple).prop_map(|(lhs, op, rhs)| {
            let bool = COMPARISONS.contains(&op);
            Tree::Binary(Box::new(Binary { op, bool, matching: None, lhs, rhs }))
        }),
    ]
}

const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "%", "^", "atan2"];
const COMPARISONS: &[&str] = &["==", "!=", "<", ">", "<=", ">="];
const SETS: &[&str] = &["and", "or", "unless"];
const MAPS: &[&str] = &["abs", "floor", "ceil", "sqrt", "sgn", "round"];
const FOLDS: &[&str] = &["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"];
const RANGE_FUNCTIONS: &[&str] = &[
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "resets",
    "changes",
    "sum_over_time",
    "avg_over_time",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "last_over_time",
    "present_over_time",
    "absent_over_time",
    "stddev_over_time",
    "stdvar_over_time",
];

fn labels() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(vec!["job", "host", "__name__", "v"], 0..=3).prop_shuffle()
}

type Copied = Option<(Group, Vec<&'static str>)>;

fn group() -> BoxedStrategy<Copied> {
    let side = select(vec![Group::Left, Group::Right]);
    option::of((side, subsequence(vec!["job", "host", "__name__"], 0..=2))).boxed()
}

/// How vectors match; no `group` for set operators.
fn matching(group: BoxedStrategy<Copied>) -> impl Strategy<Value = Option<Matching>> {
    let matching = (any::<bool>(), labels(), group).prop_map(|(on, labels, group)| {
        // A label is not both matched on and copied.
        let group = group.map(|(side, include)| {
            let include = include.into_iter().filter(|label| !on || !labels.contains(label));
            (side, include.collect())
        });
        Matching { on, labels, group }
    });
    option::weighted(0.7, matching)
}

fn binary(vector: BoxedStrategy<Tree>) -> impl Strategy<Value = Tree> {
    let scalar = scalar(vector.clone()).boxed();
    let op = prop_oneof![select(ARITHMETIC), select(COMPARISONS)].boxed();
    let node = |op, bool, matching, lhs, rhs| {
        let bool = bool && COMPARISONS.contains(&op);
        Tree::Binary(Box::new(Binary {
            op,
            bool,
            matching,
            lhs,
            rhs,
        }))
    };
    prop_oneof![
        4 => (op.clone(), any::<bool>(), matching(group()), vector.clone(), vector.clone())
            .prop_map(move |(op, bool, matching, lhs, rhs)| node(op, bool, matching, lhs, rhs)),
        3 => (select(SETS), matching(Just(None).boxed()), vector.clone(), vector.clone())
            .prop_map(move |(op, matching, lhs, rhs)| node(op, false, matching, lhs, rhs)),
        2 => (op.clone(), any::<bool>(), vector.clone(), scalar.clone())
            .prop_map(move |(op, bool, lhs, rhs)| node(op, bool, None, lhs, rhs)),
        1 => (op, any::<bool>(), scalar, vector)
            .prop_map(move |(op, bool, lhs, rhs)| node(op, bool, None, lhs, rhs)),
    ]
}

fn aggregate(vector: BoxedStrategy<Tree>) -> impl Strategy<Value = Tree> {
    let count = (-1..4_i8).prop_map(|k| Tree::Number(f64::from(k) + 0.5));
    let share = (-1..6_i8).prop_map(|quarter| Tree::Number(f64::from(quarter) / 4.0));
    let kind = prop_oneof![
        5 => select(FOLDS).prop_map(|op| (op, Param::None)),
        2 => (select(vec!["topk", "bottomk"]), count).prop_map(|(op, k)| (op, Param::Scalar(k))),
        1 => share.prop_map(|q| ("quantile", Param::Scalar(q))),
        1 => select(vec!["v", "job"]).prop_map(|label| ("count_values", Param::Label(label))),
    ];
    (kind, any::<bool>(), labels(), vector).prop_map(|((op, param), without, labels, of)| {
        Tree::Aggregate(Box::new(Aggregate {
            op,
            param,
            without,
            labels,
            of,
        }))
    })
}

fn vector() -> impl Strategy<Value = Tree> {
    let leaf = (selector(), shift()).prop_map(|(selector, shift)| Tree::Selector(selector, shift));
    leaf.prop_recursive(4, 16, 2, |inner| {
        let inner = inner.boxed();
        let scalar = || scalar(inner.clone()).boxed();
        let one = |name: &'static str| move |(tree, a): (Tree, Tree)| Tree::Map(name, Box::new(tree), vec![a]);
        prop_oneof![
            6 => (select(RANGE_FUNCTIONS), range(inner.clone())).prop_map(|(name, range)| Tree::Over(name, None, range)),
            1 => (scalar(), range(inner.clone())).prop_map(|(param, range)| {
                Tree::Over("quantile_over_time", Some(Box::new(param)), range)
            }),
            6 => binary(inner.clone()),
            4 => aggregate(inner.clone()),
            1 => (select(MAPS), inner.clone()).prop_map(|(name, tree)| Tree::Map(name, Box::new(tree), Vec::new())),
            1 => (inner.clone(), scalar(), scalar())
                .prop_map(|(tree, a, b)| Tree::Map("clamp", Box::new(tree), vec![a, b])),
            1 => prop_oneof![
                (inner.clone(), scalar()).prop_map(one("clamp_min")),
                (inner.clone(), scalar()).prop_map(one("clamp_max")),
                (inner.clone(), scalar()).prop_map(one("round")),
            ],
            1 => scalar().prop_map(|tree| Tree::VectorOf(Box::new(tree))),
            1 => inner.clone().prop_map(|tree| Tree::Negate(Box::new(tree))),
            1 => inner.clone().prop_map(|tree| Tree::Timestamp(Box::new(tree))),
            1 => inner.prop_map(|tree| Tree::Absent(Box::new(tree))),
        ]
    })
}
