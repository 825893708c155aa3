//! The parser: text to a checked tree, by precedence climbing.
//!
//! Depth is counted while parsing and trees are limited in height, so that
//! neither parsing, evaluating nor dropping a tree can exhaust the stack.

mod build;
mod lex;
mod selector;
#[cfg(test)]
mod tests;

use crate::ast::{AggregateOp, AtTime, BinaryOp, Cardinality, Expr, Grouping, Matching, Node, Shift, Type};
use crate::error::{Error, Position};
use crate::limits::{Limit, Limits, check};
use lex::{Lexer, Token};
pub(crate) use lex::{parse_duration, parse_number};

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

    /// What stands between an operator and its right side.
    fn matching(&mut self) -> Result<(Option<Matching>, bool), Error> {
        let return_bool = self.eat_word("bool")?;
        let mut matching = None;
        for (word, only) in [("on", true), ("ignoring", false)] {
            if matching.is_none() && self.eat_word(word)? {
                let labels = self.labels()?;
                let grouping = if only {
                    Grouping::Only(labels)
                } else {
                    Grouping::Without(labels)
                };
                matching = Some(Matching {
                    grouping,
                    cardinality: Cardinality::OneToOne,
                    include: Vec::new(),
                });
            }
        }
        for (word, cardinality) in [
            ("group_left", Cardinality::ManyToOne),
            ("group_right", Cardinality::OneToMany),
        ] {
            if !self.is_word(word) {
                continue;
            }
            let Some(matching) = &mut matching else {
                return Err(self.unexpected("without \"on\" or \"ignoring\" before it"));
            };
            self.bump()?;
            matching.cardinality = cardinality;
            if self.is_sign("(") {
                matching.include = self.labels()?;
            }
        }
        for word in ["fill", "fill_left", "fill_right"] {
            if self.is_word(word) {
                return Err(Error::not_supported(
                    self.at,
                    format!("the experimental modifier {word}"),
                ));
            }
        }
        Ok((matching, return_bool))
    }

    /// Labels in parentheses.
    fn labels(&mut self) -> Result<Vec<Box<str>>, Error> {
        self.expect_sign("(", "in grouping")?;
        let mut labels: Vec<Box<str>> = Vec::new();
        while !self.is_sign(")") {
            match self.bump_label("in grouping, expected a label")? {
                label if labels.contains(&label) => {}
                label => labels.push(label),
            }
            if !self.eat_sign(",")? {
                break;
            }
        }
        self.expect_sign(")", "in grouping")?;
        Ok(labels)
    }

    /// A label's name, plain or quoted.
    fn bump_label(&mut self, context: &str) -> Result<Box<str>, Error> {
        match &self.token {
            Token::Word(word) if word.contains(':') => Err(self.unexpected(context)),
            Token::Text(text) if text.is_empty() => Err(self.unexpected(context)),
            Token::Word(_) | Token::Text(_) => match self.bump()? {
                Token::Word(name) | Token::Text(name) => Ok(name),
                _ => Err(self.unexpected(context)),
            },
            _ => Err(self.unexpected(context)),
        }
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
                let expr = self.nested(|parser| parser.expression(0))?;
                self.expect_sign(")", "in parentheses")?;
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

    fn grouping(&mut self) -> Result<Option<Grouping>, Error> {
        if self.eat_word("by")? {
            return Ok(Some(Grouping::Only(self.labels()?)));
        }
        if self.eat_word("without")? {
            return Ok(Some(Grouping::Without(self.labels()?)));
        }
        Ok(None)
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

    /// `5m` or `5m:1m`, in brackets.
    fn range(&mut self, expr: Expr, bare: bool) -> Result<Expr, Error> {
        self.bump()?;
        let range_ms = self.positive_ms("range")?;
        if self.eat_sign("]")? {
            return self.range_of(expr, bare, range_ms);
        }
        if !self.eat_sign(":")? {
            return Err(self.bracket_error());
        }
        let step_ms = if self.is_sign("]") {
            None
        } else {
            Some(self.positive_ms("step")?)
        };
        if !self.eat_sign("]")? {
            return Err(self.bracket_error());
        }
        self.subquery_of(expr, range_ms, step_ms)
    }

    /// Arithmetic on durations is valid but experimental; all else is not valid.
    fn bracket_error(&self) -> Error {
        match self.token {
            Token::Sign("+" | "-" | "*" | "/" | "%" | "^") => {
                Error::not_supported(self.at, "experimental duration expressions")
            }
            _ => self.unexpected("in range, expected \":\" or \"]\""),
        }
    }

    fn positive_ms(&mut self, what: &str) -> Result<i64, Error> {
        let at = self.at;
        let ms = self.duration_ms(what)?;
        if ms <= 0 {
            return Err(Error::parse(at, "duration must be greater than 0"));
        }
        Ok(ms)
    }

    /// A duration, or a number of seconds, in milliseconds.
    fn duration_ms(&mut self, what: &str) -> Result<i64, Error> {
        let ms = match &self.token {
            Token::Duration(ms) => *ms as f64,
            Token::Number(seconds) => (seconds * 1e3).round(),
            Token::Sign("(" | "+" | "-") => {
                return Err(Error::not_supported(self.at, "experimental duration expressions"));
            }
            Token::Word(word)
                if matches!(&**word, "step" | "range" | "max_of" | "min_of" | "start" | "end") =>
            {
                return Err(Error::not_supported(self.at, "experimental duration expressions"));
            }
            _ => return Err(self.unexpected(&format!("in {what}, expected a duration"))),
        };
        // Go's time.Duration counts nanoseconds in 64 bits: 292 years.
        if ms.is_nan() || ms.abs() > 9_223_372_036_854.0 {
            return Err(Error::parse(self.at, "duration out of range"));
        }
        self.bump()?;
        Ok(ms as i64)
    }

    fn offset_ms(&mut self) -> Result<i64, Error> {
        let minus = self.eat_sign("-")?;
        if !minus {
            self.eat_sign("+")?;
        }
        let ms = self.duration_ms("offset")?;
        Ok(if minus { -ms } else { ms })
    }

    fn at_time(&mut self) -> Result<AtTime, Error> {
        for (word, time) in [("start", AtTime::Start), ("end", AtTime::End)] {
            if self.eat_word(word)? {
                self.expect_sign("(", "in @")?;
                self.expect_sign(")", "in @")?;
                return Ok(time);
            }
        }
        let at = self.at;
        let minus = self.eat_sign("-")?;
        if !minus {
            self.eat_sign("+")?;
        }
        let seconds = match &self.token {
            Token::Number(seconds) => *seconds,
            Token::Duration(ms) => *ms as f64 / 1e3,
            Token::Word(word) if matches!(&*word.to_ascii_lowercase(), "inf" | "nan") => f64::NAN,
            _ => return Err(self.unexpected("after @, expected a timestamp")),
        };
        let ms = (if minus { -seconds } else { seconds } * 1e3).round();
        if ms.is_nan() || ms.abs() >= i64::MAX as f64 {
            return Err(Error::parse(at, "timestamp out of bounds for @ modifier"));
        }
        self.bump()?;
        Ok(AtTime::Ms(ms as i64))
    }
}

fn leaf(at: Position, kind: Type, node: Node) -> Expr {
    Expr {
        at,
        height: 1,
        kind,
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
