//! Labels to group and to match by.

use super::{Parser, Token};
use crate::ast::{Cardinality, Grouping, Matching};
use crate::error::Error;

impl Parser<'_> {
    /// What stands between an operator and its right side.
    pub(super) fn matching(&mut self) -> Result<(Option<Matching>, bool), Error> {
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
    pub(super) fn bump_label(&mut self, context: &str) -> Result<Box<str>, Error> {
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

    /// `by` or `without` and labels, if they come next.
    pub(super) fn grouping(&mut self) -> Result<Option<Grouping>, Error> {
        if self.eat_word("by")? {
            return Ok(Some(Grouping::Only(self.labels()?)));
        }
        if self.eat_word("without")? {
            return Ok(Some(Grouping::Without(self.labels()?)));
        }
        Ok(None)
    }
}
