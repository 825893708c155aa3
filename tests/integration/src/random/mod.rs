//! Random input for the whole server: components, answers of sources, calls of the API.
//!
//! A *seed* and a *number* make an input, the same two the same again. A plain run takes a few
//! inputs of a fixed seed; with `FUZZ_SECONDS` a test goes on for that long, from `FUZZ_SEED` or
//! a seed of the moment, which it prints.

mod answers;
mod api;
mod components;
mod uploads;

use std::time::Duration;

use tokio::time::Instant;

use crate::harness::{Server, workspace_root};

/// The seed of plain runs.
const SEED: u64 = 1;
/// The longest text of a fault or a refusal, with its ellipsis.
const TEXT_BYTES_MAX: usize = 1_100;
/// Resident bytes that the server may keep: the same as after the attacks of `hostile`.
const GROWTH_BYTES_MAX: u64 = 192 << 20;

/// How many inputs a test takes, and of which seed.
struct Plan {
    seed: u64,
    /// Set where the time decides and not the count.
    until: Option<Instant>,
    count: u64,
}

impl Plan {
    /// So many inputs, unless the environment says for how long.
    fn new(count: u64) -> Self {
        let seconds = setting("FUZZ_SECONDS").map(Duration::from_secs);
        let of_the_moment = seconds.map(|_| u64::from(std::process::id()));
        let plan = Self {
            seed: setting("FUZZ_SEED").or(of_the_moment).unwrap_or(SEED),
            until: seconds.map(|seconds| Instant::now() + seconds),
            count,
        };
        eprintln!("FUZZ_SEED={}", plan.seed);
        plan
    }

    /// Whether there is another input after that many.
    fn goes_on(&self, done: u64) -> bool {
        self.until
            .map_or(done < self.count, |until| Instant::now() < until)
    }
}

#[expect(clippy::disallowed_methods, reason = "switches for people who fuzz")]
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}")))
}

/// Numbers that look random: splitmix64.
struct Chance(u64);

impl Chance {
    fn new(seed: u64, number: u64) -> Self {
        let mut mixed = Self(seed);
        Self(mixed.next() ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `bound`, without it.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("is less than a usize")
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

#[test]
fn the_same_seed_and_number_are_the_same_input() {
    let bytes = |seed, number| Chance::new(seed, number).bytes(16);
    assert_eq!(bytes(1, 2), bytes(1, 2));
    assert_ne!(bytes(1, 2), bytes(1, 3));
    assert_ne!(bytes(1, 2), bytes(2, 2));
}

/// The tables of codes in docs/limits.md.
struct Codes(String);

impl Codes {
    fn read() -> Self {
        let limits = std::fs::read_to_string(workspace_root().join("docs/limits.md"));
        Self(limits.expect("docs/limits.md is there"))
    }

    /// Whether an upload or an evaluation may end with it: it is documented, and not the host's fault.
    fn allow(&self, code: &str) -> bool {
        !["host_error", "overloaded", "module_unavailable"].contains(&code)
            && self.0.contains(&format!("| `{code}` |"))
    }
}

/// Whether a text may be shown to people.
fn is_clear(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control)
}

fn assert_no_panic(server: &Server) {
    let log = server.log();
    let panic = log.lines().find(|line| line.contains("panicked"));
    assert_eq!(panic, None, "the server panicked");
}
