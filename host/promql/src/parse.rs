//! The parser: text to a checked tree, by precedence climbing.
//!
//! Depth is counted while parsing and trees are limited in height, so that
//! neither parsing, evaluating nor dropping a tree can exhaust the stack.

mod build;
mod lex;
mod matching;
mod selector;
#[cfg(test)]
mod tests;
mod time;

use crate::ast::{AggregateOp, BinaryOp, Expr, Grouping, Node, Shift, Type};
use crate::error::{Error, Position};
use crate::limits::{Limit, Limits, check};
pub(crate) use lex::parse_number;
use lex::{Lexer, Token};

/// The precedence of `^`: unary signs bind less, all other operators much less.
const POWER: u8 = 6;

/// Parses and checks an expression.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Expr, Error> {
    check(limits, Limit::ExpressionBytes, text.len() as u64)?;
    let mut parser = Parser::new(text, limits)?;
    if parser.token == Token::End {
        return Err(Error::parse(parser.at, "no expression found in input"));
    }
    let expr = parser.expression(0)?;
    match parser.token {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("after the expression")),
    }
}

/// Parses a selector alone, such as `up{job="node"}`.
pub(crate) fn parse_selector(text: &str, limits: &Limits) -> Result<Expr, Error> {
    let expr = parse(text, limits)?;
    match &expr.node {
        Node::Selector(selector) if selector.shift.at.is_none() && selector.shift.offset_ms.is_none() => {
            Ok(expr)
        }
        _ => Err(Error::parse(expr.at, "expected a selector and nothing else")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    /// Where `token` starts.
    at: Position,
    limits: &'a Limits,
    depth: u64,
    regexes: u64,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, limits: &'a Limits) -> Result<Self, Error> {
        let mut lexer = Lexer::new(text);
        let (token, at) = lexer.next()?;
        Ok(Self {
            lexer,
            token,
            at,
            limits,
            depth: 0,
            regexes: 0,
        })
    }

    /// The current token, and moves on.
    fn bump(&mut self) -> Result<Token, Error> {
        let (next, at) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(&self.token, Token::Sign(is) if *is == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.token, Token::Word(is) if is.eq_ignore_ascii_case(word))
    }

    /// Moves on if the current token is this sign.
    fn eat_sign(&mut self, sign: &str) -> Result<bool, Error> {
        let found = self.is_sign(sign);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    fn eat_word(&mut self, word: &str) -> Result<bool, Error> {
        let found = self.is_word(word);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    fn expect_sign(&mut self, sign: &str, context: &str) -> Result<(), Error> {
        if self.eat_sign(sign)? {
            return Ok(());
        }
        let token = self.token.describe();
        Err(Error::parse(
            self.at,
            format!("unexpected {token} {context}, expected \"{sign}\""),
        ))
    }

    fn unexpected(&self, context: &str) -> Error {
        Error::parse(self.at, format!("unexpected {} {context}", self.token.describe()))
    }

    /// Counts a regular expression; the answer is how large it may become.
    fn regex_bytes_max(&mut self) -> Result<usize, Error> {
        self.regexes += 1;
        check(self.limits, Limit::Regexes, self.regexes)?;
        Ok(usize::try_from(self.limits.regex_bytes).unwrap_or(usize::MAX))
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.depth += 1;
        check(self.limits, Limit::ExpressionDepth, self.depth)?;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Operators of at least this precedence, and what is between them.
    fn expression(&mut self, precedence_min: u8) -> Result<Expr, Error> {
        let mut lhs = self.unary()?;
        while let Some((op, precedence)) = self.operator() {
            if precedence < precedence_min {
                break;
            }
            let at = lhs.at;
            self.bump()?;
            let (matching, return_bool) = self.matching()?;
            let right_associative = op == BinaryOp::Pow;
            let rhs_min = precedence + u8::from(!right_associative);
            let rhs = self.nested(|parser| parser.expression(rhs_min))?;
            lhs = self.binary(at, op, lhs, rhs, matching, return_bool)?;
        }
        Ok(lhs)
    }

    fn operator(&self) -> Option<(BinaryOp, u8)> {
        use BinaryOp::{Add, And, Atan2, Div, Eq, Ge, Gt, Le, Lt, Mod, Mul, Ne, Or, Pow, Sub, Unless};
        Some(match &self.token {
            Token::Word(word) => match &*word.to_ascii_lowercase() {
                "or" => (Or, 1),
                "and" => (And, 2),
                "unless" => (Unless, 2),
                "atan2" => (Atan2, 5),
                _ => return None,
            },
            Token::Sign(sign) => match *sign {
                "==" => (Eq, 3),
                "!=" => (Ne, 3),
                ">" => (Gt, 3),
                "<" => (Lt, 3),
                ">=" => (Ge, 3),
                "<=" => (Le, 3),
                "+" => (Add, 4),
                "-" => (Sub, 4),
                "*" => (Mul, 5),
                "/" => (Div, 5),
                "%" => (Mod, 5),
                "^" => (Pow, POWER),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn unary(&mut self) -> Result<Expr, Error> {
        let at = self.at;
        let minus = self.is_sign("-");
        if !minus && !self.is_sign("+") {
            return self.postfix();
        }
        self.bump()?;
        let expr = self.nested(|parser| parser.expression(POWER))?;
        self.sign(at, minus, expr)
    }

    /// An operand and the ranges and modifiers that follow it.
    fn postfix(&mut self) -> Result<Expr, Error> {
        let parenthesised = self.is_sign("(");
        let mut expr = self.primary()?;
        let mut bare = !parenthesised;
        loop {
            if self.is_sign("[") {
                expr = self.range(expr, bare)?;
                bare = true;
            } else if self.is_word("offset") {
                self.bump()?;
                let offset_ms = self.offset_ms()?;
                let shift = self.shift_of(&mut expr, bare, "offset")?;
                if shift.offset_ms.replace(offset_ms).is_some() {
                    return Err(Error::parse(expr.at, "offset may not be set multiple times"));
                }
            } else if self.is_sign("@") {
                self.bump()?;
                let time = self.at_time()?;
                let shift = self.shift_of(&mut expr, bare, "@")?;
                if shift.at.replace(time).is_some() {
                    return Err(Error::parse(
                        expr.at,
                        "@ <timestamp> may not be set multiple times",
                    ));
                }
            } else if self.is_word("smoothed") || self.is_word("anchored") {
                let word = self.token.describe();
                return Err(Error::not_supported(
                    self.at,
                    format!("the experimental modifier {word}"),
                ));
            } else {
                return Ok(expr);
            }
        }
    }

    /// The place of the modifiers of a selector or subquery.
    fn shift_of<'e>(&self, expr: &'e mut Expr, bare: bool, modifier: &str) -> Result<&'e mut Shift, Error> {
        let at = expr.at;
        match &mut expr.node {
            Node::Selector(selector) | Node::Range(selector, _) if bare => Ok(&mut selector.shift),
            Node::Subquery(subquery) if bare => Ok(&mut subquery.shift),
            _ => Err(Error::parse(
                at,
                format!("{modifier} modifier must be preceded by a selector or a subquery"),
            )),
        }
    }

    fn primary(&mut self) -> Result<Expr, Error> {
        let at = self.at;
        match &self.token {
            Token::Number(number) => {
                let number = *number;
                self.bump()?;
                Ok(leaf(at, Type::Scalar, Node::Number(number)))
            }
            Token::Duration(ms) => {
                let seconds = *ms as f64 / 1e3;
                self.bump()?;
                Ok(leaf(at, Type::Scalar, Node::Number(seconds)))
            }
            Token::Text(_) => match self.bump()? {
                Token::Text(text) => Ok(leaf(at, Type::String, Node::String(text))),
                _ => Err(self.unexpected("in the expression")),
            },
            Token::Sign("(") => {
                self.bump()?;
                let mut expr = self.nested(|parser| parser.expression(0))?;
                self.expect_sign(")", "in parentheses")?;
                expr.parens += 1;
                Ok(expr)
            }
            Token::Sign("{") => self.selector(at, None),
            Token::Word(_) => self.word(at),
            _ => Err(self.unexpected("where an expression is expected")),
        }
    }

    /// What starts with a name: a number, an aggregation, a call or a selector.
    fn word(&mut self, at: Position) -> Result<Expr, Error> {
        let Token::Word(word) = self.bump()? else {
            return Err(self.unexpected("in the expression"));
        };
        let lower = word.to_ascii_lowercase();
        let opens = self.is_sign("(");
        if let Some(op) = aggregate_op(&lower)
            && (opens || self.is_word("by") || self.is_word("without"))
        {
            return self.nested(|parser| parser.aggregate(at, op, &lower));
        }
        if opens {
            return self.nested(|parser| parser.call(at, &word));
        }
        match &*lower {
            "inf" => Ok(leaf(at, Type::Scalar, Node::Number(f64::INFINITY))),
            "nan" => Ok(leaf(at, Type::Scalar, Node::Number(f64::NAN))),
            "bool" | "on" | "ignoring" | "group_left" | "group_right" | "atan2" => Err(Error::parse(
                at,
                format!("unexpected keyword \"{word}\" where an expression is expected"),
            )),
            _ => self.selector(at, Some(word)),
        }
    }

    /// Arguments in parentheses.
    fn arguments(&mut self) -> Result<Vec<Expr>, Error> {
        self.expect_sign("(", "before arguments")?;
        let mut arguments = Vec::new();
        if self.eat_sign(")")? {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            if !self.eat_sign(",")? {
                self.expect_sign(")", "in arguments")?;
                return Ok(arguments);
            }
        }
    }

    fn aggregate(&mut self, at: Position, op: AggregateOp, name: &str) -> Result<Expr, Error> {
        let before = self.grouping()?;
        let arguments = self.arguments()?;
        let grouping = match before {
            Some(grouping) => grouping,
            None => self.grouping()?.unwrap_or(Grouping::Only(Vec::new())),
        };
        self.aggregation(at, op, name, arguments, grouping)
    }
}

fn leaf(at: Position, kind: Type, node: Node) -> Expr {
    Expr {
        at,
        height: 1,
        kind,
        parens: 0,
        node,
    }
}

fn aggregate_op(word: &str) -> Option<AggregateOp> {
    Some(match word {
        "sum" => AggregateOp::Sum,
        "avg" => AggregateOp::Avg,
        "count" => AggregateOp::Count,
        "min" => AggregateOp::Min,
        "max" => AggregateOp::Max,
        "group" => AggregateOp::Group,
        "stddev" => AggregateOp::Stddev,
        "stdvar" => AggregateOp::Stdvar,
        "topk" => AggregateOp::Topk,
        "bottomk" => AggregateOp::Bottomk,
        "count_values" => AggregateOp::CountValues,
        "quantile" => AggregateOp::Quantile,
        _ => return None,
    })
}
