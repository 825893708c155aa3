//! Rule files as texts, without IO but for reading a file whole.
//!
//! A *rule file* holds groups, as Prometheus writes them or as the documents of
//! `wasmalert apply`. A *problem* is what cannot be understood in a file, with its line.
//!
//! | Module | What is in it |
//! | --- | --- |
//! | [`yaml`], [`fields`] | files to trees with lines, and trees to fields |
//! | [`rules`] | rule files |
//! | [`body`] | their groups as the API takes them |
//! | [`template`] | templates in labels and annotations |
//! | [`problem`] | what is wrong, and where |

pub mod body;
pub mod fields;
pub mod problem;
pub mod rules;
pub mod template;
pub mod yaml;

pub use problem::{FILE_BYTES_MAX, Problem, ReadError, read_at_most, read_text};
