//! What one evaluation costs, beside what wasmtime alone takes for it.
//!
//! *Ours* is a run of a stock component as the server runs it. The *floor* is the same machine code in an
//! engine of the same settings with the thinnest host there can be. Samples of
//! both alternate, so that what else the machine does falls on both.

mod case;
mod floor;
mod ours;

use std::error::Error;
use std::time::Duration;

use case::{CASES, Case};
use floor::Floor;
use ours::Ours;
use wasmalert_bench::{Scratch, component, median_us, now, program, report, timed};
use wasmalert_sandbox::{CompileLimits, compile};

const SERIES: [usize; 3] = [1, 100, 10_000];
/// Time that the samples of one case take, ours and the floor's together.
const SAMPLING: Duration = Duration::from_secs(2);
/// Pairs of samples that each case has at least.
const PAIRS_MIN: usize = 50;
/// Pairs that come first and do not count.
const PAIRS_WARM: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    for case in &CASES {
        measure(case)?;
    }
    Ok(())
}

fn measure(case: &Case) -> Result<(), Box<dyn Error>> {
    let wasm = component(case.component)?;
    let compiled = compile(&program("componentize")?, &wasm, &CompileLimits::default())?;
    let scratch = Scratch::new(case.name)?;
    let ours = Ours::new(scratch.path(), case.component, &compiled.artifact)?;
    let floor = Floor::new(&compiled.artifact)?;
    let mut of_one_us = None;
    for series in SERIES {
        let (ours_us, floor_us) = sample(&ours, &floor, case, series)?;
        report(
            &format!("evaluation/{}/{series}", case.name),
            ours_us,
            floor_us,
            "µs",
        );
        let of_one_us = *of_one_us.get_or_insert(ours_us);
        if series > 1_000 {
            let line = format!("evaluation/{}/{series}_vs_1", case.name);
            report(&line, ours_us, of_one_us, "µs");
        }
    }
    Ok(())
}

/// Medians of one case: ours and the floor's.
fn sample(ours: &Ours, floor: &Floor, case: &Case, series: usize) -> Result<(f64, f64), Box<dyn Error>> {
    let (ours, floor) = (ours.prepare(case, series)?, floor.prepare(case, series));
    for _ in 0..PAIRS_WARM {
        timed(|| ours.evaluate())?;
        timed(|| floor.evaluate())?;
    }
    let (mut ours_took, mut floor_took) = (Vec::new(), Vec::new());
    let started = now();
    while started.elapsed() < SAMPLING || ours_took.len() < PAIRS_MIN {
        ours_took.push(timed(|| ours.evaluate())?);
        floor_took.push(timed(|| floor.evaluate())?);
    }
    Ok((median_us(&mut ours_took), median_us(&mut floor_took)))
}
