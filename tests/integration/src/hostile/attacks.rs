//! The attacks of rules, one row each: a name, the code it has to end with, and
//! what it is made of. An attack without a code is one that must do no harm.

mod answers;
mod imports;
mod runs;

use serde_json::{Value, json};

use super::wat::{RULE, Rule};
use crate::harness::guest;

/// A rule that attacks when it is evaluated.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Empty where the evaluation has to go well.
    pub(crate) code: &'static str,
    /// The module's text; none for the guest `evaluate`, which does what the name says.
    rule: Option<Rule>,
    /// What the rule asks for instead of the host's limits.
    limits: Value,
}

impl Attack {
    pub(crate) fn module(&self) -> Vec<u8> {
        self.rule.as_ref().map_or_else(|| guest("evaluate"), Rule::module)
    }

    /// The rule as a group has it, its name also that of the module.
    pub(crate) fn rule(&self, name: &str) -> Value {
        json!({
            "alert": name, "module": name, "config": {"do": self.name}, "source": "prom",
            "limits": self.limits,
        })
    }

    fn with(self, limits: Value) -> Self {
        Self { limits, ..self }
    }

    fn items(mut self, items: &'static str) -> Self {
        self.part().items = items;
        self
    }

    fn memory(mut self, memory: &'static str) -> Self {
        self.part().memory = memory;
        self
    }

    fn part(&mut self) -> &mut Rule {
        self.rule.as_mut().expect("only a rule in text has parts")
    }
}

/// The guest `evaluate` with `{"do": NAME}`, where the name is the code and maybe a variant.
fn stock(name: &'static str) -> Attack {
    Attack {
        name,
        code: name.split(':').next().unwrap_or_default(),
        rule: None,
        limits: json!({"fuel": 200_000_000}),
    }
}

fn rule(name: &'static str, code: &'static str, rule: Rule) -> Attack {
    Attack {
        name,
        code,
        rule: Some(rule),
        limits: json!({"fuel": 10_000_000}),
    }
}

/// A rule whose body of `evaluate` is the attack.
fn body(name: &'static str, code: &'static str, evaluate: &'static str) -> Attack {
    rule(name, code, Rule { evaluate, ..RULE })
}

/// A rule whose body needs functions, tables or globals beside it.
fn parts(name: &'static str, code: &'static str, items: &'static str, evaluate: &'static str) -> Attack {
    rule(
        name,
        code,
        Rule {
            items,
            evaluate,
            ..RULE
        },
    )
}

pub(crate) fn attacks() -> Vec<Attack> {
    [
        runs::time(),
        runs::memory(),
        imports::calls(),
        imports::queries(),
        imports::kept(),
        answers::outcomes(),
        answers::boundary(),
        answers::allocations(),
        answers::harmless(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
