//! PromQL without any IO: parser, evaluator, storage interface, series notation.
//!
//! ```
//! use wasmalert_core::Labels;
//! use wasmalert_promql::{Limits, MemoryStorage, Options, Query, Value};
//!
//! let mut storage = MemoryStorage::new();
//! storage.append(&Labels::from_iter([("__name__", "up"), ("job", "node")]), 60_000, 0.0);
//!
//! let query = Query::parse("up == 0", &Limits::default())?;
//! let outcome = query.instant(&storage, 90_000, &Options::default())?;
//! let Value::Vector(samples) = outcome.value else { panic!("a comparison yields a vector") };
//! assert_eq!(samples[0].metric.get("job"), Some("node"));
//! # Ok::<(), wasmalert_promql::Error>(())
//! ```
//!
//! Results are those of Prometheus 3 with no feature flag set. A [`Query`] is
//! parsed once and evaluated as often as needed, at one time or over a range,
//! against any [`Storage`]. Nothing here reads a clock: times are `i64`
//! milliseconds since the epoch, and what a query may use is counted ([`Limits`]).
//!
//! # Supported
//!
//! All of the stable language: selectors with `@` and `offset`, subqueries, all
//! operators with vector matching, all stable aggregations and functions,
//! UTF-8 names, numbers with `_`, durations as numbers, stale markers, ranges
//! and lookback that are open at their older end, compensated sums.
//!
//! # Not supported
//!
//! Refused by [`Error::NotSupported`], which names the construct:
//!
//! - native histograms: there are none in a storage, so neither are there
//!   `histogram_count`, `_sum`, `_avg`, `_stddev` and `_stdvar`;
//!   `histogram_quantile` and `histogram_fraction` take classic ones;
//! - what Prometheus hides behind the flags for experimental functions, duration
//!   expressions, extended ranges (`smoothed`, `anchored`) and binary `fill`.
//!
//! # Different from Prometheus
//!
//! - Patterns lack what only RE2 knows, such as `\Q…\E`, `\101` and `\p{^Greek}`; such are refused.
//! - Strings have to be valid UTF-8, after their escapes too.
//! - Only a few annotations are made ([`Outcome::warnings`]): quantiles out of
//!   range, bad `le` labels, buckets whose counts fall.
//! - With `group_left`, series that a comparison drops may have equal labels.
//! - A date of NaN is NaN; in Prometheus it depends on the processor.
//! - Trees higher than [`Limits::expression_depth`] are refused.
//!
//! # Words
//!
//! A *step* is a time an expression is evaluated at. A *grid* holds the instant
//! vectors of all steps: a *row* for each series, a column for each step. A
//! *window* is what a range function sees of one series at one step. The *time
//! of reference* of a selector is the step's time moved by its modifiers.
//!
//! # Rooms
//!
//! | Module | What is in it |
//! | --- | --- |
//! | `parse` | text to tree, with all checks |
//! | `ast`, `matcher`, `pattern` | the tree |
//! | `query`, `eval` | evaluation from the top |
//! | `selector`, `window` | samples to grids, and what range functions see |
//! | `binary`, `aggregate`, `functions` | what operates on grids |
//! | `value`, `group`, `kahan` | grids and results, groups of series, sums |
//! | `storage`, `memory` | where samples come from |
//! | `limits`, `error` | what a query may use, what goes wrong |
//! | [`notation`] | series in test files |

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
mod pattern;
mod print;
mod query;
mod selector;
mod storage;
mod value;
mod window;

pub use ast::Type;
pub use error::{Error, Position};
pub use eval::Options;
pub use limits::{Limit, Limits};
pub use matcher::{MatchOp, Matcher};
pub use memory::MemoryStorage;
pub use query::{Outcome, Query, Selection};
pub use storage::{Select, Storage, Visit};
pub use value::{Metric, Sample, Series, Value};
