//! Shows what is read from a file, to hold it against another implementation.
//!
//! `cargo run --release -p wasmalert-ingest --example read -- scrape FILE CONTENT_TYPE JOB ADDRESS`
//! or `… -- write FILE...`: a line `{labels} = value` for each sample, sorted.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::sync::Arc;

use wasmalert_ingest::limits::WriteLimits;
use wasmalert_ingest::remote_write;
use wasmalert_ingest::scrape::{Answer, Rules, Scraped, Timing};
use wasmalert_ingest::target::{Job, TargetGroup};

type Failure = Box<dyn std::error::Error>;

fn scrape(file: &str, content_type: &str, job: &str, address: &str) -> Result<Vec<String>, Failure> {
    let body = std::fs::read(file)?;
    let job = Job {
        name: job.into(),
        ..Job::default()
    };
    let group = TargetGroup {
        targets: vec![address.into()],
        ..TargetGroup::default()
    };
    let target = job
        .targets(&[group])
        .map_err(|errors| format!("{errors:?}"))?
        .remove(0);
    let mut scraped = Scraped::new(
        &target,
        Arc::new(Rules {
            job,
            ..Rules::default()
        }),
    );
    let mut batch = Vec::new();
    let answer = Answer {
        content_type: Some(content_type),
        body: &body,
    };
    let timing = Timing {
        start_ms: 0,
        duration_seconds: 0.0,
    };
    let report = scraped.accept(Ok(answer), timing, &mut batch);
    let mut lines: Vec<String> = batch
        .iter()
        .map(|sample| format!("{} = {}", sample.labels, sample.value))
        .collect();
    if let Some(error) = report.error {
        lines.push(format!("failed: {error}"));
    }
    Ok(lines)
}

fn write(files: &[String]) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    for file in files {
        let request = remote_write::decode(&std::fs::read(file)?, &WriteLimits::default())?;
        for (labels, points) in request.iter() {
            lines.extend(points.iter().map(|point| format!("{labels} = {}", point.value)));
        }
    }
    Ok(lines)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut lines = match words[..] {
        ["scrape", file, content_type, job, address] => scrape(file, content_type, job, address)?,
        ["write", ..] => write(&arguments[1..])?,
        _ => return Err("expected scrape FILE CONTENT_TYPE JOB ADDRESS, or write FILE...".into()),
    };
    lines.sort_unstable();
    lines.dedup();
    for line in lines {
        println!("{line}");
    }
    Ok(())
}
