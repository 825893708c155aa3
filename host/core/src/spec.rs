//! What people configure: groups of rules, sources, receivers.

#[cfg(test)]
mod tests;
mod validate;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::id::{GroupKey, RuleKey};
use crate::label::{ALERT_NAME, Labels};
use crate::limits::Limit;

pub use validate::{DIGEST_WANTED, INTERVAL_MS_MAX, RULES_MAX, SpecError, is_digest};

/// The source of a rule that names none, where one of that name exists.
pub const DEFAULT_SOURCE: &str = "default";

/// Whether a label or an annotation of a rule is a template, which the rule's module may expand.
#[must_use]
pub fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// What alerts of this server carry beside their own, as templates know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct External {
    /// Where people reach the server, without a slash at its end.
    pub url: String,
    pub labels: BTreeMap<String, String>,
}

/// The receiver of a rule that names none, where one of that name exists.
pub const DEFAULT_RECEIVER: &str = "default";

/// A group of rules that are evaluated in order at the same slots.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSpec {
    /// At least 1.
    pub interval_ms: i64,
    /// How far before the slot queries look; 0 or more.
    pub query_offset_ms: i64,
    /// Findings, or samples, of a rule at most; 0 for as many as the limits of its evaluation allow.
    pub limit: u64,
    /// Labels under those of the rules; an empty value deletes the finding's.
    pub labels: BTreeMap<String, String>,
    /// Whether alerts take the time since when they are active from the source, at a rule's first evaluation.
    pub restore_for_state: bool,
    pub rules: Vec<Arc<RuleSpec>>,
}

/// One rule of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSpec {
    /// The alert's name, which becomes its label `alertname`.
    pub name: String,
    pub module: String,
    /// None follows the module's promoted version.
    pub version: Option<u32>,
    /// `sha256:` and 64 hexadecimal digits: the bytes that the module has to have.
    pub digest: Option<String>,
    /// A JSON text; `{}` when nothing was given.
    pub config: Arc<str>,
    pub for_ms: i64,
    pub keep_firing_for_ms: i64,
    /// Over the finding's labels; an empty value deletes the finding's.
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub source: Option<String>,
    /// None of them stands for [`DEFAULT_RECEIVER`].
    pub receivers: Vec<String>,
    /// Lower than the server's.
    pub limits: BTreeMap<Limit, u64>,
    pub options: RuleOptions,
}

/// What a rule does where Prometheus' rules have no choice. Without a choice they do as Prometheus' do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleOptions {
    pub over_limit: OverLimit,
    pub no_data: NoData,
    /// Evaluations that fail in a row until receivers are told; 0 never tells them.
    pub alert_after_errors: u32,
    /// How often a finding has to come for its alert to fire, and to go on firing.
    pub quorum: Quorum,
    pub resend: Resend,
}

/// From when on the time until a firing alert is told again counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resend {
    /// Since it was told, whether or not receivers have taken that.
    #[default]
    Sent,
    /// Since a receiver has last taken it.
    Accepted,
}

/// What becomes of an evaluation with more findings than the group's limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OverLimit {
    /// It fails, and alerts stay as they were.
    #[default]
    Fail,
    /// Alerts that are there stay, and as many new ones come as there is room for.
    Keep,
}

/// What becomes of alerts when no query of an evaluation has found anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NoData {
    /// What the rule says, which of rules that look for what is wrong is: nothing is.
    #[default]
    Resolve,
    /// They stay as they were.
    Keep,
    /// As with `Resolve`, and receivers are told that there is no data.
    Alert,
}

/// A finding has to come in some of the last evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    /// N, 1 to `of`.
    pub at_least: u32,
    /// M, 1 to [`Quorum::OF_MAX`].
    pub of: u32,
}

impl Default for Quorum {
    /// The last evaluation decides.
    fn default() -> Self {
        Self { at_least: 1, of: 1 }
    }
}

impl Quorum {
    pub const OF_MAX: u32 = 64;

    /// The evaluations that count, of those that have a bit in `seen`.
    #[must_use]
    pub fn counted(self, seen: u64) -> u64 {
        seen & u64::MAX
            .checked_shr(Self::OF_MAX.saturating_sub(self.of))
            .unwrap_or(0)
    }

    /// Whether what was observed in these evaluations was so often enough.
    #[must_use]
    pub fn is_met(self, seen: u64) -> bool {
        self.counted(seen).count_ones() >= self.at_least
    }
}

macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),+ }) => {
        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!("{name:?} is none of {}", [$($name),+].join(", "))),
                }
            }
        }
    };
}
named!(Resend { Sent = "sent", Accepted = "accepted" });
named!(OverLimit { Fail = "fail", Keep = "keep" });
named!(NoData { Resolve = "resolve", Keep = "keep", Alert = "alert" });

impl Default for RuleSpec {
    /// A rule that says nothing.
    fn default() -> Self {
        Self {
            name: String::new(),
            module: String::new(),
            version: None,
            digest: None,
            config: "{}".into(),
            for_ms: 0,
            keep_firing_for_ms: 0,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            source: None,
            receivers: Vec::new(),
            limits: BTreeMap::new(),
            options: RuleOptions::default(),
        }
    }
}

impl Default for GroupSpec {
    /// A group of nothing, each minute.
    fn default() -> Self {
        Self {
            interval_ms: 60_000,
            query_offset_ms: 0,
            limit: 0,
            restore_for_state: false,
            labels: BTreeMap::new(),
            rules: Vec::new(),
        }
    }
}

impl RuleSpec {
    /// The source that a query without one goes to.
    #[must_use]
    pub fn source_or_default(&self) -> &str {
        self.source.as_deref().unwrap_or(DEFAULT_SOURCE)
    }

    /// The labels that the host puts on every alert of the rule.
    #[must_use]
    pub fn labels_within(&self, group: &GroupSpec) -> Labels {
        let mut labels: Labels = host_labels(&group.labels, &self.labels).collect();
        labels.set(ALERT_NAME, &self.name);
        labels
    }

    /// What a component is told beside what every rule knows: the templates in labels and annotations, which it
    /// may expand and give back with its findings, and what they may refer to.
    #[must_use]
    pub fn extras_within(&self, group: &GroupSpec, external: &External) -> Vec<(String, String)> {
        let labels = host_labels(&group.labels, &self.labels).map(|(name, text)| ("label", name, text));
        let annotations = self.annotations.iter();
        let annotations = annotations.map(|(name, text)| ("annotation", &**name, &**text));
        let templates = labels.chain(annotations).filter(|(_, _, text)| is_template(text));
        let of_server = external.labels.iter();
        let of_server = of_server.map(|(name, value)| ("external-label", &**name, &**value));
        let named = templates.chain(of_server);
        let mut extras: Vec<(String, String)> = named
            .map(|(kind, name, text)| (format!("{kind}:{name}"), text.to_owned()))
            .collect();
        extras.push(("external-url".to_owned(), external.url.clone()));
        extras
    }
}

/// The labels of a group under those of a rule, each name once.
pub(crate) fn host_labels<'a>(
    group: &'a BTreeMap<String, String>,
    rule: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of_group = group.iter().filter(|(name, _)| !rule.contains_key(*name));
    of_group.chain(rule).map(|(name, value)| (&**name, &**value))
}

impl GroupSpec {
    /// For each rule, the key of the one before a change of the group whose alerts and state it takes over: the first
    /// with its name and labels, else the one with its key, unless another takes that over.
    #[must_use]
    pub fn inherited(&self, before: &Self, group: &GroupKey) -> Vec<Option<RuleKey>> {
        let old_keys = before.rule_keys(group);
        let mut by_labels: BTreeMap<(&str, &BTreeMap<String, String>), VecDeque<usize>> = BTreeMap::new();
        for (at, rule) in before.rules.iter().enumerate() {
            by_labels
                .entry((&rule.name, &rule.labels))
                .or_default()
                .push_back(at);
        }
        let mut is_taken = vec![false; old_keys.len()];
        let mut same: Vec<Option<usize>> = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let of_rule = by_labels.get_mut(&(rule.name.as_str(), &rule.labels));
            let at = of_rule.and_then(VecDeque::pop_front);
            if let Some(taken) = at.and_then(|at| is_taken.get_mut(at)) {
                *taken = true;
            }
            same.push(at);
        }
        let by_key: BTreeMap<&RuleKey, usize> = old_keys.iter().zip(0..).collect();
        let keys = self.rule_keys(group);
        let or_by_key = |(same, key): (Option<usize>, &RuleKey)| {
            let at = same.or_else(|| by_key.get(key).copied().filter(|at| !is_taken[*at]))?;
            old_keys.get(at).cloned()
        };
        same.into_iter().zip(&keys).map(or_by_key).collect()
    }

    /// The keys of the rules, in their order; no two are the same.
    ///
    /// The first rule of a name has it to itself, and each further one gets the
    /// next free one of `name#2`, `name#3`, …: a rule that is itself called
    /// `name#2` keeps that name.
    #[must_use]
    pub fn rule_keys(&self, group: &GroupKey) -> Vec<RuleKey> {
        let names: BTreeSet<&str> = self.rules.iter().map(|rule| &*rule.name).collect();
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        let mut key_of = |name| {
            let number = seen.entry(name).or_insert(0);
            *number += 1;
            if *number == 1 {
                return Arc::from(name);
            }
            loop {
                let numbered = format!("{name}#{number}");
                if !names.contains(&*numbered) {
                    return Arc::from(numbered);
                }
                *number += 1;
            }
        };
        let keys = self.rules.iter().map(|rule| RuleKey {
            group: group.clone(),
            rule: key_of(&rule.name),
        });
        keys.collect()
    }
}
