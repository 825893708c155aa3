//! Expressions as a tree, and their text.

use std::fmt;

/// An expression that is a scalar or an instant vector.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Number(f64),
    Time,
    /// `scalar(vector)`.
    ScalarOf(Box<Tree>),
    /// `vector(scalar)`.
    VectorOf(Box<Tree>),
    Selector(Selector, Shift),
    Negate(Box<Tree>),
    /// A function of each sample, with scalars after it.
    Map(&'static str, Box<Tree>, Vec<Tree>),
    Timestamp(Box<Tree>),
    Absent(Box<Tree>),
    /// A function of a range, with a scalar before it.
    Over(&'static str, Option<Box<Tree>>, Range),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
}

/// Label, operator, text. The patterns are literals with `|` between them, or `.+`.
#[derive(Debug, Clone)]
pub(crate) struct Selector(pub(crate) Vec<(&'static str, &'static str, &'static str)>);

#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    Start,
    End,
    Second(i64),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Shift {
    pub(crate) at: Option<At>,
    pub(crate) offset_s: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Range {
    pub(crate) of: RangeOf,
    pub(crate) range_s: i64,
    pub(crate) shift: Shift,
}

#[derive(Debug, Clone)]
pub(crate) enum RangeOf {
    Stored(Selector),
    /// A subquery and its step.
    Computed(Box<Tree>, Option<i64>),
}

#[derive(Debug, Clone)]
pub(crate) struct Binary {
    pub(crate) op: &'static str,
    pub(crate) bool: bool,
    pub(crate) matching: Option<Matching>,
    pub(crate) lhs: Tree,
    pub(crate) rhs: Tree,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Left,
    Right,
}

#[derive(Debug, Clone)]
pub(crate) struct Matching {
    pub(crate) on: bool,
    pub(crate) labels: Vec<&'static str>,
    /// The side with the many, and the labels to copy to it.
    pub(crate) group: Option<(Group, Vec<&'static str>)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Param {
    None,
    Scalar(Tree),
    Label(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Aggregate {
    pub(crate) op: &'static str,
    pub(crate) param: Param,
    pub(crate) without: bool,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) of: Tree,
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) if number.is_nan() => f.write_str("NaN"),
            Self::Number(number) => write!(f, "({number})"),
            Self::Time => f.write_str("time()"),
            Self::ScalarOf(tree) => write!(f, "scalar({tree})"),
            Self::VectorOf(tree) => write!(f, "vector({tree})"),
            Self::Selector(selector, shift) => write!(f, "{selector}{shift}"),
            Self::Negate(tree) => write!(f, "(-{tree})"),
            Self::Map(name, tree, params) => {
                write!(f, "{name}({tree}")?;
                params.iter().try_for_each(|param| write!(f, ", {param}"))?;
                f.write_str(")")
            }
            Self::Timestamp(tree) => write!(f, "timestamp({tree})"),
            Self::Absent(tree) => write!(f, "absent({tree})"),
            Self::Over(name, None, range) => write!(f, "{name}({range})"),
            Self::Over(name, Some(param), range) => write!(f, "{name}({param}, {range})"),
            Self::Binary(binary) => write!(f, "{binary}"),
            Self::Aggregate(aggregate) => write!(f, "{aggregate}"),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matchers: Vec<String> = self
            .0
            .iter()
            .map(|(label, op, text)| format!("{label}{op}\"{text}\""))
            .collect();
        write!(f, "{{{}}}", matchers.join(","))
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(At::Start) => f.write_str(" @ start()")?,
            Some(At::End) => f.write_str(" @ end()")?,
            Some(At::Second(second)) => write!(f, " @ {second}")?,
            None => {}
        }
        match self.offset_s {
            Some(offset_s) if offset_s < 0 => write!(f, " offset -{}s", -offset_s),
            Some(offset_s) => write!(f, " offset {offset_s}s"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (range_s, shift) = (self.range_s, self.shift);
        match &self.of {
            RangeOf::Stored(selector) => write!(f, "{selector}[{range_s}s]{shift}"),
            RangeOf::Computed(tree, None) => write!(f, "({tree})[{range_s}s:]{shift}"),
            RangeOf::Computed(tree, Some(step_s)) => write!(f, "({tree})[{range_s}s:{step_s}s]{shift}"),
        }
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} {}", self.lhs, self.op)?;
        if self.bool {
            f.write_str(" bool")?;
        }
        if let Some(matching) = &self.matching {
            let word = if matching.on { "on" } else { "ignoring" };
            write!(f, " {word}({})", matching.labels.join(", "))?;
            if let Some((group, include)) = &matching.group {
                let word = if *group == Group::Left { "left" } else { "right" };
                write!(f, " group_{word}({})", include.join(", "))?;
            }
        }
        write!(f, " {})", self.rhs)
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.without { "without" } else { "by" };
        write!(f, "{} {word} ({}) (", self.op, self.labels.join(", "))?;
        match &self.param {
            Param::None => {}
            Param::Scalar(param) => write!(f, "{param}, ")?,
            Param::Label(label) => write!(f, "\"{label}\", ")?,
        }
        write!(f, "{})", self.of)
    }
}
