//! The embedded source beside a Prometheus: the same five million samples sent to
//! both by remote write, asked for, and read again after a restart.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmalert_bench::process::Process;
use wasmalert_bench::{Scratch, median_us, now, report, timed};
use wasmalert_core::Labels;
use wasmalert_core::sample::Sample;
use wasmalert_ingest::remote_write::{self, encode};

const JOBS: usize = 10;
const SERIES_PER_JOB: usize = 1_000;
const SERIES: usize = JOBS * SERIES_PER_JOB;
const SAMPLES_PER_SERIES: usize = 500;
const SAMPLES: f64 = (SERIES * SAMPLES_PER_SERIES) as f64;
const STEP_MS: i64 = 15_000;
/// As Prometheus sends them at most.
const SERIES_PER_REQUEST: usize = 2_000;
const QUERIES: usize = 40;
const QUERY: &str = "sum%20by%20(job)%20(rate(http_requests_total%5B5m%5D))";
/// What one sample may take.
const AIM_BYTES: f64 = 4.0;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let scratch = Scratch::new("samples")?;
    let (ours, reference) = (scratch.path().join("ours"), scratch.path().join("reference"));
    fs::create_dir_all(&ours)?;
    fs::create_dir_all(&reference)?;
    let end_ms = end_ms()?;
    let start_wasmalert = || Process::wasmalert(&ours, &[]);
    let start_prometheus = || Process::prometheus(&reference);
    let servers = [start_wasmalert()?, start_prometheus()?];

    let empty = [servers[0].resident_bytes()?, servers[1].resident_bytes()?];
    let cpu = ingest(&servers, end_ms)?;
    report(
        "samples/ingest",
        SAMPLES / cpu[0],
        SAMPLES / cpu[1],
        "samples per core-second",
    );
    let counted = counted_bytes(&servers[0])?;
    report("samples/bytes", counted, AIM_BYTES, "bytes per sample");
    let resident = |at: usize| -> Result<f64> {
        Ok(servers[at].resident_bytes()?.saturating_sub(empty[at]) as f64 / SAMPLES)
    };
    report("samples/resident", resident(0)?, resident(1)?, "bytes per sample");

    let (mut times, cpu) = queries(&servers, end_ms)?;
    let [median, median_reference] = times.each_mut().map(|times| median_us(times) / 1e3);
    report("samples/query", median, median_reference, "ms");
    report(
        "samples/query_cpu",
        cpu[0] * 1e3,
        cpu[1] * 1e3,
        "ms of processor time",
    );

    for server in servers {
        server.stop()?;
    }
    let on_disk = [
        bytes_within(&ours.join("data/samples"))?,
        bytes_within(&reference.join("prometheus"))?,
    ];
    let on_disk = on_disk.map(|bytes| bytes as f64 / SAMPLES);
    report("samples/disk", on_disk[0], on_disk[1], "bytes per sample");
    let restarted = [
        restart(&start_wasmalert, end_ms)?,
        restart(&start_prometheus, end_ms)?,
    ];
    report("samples/restart", restarted[0], restarted[1], "s");
    Ok(())
}

/// The time of the last samples: now.
#[expect(
    clippy::disallowed_methods,
    reason = "a Prometheus takes no samples of any other time"
)]
fn end_ms() -> Result<i64> {
    Ok(i64::try_from(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis(),
    )?)
}

/// Sends everything to both servers in turn, slot after slot as scrapes bring it;
/// gives the processor time that each took.
fn ingest(servers: &[Process; 2], end_ms: i64) -> Result<[f64; 2]> {
    let headers = [
        ("Content-Type", remote_write::CONTENT_TYPE),
        ("Content-Encoding", remote_write::CONTENT_ENCODING),
        ("X-Prometheus-Remote-Write-Version", remote_write::VERSION),
    ];
    let series: Vec<Labels> = (0..SERIES).map(labels).collect();
    let mut values = vec![0.0; SERIES];
    let mut seed = 1_u64;
    let before = [servers[0].cpu_seconds()?, servers[1].cpu_seconds()?];
    for slot in 0..SAMPLES_PER_SERIES {
        let timestamp_ms = end_ms - STEP_MS * (SAMPLES_PER_SERIES - 1 - slot) as i64;
        for (labels, values) in series
            .chunks(SERIES_PER_REQUEST)
            .zip(values.chunks_mut(SERIES_PER_REQUEST))
        {
            let samples: Vec<Sample> = values
                .iter_mut()
                .map(|value| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    *value += (seed >> 56) as f64;
                    Sample {
                        timestamp_ms,
                        value: *value,
                    }
                })
                .collect();
            let body = encode(labels.iter().zip(samples.chunks(1)))?;
            for server in servers {
                server.ask("POST", "/api/v1/write", &headers, &body)?;
            }
        }
    }
    Ok([
        servers[0].cpu_seconds()? - before[0],
        servers[1].cpu_seconds()? - before[1],
    ])
}

fn labels(at: usize) -> Labels {
    let (job, instance) = (at / SERIES_PER_JOB, at % SERIES_PER_JOB);
    Labels::from_iter([
        ("__name__", "http_requests_total".to_owned()),
        ("job", format!("service-{job}")),
        (
            "instance",
            format!("10.0.{}.{}:8080", instance / 250, instance % 250),
        ),
        ("code", "200".to_owned()),
        ("env", "prod".to_owned()),
    ])
}

/// What a sample takes, index included, as the server counts it.
fn counted_bytes(server: &Process) -> Result<f64> {
    let metrics = server.ask("GET", "/metrics", &[], b"")?;
    let value = |name: &str| -> Result<f64> {
        let line = metrics
            .lines()
            .find(|line| line.starts_with(&format!("{name}{{")));
        let value = line.and_then(|line| line.rsplit_once(' '));
        Ok(value.ok_or_else(|| format!("no {name} at /metrics"))?.1.parse()?)
    };
    let held = value("wasmalert_samples_held")?;
    if held < SAMPLES {
        return Err(format!("only {held} samples are there").into());
    }
    Ok(value("wasmalert_samples_bytes")? / held)
}

/// Asks both servers in turn; gives the times and the processor time of a query.
fn queries(servers: &[Process; 2], end_ms: i64) -> Result<([Vec<Duration>; 2], [f64; 2])> {
    let before = [servers[0].cpu_seconds()?, servers[1].cpu_seconds()?];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..QUERIES {
        for (server, times) in servers.iter().zip(&mut times) {
            times.push(timed(|| query(server, end_ms))?);
        }
    }
    let cpu = |at: usize| -> Result<f64> { Ok((servers[at].cpu_seconds()? - before[at]) / QUERIES as f64) };
    Ok((times, [cpu(0)?, cpu(1)?]))
}

fn query(server: &Process, end_ms: i64) -> Result<()> {
    let seconds = end_ms as f64 / 1e3;
    let answer = server.ask(
        "GET",
        &format!("/api/v1/query?query={QUERY}&time={seconds}"),
        &[],
        b"",
    )?;
    match answer.matches("\"job\"").count() {
        JOBS => Ok(()),
        found => Err(format!("{found} series instead of {JOBS}: {answer}").into()),
    }
}

/// Seconds from the start to an answer that has everything.
fn restart(start: &dyn Fn() -> Result<Process>, end_ms: i64) -> Result<f64> {
    let started = now();
    let server = start()?;
    query(&server, end_ms)?;
    Ok(started.elapsed().as_secs_f64())
}

fn bytes_within(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() {
            bytes_within(&entry.path())?
        } else {
            about.len()
        };
    }
    Ok(bytes)
}
