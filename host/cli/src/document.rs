//! The documents that `apply` takes, and everything that can be wrong with them.
//!
//! A *document* says that one thing should be there. A file holds documents one
//! after another, or a list of them, as YAML or JSON. [`load`] reads and checks
//! every file before anything is sent, and answers every error at once.

mod check;
pub(crate) mod files;
mod parse;
mod prometheus;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use serde_json::{Map, Value};

use self::files::Text;
pub use self::prometheus::Unsaid;

/// The most documents that one call takes.
pub const DOCUMENTS_MAX: usize = 10_000;
/// The largest file of documents, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 << 20;

/// Something that should be there, and where it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// File and line, for people.
    pub place: String,
    pub wanted: Wanted,
    /// Whether it is a group of one of Prometheus' rule files.
    pub is_of_prometheus: bool,
}

/// What a document asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    Module {
        name: String,
        /// The component, found from where the document's file is.
        file: PathBuf,
        /// The text of its signature's file.
        signature: Option<String>,
    },
    Secret {
        name: String,
        value: SecretValue,
        /// Where it may be sent; none for anywhere.
        hosts: Option<Vec<String>>,
    },
    Source {
        name: String,
        spec: Map<String, Value>,
    },
    Scrape {
        name: String,
        spec: Map<String, Value>,
    },
    Receiver {
        name: String,
        spec: Map<String, Value>,
    },
    Group {
        namespace: String,
        name: String,
        spec: Map<String, Value>,
    },
}

/// A secret's value; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(pub(crate) String);

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

impl Wanted {
    /// The order things are sent in: what others refer to comes first.
    #[must_use]
    pub fn order(&self) -> u8 {
        match self {
            Self::Module { .. } => 0,
            Self::Secret { .. } => 1,
            Self::Source { .. } => 2,
            Self::Scrape { .. } => 3,
            Self::Receiver { .. } => 4,
            Self::Group { .. } => 5,
        }
    }
}

impl std::fmt::Display for Wanted {
    /// Kind and name, such as `group demo/host`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Module { name, .. } => write!(f, "module {name}"),
            Self::Secret { name, .. } => write!(f, "secret {name}"),
            Self::Source { name, .. } => write!(f, "source {name}"),
            Self::Scrape { name, .. } => write!(f, "scrape {name}"),
            Self::Receiver { name, .. } => write!(f, "receiver {name}"),
            Self::Group { namespace, name, .. } => write!(f, "group {namespace}/{name}"),
        }
    }
}

/// Reads and checks every document of these files and folders; `-` is `stdin`. The groups of Prometheus'
/// rule files are documents too, with what is `unsaid` in them.
///
/// The answer is in the order documents are to be sent in: [`Wanted::order`],
/// then the order of files and within them.
///
/// # Errors
/// Every error of every file, each with its file and line.
pub fn load(paths: &[PathBuf], stdin: &mut dyn Read, unsaid: &Unsaid) -> Result<Vec<Document>, Vec<String>> {
    let mut errors = Vec::new();
    let mut documents = Vec::new();
    for text in files::read(paths, stdin, &mut errors) {
        documents.extend(read(&text, unsaid, &mut errors));
    }
    refuse_twins(&documents, &mut errors);
    if documents.len() > DOCUMENTS_MAX {
        errors.push(format!(
            "{} documents; at most {DOCUMENTS_MAX} at once",
            documents.len()
        ));
    }
    if documents.is_empty() && errors.is_empty() {
        errors.push("no documents found: expected .yaml, .yml or .json files with at least one".into());
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    documents.sort_by_key(|document| document.wanted.order()); // stable
    Ok(documents)
}

/// The good documents of one file; what is wrong goes to `errors`.
fn read(text: &Text, unsaid: &Unsaid, errors: &mut Vec<String>) -> Vec<Document> {
    let name = &text.name;
    let items = match parse::items(&text.content) {
        Ok(items) => items,
        Err(error) => {
            errors.push(format!("{name}:{error}"));
            return Vec::new();
        }
    };
    let (rule_files, items): (Vec<_>, Vec<_>) = items
        .into_iter()
        .partition(|item| prometheus::is_rule_file(&item.value));
    let mut documents = Vec::new();
    if !rule_files.is_empty() {
        documents = prometheus::groups(text, unsaid, errors);
    }
    for item in items {
        let place = format!("{name}:{}", item.line);
        match check::document(item.value, &text.folder) {
            Ok(wanted) => documents.push(Document {
                place,
                wanted,
                is_of_prometheus: false,
            }),
            Err(wrong) => errors.extend(wrong.into_iter().map(|wrong| format!("{place}: {wrong}"))),
        }
    }
    documents
}

/// Two documents about one thing: which of them counts would be chance.
fn refuse_twins(documents: &[Document], errors: &mut Vec<String>) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for Document { place, wanted, .. } in documents {
        let key = wanted.to_string();
        if let Some(first) = seen.get(&key) {
            errors.push(format!("{place}: {key} is already at {first}"));
        } else {
            seen.insert(key, place);
        }
    }
}

#[cfg(test)]
mod tests;
