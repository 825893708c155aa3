//! Alert rules and notifiers for wasmalert, in Rust.
//!
//! A *rule* says what is wrong right now; the host owns pending, firing and
//! resolved. A *notifier* turns alerts into HTTP requests, which the host sends.
//! Both are pure: all they know comes through their arguments and the functions
//! of this crate, and nothing they do counts unless the run succeeds.
//!
//! ```
//! use wasmalert::prelude::*;
//!
//! struct HighCpu;
//!
//! #[derive(Deserialize)]
//! struct Config { above: f64 }
//!
//! impl Rule for HighCpu {
//!     type Config = Config;
//!
//!     fn describe() -> Description {
//!         Description::new("high-cpu", "Fires for each host whose CPU is too busy.")
//!     }
//!
//!     fn evaluate(_: &Context, config: Config) -> Result<Outcome, Error> {
//!         let mut outcome = Outcome::new();
//!         for host in query("avg by (host) (rate(cpu_seconds_total[5m]))")?.series() {
//!             if host.value > config.above {
//!                 outcome.find(host).annotation("summary", format!("{} is busy", host.label("host")));
//!             }
//!         }
//!         Ok(outcome)
//!     }
//! }
//!
//! wasmalert::rule!(HighCpu);
//!
//! // A test needs no WebAssembly tool:
//! use wasmalert::testing::FakeHost;
//!
//! let mut host = FakeHost::new().config(r#"{"above": 0.9}"#);
//! host.instant(
//!     "avg by (host) (rate(cpu_seconds_total[5m]))",
//!     &[(r#"{host="a"}"#, 0.97), (r#"{host="b"}"#, 0.12)],
//! );
//! let evaluation = host.evaluate::<HighCpu>().unwrap();
//! assert_eq!(evaluation.found(), [r#"{host="a"}"#]);
//! ```
//!
//! Build for `wasm32-unknown-unknown` as a `cdylib`; `docs/authoring.md` goes
//! through it step by step.

#[doc(hidden)]
pub mod bindings;
mod describe;
mod error;
mod host;
mod label;
pub mod log;
pub mod metrics;
mod notifier;
#[cfg(target_family = "wasm")]
mod panics;
mod query;
mod rule;
pub mod state;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod time;
pub mod timers;

pub use describe::Description;
pub use error::Error;
pub use label::{Label, Labels};
pub use notifier::{
    Alert, Batch, Disposition, Notifier, NotifierComponent, Request, Response, secret, without_secrets,
};
pub use query::{
    Frame, LabelColumn, Query, QueryError, RangeQuery, Samples, Series, prefetch, query, query_all,
};
pub use rule::{
    Context, Finding, Outcome, RecordedSample, Rule, RuleComponent, SeriesRef, Trigger, parse_config,
};

#[doc(no_inline)]
pub use serde;
#[doc(no_inline)]
pub use serde_json;

/// All that a rule or a notifier usually needs.
pub mod prelude {
    pub use crate::time::Span;
    pub use crate::{
        Alert, Batch, Context, Description, Disposition, Error, Finding, Frame, Label, LabelColumn, Labels,
        Notifier, Outcome, Query, QueryError, RangeQuery, RecordedSample, Request, Response, Rule, Samples,
        Series, SeriesRef, prefetch, query, query_all, secret, without_secrets,
    };
    pub use crate::{log, metrics, state, timers};
    pub use serde::{Deserialize, Serialize};
}

/// Makes the crate a component of the world `rule`; takes the type that
/// implements [`Rule`]. Once per crate, and not together with [`notifier!`].
#[macro_export]
macro_rules! rule {
    ($rule:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Component = $crate::RuleComponent<$rule>;
    $crate::bindings::rule::export!(Component with_types_in $crate::bindings::rule);
        };
    };
}

/// Makes the crate a component of the world `notifier`; takes the type that
/// implements [`Notifier`]. Once per crate, and not together with [`rule!`].
#[macro_export]
macro_rules! notifier {
    ($notifier:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Component = $crate::NotifierComponent<$notifier>;
    $crate::bindings::notifier::export!(Component with_types_in $crate::bindings::notifier);
        };
    };
}

/// Keeps the README's rule compiling.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
