//! Groups of series that agree in some labels: for aggregations, vector
//! matching and finding duplicates.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;

use crate::ast::Grouping;
use crate::value::Metric;

/// The labels that count when series are compared.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    /// Every label, the name too.
    All,
    /// Every label but one.
    Except(&'a str),
    By(&'a Grouping),
}

impl<'a> Key<'a> {
    /// The labels of a series that count.
    pub(crate) fn labels(self, metric: &'a Metric) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        // Behind the last of those wanted there is nothing to look for.
        let most = match self {
            Self::By(Grouping::Only(only)) => only.len(),
            _ => usize::MAX,
        };
        let counts = move |name: &str| match self {
            Self::All => true,
            Self::Except(label) => name != label,
            Self::By(Grouping::Only(only)) => only.iter().any(|label| **label == *name),
            Self::By(Grouping::Without(without)) => {
                name != METRIC_NAME && !without.iter().any(|label| **label == *name)
            }
        };
        metric.iter().filter(move |(name, _)| counts(name)).take(most)
    }

    pub(crate) fn labels_of(self, metric: &'a Metric) -> Labels {
        self.labels(metric).collect()
    }
}

/// Which group each row is in. Groups are numbered as they appear; hashes find
/// them, but labels decide.
pub(crate) struct Groups {
    group_of_row: Vec<u32>,
    /// The first row of each group.
    first_rows: Vec<u32>,
}

/// A table of groups that rows can be looked up in.
pub(crate) struct Table<'a> {
    key: Key<'a>,
    /// The newest group of each hash.
    heads: HashMap<u64, u32, BuildIdentity>,
    /// The next older group of the same hash, and a member to compare with.
    groups: Vec<(Option<u32>, &'a Metric)>,
    seed: u64,
}

impl<'a> Table<'a> {
    pub(crate) fn new(key: Key<'a>, capacity: usize) -> Self {
        Self {
            key,
            heads: HashMap::with_capacity_and_hasher(capacity, BuildIdentity),
            groups: Vec::new(),
            seed: RandomState::new().hash_one(0_u64),
        }
    }

    /// The group of a series, made if there is none.
    pub(crate) fn find_or_add(&mut self, metric: &'a Metric) -> u32 {
        let hash = hash_labels(self.seed, self.key.labels(metric));
        if let Some(group) = self.find_hashed(hash, metric) {
            return group;
        }
        let group = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        let older = self.heads.insert(hash, group);
        self.groups.push((older, metric));
        group
    }

    /// The group of a series.
    pub(crate) fn find(&self, metric: &Metric) -> Option<u32> {
        let key = self.key;
        let labels = key.labels(metric);
        self.find_hashed(hash_labels(self.seed, labels), metric)
    }

    fn find_hashed(&self, hash: u64, metric: &Metric) -> Option<u32> {
        let mut candidate = self.heads.get(&hash).copied();
        while let Some(group) = candidate {
            let (older, member) = &self.groups[group as usize];
            if self.key.labels(member).eq(self.key.labels(metric)) {
                return Some(group);
            }
            candidate = *older;
        }
        None
    }

    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }
}

impl Groups {
    pub(crate) fn new(key: Key<'_>, metrics: &[Metric]) -> Self {
        if matches!(key, Key::By(Grouping::Only(only)) if only.is_empty()) {
            let first_rows = if metrics.is_empty() { Vec::new() } else { vec![0] };
            return Self {
                group_of_row: vec![0; metrics.len()],
                first_rows,
            };
        }
        let mut table = Table::new(key, metrics.len());
        let mut groups = Self {
            group_of_row: Vec::with_capacity(metrics.len()),
            first_rows: Vec::new(),
        };
        for (row, metric) in metrics.iter().enumerate() {
            let group = table.find_or_add(metric);
            if group as usize == groups.first_rows.len() {
                groups.first_rows.push(row as u32);
            }
            groups.group_of_row.push(group);
        }
        groups
    }

    pub(crate) fn of_metrics(metrics: &[Metric]) -> Self {
        Self::new(Key::All, metrics)
    }

    /// Number of groups.
    pub(crate) fn len(&self) -> usize {
        self.first_rows.len()
    }

    pub(crate) fn of_row(&self, row: usize) -> usize {
        self.group_of_row[row] as usize
    }

    pub(crate) fn first_row(&self, group: usize) -> usize {
        self.first_rows[group] as usize
    }
}

/// A hash of labels: fast, and with a seed that nobody knows, so that nobody
/// makes labels whose hashes collide.
fn hash_labels<'a>(seed: u64, labels: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
    labels.fold(seed, |hash, (name, value)| {
        hash_text(hash_text(hash, name), value)
    })
}

fn hash_text(seed: u64, text: &str) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(MULTIPLIER ^ seed.rotate_left(32) | 1);
        (product as u64) ^ ((product >> 64) as u64)
    };
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let hash = words
        .iter()
        .fold(seed, |hash, word| fold(hash, u64::from_le_bytes(*word)));
    let mut last = [0xff; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(hash, u64::from_le_bytes(last) ^ text.len() as u64)
}

/// Hashes that are hashes already.
#[derive(Clone, Copy, Default)]
struct BuildIdentity;

struct Identity(u64);

impl BuildHasher for BuildIdentity {
    type Hasher = Identity;

    fn build_hasher(&self) -> Identity {
        Identity(0)
    }
}

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.0 = (self.0 << 8) | u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
