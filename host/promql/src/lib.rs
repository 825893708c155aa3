//! PromQL without any IO.

mod aggregate;
mod ast;
mod binary;
mod error;
mod eval;
mod functions;
mod group;
mod kahan;
mod limits;
mod matcher;
mod memory;
pub mod notation;
mod parse;
mod query;
mod selector;
mod storage;
mod value;

pub use ast::Type;
pub use error::{Error, Position};
pub use eval::Options;
pub use limits::{Limit, Limits};
pub use matcher::{MatchOp, Matcher};
pub use memory::MemoryStorage;
pub use query::{Outcome, Query, Selection};
pub use storage::{STALE_NAN_BITS, Select, Storage, Visit, is_stale, stale_nan};
pub use value::{Metric, Sample, Series, Value};
