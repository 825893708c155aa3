//! Where a version of a module comes from, as it is kept with it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmalert_sandbox::Producer;

/// Where a version comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Provenance {
    /// Who brought it, as the audit log names callers: `operator` or `key ID`. Absent for
    /// stock modules and for versions that an older server took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uploaded_by: Option<String>,
    /// Absent for versions that an older server took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<ModuleSource>,
    /// The good signature that it was last uploaded with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<SignedBy>,
    /// What its `producers` sections say of languages and tools; anybody can write them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) producers: Vec<ProducedBy>,
}

/// The way that a module came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum ModuleSource {
    /// In a request.
    Upload,
    /// Out of a registry.
    Oci {
        /// Registry, repository and tag, as they were asked for.
        reference: String,
        /// `sha256:` and 64 hexadecimal digits, of the manifest.
        digest: String,
    },
    /// With the program.
    Stock,
}

/// Whose signature a version carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SignedBy {
    /// The signer's name when the signature was verified.
    pub(crate) signer: String,
    /// As `minisign` prints it.
    #[schema(example = "E7620F1842B4E81F")]
    pub(crate) key_id: String,
    /// The key, in base64.
    pub(crate) public_key: String,
    /// What the signer wrote under the signature, at most 1,024 bytes on one line.
    pub(crate) trusted_comment: String,
}

/// One line of a `producers` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProducedBy {
    /// `language`, `processed-by` or `sdk`.
    pub(crate) field: String,
    #[schema(example = "Rust")]
    pub(crate) name: String,
    pub(crate) version: String,
}

impl From<Producer> for ProducedBy {
    fn from(producer: Producer) -> Self {
        Self {
            field: producer.field,
            name: producer.name,
            version: producer.version,
        }
    }
}

impl Provenance {
    /// Reads what is stored; what does not parse is as good as nothing.
    #[must_use]
    pub(crate) fn parse(stored: &str) -> Self {
        serde_json::from_str(stored).unwrap_or_default()
    }

    /// The JSON text to store.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}
