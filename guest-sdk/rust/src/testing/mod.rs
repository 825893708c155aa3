//! A host for tests, which need no WebAssembly tool.
//!
//! [`FakeHost`] answers queries, keeps state and timers from one evaluation to
//! the next, and moves time only when told. It keeps the host's contract:
//! effects are dropped when an evaluation fails; a failed query fails it, even
//! when the rule swallows the error, unless the query may fail; two findings
//! with the same labels fail it; so does going over a limit. Every evaluation
//! runs twice and panics when the runs differ, since the real host may run a
//! rule as often as it likes.
//!
//! Series are written as Prometheus writes them: `up{job="node", host="a"}`.

mod answer;
mod host;
pub(crate) mod imports;
mod judge;
mod notify;
mod run;
mod series;

pub use answer::{Answer, Asked, When};
pub use host::{FakeHost, START_MS, STEPS_MAX, Step};
pub use judge::{Evaluation, Failure};
pub use notify::{alert, response};
pub use series::{frame, parse_series, range_frame};

pub use wasmalert_core::Labels;
pub use wasmalert_core::evaluation::{
    Finding, LogLevel, LogLine, MetricChange, MetricUpdate, RecordedSample, State, Timer, Timers,
};
pub use wasmalert_core::frame::Frame;
pub use wasmalert_core::limits::{Limit, Limits};
