//! The documents of `wasmalert apply`.

use std::path::Path;

use wasmalert_core::id::{NameError, check_name, check_title};
use wasmalert_core::spec::{DIGEST_WANTED, is_digest};

use super::{Group, ModuleFile, RuleFile, group};
use crate::fields::Fields;
use crate::problem::Problems;
use crate::yaml::{Kind, Node};

const KINDS: &str = "groups, module, secret, source, scrape, receiver or group";

/// Reads one document.
pub(super) fn read(node: &Node, folder: &Path, read: &mut RuleFile, problems: &mut Problems) {
    let Kind::Map(entries) = &node.kind else {
        let what = node.what();
        return problems.add(
            node.line,
            format_args!("expected rules or a document, not {what}"),
        );
    };
    let [(key, value)] = &entries[..] else {
        return problems.add(node.line, format_args!("expected exactly one of {KINDS}"));
    };
    let Some(mut fields) = Fields::of(value, key.name.clone(), problems) else {
        return;
    };
    match key.name.as_str() {
        "group" => read.groups.extend(group_of(&mut fields, key.line, problems)),
        "module" => read
            .modules
            .extend(module(&mut fields, key.line, folder, problems)),
        "source" | "scrape" | "receiver" => {
            name(&mut fields, "name", check_name, problems);
            match fields.take("spec") {
                Some(spec) => check_spec(Fields::of(spec, fields.at("spec"), problems), problems),
                None => problems.add(key.line, format_args!("{}.spec is missing", key.name)),
            }
        }
        "secret" => {
            name(&mut fields, "name", check_name, problems);
            let env = fields.text("from_env", problems);
            let file = fields.text("from_file", problems);
            if env.is_some() == file.is_some() {
                problems.add(key.line, "secret: give exactly one of from_env and from_file");
            }
        }
        other => {
            return problems.add(
                key.line,
                format_args!("unknown kind {other:?}: expected one of {KINDS}"),
            );
        }
    }
    fields.finish(problems);
}

/// What a spec says is for the server to judge, but for what a server is not needed for.
fn check_spec(spec: Option<Fields<'_>>, problems: &mut Problems) {
    let Some(mut spec) = spec else { return };
    if let Some(digest) = spec.text("digest", problems)
        && !is_digest(&digest.text)
    {
        problems.add(digest.line, format_args!("{} {DIGEST_WANTED}", spec.at("digest")));
    }
}

fn group_of(fields: &mut Fields<'_>, line: u64, problems: &mut Problems) -> Option<Group> {
    let namespace = name(fields, "namespace", check_title, problems);
    let name = name(fields, "name", check_title, problems);
    if !fields.has("spec") {
        problems.add(line, "group.spec is missing");
    }
    let path = fields.at("spec");
    let spec = Fields::of(fields.take("spec")?, path.clone(), problems)?;
    let spec_line = spec.line;
    let (spec, rule_lines) = group::wasmalert(spec, problems);
    group::validate(&path, spec_line, &rule_lines, &spec, problems);
    Some(Group {
        file: problems.file.clone(),
        line,
        namespace: namespace?,
        is_of_prometheus: false,
        name: name?,
        spec,
        rule_lines,
    })
}

fn module(fields: &mut Fields<'_>, line: u64, folder: &Path, problems: &mut Problems) -> Option<ModuleFile> {
    let name = name(fields, "name", check_name, problems);
    let file = fields.required("file", problems)?;
    let path = folder.join(&file.text);
    let signature = fields.text("signature", problems);
    let signature = signature.map(|text| ("signature", folder.join(&text.text), text.line));
    for (field, path, line) in [("file", path.clone(), file.line)].into_iter().chain(signature) {
        if !path.is_file() {
            problems.add(
                line,
                format_args!("module.{field}: there is no file {}", path.display()),
            );
        }
    }
    Some(ModuleFile {
        file: problems.file.clone(),
        line,
        name: name?,
        path,
    })
}

fn name(
    fields: &mut Fields<'_>,
    field: &str,
    check: fn(&str) -> Result<(), NameError>,
    problems: &mut Problems,
) -> Option<String> {
    let name = fields.required(field, problems)?;
    if let Err(error) = check(&name.text) {
        problems.add(
            name.line,
            format_args!("{}: {:?} {error}", fields.at(field), name.text),
        );
        return None;
    }
    Some(name.text)
}
