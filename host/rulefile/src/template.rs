//! Templates of labels and annotations: what is wrong with one, as far as that can be told before it is expanded.
//!
//! The module `prometheus` expands them, with the same parser.

use std::collections::BTreeSet;

use gotmpl::parse::{BranchNode, Expr, ListNode, Node, Parser, PipeNode};

/// Go's functions and Prometheus'.
const FUNCTIONS: [&str; 48] = [
    "and",
    "args",
    "call",
    "eq",
    "externalURL",
    "first",
    "ge",
    "graphLink",
    "gt",
    "html",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "index",
    "js",
    "label",
    "le",
    "len",
    "lt",
    "match",
    "ne",
    "not",
    "now",
    "or",
    "parseDuration",
    "pathPrefix",
    "print",
    "printf",
    "println",
    "query",
    "reReplaceAll",
    "safeHtml",
    "slice",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "urlQueryEscape",
    "urlquery",
    "value",
];
/// What each template begins with.
const VARIABLES: [&str; 5] = ["$", "$labels", "$externalLabels", "$externalURL", "$value"];
/// Stands at the end: where it is not the last thing that was read, something has ended the template before.
const SENTINEL: &str = "__end_of_template";

/// Longer texts, and those with more actions or parentheses, are not looked at: the parser goes down a level for
/// each of some of them.
const BYTES_MAX: usize = 16 << 10;
const PARTS_MAX: usize = 200;

/// Whether a text is a template that can be read. What is unusually large counts as one.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str) -> Result<(), String> {
    if !wasmalert_core::spec::is_template(text) {
        return Ok(());
    }
    let parts = text.matches("{{").count() + text.matches('(').count();
    if text.len() > BYTES_MAX || parts > PARTS_MAX {
        return Ok(());
    }
    let source = format!("{text}\n{{{{{SENTINEL}}}}}");
    let parsed = Parser::with_name(None, &source, "{{", "}}").and_then(Parser::parse);
    let (mut body, defines) = parsed.map_err(|error| error.to_string())?;
    let is_sentinel = |node: &Node| match node {
        Node::Action(action) => matches!(
            action.pipe.commands.first().and_then(|command| command.args.first()),
            Some(Expr::Identifier(_, name)) if name == SENTINEL
        ),
        _ => false,
    };
    if !body.nodes.pop().is_some_and(|last| is_sentinel(&last)) {
        return Err("an {{ end }} is missing, or an {{ end }} or {{ else }} is too many".to_owned());
    }
    let known: BTreeSet<String> = VARIABLES.iter().map(|name| (*name).to_owned()).collect();
    list(&body, &mut known.clone())?;
    // What is defined sees nothing of what is around it.
    for define in &defines {
        list(&define.body, &mut BTreeSet::from(["$".to_owned()]))?;
    }
    Ok(())
}

/// `known` are the variables that are there; those that the list declares are added.
fn list(list: &ListNode, known: &mut BTreeSet<String>) -> Result<(), String> {
    for node in &list.nodes {
        match node {
            Node::List(inner) => self::list(inner, known)?,
            Node::Action(action) => pipe(&action.pipe, known)?,
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => self::branch(branch, known)?,
            Node::Template(template) => template.pipe.iter().try_for_each(|of| pipe(of, known))?,
            Node::Define(_) | Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
    Ok(())
}

fn branch(branch: &BranchNode, known: &BTreeSet<String>) -> Result<(), String> {
    let mut within = known.clone();
    pipe(&branch.pipe, &mut within)?;
    list(&branch.body, &mut within.clone())?;
    branch
        .else_body
        .iter()
        .try_for_each(|otherwise| list(otherwise, &mut within))
}

fn pipe(pipe: &PipeNode, known: &mut BTreeSet<String>) -> Result<(), String> {
    for expr in pipe.commands.iter().flat_map(|command| &command.args) {
        self::expr(expr, known)?;
    }
    for name in &pipe.decl {
        if pipe.is_assign && !known.contains(name.as_str()) {
            return Err(undefined(name));
        }
        known.insert(name.to_string());
    }
    Ok(())
}

fn expr(expr: &Expr, known: &mut BTreeSet<String>) -> Result<(), String> {
    match expr {
        Expr::Identifier(_, name) if !FUNCTIONS.contains(&name.as_str()) => {
            Err(format!("function {:?} is not defined", name.as_str()))
        }
        Expr::Variable(_, name, _) if !known.contains(name.as_str()) => Err(undefined(name)),
        Expr::Pipe(_, inner) => pipe(inner, known),
        Expr::Chain(_, inner, _) => self::expr(inner, known),
        _ => Ok(()),
    }
}

fn undefined(name: &str) -> String {
    format!("undefined variable {name:?}")
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn templates_that_prometheus_takes_are_taken() {
        for text in [
            "plain } text {",
            "{{ $value }} {",
            "{{ $labels.instance }} {{ $value | humanize }} {{ .Labels.job }} {{ $.Value }}",
            r#"{{ with query "up" }}{{ range . }}{{ .Value }}{{ else }}none{{ end }}{{ end }}"#,
            "{{ $x := 1 }}{{ if gt $value 1.0 }}{{ $x = 2 }}{{ end }}{{ $x }}",
            "{{ range $name, $text := $labels }}{{ $name }}{{ $text }}{{ end }}",
            r#"{{ define "t" }}{{ . }}{{ end }}{{ template "t" $labels.job }}"#,
            r#"{{ (index $labels "a") }}{{ if not $labels.b }}x{{ else if and .Value 1 }}y{{ end }}"#,
            "{{/* a comment */}}{{- $externalLabels.cluster -}}{{ $externalURL }}",
            r#"{{ printf "%s" ($labels.a | reReplaceAll "b" "c") }}"#,
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_unusually_large_ends_soon() {
        for part in [
            "{{else if 1}}",
            "{{ $x := 1 }}",
            "{{ if 1 }}",
            "((((",
            "{{ with (1) }}",
        ] {
            let text = format!("{{{{ if $value }}}}{}", part.repeat(100_000));
            assert_eq!(check(&text), Ok(()), "{part}");
            // As many as are looked at.
            let _ = check(&format!("{{{{ if $value }}}}{}{{{{ end }}}}", part.repeat(49)));
        }
    }

    #[test]
    fn those_that_it_refuses_are_told() {
        for (text, says) in [
            ("{{ $labels.", ""),
            ("{{ $labels.a", ""),
            ("{{ if $value }}x", ""),
            ("{{ $value }}{{ end }}", "too many"),
            ("{{ $value }}{{ else }}x", "too many"),
            ("{{ humanise $value }}", "function \"humanise\" is not defined"),
            ("{{ $value | nope }}", "function \"nope\""),
            ("{{ $nope }}", "undefined variable \"$nope\""),
            ("{{ $x = 1 }}", "undefined variable \"$x\""),
            (
                "{{ if $value }}{{ $x := 1 }}{{ end }}{{ $x }}",
                "undefined variable \"$x\"",
            ),
            (
                r#"{{ define "t" }}{{ $labels.a }}{{ end }}"#,
                "undefined variable \"$labels\"",
            ),
            ("{{ (nope 1) }}", "function \"nope\""),
            ("{{ template \"t\" $y }}", "undefined variable \"$y\""),
        ] {
            let error = check(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
