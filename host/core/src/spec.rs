//! What people configure: groups of rules, sources, receivers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::label::Labels;
use crate::limits::Limit;

/// The source of a rule that names none, where one of that name exists.
pub const DEFAULT_SOURCE: &str = "default";

/// A group of rules that are evaluated in order at the same slots.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSpec {
    /// At least 1.
    pub interval_ms: i64,
    /// How far before the slot queries look; 0 or more.
    pub query_offset_ms: i64,
    /// Labels under those of the rules.
    pub labels: Labels,
    pub rules: Vec<RuleSpec>,
}

/// One rule of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSpec {
    /// The alert's name, which becomes its label `alertname`.
    pub name: String,
    pub module: String,
    /// None follows the module's newest version.
    pub version: Option<u32>,
    /// A JSON text; `{}` when nothing was given.
    pub config: Arc<str>,
    pub for_ms: i64,
    pub keep_firing_for_ms: i64,
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    pub source: Option<String>,
    pub receivers: Vec<String>,
    /// Lower than the server's.
    pub limits: BTreeMap<Limit, u64>,
}
