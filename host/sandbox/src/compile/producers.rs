//! What an upload says of the tools that made it: its `producers` sections.
//!
//! Nothing holds a component to the truth here, so this is for people to read and for
//! nothing else. A section that cannot be read is left out.

use serde::{Deserialize, Serialize};
use wasmparser::{CustomSectionReader, KnownCustom};

use crate::text::clip;

/// Entries that are kept; one component has several modules, and each its section.
const PRODUCERS_MAX: usize = 32;
/// The longest name or version that is kept, in characters.
const TEXT_CHARS_MAX: usize = 128;

/// A language, a tool or a library that took part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Producer {
    /// Such as `language`, `processed-by` or `sdk`.
    pub field: String,
    /// At most 128 characters, none of them a control character.
    pub name: String,
    /// As `name`; may be empty.
    pub version: String,
}

/// All that was found so far.
#[derive(Default)]
pub(super) struct Producers(Vec<Producer>);

impl Producers {
    /// Takes up what a custom section says, if it is one of producers.
    pub(super) fn read(&mut self, section: &CustomSectionReader<'_>) {
        let KnownCustom::Producers(fields) = section.as_known() else {
            return;
        };
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                if self.0.len() == PRODUCERS_MAX {
                    return;
                }
                let producer = Producer {
                    field: shown(field.name),
                    name: shown(value.name),
                    version: shown(value.version),
                };
                if !self.0.contains(&producer) {
                    self.0.push(producer);
                }
            }
        }
    }

    /// Sorted by field and name.
    pub(super) fn list(&self) -> Vec<Producer> {
        let mut producers = self.0.clone();
        producers.sort();
        producers
    }
}

fn shown(text: &str) -> String {
    let start: String = text.chars().take(TEXT_CHARS_MAX).collect();
    clip(&start)
}
