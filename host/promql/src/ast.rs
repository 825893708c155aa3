//! The tree of a checked expression: types fit, names are resolved, regular
//! expressions are compiled, durations are milliseconds.

use regex::Regex;

use crate::error::Position;
use crate::functions::Function;
use crate::matcher::Matcher;

/// The four types of PromQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Scalar,
    Vector,
    Matrix,
    String,
}

impl Type {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::String => "string",
        }
    }
}

/// A node with where it starts and how high its tree is.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) at: Position,
    pub(crate) height: u32,
    pub(crate) kind: Type,
    /// How many parentheses are around it.
    pub(crate) parens: u32,
    pub(crate) node: Node,
}

#[derive(Debug)]
pub(crate) enum Node {
    Number(f64),
    String(Box<str>),
    Selector(Selector),
    Range(Selector, i64),
    Subquery(Box<Subquery>),
    Negate(Box<Expr>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call(&'static Function, Vec<Expr>),
    LabelReplace(Box<LabelReplace>),
}

#[derive(Debug, Default)]
pub(crate) struct Selector {
    pub(crate) matchers: Vec<Matcher>,
    /// Whether the first is a name before the braces.
    pub(crate) has_bare_name: bool,
    pub(crate) shift: Shift,
}

/// A call of `label_replace`, its pattern compiled.
#[derive(Debug)]
pub(crate) struct LabelReplace {
    pub(crate) expr: Expr,
    pub(crate) target: Box<str>,
    pub(crate) replacement: Box<str>,
    pub(crate) source: Box<str>,
    pub(crate) pattern: Box<str>,
    pub(crate) regex: Regex,
}

/// The modifiers `@` and `offset`.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Shift {
    pub(crate) offset_ms: Option<i64>,
    pub(crate) at: Option<AtTime>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum AtTime {
    Start,
    End,
    Ms(i64),
}

#[derive(Debug)]
pub(crate) struct Subquery {
    pub(crate) expr: Expr,
    pub(crate) range_ms: i64,
    /// None: the default step.
    pub(crate) step_ms: Option<i64>,
    pub(crate) shift: Shift,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    And,
    Or,
    Unless,
}

impl BinaryOp {
    pub(crate) fn is_comparison(self) -> bool {
        use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
        matches!(self, Eq | Ne | Gt | Lt | Ge | Le)
    }

    pub(crate) fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

#[derive(Debug)]
pub(crate) struct Binary {
    pub(crate) op: BinaryOp,
    pub(crate) lhs: Expr,
    pub(crate) rhs: Expr,
    pub(crate) matching: Matching,
    pub(crate) return_bool: bool,
}

/// Which labels decide that two series belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// `by`, `on`: these.
    Only(Vec<Box<str>>),
    /// `without`, `ignoring`: all but these and the name.
    Without(Vec<Box<str>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cardinality {
    OneToOne,
    ManyToOne,
    OneToMany,
}

#[derive(Debug)]
pub(crate) struct Matching {
    pub(crate) grouping: Grouping,
    pub(crate) cardinality: Cardinality,
    /// Labels copied from the "one" side.
    pub(crate) include: Vec<Box<str>>,
}

impl Matching {
    /// Whether a label is written in `on`, `ignoring` or the labels to copy.
    pub(crate) fn names(&self, label: &str) -> bool {
        let (Grouping::Only(labels) | Grouping::Without(labels)) = &self.grouping;
        labels.iter().chain(&self.include).any(|named| **named == *label)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
}

#[derive(Debug)]
pub(crate) struct Aggregate {
    pub(crate) op: AggregateOp,
    pub(crate) expr: Expr,
    pub(crate) param: Option<Expr>,
    pub(crate) grouping: Grouping,
}
