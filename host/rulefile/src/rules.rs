//! Rule files: groups as Prometheus writes them, and the documents of
//! `wasmalert apply`.
//!
//! A rule of Prometheus becomes one of the stock module `prometheus`. Of the
//! documents, `group` and `module` say what is evaluated; `secret`, `source` and
//! `receiver` are looked at and mean nothing here.

mod document;
mod group;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmalert_core::id::check_title;
use wasmalert_core::spec::GroupSpec;

use crate::fields::Fields;
use crate::problem::{Problem, Problems};
use crate::yaml::{Kind, Node, parse};

/// Time between two evaluations of a group that gives none.
pub const INTERVAL_MS_DEFAULT: i64 = 60_000;
/// Module of a rule that names none.
pub const MODULE_DEFAULT: &str = "prometheus";

/// The kind of the Prometheus operator's resources.
pub const RESOURCE: &str = "PrometheusRule";

/// Kinds of lists of them.
pub const LISTS: [&str; 2] = ["List", "PrometheusRuleList"];

/// What a rule file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleFile {
    pub groups: Vec<Group>,
    pub modules: Vec<ModuleFile>,
}

/// A group of a rule file.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub file: Arc<str>,
    pub line: u64,
    /// That of the document; of Prometheus' groups, the file's name without what follows its last point, or
    /// namespace and name of the resource.
    pub namespace: String,
    /// Whether it is one of Prometheus' own.
    pub is_of_prometheus: bool,
    pub name: String,
    pub spec: GroupSpec,
    /// Where each rule begins.
    pub rule_lines: Vec<u64>,
}

/// A component that a rule file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFile {
    pub file: Arc<str>,
    pub line: u64,
    pub name: String,
    /// Found from where the rule file is.
    pub path: PathBuf,
}

/// Reads a rule file; paths in it start from `folder`.
///
/// What is good is returned even if there are problems, which are all of the file.
#[must_use]
pub fn read(file: &str, folder: &Path, text: &str) -> (RuleFile, Vec<Problem>) {
    let mut problems = Problems::of(file);
    let mut read = RuleFile::default();
    match parse(text) {
        Err((line, message)) => problems.add(line, message),
        Ok(documents) => {
            for node in &documents {
                item(node, folder, &mut read, &mut problems);
            }
            refuse_twins(&read, &mut problems);
        }
    }
    problems.all.sort_by_key(|problem| problem.line);
    (read, problems.all)
}

fn item(node: &Node, folder: &Path, read: &mut RuleFile, problems: &mut Problems) {
    match &node.kind {
        Kind::Null => {}
        Kind::List(items) => items
            .iter()
            .for_each(|node| document::read(node, folder, read, problems)),
        Kind::Map(_) if entry(node, "groups").is_some() => {
            let file = Path::new(&*problems.file);
            let namespace = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            prometheus(node, &namespace, read, problems);
        }
        Kind::Map(_) if text_of(node, "kind") == Some(RESOURCE) => resource(node, read, problems),
        Kind::Map(_) if text_of(node, "kind").is_some_and(|kind| LISTS.contains(&kind)) => {
            let items = entry(node, "items").map(|items| &items.kind);
            if let Some(Kind::List(items)) = items {
                items.iter().for_each(|node| item(node, folder, read, problems));
            }
        }
        _ => document::read(node, folder, read, problems),
    }
}

fn entry<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Kind::Map(entries) = &node.kind else {
        return None;
    };
    let found = entries.iter().find(|(key, _)| key.name == name);
    found.map(|(_, value)| value)
}

fn text_of<'n>(node: &'n Node, name: &str) -> Option<&'n str> {
    match &entry(node, name)?.kind {
        Kind::Scalar(text, _) => Some(text),
        _ => None,
    }
}

/// A resource of the Prometheus operator: its `spec` is a file of Prometheus. The rest is for Kubernetes.
fn resource(node: &Node, read: &mut RuleFile, problems: &mut Problems) {
    let metadata = entry(node, "metadata");
    let of_metadata = |name| metadata.and_then(|metadata| text_of(metadata, name));
    let Some(name) = of_metadata("name") else {
        return problems.add(node.line, "metadata.name is missing");
    };
    let namespace = match of_metadata("namespace") {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    match entry(node, "spec") {
        Some(spec) => prometheus(spec, &namespace, read, problems),
        None => problems.add(node.line, "spec is missing"),
    }
}

/// A file of Prometheus: `groups: […]`.
fn prometheus(node: &Node, namespace: &str, read: &mut RuleFile, problems: &mut Problems) {
    let Some(mut fields) = Fields::of(node, "", problems) else {
        return;
    };
    for (at, node) in fields.list("groups", problems).iter().enumerate() {
        read.groups
            .extend(of_prometheus(node, &format!("groups[{at}]"), namespace, problems));
    }
    fields.finish(problems);
}

/// A group as Prometheus writes it.
fn of_prometheus(node: &Node, path: &str, namespace: &str, problems: &mut Problems) -> Option<Group> {
    let mut group = Fields::of(node, path, problems)?;
    let name = group.required("name", problems);
    if let Some(name) = &name
        && let Err(error) = check_title(&name.text)
    {
        problems.add(name.line, format_args!("{}: {error}", group.at("name")));
    }
    let (spec, rule_lines) = group::prometheus(group, problems);
    let path = if path.is_empty() { "group" } else { path };
    group::validate(path, node.line, &rule_lines, &spec, problems);
    Some(Group {
        file: problems.file.clone(),
        line: node.line,
        namespace: namespace.to_owned(),
        is_of_prometheus: true,
        name: name?.text,
        spec,
        rule_lines,
    })
}

/// Reads one group by itself, as clients of a ruler send it.
///
/// # Errors
/// Everything that is wrong with it, with its line.
pub fn read_group(namespace: &str, text: &str) -> Result<Group, Vec<Problem>> {
    let mut problems = Problems::of("group");
    let mut group = None;
    match parse(text).as_deref() {
        Ok([node]) => group = of_prometheus(node, "", namespace, &mut problems),
        Ok(_) => problems.add(1, "expected one group"),
        Err((line, message)) => problems.add(*line, message),
    }
    problems.all.sort_by_key(|problem| problem.line);
    match group {
        Some(group) if problems.all.is_empty() => Ok(group),
        _ => Err(problems.all),
    }
}

/// A group or module comes once in a file.
fn refuse_twins(read: &RuleFile, problems: &mut Problems) {
    let mut seen = BTreeMap::new();
    let groups = read.groups.iter().map(|group| {
        let name = format!("group {:?} of {:?}", group.name, group.namespace);
        (name, group.line)
    });
    let modules = read
        .modules
        .iter()
        .map(|module| (format!("module {:?}", module.name), module.line));
    for (name, line) in groups.chain(modules) {
        if let Some(first) = seen.insert(name.clone(), line) {
            problems.add(line, format_args!("{name} is there already, in line {first}"));
        }
    }
}
