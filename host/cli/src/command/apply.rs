//! `apply`: sets up what files describe.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::Io;
use crate::client::Client;
use crate::command::change::secret_body;
use crate::document::{self, Document, Unsaid, Wanted};
use crate::error::Error;
use crate::output::Format;
use crate::text::{clean, plain};

pub(crate) const FORMAT: &str = "\
All files are read and checked first: when anything is wrong every error is shown,
and nothing is sent. Then modules, secrets, sources, scrapes, receivers and groups are
sent, in this order. Applying the same files again changes nothing.

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
  generate-groups | wasmalert apply -f -";

/// What became of a document.
struct Done {
    /// `created`, `changed`, `unchanged`, `set`.
    result: &'static str,
    answer: Value,
}

/// What a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Documents,
    /// Rule files of Prometheus, and nothing else.
    RuleFiles,
}

pub(crate) async fn apply(
    client: &Client,
    (files, unsaid, takes): (&[PathBuf], &Unsaid, Takes),
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let documents = document::load(files, io.input, unsaid).map_err(wrong)?;
    let refused = |document: &&Document| takes == Takes::RuleFiles && !document.is_of_prometheus;
    let refused: Vec<String> = documents
        .iter()
        .filter(refused)
        .map(|Document { place, wanted, .. }| {
            format!("{place}: {wanted} is no rule file of Prometheus: give it to `wasmalert apply`")
        })
        .collect();
    if !refused.is_empty() {
        return Err(wrong(refused));
    }
    let mut failed = 0;
    for Document { place, wanted, .. } in &documents {
        let line = match send(client, wanted).await {
            Ok(done) => print(io, format, wanted, &done),
            // Nobody to talk to: the rest would fail alike.
            Err(error @ Error::Request(_)) => return Err(error),
            Err(error) => {
                failed += 1;
                writeln!(io.err, "{}: {}", clean(place), error.report())?;
                let done = Done {
                    result: "failed",
                    answer: Value::Null,
                };
                print(io, format, wanted, &done)
            }
        };
        line?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::Failed(format!(
            "{failed} of {} documents failed",
            documents.len()
        ))),
    }
}

fn wrong(errors: Vec<String>) -> Error {
    Error::Documents(errors.iter().map(|error| clean(error)).collect())
}

fn print(io: &mut Io<'_>, format: Format, wanted: &Wanted, done: &Done) -> std::io::Result<()> {
    match format {
        Format::Table => {
            let version = plain(&done.answer["version"]);
            let version = if version.is_empty() {
                version
            } else {
                format!(" (version {version})")
            };
            writeln!(io.out, "{}  {}{version}", clean(&wanted.to_string()), done.result)
        }
        Format::Json | Format::Junit => {
            let line = json!({"document": wanted.to_string(), "result": done.result, "answer": done.answer});
            writeln!(io.out, "{}", crate::text::json_line(&line))
        }
    }
}

async fn send(client: &Client, wanted: &Wanted) -> Result<Done, Error> {
    match wanted {
        Wanted::Module {
            name,
            file,
            signature,
        } => send_module(client, name, super::read_wasm(file)?, signature.as_deref()).await,
        Wanted::Secret { name, value, hosts } => {
            let (_, answer) = client
                .put(&["secrets", name], &secret_body(&value.0, hosts.as_deref()))
                .await?;
            Ok(Done {
                result: "set",
                answer,
            })
        }
        Wanted::Source { name, spec } => put(client, &["sources", name], &Value::Object(spec.clone())).await,
        Wanted::Scrape { name, spec } => put(client, &["scrapes", name], &Value::Object(spec.clone())).await,
        Wanted::Receiver { name, spec } => {
            put(client, &["receivers", name], &Value::Object(spec.clone())).await
        }
        Wanted::Group {
            namespace,
            name,
            spec,
        } => put(client, &["groups", namespace, name], &Value::Object(spec.clone())).await,
    }
}

async fn put(client: &Client, path: &[&str], spec: &Value) -> Result<Done, Error> {
    let (status, answer) = client.put(path, spec).await?;
    let changed = answer["changed"].as_bool().unwrap_or(true);
    let result = match (changed, status == 201 || answer["revision"] == 1) {
        (false, _) => "unchanged",
        (true, true) => "created",
        (true, false) => "changed",
    };
    Ok(Done { result, answer })
}

/// The answer to an upload does not tell whether the version is new or newly
/// promoted, so the versions are asked for before.
async fn send_module(
    client: &Client,
    name: &str,
    wasm: Vec<u8>,
    signature: Option<&str>,
) -> Result<Done, Error> {
    let before = match client.get(&["modules", name], &[]).await {
        Ok(module) => module["versions"].as_array().cloned().unwrap_or_default(),
        Err(Error::Problem(problem)) if problem.status == 404 => Vec::new(),
        Err(error) => return Err(error),
    };
    // What a document describes is what is run.
    let path = ["modules", name];
    let answer = client.post_wasm(&path, wasm, signature, true).await?;
    let result = if before.is_empty() {
        "created"
    } else if before
        .iter()
        .any(|version| version["version"] == answer["version"] && version["promoted"] == true)
    {
        "unchanged"
    } else {
        "changed"
    };
    Ok(Done { result, answer })
}
