//! What is to hold, as a tree over terms.

/// An expression; it nests no deeper than the parser lets it.
#[derive(Debug, PartialEq)]
pub(crate) enum Condition {
    /// The number of a term.
    Term(usize),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    /// Whether it holds, told which terms do.
    pub(crate) fn holds(&self, term: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Term(at) => term(*at),
            Self::Not(inner) => !inner.holds(term),
            Self::All(parts) => parts.iter().all(|part| part.holds(term)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(term)),
        }
    }
}

/// The alerts of one name, as far as the matchers have them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Term {
    pub(crate) name: String,
    pub(crate) matchers: Vec<Matcher>,
}

/// A matcher, as in PromQL.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    /// `=`, `!=`, `=~` or `!~`.
    pub(crate) operator: &'static str,
    pub(crate) value: String,
}

impl Term {
    /// The query for the number of its alerts in each group.
    pub(crate) fn query(&self, by: &[String], pending: bool) -> String {
        let by = by.join(", ");
        let name = quote(&self.name);
        let state = if pending {
            r#"=~"pending|firing""#
        } else {
            r#"="firing""#
        };
        let matchers = list(&self.matchers);
        format!("count by ({by}) (ALERTS{{alertname={name}, alertstate{state}{matchers}}})")
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        match self.matchers.is_empty() {
            true => self.name.clone(),
            false => format!(
                "{}{{{}}}",
                self.name,
                list(&self.matchers).trim_start_matches(", ")
            ),
        }
    }
}

/// Each matcher with a comma in front.
fn list(matchers: &[Matcher]) -> String {
    let matchers = matchers.iter();
    matchers
        .map(|matcher| format!(", {}{}{}", matcher.label, matcher.operator, quote(&matcher.value)))
        .collect()
}

/// A text as PromQL quotes it.
fn quote(text: &str) -> String {
    let escaped = text
        .replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n");
    format!("\"{escaped}\"")
}
