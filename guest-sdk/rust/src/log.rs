//! Lines for people, shown in the host's log and with the evaluation.
//!
//! ```
//! use wasmalert::log;
//! # use wasmalert::prelude::*;
//! # fn rule(host: &str, series: usize) {
//! log::info("all quiet");
//! log::warn(format!("{host} has {series} series"));
//! log::write(log::Level::Error, "cannot tell", &[("host", host)]);
//! # }
//! ```

pub use crate::bindings::rule::wasmalert::rules::log::Level;

use crate::host::log as host;
use crate::label::from_pairs;

/// Writes one line with named fields.
pub fn write(level: Level, message: impl AsRef<str>, fields: &[(&str, &str)]) {
    host::write(level, message.as_ref(), &from_pairs(fields));
}

/// Writes one line at the level `trace`.
pub fn trace(message: impl AsRef<str>) {
    write(Level::Trace, message, &[]);
}

/// Writes one line at the level `debug`.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message, &[]);
}

/// Writes one line at the level `info`.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message, &[]);
}

/// Writes one line at the level `warn`.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message, &[]);
}

/// Writes one line at the level `error`.
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message, &[]);
}
