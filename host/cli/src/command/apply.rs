//! `apply`: sets up what files describe.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use wasmalert_server::digest_of;

use crate::Io;
use crate::client::Client;
use crate::command::change::secret_body;
use crate::command::diff;
use crate::document::{self, Document, Unsaid, Wanted};
use crate::error::Error;
use crate::output::Format;
use crate::text::{clean, plain};

pub(crate) const FORMAT: &str = "\
All files are read and checked first: when anything is wrong every error is shown with its file and
line, and nothing is sent. The server then takes everything, or with an error nothing; only modules and
secrets go ahead, and new versions of modules are not run unless all is taken. Applying the same files
again changes nothing. `wasmalert history` shows what was changed, and `wasmalert rollback` undoes it.

With --prune, what the files do not describe is deleted: groups, receivers, scrapes and sources, of those
kinds that the files have at least one of.

A file holds documents, separated by `---` or as a list; JSON works as well. Rule files of Prometheus
(`groups: […]`) and PrometheusRule resources may stand among them:

  source:
    name: prom
    spec: {kind: prometheus, url: http://127.0.0.1:9090}
  ---
  module:
    name: my-rule
    file: my_rule.wasm          # found from where this file is
    signature: my_rule.wasm.minisig   # where it is signed
  ---
  secret:
    name: hook-token
    from_env: HOOK_TOKEN        # or from_file: token.txt
    hosts: [hooks.example.com]  # where it may be sent; anywhere without it
  ---
  scrape:
    name: node                  # the label job; into the embedded source
    spec: {targets: ['127.0.0.1:9100'], interval: 15s}
  ---
  receiver:
    name: am
    spec: {module: alertmanager, config: {url: http://127.0.0.1:9093}}
  ---
  group:
    namespace: prod
    name: node
    spec:
      interval: 15s
      rules:
        - alert: Down
          module: prometheus    # beside it, version: 2, or digest: sha256:… to pin its bytes
          expr: up == 0
          for: 1m
          labels: {severity: page}
          annotations: {summary: \"{{ $labels.instance }} is down\"}
          source: prom
          receivers: [am]

Examples:
  wasmalert apply -f alerts/
  wasmalert apply -f sources.yaml -f groups.yaml
  wasmalert diff -f alerts/ --prune          what would change
  wasmalert apply -f alerts/ --prune
  generate-groups | wasmalert apply -f -";

/// What a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Documents,
    /// Rule files of Prometheus, and nothing else.
    RuleFiles,
}

/// What is done with what the files describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Apply,
    /// Tells what would be done.
    DryRun,
    /// Shows every line that would change.
    Diff {
        /// A difference is an error.
        exit_code: bool,
    },
}

pub(crate) struct Apply<'a> {
    pub(crate) files: &'a [PathBuf],
    pub(crate) unsaid: Unsaid,
    pub(crate) takes: Takes,
    pub(crate) prune: bool,
    pub(crate) mode: Mode,
}

pub(crate) async fn apply(
    client: &Client,
    wanted: Apply<'_>,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let documents = load(&wanted, io)?;
    let modules = Modules::find(client, &documents).await?;
    let is_dry = wanted.mode != Mode::Apply;
    let modules = match is_dry {
        true => modules,
        false => modules.upload(client, &documents, io).await?,
    };
    let (checked, unchecked): (Vec<&Document>, Vec<&Document>) = documents
        .iter()
        .partition(|document| !modules.is_wanted_by(document));
    let body = body(&checked, &unchecked, &modules, wanted.prune);
    let has_secrets = documents
        .iter()
        .any(|document| matches!(document.wanted, Wanted::Secret { .. }));
    let post = async |dry_run: bool, revision: Option<i64>| {
        let answer = client.post_config(&["config"], &body, dry_run, revision).await;
        answer.map_err(|error| placed(error, &documents))
    };
    let answer = match (is_dry, has_secrets) {
        (true, _) => post(true, None).await?,
        (false, false) => post(false, None).await?,
        (false, true) => {
            // Secrets are set only when all the rest is good.
            let would = post(true, None).await?;
            put_secrets(client, &documents).await?;
            post(false, would["revision"].as_i64()).await?
        }
    };
    let changes = Changes::of(&answer);
    if let Mode::Diff { exit_code } = wanted.mode {
        for document in &unchecked {
            let (place, wanted) = (clean(&document.place), clean(&document.wanted.to_string()));
            writeln!(
                io.err,
                "{place}: {wanted} needs a module that is not there yet: it is not compared"
            )?;
        }
        let new = modules.0.iter().filter(|(_, module)| module.answer.is_none());
        let new: Vec<&String> = new.map(|(name, _)| name).collect();
        for name in &new {
            writeln!(
                io.err,
                "module {}: a new version would be uploaded and promoted",
                clean(name)
            )?;
        }
        let differ = diff::print(&answer, format, io)? || !new.is_empty();
        return match differ && exit_code {
            true => Err(Error::Failed("there are differences".to_owned())),
            false => Ok(()),
        };
    }
    for document in &documents {
        let (result, answer) = match &document.wanted {
            Wanted::Secret { .. } => ("set", Value::Null),
            Wanted::Module { name, .. } => (modules.result(name, &changes), modules.answer(name)),
            _ if modules.is_wanted_by(document) => ("not checked: its module is not there yet", Value::Null),
            wanted => changes.of_document(wanted),
        };
        print(
            io,
            format,
            (&document.wanted.to_string(), result, &answer),
            is_dry,
        )?;
    }
    for (name, change) in changes
        .0
        .iter()
        .filter(|(_, change)| change["action"] == "deleted")
    {
        print(io, format, (name, "deleted", change), is_dry)?;
    }
    Ok(())
}

fn load(wanted: &Apply<'_>, io: &mut Io<'_>) -> Result<Vec<Document>, Error> {
    let wrong = |errors: Vec<String>| Error::Documents(errors.iter().map(|error| clean(error)).collect());
    let documents = document::load(wanted.files, io.input, &wanted.unsaid).map_err(wrong)?;
    let refused = |document: &&Document| wanted.takes == Takes::RuleFiles && !document.is_of_prometheus;
    let refused: Vec<String> = documents
        .iter()
        .filter(refused)
        .map(|Document { place, wanted, .. }| {
            format!("{place}: {wanted} is no rule file of Prometheus: give it to `wasmalert apply`")
        })
        .collect();
    match refused.is_empty() {
        true => Ok(documents),
        false => Err(wrong(refused)),
    }
}

/// A module of the documents, as the server knows it.
struct Module {
    wasm: Vec<u8>,
    /// Those that are there.
    versions: Vec<Value>,
    /// The version with these bytes, if there is one.
    answer: Option<Value>,
}

impl Module {
    fn version(&self) -> Option<u64> {
        self.answer.as_ref()?["version"].as_u64()
    }
}

/// The modules of the documents, by name.
struct Modules(BTreeMap<String, Module>);

impl Modules {
    async fn find(client: &Client, documents: &[Document]) -> Result<Self, Error> {
        let mut modules = BTreeMap::new();
        for document in documents {
            let Wanted::Module { name, file, .. } = &document.wanted else {
                continue;
            };
            let wasm = super::read_wasm(file)?;
            let versions = match client.get(&["modules", name], &[]).await {
                Ok(module) => module["versions"].as_array().cloned().unwrap_or_default(),
                Err(Error::Problem(problem)) if problem.status == 404 => Vec::new(),
                Err(error) => return Err(error),
            };
            let digest = digest_of(&wasm);
            let known = versions.iter().find(|version| version["digest"] == *digest);
            let module = Module {
                answer: known.cloned(),
                wasm,
                versions,
            };
            modules.insert(name.clone(), module);
        }
        Ok(Self(modules))
    }

    /// Brings what is not there yet, without anything running it.
    async fn upload(
        mut self,
        client: &Client,
        documents: &[Document],
        io: &mut Io<'_>,
    ) -> Result<Self, Error> {
        for document in documents {
            let Wanted::Module { name, signature, .. } = &document.wanted else {
                continue;
            };
            let Some(module) = self.0.get_mut(name) else {
                continue;
            };
            if module.answer.is_some() && signature.is_none() {
                continue;
            }
            let wasm = std::mem::take(&mut module.wasm);
            let path = ["modules", name];
            match client.post_wasm(&path, wasm, signature.as_deref(), false).await {
                Ok(answer) => module.answer = Some(answer),
                Err(error) => {
                    writeln!(io.err, "{}: {}", clean(&document.place), error.report())?;
                    return Err(Error::Failed(format!(
                        "{} is not taken; nothing that runs was changed",
                        clean(&document.wanted.to_string())
                    )));
                }
            }
        }
        Ok(self)
    }

    /// Whether a document cannot be checked, since its module is not on the server as it is described.
    fn is_wanted_by(&self, document: &Document) -> bool {
        let is_absent = |name: &Value| {
            let module = name.as_str().and_then(|name| self.0.get(name));
            module.is_some_and(|module| module.answer.is_none())
        };
        match &document.wanted {
            Wanted::Receiver { spec, .. } => spec.get("module").is_some_and(is_absent),
            Wanted::Group { spec, .. } => {
                let rules = spec.get("rules").and_then(Value::as_array);
                rules.into_iter().flatten().any(|rule| is_absent(&rule["module"]))
            }
            _ => false,
        }
    }

    fn result(&self, name: &str, changes: &Changes) -> &'static str {
        let module = self.0.get(name);
        let is_new = module.is_some_and(|module| module.versions.is_empty());
        let is_known = module.is_some_and(|module| module.version().is_some());
        match changes.0.contains_key(&format!("module {name}")) || !is_known {
            _ if is_new => "created",
            true => "changed",
            false => "unchanged",
        }
    }

    fn answer(&self, name: &str) -> Value {
        let answer = self.0.get(name).and_then(|module| module.answer.clone());
        answer.unwrap_or_default()
    }
}

/// The change that the documents ask for.
fn body(documents: &[&Document], unchecked: &[&Document], modules: &Modules, prune: bool) -> Value {
    let mut put: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    let named = |name: &str, spec: &Map<String, Value>| json!({"name": name, "spec": spec});
    for document in documents {
        let (kind, all, item) = match &document.wanted {
            Wanted::Secret { .. } => continue,
            Wanted::Module { name, .. } => {
                let Some(version) = modules.0.get(name).and_then(Module::version) else {
                    continue;
                };
                let item = json!({"name": name, "version": version});
                put.entry("modules").or_default().push(item);
                continue;
            }
            Wanted::Source { name, spec } => ("source", "sources", named(name, spec)),
            Wanted::Scrape { name, spec } => ("scrape", "scrapes", named(name, spec)),
            Wanted::Receiver { name, spec } => ("receiver", "receivers", named(name, spec)),
            Wanted::Group {
                namespace,
                name,
                spec,
            } => {
                let item = json!({"namespace": namespace, "name": name, "spec": spec});
                ("group", "groups", item)
            }
        };
        kinds.insert(kind);
        put.entry(all).or_default().push(item);
    }
    // What is left out is not to be deleted: then nothing of its kind is.
    for document in unchecked {
        match &document.wanted {
            Wanted::Receiver { .. } => kinds.remove("receiver"),
            _ => kinds.remove("group"),
        };
    }
    match prune {
        true => json!({"put": put, "prune": kinds}),
        false => json!({ "put": put }),
    }
}

async fn put_secrets(client: &Client, documents: &[Document]) -> Result<(), Error> {
    for document in documents {
        if let Wanted::Secret { name, value, hosts } = &document.wanted {
            let body = secret_body(&value.0, hosts.as_deref());
            client.put(&["secrets", name], &body).await?;
        }
    }
    Ok(())
}

/// What the server has changed, or would change, by kind and name.
struct Changes(BTreeMap<String, Value>);

impl Changes {
    fn of(answer: &Value) -> Self {
        let changes = answer["changes"].as_array().into_iter().flatten();
        Self(
            changes
                .map(|change| (diff::name(change), change.clone()))
                .collect(),
        )
    }

    fn of_document(&self, wanted: &Wanted) -> (&'static str, Value) {
        match self.0.get(&wanted.to_string()) {
            None => ("unchanged", Value::Null),
            Some(change) if change["action"] == "created" => ("created", change.clone()),
            Some(change) => ("changed", change.clone()),
        }
    }
}

/// Says of each problem where the document is that it is about.
fn placed(error: Error, documents: &[Document]) -> Error {
    let Error::Problem(mut problem) = error else {
        return error;
    };
    for line in &mut problem.problems {
        let about = |document: &&Document| line.starts_with(&format!("{}: ", document.wanted));
        if let Some(document) = documents.iter().find(about) {
            *line = format!("{}: {line}", document.place);
        }
    }
    Error::Problem(problem)
}

fn print(
    io: &mut Io<'_>,
    format: Format,
    (name, result, answer): (&str, &str, &Value),
    is_dry: bool,
) -> std::io::Result<()> {
    match format {
        Format::Table => {
            let version = plain(&answer["version"]);
            let version = match version.as_str() {
                "" => version,
                version => format!(" (version {version})"),
            };
            let dry = if is_dry { " (dry run)" } else { "" };
            writeln!(io.out, "{}  {result}{version}{dry}", clean(name))
        }
        Format::Json | Format::Junit => {
            let line = json!({"document": name, "result": result, "dry_run": is_dry, "answer": answer});
            writeln!(io.out, "{}", crate::text::json_line(&line))
        }
    }
}
