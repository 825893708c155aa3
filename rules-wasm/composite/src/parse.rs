//! Reads a condition:
//!
//! ```text
//! any  = all { "or" all }
//! all  = part { "and" part }
//! part = "not" part | "(" any ")" | term
//! term = name [ "{" [ matcher { "," matcher } [ "," ] ] "}" ]
//! ```

use wasmalert::prelude::*;

use crate::condition::{Condition, Matcher, Term};

/// The longest text, in bytes.
const TEXT_MAX: usize = 4_096;

/// How deep parentheses and `not` may nest.
const DEPTH_MAX: usize = 16;

/// The most different terms; each is one query.
const TERMS_MAX: usize = 32;

/// The labels whose matchers are made by the rule.
const OWN_LABELS: [&str; 3] = ["__name__", "alertname", "alertstate"];

const WORDS: [&str; 3] = ["and", "or", "not"];

/// The condition a text tells, and its terms.
///
/// # Errors
/// Says what was expected, and at which character, counted from 1.
pub(crate) fn parse(text: &str) -> Result<(Condition, Vec<Term>), Error> {
    if text.len() > TEXT_MAX {
        let message = format!("when: longer than {TEXT_MAX} bytes; split it into several rules");
        return Err(Error::config(message));
    }
    let mut parser = Parser {
        text,
        rest: text.trim_start(),
        depth: 0,
        terms: Vec::new(),
    };
    let condition = parser.any()?;
    match parser.rest.is_empty() {
        true => Ok((condition, parser.terms)),
        false => Err(parser.expected("`and`, `or` or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// What is not read yet, without white space in front.
    rest: &'a str,
    depth: usize,
    terms: Vec<Term>,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Condition, Error> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, Error> {
        let mut parts = vec![self.part()?];
        while self.word("and") {
            parts.push(self.part()?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn part(&mut self) -> Result<Condition, Error> {
        if self.depth > DEPTH_MAX {
            return Err(self.wrong(&format!("nested more than {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let part = if self.word("not") {
            Condition::Not(Box::new(self.part()?))
        } else if self.sign("(") {
            let inner = self.any()?;
            if !self.sign(")") {
                return Err(self.expected("`and`, `or` or `)`"));
            }
            inner
        } else {
            Condition::Term(self.term()?)
        };
        self.depth -= 1;
        Ok(part)
    }

    /// The number of the term that comes next; equal ones are one.
    fn term(&mut self) -> Result<usize, Error> {
        let start = self.rest;
        let name = match self.quoted()? {
            Some(name) => name,
            None => self.name().to_owned(),
        };
        if name.is_empty() {
            self.rest = start;
            return Err(self.expected("the name of an alert, `not` or `(`"));
        }
        let matchers = self.matchers()?;
        let term = Term { name, matchers };
        if let Some(at) = self.terms.iter().position(|known| *known == term) {
            return Ok(at);
        }
        if self.terms.len() == TERMS_MAX {
            self.rest = start;
            return Err(self.wrong(&format!("more than {TERMS_MAX} different names")));
        }
        self.terms.push(term);
        Ok(self.terms.len() - 1)
    }

    fn matchers(&mut self) -> Result<Vec<Matcher>, Error> {
        let mut matchers = Vec::new();
        if !self.sign("{") {
            return Ok(matchers);
        }
        while !self.sign("}") {
            matchers.push(self.matcher()?);
            if !self.sign(",") && !self.rest.starts_with('}') {
                return Err(self.expected("`,` or `}`"));
            }
        }
        Ok(matchers)
    }

    fn matcher(&mut self) -> Result<Matcher, Error> {
        let label = self.label();
        if label.is_empty() {
            return Err(self.expected("the name of a label, or `}`"));
        }
        if OWN_LABELS.contains(&label) {
            let what =
                format!("{label} cannot be matched; the name stands before `{{`, the state is `pending`");
            return Err(self.wrong(&what));
        }
        self.skip(label.len());
        let operators = ["=~", "!~", "!=", "="];
        let Some(operator) = operators.into_iter().find(|operator| self.sign(operator)) else {
            return Err(self.expected("`=`, `!=`, `=~` or `!~`"));
        };
        let Some(value) = self.quoted()? else {
            return Err(self.expected("a quoted text"));
        };
        Ok(Matcher {
            label: label.to_owned(),
            operator,
            value,
        })
    }

    /// A name without quotes; empty when none is next, or a word.
    fn name(&mut self) -> &'a str {
        let name = self.bare();
        if WORDS.contains(&name) {
            return "";
        }
        self.skip(name.len());
        name
    }

    /// The letters, digits and signs of a name that are next.
    fn bare(&self) -> &'a str {
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        let end = self.rest.find(|c| !allowed(c)).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    /// The name of a label that is next; empty when there is none.
    fn label(&self) -> &'a str {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !allowed(c)).unwrap_or(self.rest.len());
        let label = &self.rest[..end];
        if label.starts_with(|c: char| c.is_ascii_digit()) {
            ""
        } else {
            label
        }
    }

    /// A text in single or double quotes; none when there is none.
    fn quoted(&mut self) -> Result<Option<String>, Error> {
        let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return Ok(None);
        };
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, char @ ('\\' | '"' | '\''))) => text.push(char),
                    _ => {
                        self.rest = &self.rest[at..];
                        return Err(self.wrong(r#"only \\, \", \' and \n are known"#));
                    }
                },
                char if char == quote => {
                    self.skip(at + 1);
                    return Ok(Some(text));
                }
                char => text.push(char),
            }
        }
        Err(self.wrong("the quoted text does not end"))
    }

    /// Takes a word when it is next.
    fn word(&mut self, word: &str) -> bool {
        let is_next = self.bare() == word;
        if is_next {
            self.skip(word.len());
        }
        is_next
    }

    /// Takes a sign when it is next.
    fn sign(&mut self, sign: &str) -> bool {
        let is_next = self.rest.starts_with(sign);
        if is_next {
            self.skip(sign.len());
        }
        is_next
    }

    /// Takes so many bytes, and the white space after them.
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start();
    }

    fn expected(&self, what: &str) -> Error {
        let found = match (self.rest.chars().next(), self.bare()) {
            (None, _) => "the end".to_owned(),
            (Some(char), "") => format!("`{char}`"),
            (_, bare) => format!("`{bare}`"),
        };
        self.wrong(&format!("expected {what}, found {found}"))
    }

    fn wrong(&self, what: &str) -> Error {
        let read = &self.text[..self.text.len() - self.rest.len()];
        Error::config(format!("when: at character {}: {what}", read.chars().count() + 1))
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.len() {
        1 => parts.remove(0),
        _ => many(parts),
    }
}
