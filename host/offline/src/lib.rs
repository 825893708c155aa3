//! Rules without a server: tests of rule files run in simulated time.
//!
//! The same core, sandbox and evaluator as in the server decide what happens. Only
//! what is around them differs: there is no store and no network, every source is
//! the test's own series, and time jumps from one event to the next.
//!
//! Words used here: a *suite* is a test file together with its rule files; it has
//! *tests*, each with *input series* and *checks*. A check looks at one thing at one
//! time and is a *failure* when that is not what was expected.
//!
//! | Module | What is in it |
//! | --- | --- |
//! | `glob` | rule files found by patterns |
//! | [`suite`] | test files |
//! | [`modules`] | components: found, compiled, loaded |
//! | `data` | series and queries of a test |
//! | [`once`] | one evaluation of a component |
//! | `live` | a rule of a test, evaluated |
//! | `simulation` | the time of a test |
//! | `deliver` | notifiers: alerts to requests, answers to what they mean |
//! | `check` | what was expected, compared |
//! | [`report`] | what came of it, as text and as JUnit XML |

mod check;
mod data;
mod deliver;
mod glob;
mod live;
pub mod modules;
pub mod once;
pub mod report;
mod simulation;
pub mod suite;

pub use modules::Modules;
pub use report::{Failure, Report, TestReport};
pub use suite::Suite;
