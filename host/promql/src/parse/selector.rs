//! Selectors: a metric's name and matchers in braces.

use super::{Parser, Token};
use crate::ast::{Expr, Node, Selector, Type};
use crate::error::{Error, Position};
use crate::matcher::{MatchOp, Matcher};
use wasmalert_core::label::METRIC_NAME;

impl Parser<'_> {
    /// The rest of a selector whose name, if any, has been read.
    pub(super) fn selector(&mut self, at: Position, name: Option<Box<str>>) -> Result<Expr, Error> {
        let named = name.is_some();
        let mut matchers = Vec::new();
        if let Some(name) = name {
            matchers.push(Matcher::equal(METRIC_NAME, &name));
        }
        if self.eat_sign("{")? {
            while !self.is_sign("}") {
                let matcher = self.matcher()?;
                let second_name = &*matcher.name == METRIC_NAME
                    && (named || (matcher.op == MatchOp::Equal && has_name(&matchers)));
                if second_name {
                    return Err(Error::parse(at, "metric name must not be set twice"));
                }
                matchers.push(matcher);
                if !self.eat_sign(",")? {
                    break;
                }
            }
            self.expect_sign("}", "in label matching")?;
        }
        if matchers.iter().all(|matcher| matcher.matches("")) {
            return Err(Error::parse(
                at,
                "vector selector must contain at least one non-empty matcher",
            ));
        }
        let node = Node::Selector(Selector {
            matchers,
            has_bare_name: named,
            ..Selector::default()
        });
        Ok(Expr {
            at,
            height: 1,
            kind: Type::Vector,
            parens: 0,
            node,
        })
    }

    /// `name op "value"`, or the quoted name of a metric.
    fn matcher(&mut self) -> Result<Matcher, Error> {
        let at = self.at;
        let quoted = matches!(self.token, Token::Text(_));
        let name = self.bump_label("in label matching, expected a label's name or \"}\"")?;
        let op = match self.token {
            Token::Sign("=") => MatchOp::Equal,
            Token::Sign("!=") => MatchOp::NotEqual,
            Token::Sign("=~") => MatchOp::Matches,
            Token::Sign("!~") => MatchOp::NotMatches,
            Token::Sign("," | "}") if quoted => return Ok(Matcher::equal(METRIC_NAME, &name)),
            _ => {
                return Err(
                    self.unexpected("in label matching, expected one of \"=\", \"!=\", \"=~\", \"!~\"")
                );
            }
        };
        self.bump()?;
        let Token::Text(_) = self.token else {
            return Err(self.unexpected("in label matching, expected a string"));
        };
        let Token::Text(value) = self.bump()? else {
            return Err(self.unexpected("in label matching, expected a string"));
        };
        let regex_bytes_max = match op {
            MatchOp::Equal | MatchOp::NotEqual => 0,
            MatchOp::Matches | MatchOp::NotMatches => self.regex_bytes_max()?,
        };
        Matcher::new(&name, op, &value, regex_bytes_max).map_err(|message| Error::parse(at, message))
    }
}

fn has_name(matchers: &[Matcher]) -> bool {
    matchers
        .iter()
        .any(|matcher| &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal)
}
