//! What the benchmarks share: where things lie, the clock, and the line that
//! each result is.

pub mod process;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

/// Prints one result as a line of JSON.
///
/// `ours` is what was measured, `reference` what it is held against, both in
/// `unit`; `ratio` is the one by the other.
#[expect(clippy::print_stdout, reason = "the lines are what a benchmark is for")]
pub fn report(bench: &str, ours: f64, reference: f64, unit: &str) {
    let rounded = |value: f64| (value * 100.0).round() / 100.0;
    let line = json!({
        "bench": bench,
        "ours": rounded(ours),
        "reference": rounded(reference),
        "ratio": rounded(ours / reference),
        "unit": unit,
    });
    println!("{line}");
}

/// The time that benchmarks measure by.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what a benchmark does"
)]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// How long a call takes, its result's drop included.
pub fn timed<T, E>(call: impl FnOnce() -> Result<T, E>) -> Result<Duration, E> {
    let started = now();
    drop(call()?);
    Ok(started.elapsed())
}

/// The middle of some measurements in µs, 0 when there are none.
#[must_use]
pub fn median_us(measured: &mut [Duration]) -> f64 {
    measured.sort_unstable();
    let middle = measured.get(measured.len() / 2).copied();
    middle.unwrap_or_default().as_secs_f64() * 1e6
}

/// A program that was built beside this benchmark.
///
/// # Errors
/// It was not built.
pub fn program(name: &str) -> io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    // A benchmark lies in `release/deps`.
    let path = this.parent().and_then(Path::parent).map(|dir| dir.join(name));
    path.filter(|path| path.exists())
        .ok_or_else(|| io::Error::other(format!("the program {name} is missing: run `make build` first")))
}

/// The bytes of a stock component.
///
/// # Errors
/// The components were not built.
pub fn component(name: &str) -> io::Result<Vec<u8>> {
    built(&format!("target/components/{name}.wasm"), "make components")
}

/// The bytes of a guest that misbehaves.
///
/// # Errors
/// The guests were not built.
pub fn guest(name: &str) -> io::Result<Vec<u8>> {
    built(&format!("target/guests/{name}.wasm"), "scripts/hostile")
}

fn built(path: &str, by: &str) -> io::Result<Vec<u8>> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path))
        .map_err(|error| io::Error::other(format!("{path}: {error}; run `{by}` first")))
}

/// A folder that is removed when dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty folder for this process.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(name: &str) -> io::Result<Self> {
        let unique = format!("wasmalert-bench-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(unique);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
