//! The rule `composite`: fires where a boolean expression over other alerts
//! holds.
//!
//! A *term* is a name of alerts with its matchers. A *group* is what the labels
//! of `by` are for an alert.

mod condition;
mod config;
mod parse;

use std::collections::{BTreeMap, BTreeSet};

use wasmalert::prelude::*;

use condition::Term;
use config::BY_MAX;
pub use config::Config;

/// The most groups.
const GROUPS_MAX: usize = 10_000;

/// The component.
pub struct Composite;

impl Rule for Composite {
    type Config = Config;

    fn describe() -> Description {
        Description::new("composite", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn evaluate(_: &Context, config: Config) -> Result<Outcome, Error> {
        let (condition, terms) = config.condition()?;
        let mut texts = Texts::default();
        let counts = ask(&terms, &config, &mut texts)?;
        let mut groups: BTreeSet<Group> = counts.iter().flat_map(BTreeMap::keys).copied().collect();
        if config.by.is_empty() {
            groups.insert(Group::default());
        }
        if groups.len() > GROUPS_MAX {
            let message = format!("more than {GROUPS_MAX} groups; take labels from `by`, or add matchers");
            return Err(Error::new("too_many_groups", message));
        }
        let mut outcome = Outcome::new();
        for group in groups {
            let counts: Vec<f64> = counts.iter().map(|counts| count(counts, &group)).collect();
            if condition.holds(&|term| counts[term] > 0.0) {
                let finding = outcome.find(Finding::new()).value(counts.iter().sum());
                let labels = config.by.iter().zip(group);
                for (name, number) in labels.filter(|(_, number)| *number != ABSENT) {
                    finding.label(name, texts.text(number));
                }
                finding.annotation("alerts", names(&terms, &counts));
            }
        }
        Ok(outcome)
    }
}

wasmalert::rule!(Composite);

/// The values of the labels of `by`, as numbers of texts.
type Group = [u32; BY_MAX];

/// The number of an absent label.
const ABSENT: u32 = 0;

/// Values of labels with numbers, from 1.
#[derive(Default)]
struct Texts {
    numbers: BTreeMap<String, u32>,
    texts: Vec<String>,
}

impl Texts {
    fn number(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return ABSENT;
        }
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.texts.push(text.to_owned());
        let number = self.texts.len() as u32;
        self.numbers.insert(text.to_owned(), number);
        number
    }

    fn text(&self, number: u32) -> &str {
        let text = self.texts.get(number as usize - 1);
        text.map_or("", |text| text)
    }
}

/// How many alerts there are of each term, by group.
fn ask(terms: &[Term], config: &Config, texts: &mut Texts) -> Result<Vec<BTreeMap<Group, f64>>, Error> {
    let query = |term: &Term| Query::new(term.query(&config.by, config.pending));
    let queries: Vec<Query> = terms.iter().map(query).collect();
    prefetch(&queries, &[]);
    let counts = queries
        .iter()
        .map(|query| Ok(by_group(&query.run()?, &config.by, texts)));
    counts.collect()
}

fn by_group(frame: &Frame, by: &[String], texts: &mut Texts) -> BTreeMap<Group, f64> {
    let mut groups = vec![Group::default(); frame.len()];
    for (at, name) in by.iter().enumerate() {
        let column = frame.label(name);
        let numbers: Vec<u32> = column.values.iter().map(|text| texts.number(text)).collect();
        for (group, code) in groups.iter_mut().zip(&column.codes) {
            group[at] = numbers[*code as usize];
        }
    }
    groups.into_iter().zip(frame.values()).collect()
}

/// How many alerts count for a group: those of the group itself, and those that
/// have it but for some labels.
fn count(counts: &BTreeMap<Group, f64>, group: &Group) -> f64 {
    let present: Vec<usize> = (0..BY_MAX).filter(|at| group[*at] != ABSENT).collect();
    // As bits, which of the labels that are present the alerts are without.
    let sets = 0..1_u32 << present.len();
    let wider = sets.map(|set| {
        let mut wider = *group;
        for (bit, at) in present.iter().enumerate() {
            if set & 1 << bit != 0 {
                wider[*at] = ABSENT;
            }
        }
        wider
    });
    wider.filter_map(|group| counts.get(&group)).sum()
}

/// The terms that hold, in the order of the expression.
fn names(terms: &[Term], counts: &[f64]) -> String {
    let holding = terms.iter().zip(counts).filter(|(_, count)| **count > 0.0);
    let names: Vec<String> = holding.map(|(term, _)| term.text()).collect();
    names.join(", ")
}
