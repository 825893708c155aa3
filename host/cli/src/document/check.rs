//! From a value to what it asks for. What is inside a `spec` is for the server
//! to judge.

use std::path::Path;

use serde_json::{Map, Value};
use wasmalert_core::id::{NameError, check_name, check_title};

use super::{SecretValue, Wanted};
use crate::command::change::{SECRET_BYTES_MAX, secret_text};

const KINDS: &str = "module, secret, source, scrape, receiver or group";
/// How every WebAssembly file begins.
const WASM_MAGIC: &[u8] = b"\0asm";

/// What a document asks for; a path in it starts from `folder`.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn document(value: Value, folder: &Path) -> Result<Wanted, Vec<String>> {
    let Value::Object(envelope) = value else {
        return Err(vec![format!(
            "expected a document such as `source: {{…}}`, not {}",
            kind_of(&value)
        )]);
    };
    let mut entries = envelope.into_iter();
    let (Some((kind, value)), None) = (entries.next(), entries.next()) else {
        return Err(vec![format!(
            "expected exactly one of {KINDS}; separate documents with `---` or make them a list"
        )]);
    };
    let Value::Object(fields) = value else {
        return Err(vec![format!("{kind}: expected fields, not {}", kind_of(&value))]);
    };
    let mut fields = Fields {
        kind: kind.clone(),
        fields,
        wrong: Vec::new(),
    };
    let wanted = match kind.as_str() {
        "module" => fields.module(folder),
        "secret" => fields.secret(folder),
        "source" => fields
            .named_spec()
            .map(|(name, spec)| Wanted::Source { name, spec }),
        "scrape" => fields
            .named_spec()
            .map(|(name, spec)| Wanted::Scrape { name, spec }),
        "receiver" => fields
            .named_spec()
            .map(|(name, spec)| Wanted::Receiver { name, spec }),
        "group" => fields.group(),
        other => return Err(vec![format!("unknown kind {other:?}: expected one of {KINDS}")]),
    };
    fields.refuse_rest();
    match (wanted, fields.wrong.is_empty()) {
        (Some(wanted), true) => Ok(wanted),
        _ => Err(fields.wrong),
    }
}

/// What is left of a document while it is taken apart, and what was wrong so far.
struct Fields {
    kind: String,
    fields: Map<String, Value>,
    wrong: Vec<String>,
}

impl Fields {
    fn module(&mut self, folder: &Path) -> Option<Wanted> {
        let name = self.name("name", check_name);
        let file = self.text("file").map(|file| folder.join(file));
        if let Some(file) = &file
            && let Err(why) = check_wasm(file)
        {
            self.blame("file", &format!("{}: {why}", file.display()));
        }
        let signature = self.optional_text("signature").map(|file| folder.join(file));
        let signature = signature.and_then(|file| {
            let text = crate::command::read_minisign(&file);
            text.map_err(|why| self.blame("signature", &why)).ok()
        });
        Some(Wanted::Module {
            name: name?,
            file: file?,
            signature,
        })
    }

    fn secret(&mut self, folder: &Path) -> Option<Wanted> {
        let name = self.name("name", check_name);
        let value = match (self.optional_text("from_env"), self.optional_text("from_file")) {
            (Some(variable), None) => env_secret(&variable),
            (None, Some(file)) => file_secret(&folder.join(file)),
            _ => Err("give exactly one of from_env and from_file".into()),
        };
        let value = value
            .map_err(|why| self.wrong.push(format!("{}: {why}", self.kind)))
            .ok();
        let hosts = self.optional_texts("hosts");
        Some(Wanted::Secret {
            name: name?,
            value: SecretValue(value?),
            hosts,
        })
    }

    fn named_spec(&mut self) -> Option<(String, Map<String, Value>)> {
        let name = self.name("name", check_name);
        let spec = self.spec();
        Some((name?, spec?))
    }

    fn group(&mut self) -> Option<Wanted> {
        let namespace = self.name("namespace", check_title);
        let name = self.name("name", check_title);
        let spec = self.spec();
        if let Some(spec) = &spec
            && !spec.get("rules").is_some_and(Value::is_array)
        {
            self.blame("spec.rules", "expected a list of rules");
        }
        Some(Wanted::Group {
            namespace: namespace?,
            name: name?,
            spec: spec?,
        })
    }

    fn name(&mut self, field: &str, check: fn(&str) -> Result<(), NameError>) -> Option<String> {
        let name = self.text(field)?;
        match check(&name) {
            Ok(()) => Some(name),
            Err(error) => {
                self.blame(field, &format!("{name:?} {error}"));
                None
            }
        }
    }

    fn spec(&mut self) -> Option<Map<String, Value>> {
        match self.fields.remove("spec") {
            Some(Value::Object(spec)) => return Some(spec),
            Some(other) => self.blame("spec", &format!("expected fields, not {}", kind_of(&other))),
            None => self.blame("spec", "is missing"),
        }
        None
    }

    fn text(&mut self, field: &str) -> Option<String> {
        if !self.fields.contains_key(field) {
            self.blame(field, "is missing");
        }
        self.optional_text(field)
    }

    fn optional_text(&mut self, field: &str) -> Option<String> {
        match self.fields.remove(field)? {
            Value::String(text) => Some(text),
            other => {
                self.blame(
                    field,
                    &format!("expected a text, not {}; put it in quotes", kind_of(&other)),
                );
                None
            }
        }
    }

    fn optional_texts(&mut self, field: &str) -> Option<Vec<String>> {
        let value = self.fields.remove(field)?;
        let texts = match &value {
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        if texts.is_none() {
            self.blame(field, "expected a list of texts");
        }
        texts
    }

    fn refuse_rest(&mut self) {
        for field in std::mem::take(&mut self.fields).keys() {
            self.blame(field, "unknown field");
        }
    }

    fn blame(&mut self, field: &str, why: &str) {
        self.wrong.push(format!("{}.{field}: {why}", self.kind));
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "fields",
    }
}

fn check_wasm(path: &Path) -> Result<(), String> {
    let mut file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut start = [0; WASM_MAGIC.len()];
    match std::io::Read::read_exact(&mut file, &mut start) {
        Ok(()) if start == WASM_MAGIC => Ok(()),
        _ => Err("is not a WebAssembly file".into()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a document names the variable that holds a secret"
)]
fn env_secret(variable: &str) -> Result<String, String> {
    let value = std::env::var(variable);
    let value = value.map_err(|_| format!("the environment variable {variable} is not set, or not UTF-8"))?;
    secret_text(value.into_bytes()).map_err(|why| format!("the environment variable {variable} {why}"))
}

fn file_secret(path: &Path) -> Result<String, String> {
    let value = crate::command::read(path, SECRET_BYTES_MAX);
    let value = value.map_err(|error| format!("{}: {error}", path.display()))?;
    secret_text(value).map_err(|why| format!("{} {why}", path.display()))
}
