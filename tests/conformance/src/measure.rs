//! What a guest costs.

use serde_json::{Value, json};
use wasmalert_core::evaluation::Cost;

use crate::guest::{Given, Guest, many};

/// Evaluations that the median is of.
const EVALUATIONS: usize = 101;

/// What is shown of a guest.
#[derive(Debug)]
pub struct Measured {
    pub component_bytes: u64,
    pub compile_ms: u64,
    /// Over 10 and over 1,000 series.
    pub costs: [Cost; 2],
}

/// Evaluates `instant` over 10 and 1,000 series, the answer in the journal from the second run on.
///
/// # Errors
/// An evaluation fails.
pub fn measure(guest: &Guest) -> Result<Measured, String> {
    let cost = |series: usize| -> Result<Cost, String> {
        let given = Given::answering("cpu", many(series));
        let mut costs = Vec::with_capacity(EVALUATIONS);
        for _ in 0..EVALUATIONS {
            let done = guest.evaluate(r#"{"do": "instant", "above": 0.9}"#, &given);
            let done = done.map_err(|failed| failed.fault.to_string())?;
            if done.outcome.findings.len() != series / 10 {
                return Err(format!(
                    "{} found of {series} series",
                    done.outcome.findings.len()
                ));
            }
            costs.push(done.cost);
        }
        costs.sort_by_key(|cost| cost.cpu_ns);
        Ok(costs.swap_remove(EVALUATIONS / 2))
    };
    Ok(Measured {
        component_bytes: guest.component_bytes,
        compile_ms: guest.compile_ms,
        costs: [cost(10)?, cost(1_000)?],
    })
}

impl Measured {
    #[must_use]
    pub fn json(&self) -> Value {
        let [ten, thousand] = &self.costs;
        json!({
            "component_bytes": self.component_bytes,
            "compile_ms": self.compile_ms,
            "cpu_ns_10": ten.cpu_ns,
            "cpu_ns_1000": thousand.cpu_ns,
            "fuel_10": ten.fuel,
            "fuel_1000": thousand.fuel,
            "memory_bytes": thousand.memory_bytes,
        })
    }
}
