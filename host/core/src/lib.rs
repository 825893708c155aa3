//! The decisions of wasmalert, without any IO.
//!
//! Everything here is a pure function of its arguments: no clock, no randomness,
//! no environment. Times are `i64` milliseconds since the epoch and end in `_ms`.
//!
//! Words used throughout: a *group* of *rules* is evaluated at its *slots*; a
//! rule's *findings* are what is wrong right now; the alert *lifecycle* turns
//! them into *pending*, *firing* and *resolved* alerts and *notifications*.

pub mod alert;
pub mod delivery;
pub mod evaluation;
pub mod fair;
pub mod fault;
pub mod frame;
pub mod glob;
pub mod id;
pub mod label;
pub mod limits;
pub mod number;
pub mod query;
pub mod quota;
pub mod rate;
pub mod recorded;
pub mod sample;
pub mod schedule;
pub mod spec;
pub mod standing;
mod table;
pub mod units;
pub mod usage;

pub use id::{GroupKey, RuleKey, TenantId};
pub use label::Labels;
