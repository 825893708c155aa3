//! Noisy neighbours: 100 tenants who behave, alone at first, and then beside 10 who
//! do what they can to be in the way.
//!
//! The attackers' calls come from a process of its own at the least priority, so
//! that what is measured is how the server shares the machine, not the kernel.

mod attack;
mod good;
mod lag;
mod sink;

use std::error::Error;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use wasmalert_bench::process::Process;
use wasmalert_bench::{Scratch, report};

use self::lag::Lag;
use self::sink::Sink;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const GOOD: usize = 100;
const ATTACKERS: usize = 10;
/// Before each measurement.
const SETTLE: Duration = Duration::from_secs(15);
const QUIET: Duration = Duration::from_secs(40);
const ATTACKED: Duration = Duration::from_secs(60);
/// How much of the quiet lag, and what beside it, the attacked one may be.
const AIM: (f64, f64) = (1.5, 50.0);

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(attack::COMMAND) {
        return attack::run(&args.next().unwrap_or_default());
    }
    let scratch = Scratch::new("neighbours")?;
    let sink = Sink::start()?;
    // The sink is on this machine, where tenants may not go by default.
    let settings = [
        ("WASMALERT_EGRESS_PRIVATE", "127.0.0.0/8"),
        ("WASMALERT_LOG", "error"),
        // What is measured is how they are kept apart, not how they are stopped.
        ("WASMALERT_PAUSE_AFTER", "0"),
    ];
    let server = Process::wasmalert(scratch.path(), &settings)?;
    for at in 0..GOOD {
        good::set_up(&server, &sink, at)?;
    }
    thread::sleep(SETTLE);
    let quiet = measured(&server, QUIET)?;

    for at in 0..ATTACKERS {
        attack::set_up(&server, &sink, at)?;
    }
    let attackers = Attackers::start(server.address())?;
    thread::sleep(SETTLE);
    let attacked = measured(&server, ATTACKED)?;
    drop(attackers);

    let [quiet_ms, attacked_ms] = [&quiet, &attacked].map(|lag| lag.p99_seconds() * 1e3);
    report("neighbours/slot_lag_p99", attacked_ms, quiet_ms, "ms");
    let bound_ms = AIM.0 * quiet_ms + AIM.1;
    report("neighbours/slot_lag_p99_bound", attacked_ms, bound_ms, "ms");
    report(
        "neighbours/missed_slots",
        attacked.missed,
        attacked.slots,
        "slots",
    );
    let (lost, expected) = good::lost(&server, &sink)?;
    report("neighbours/lost_notifications", lost, expected, "notifications");
    Ok(())
}

/// What the good tenants' lag is over a time.
fn measured(server: &Process, time: Duration) -> Result<Lag> {
    let before = Lag::read(&server.ask("GET", "/metrics", &[], b"")?);
    thread::sleep(time);
    let after = Lag::read(&server.ask("GET", "/metrics", &[], b"")?);
    Ok(after.since(&before))
}

/// The process of the attackers; dropping it ends it.
struct Attackers(Child);

impl Attackers {
    fn start(address: &str) -> Result<Self> {
        let child = Command::new("nice")
            .args(["-n", "19"])
            .arg(std::env::current_exe()?)
            .args([attack::COMMAND, address])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
