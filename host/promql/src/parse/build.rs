//! Makes nodes of the tree, once types and arguments have been checked.

use super::Parser;
use crate::ast::{
    Aggregate, AggregateOp, Binary, BinaryOp, Cardinality, Expr, Grouping, LabelReplace, Matching, Node,
    Subquery, Type,
};
use crate::error::{Error, Position};
use crate::functions::{self, Function};
use crate::limits::{Limit, check};
use crate::pattern::anchored;

impl Parser<'_> {
    /// A node above `children`.
    fn node(&self, at: Position, kind: Type, height_below: u32, node: Node) -> Result<Expr, Error> {
        let height = height_below + 1;
        check(self.limits, Limit::ExpressionDepth, u64::from(height))?;
        Ok(Expr {
            at,
            height,
            kind,
            parens: 0,
            node,
        })
    }

    pub(super) fn sign(&self, at: Position, minus: bool, expr: Expr) -> Result<Expr, Error> {
        if !matches!(expr.kind, Type::Scalar | Type::Vector) {
            let kind = expr.kind.name();
            return Err(Error::parse(
                at,
                format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got {kind}"
                ),
            ));
        }
        match (&expr.node, minus) {
            (_, false) => Ok(expr),
            (Node::Number(number), true) if expr.parens == 0 => {
                Ok(super::leaf(at, Type::Scalar, Node::Number(-number)))
            }
            (_, true) => self.node(at, expr.kind, expr.height, Node::Negate(Box::new(expr))),
        }
    }

    pub(super) fn binary(
        &self,
        at: Position,
        op: BinaryOp,
        lhs: Expr,
        rhs: Expr,
        matching: Option<Matching>,
        return_bool: bool,
    ) -> Result<Expr, Error> {
        let fail = |message: &str| Err(Error::parse(at, message));
        for side in [&lhs, &rhs] {
            if !matches!(side.kind, Type::Scalar | Type::Vector) {
                return fail("binary expression must contain only scalar and instant vector types");
            }
        }
        let scalars = [&lhs, &rhs]
            .iter()
            .filter(|side| side.kind == Type::Scalar)
            .count();
        if return_bool && !op.is_comparison() {
            return fail("bool modifier can only be used on comparison operators");
        }
        if op.is_comparison() && scalars == 2 && !return_bool {
            return fail("comparisons between scalars must use the bool modifier");
        }
        if op.is_set() && scalars > 0 {
            return fail("set operators are not allowed with scalars");
        }
        if let Some(matching) = &matching {
            check_matching(at, op, matching, scalars)?;
        }
        let matching = matching.unwrap_or(Matching {
            grouping: Grouping::Without(Vec::new()),
            cardinality: Cardinality::OneToOne,
            include: Vec::new(),
        });
        let kind = if scalars == 2 { Type::Scalar } else { Type::Vector };
        let height = lhs.height.max(rhs.height);
        let binary = Binary {
            op,
            lhs,
            rhs,
            matching,
            return_bool,
        };
        self.node(at, kind, height, Node::Binary(Box::new(binary)))
    }

    pub(super) fn range_of(&self, expr: Expr, bare: bool, range_ms: i64) -> Result<Expr, Error> {
        let at = expr.at;
        match expr.node {
            Node::Selector(selector) if bare => {
                if selector.shift.offset_ms.is_some() {
                    return Err(Error::parse(at, "no offset modifiers allowed before range"));
                }
                if selector.shift.at.is_some() {
                    return Err(Error::parse(at, "no @ modifiers allowed before range"));
                }
                Ok(super::leaf(at, Type::Matrix, Node::Range(selector, range_ms)))
            }
            _ => Err(Error::parse(at, "ranges only allowed for vector selectors")),
        }
    }

    pub(super) fn subquery_of(&self, expr: Expr, range_ms: i64, step_ms: Option<i64>) -> Result<Expr, Error> {
        let at = expr.at;
        if expr.kind != Type::Vector {
            let kind = expr.kind.name();
            return Err(Error::parse(
                at,
                format!("subquery is only allowed on instant vector, got {kind} instead"),
            ));
        }
        let height = expr.height;
        let subquery = Subquery {
            expr,
            range_ms,
            step_ms,
            shift: crate::ast::Shift::default(),
        };
        self.node(at, Type::Matrix, height, Node::Subquery(Box::new(subquery)))
    }

    pub(super) fn aggregation(
        &self,
        at: Position,
        op: AggregateOp,
        name: &str,
        arguments: Vec<Expr>,
        grouping: Grouping,
    ) -> Result<Expr, Error> {
        use AggregateOp::{Bottomk, CountValues, Quantile, Topk};
        let param_kind = match op {
            Topk | Bottomk | Quantile => Some(Type::Scalar),
            CountValues => Some(Type::String),
            _ => None,
        };
        let wanted = 1 + usize::from(param_kind.is_some());
        let mut arguments = arguments.into_iter();
        let given = arguments.len();
        if given != wanted {
            return Err(Error::parse(
                at,
                format!("wrong number of arguments for aggregation {name}, expected {wanted}, got {given}"),
            ));
        }
        let param = match param_kind {
            Some(kind) => {
                let param = arguments.next();
                if let Some(param) = &param {
                    expect_kind(param, kind, &format!("aggregation {name}"))?;
                }
                param
            }
            None => None,
        };
        let Some(expr) = arguments.next() else {
            return Err(Error::parse(at, format!("aggregation {name} needs an argument")));
        };
        expect_kind(&expr, Type::Vector, &format!("aggregation {name}"))?;
        let height = expr.height.max(param.as_ref().map_or(0, |param| param.height));
        let aggregate = Aggregate {
            op,
            expr,
            param,
            grouping,
        };
        self.node(at, Type::Vector, height, Node::Aggregate(Box::new(aggregate)))
    }

    pub(super) fn call(&mut self, at: Position, name: &str) -> Result<Expr, Error> {
        let Some(function) = functions::find(name) else {
            return Err(match functions::refused(name) {
                Some(construct) => Error::not_supported(at, construct),
                None => Error::parse(at, format!("unknown function with name \"{name}\"")),
            });
        };
        let arguments = self.arguments()?;
        check_arguments(at, function, &arguments)?;
        let height = arguments
            .iter()
            .map(|argument| argument.height)
            .max()
            .unwrap_or(0);
        let node = if name == "label_replace" {
            self.label_replace(at, arguments)?
        } else {
            Node::Call(function, arguments)
        };
        self.node(at, function.returns, height, node)
    }

    fn label_replace(&mut self, at: Position, arguments: Vec<Expr>) -> Result<Node, Error> {
        let mut arguments = arguments.into_iter();
        let Some(expr) = arguments.next() else {
            return Err(Error::parse(at, "label_replace needs arguments"));
        };
        let mut text = || match arguments.next().map(|argument| argument.node) {
            Some(Node::String(text)) => Ok(text),
            _ => Err(Error::parse(at, "label_replace needs strings")),
        };
        let (target, replacement, source, pattern) = (text()?, text()?, text()?, text()?);
        if target.is_empty() {
            return Err(Error::parse(at, "invalid label name \"\" in label_replace"));
        }
        let regex_bytes_max = self.regex_bytes_max()?;
        let regex = anchored(&pattern, regex_bytes_max).map_err(|message| Error::parse(at, message))?;
        Ok(Node::LabelReplace(Box::new(LabelReplace {
            expr,
            target,
            replacement,
            source,
            pattern,
            regex,
        })))
    }
}

fn check_matching(at: Position, op: BinaryOp, matching: &Matching, scalars: usize) -> Result<(), Error> {
    let (Grouping::Only(labels) | Grouping::Without(labels)) = &matching.grouping;
    if scalars > 0 && (!labels.is_empty() || matching.cardinality != Cardinality::OneToOne) {
        return Err(Error::parse(
            at,
            "vector matching only allowed between instant vectors",
        ));
    }
    if op.is_set() && matching.cardinality != Cardinality::OneToOne {
        return Err(Error::parse(at, "no grouping allowed for set operators"));
    }
    if matches!(matching.grouping, Grouping::Only(_))
        && let Some(label) = matching.include.iter().find(|label| labels.contains(label))
    {
        return Err(Error::parse(
            at,
            format!("label \"{label}\" must not occur in ON and GROUP clause at once"),
        ));
    }
    Ok(())
}

fn check_arguments(at: Position, function: &Function, arguments: &[Expr]) -> Result<(), Error> {
    let name = function.name;
    let most = function.arguments.len();
    let least = most - function.optional;
    let given = arguments.len();
    if given < least || (given > most && !function.variadic) {
        let wanted = match (function.optional, function.variadic) {
            (0, false) => format!("{most}"),
            (_, true) => format!("at least {least}"),
            (_, false) => format!("{least} to {most}"),
        };
        return Err(Error::parse(
            at,
            format!("expected {wanted} argument(s) in call to \"{name}\", got {given}"),
        ));
    }
    for (index, argument) in arguments.iter().enumerate() {
        let kind = function.arguments.get(index).or(function.arguments.last());
        if let Some(kind) = kind {
            expect_kind(argument, *kind, &format!("call to function \"{name}\""))?;
        }
    }
    Ok(())
}

fn expect_kind(expr: &Expr, kind: Type, context: &str) -> Result<(), Error> {
    if expr.kind == kind {
        return Ok(());
    }
    let (wanted, got) = (kind.name(), expr.kind.name());
    Err(Error::parse(
        expr.at,
        format!("expected type {wanted} in {context}, got {got}"),
    ))
}
