//! Runs the files of `tests/promqltest`, and on demand those of upstream.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod runner;

use std::fmt::Write;
use std::path::Path;

/// Runs all files of a folder; the answer is a table and all failures.
fn run(folder: &Path) -> (String, Vec<String>) {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    let (mut table, mut failures) = (String::new(), Vec::new());
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy();
        let report = runner::run(&std::fs::read_to_string(&path).unwrap());
        writeln!(
            table,
            "{name}: {} passed, {} skipped",
            report.passed,
            report.skipped_count()
        )
        .unwrap();
        for (reason, lines) in &report.skipped {
            writeln!(table, "  {}: {reason}", lines.len()).unwrap();
            println!("{name}: skipped lines {lines:?}: {reason}");
        }
        failures.extend(
            report
                .failures
                .into_iter()
                .map(|failure| format!("{name}: {failure}")),
        );
    }
    (table, failures)
}

#[test]
#[ignore = "needs the files of Prometheus' promql/promqltest/testdata: PROMQLTEST_DIR=… cargo test -- --ignored"]
#[expect(
    clippy::disallowed_methods,
    reason = "says where the files are that are not in the repository"
)]
fn upstream_files_pass() {
    let folder = std::env::var("PROMQLTEST_DIR").expect("PROMQLTEST_DIR names the folder with the files");
    let (table, failures) = run(Path::new(&folder));
    println!("\n{table}");
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(table, include_str!("promqltest/expected-upstream.txt"));
}

/// The goldens say how many cases pass and which are skipped, so that none is
/// lost unseen.
#[test]
fn files_pass() {
    let (table, failures) = run(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/promqltest"
    )));
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(table, include_str!("promqltest/expected.txt"));
}
