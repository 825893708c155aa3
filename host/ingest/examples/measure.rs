//! Measures parsing and scraping in the steady state: a JSON line each.
//!
//! `cargo run --release -p wasmalert-ingest --example measure`: an exposition made
//! up here. `… --example measure -- FILE CONTENT_TYPE`: one of a real exporter.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures, so it reads the clock")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmalert_core::sample::Sample;
use wasmalert_ingest::limits::WriteLimits;
use wasmalert_ingest::remote_write;
use wasmalert_ingest::scrape::{Answer, Rules, Scraped, Timing};
use wasmalert_ingest::target::{Job, TargetGroup};
use wasmalert_ingest::text::{Format, Line, Parser};

type Failure = Box<dyn std::error::Error>;

const SERIES: usize = 1_000;
/// Enough that no processor cache holds what is remembered of them.
const TARGETS: usize = 200;
const MEASURE_FOR: Duration = Duration::from_millis(500);

fn made_up() -> String {
    let mut text = String::from("# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n");
    for n in 0..SERIES {
        let (code, path) = (200 + n % 5, n / 5);
        text += &format!(
            "http_requests_total{{code=\"{code}\",handler=\"/api/v1/path/{path}\",method=\"get\",version=\"2.14.1\"}} {}\n",
            n * 7_919 + 3
        );
    }
    text
}

/// Runs work over and over, and says what one run takes.
fn measure(
    name: &str,
    bytes: usize,
    samples: usize,
    mut work: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    work()?;
    let start = Instant::now();
    let mut runs = 0_u32;
    while start.elapsed() < MEASURE_FOR {
        work()?;
        runs += 1;
    }
    let seconds = start.elapsed().as_secs_f64() / f64::from(runs);
    let mb_per_second = bytes as f64 / seconds / 1e6;
    let ns_per_sample = seconds * 1e9 / samples as f64;
    println!(
        "{{\"name\":\"{name}\",\"bytes\":{bytes},\"samples\":{samples},\
         \"mb_per_second\":{mb_per_second:.0},\"ns_per_sample\":{ns_per_sample:.1}}}"
    );
    Ok(())
}

fn parse(format: Format, body: &[u8], with_labels: bool) -> Result<usize, Failure> {
    let mut parser = Parser::new(format, body)?;
    let mut samples = 0;
    while let Some(line) = parser.next(None)? {
        if let Line::Sample(sample) = line {
            samples += 1;
            if with_labels {
                std::hint::black_box(sample.series.labels()?);
            }
        }
    }
    Ok(samples)
}

fn scraped() -> Result<Scraped, Failure> {
    let job = Job {
        name: "measure".into(),
        ..Job::default()
    };
    let group = TargetGroup {
        targets: vec!["localhost:9100".into()],
        ..TargetGroup::default()
    };
    let target = job
        .targets(&[group])
        .map_err(|errors| format!("{errors:?}"))?
        .remove(0);
    Ok(Scraped::new(
        &target,
        Arc::new(Rules {
            job,
            ..Rules::default()
        }),
    ))
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let body = match arguments.next() {
        Some(file) => std::fs::read(file)?,
        None => made_up().into_bytes(),
    };
    let content_type = arguments.next().unwrap_or_else(|| "text/plain".into());
    let format = Format::of_content_type(Some(&content_type), None)?;
    let samples = parse(format, &body, true)?;
    measure("parse", body.len(), samples, || {
        parse(format, &body, false).map(drop)
    })?;
    measure("parse_with_labels", body.len(), samples, || {
        parse(format, &body, true).map(drop)
    })?;

    let answer = Answer {
        content_type: Some(&content_type),
        body: &body,
    };
    let timing = Timing {
        start_ms: 1,
        duration_seconds: 0.1,
    };
    let mut batch = Vec::new();
    let mut accept = |scraped: &mut Scraped| -> Result<(), Failure> {
        batch.clear();
        match scraped.accept(Ok(answer), timing, &mut batch).error {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    };
    measure("first_scrape", body.len(), samples, || accept(&mut scraped()?))?;
    let mut steady = scraped()?;
    measure("steady_scrape", body.len(), samples, || accept(&mut steady))?;

    let mut many = (0..TARGETS).map(|_| scraped()).collect::<Result<Vec<_>, _>>()?;
    let (bytes, all_samples) = (body.len() * TARGETS, samples * TARGETS);
    measure("steady_scrape_of_many_targets", bytes, all_samples, || {
        many.iter_mut().try_for_each(&mut accept)
    })?;

    let samples: Vec<Sample> = batch
        .iter()
        .map(|sample| Sample {
            timestamp_ms: sample.timestamp_ms,
            value: sample.value,
        })
        .collect();
    let series = batch
        .iter()
        .zip(&samples)
        .map(|(scraped, sample)| (&*scraped.labels, std::slice::from_ref(sample)));
    let request = remote_write::encode(series)?;
    let limits = WriteLimits::default();
    measure("remote_write_decode", request.len(), samples.len(), || {
        std::hint::black_box(remote_write::decode(&request, &limits)?);
        Ok(())
    })
}
