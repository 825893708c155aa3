//! The samples of one tenant, in memory: bytes in and out, time as an argument,
//! no clock, no files, no network, no threads.
//!
//! Words:
//! - *sample*: a time in milliseconds since the epoch and a value.
//! - *series*: a label set and its samples, at most one for each time.
//! - *chunk*: up to 120 samples of one series, compressed. The *open* chunk of a
//!   series still grows at its end; *sealed* ones are shrunk to fit.
//! - *newest sample*: kept beside the chunks, uncompressed. It enters the open
//!   chunk when a newer one arrives, so a query for it decodes nothing, and it
//!   outlives every eviction.
//! - *slot*: the number by which the index knows a series.
//! - *posting list*: the slots of all series that have one label.

mod allocation;
mod append;
mod chunk;
mod columns;
mod db;
mod evict;
mod index;
mod limits;
mod maintain;
mod select;
mod series;
mod snapshot;
mod stats;

pub use append::{Appended, Entry, FUTURE_MS_MAX, FirstRefused, Refused, labels_of_pairs};
pub use db::Db;
pub use limits::{Refusal, SettingInfo, Settings};
pub use maintain::Maintained;
pub use select::Found;
pub use snapshot::{Damage, DamageKind, Restored, Snapshotted};
pub use stats::Stats;
pub use wasmalert_core::sample::Sample;
