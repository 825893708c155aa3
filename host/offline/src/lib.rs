//! Rules without a server: rule files are read and checked, and their tests run in
//! simulated time.
//!
//! The same core, sandbox and evaluator as in the server decide what happens. Only
//! what is around them differs: there is no store and no network, every source is
//! the test's own series, and time jumps from one event to the next.
//!
//! Words used here: a *rule file* holds groups, as Prometheus writes them or as the
//! documents of `wasmalert apply`. A *suite* is a test file together with its rule
//! files; it has *tests*, each with *input series* and *checks*. A check looks at
//! one thing at one time and is a *failure* when that is not what was expected. A
//! *problem* is a file that cannot be understood, with its line.
//!
//! | Module | What is in it |
//! | --- | --- |
//! | `yaml`, `fields` | files to trees with lines, and trees to fields |
//! | [`rules`], `glob` | rule files |
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
mod fields;
mod glob;
mod live;
pub mod modules;
pub mod once;
mod problem;
pub mod report;
pub mod rules;
mod simulation;
pub mod suite;
mod yaml;

pub use modules::Modules;
pub use problem::{FILE_BYTES_MAX, Problem, ReadError, read_at_most, read_text};
pub use report::{Failure, Report, TestReport};
pub use suite::Suite;
