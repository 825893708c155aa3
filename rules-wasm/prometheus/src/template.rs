//! Templates in labels and annotations, expanded as Prometheus does: Go's `text/template` with
//! Prometheus' functions, and numbers as Go prints them.

mod format;
mod functions;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gotmpl::parse::{CommandNode, Expr, ListNode, Node, Parser, PipeNode, Pos};
use gotmpl::{FuncMap, MissingKey, Value};

pub(crate) use functions::{Ask, Sample};

/// The variables that every template of Prometheus begins with, and what they are.
const VARIABLES: [(&str, &str); 4] = [
    ("$labels", ".Labels"),
    ("$externalLabels", ".ExternalLabels"),
    ("$externalURL", ".ExternalURL"),
    ("$value", ".Value"),
];
/// What a template itself is called beside those that it defines.
const BODY: &str = "__body";
const CALL: &str = r#"{{template "__body" .}}"#;
const OPEN: &str = "{{";
const CLOSE: &str = "}}";
/// Turns what an action leaves into text as Go prints it.
const PRINT: &str = "__print";
/// Makes an empty text of a label that is not there.
const FILL: &str = "__fill";
/// Functions of Go that tell nothing from an empty text.
const COMPARE: [&str; 8] = ["eq", "ne", "lt", "le", "gt", "ge", "len", "slice"];
/// Rounds of all loops of a template together. Fuel ends it too, and fails the rule.
const ROUNDS_MAX: u64 = 100_000;

/// What all templates of a rule share.
pub(crate) struct Expander {
    /// What errors call the template.
    name: String,
    functions: FuncMap,
    external_labels: Value,
    external_url: Value,
}

/// What the templates of a series know of it.
pub(crate) struct Data(Value);

/// A template that has been read.
pub(crate) struct Template(gotmpl::Template);

impl Expander {
    /// `alert` is the rule's name, `now_ms` the slot; `ask` is what the function `query` asks.
    #[must_use]
    pub(crate) fn new<'a>(
        alert: &str,
        now_ms: i64,
        external_url: &str,
        external_labels: impl Iterator<Item = (&'a str, &'a str)>,
        ask: Ask,
    ) -> Self {
        Self {
            name: format!("__alert_{alert}"),
            functions: functions::all(now_ms, external_url, ask),
            external_labels: texts(external_labels),
            external_url: text(external_url),
        }
    }

    /// Reads a template.
    ///
    /// # Errors
    /// What Prometheus would put in its place.
    pub(crate) fn parse(&self, source: &str) -> Result<Template, String> {
        let used = VARIABLES.iter().filter(|(name, _)| source.contains(name));
        let variables: String = used
            .map(|(name, what)| format!("{{{{{name} := {what}}}}}"))
            .collect();
        let source = variables + source;
        let parser = Parser::with_name(Some(&self.name), &source, OPEN, CLOSE);
        let (mut body, defines) = parser
            .and_then(Parser::parse)
            .map_err(|error| instead(format_args!("error parsing template {}: {error}", self.name)))?;
        go_like(&mut body);
        let mut template = gotmpl::Template::new(&self.name)
            .missing_key(MissingKey::ZeroValue)
            .max_range_iters(ROUNDS_MAX)
            .funcs(self.functions.clone())
            .parse(CALL)
            .map_err(|error| instead(format_args!("{error}")))?
            .add_parse_tree(BODY, body);
        for mut define in defines {
            go_like(&mut define.body);
            template = template.add_parse_tree(&define.name, define.body);
        }
        Ok(Template(template))
    }

    /// What the templates of a series are expanded with.
    pub(crate) fn data<'a>(&self, labels: impl Iterator<Item = (&'a str, &'a str)>, value: f64) -> Data {
        let data = [
            ("Labels", texts(labels)),
            ("ExternalLabels", self.external_labels.clone()),
            ("ExternalURL", self.external_url.clone()),
            ("Value", Value::Float(value)),
        ];
        Data(map(data.into_iter()))
    }

    /// Expands a template: its text, or what Prometheus puts in its place.
    pub(crate) fn expand(&self, template: &Template, data: &Data) -> String {
        template
            .0
            .execute_to_string(&data.0)
            .unwrap_or_else(|error| instead(format_args!("error executing template {}: {error}", self.name)))
    }
}

fn instead(error: std::fmt::Arguments<'_>) -> String {
    format!("<error expanding template: {error}>")
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn texts<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    map(pairs.map(|(name, value)| (name, text(value))))
}

fn map<'a>(pairs: impl Iterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(Arc::new(
        pairs.map(|(name, value)| (Arc::from(name), value)).collect(),
    ))
}

/// Has every action that prints go through [`PRINT`].
fn go_like(list: &mut ListNode) {
    for node in &mut list.nodes {
        match node {
            Node::List(list) => go_like(list),
            Node::Action(action) => {
                fill(&mut action.pipe);
                if action.pipe.decl.is_empty() {
                    action.pipe.commands.push(call(PRINT, action.pos));
                }
            }
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => {
                fill(&mut branch.pipe);
                go_like(&mut branch.body);
                branch.else_body.iter_mut().for_each(go_like);
            }
            Node::Template(template) => template.pipe.iter_mut().for_each(fill),
            Node::Define(define) => go_like(&mut define.body),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

/// A label that is not there is an empty text to the functions of Go that tell it from none.
fn fill(pipe: &mut PipeNode) {
    let commands = std::mem::take(&mut pipe.commands);
    for mut command in commands {
        command.args.iter_mut().for_each(within);
        let name = command.args.first();
        if matches!(name, Some(Expr::Identifier(_, name)) if COMPARE.contains(&name.as_str())) {
            command.args.iter_mut().skip(1).for_each(wrap);
            // What comes through the pipe is its last argument.
            if !pipe.commands.is_empty() {
                pipe.commands.push(call(FILL, command.pos));
            }
        }
        pipe.commands.push(command);
    }
}

fn within(expr: &mut Expr) {
    match expr {
        Expr::Pipe(_, pipe) => fill(pipe),
        Expr::Chain(_, inner, _) => within(inner),
        _ => {}
    }
}

/// `EXPR` becomes `(EXPR | __fill)`.
fn wrap(expr: &mut Expr) {
    let pos = expr.pos();
    let inner = std::mem::replace(expr, Expr::Nil(pos));
    let first = CommandNode {
        pos,
        args: vec![inner],
    };
    *expr = Expr::Pipe(
        pos,
        PipeNode {
            pos,
            decl: Vec::new(),
            commands: vec![first, call(FILL, pos)],
            is_assign: false,
        },
    );
}

fn call(name: &str, pos: Pos) -> CommandNode {
    CommandNode {
        pos,
        args: vec![Expr::Identifier(pos, name.into())],
    }
}
