//! Quick work, and long work that must not hold it up.
//!
//! Nobody can say beforehand how long a piece of work takes. So it gets a short
//! time among the quick ones; what is not done then is stopped, and done anew among
//! the long ones, on threads that get a processor when no quick one wants it.

use tokio::sync::oneshot;
use wasmalert_core::fair::Full;
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_sandbox::thread_cpu_ns;

use super::Claim;
use super::workers::{Crew, Workers};

/// Niceness of the quick lane: it stands back a little behind what hands results on and
/// writes them down, which takes less and is waited for by everybody.
const QUICK_NICE: i32 = 5;
/// Niceness of the long lane: its threads get about a tenth of a processor that
/// quick ones want all the time.
const LONG_NICE: i32 = 15;

/// How much work is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// At most [`Lane::SLICE_MS`] of a processor.
    Quick,
    Long,
}

impl Lane {
    /// Processor time that a job may take in the quick lane, about: a rule over thousands of
    /// series takes less, and a group of ten waits ten times for the jobs before it.
    pub(crate) const SLICE_MS: u64 = 2;
    /// Bytes of text that can be read in a slice, about.
    const SLICE_BYTES: usize = 1 << 19;

    /// Where to read so many bytes of a text, which cannot be stopped.
    #[must_use]
    pub(crate) fn for_bytes(bytes: usize) -> Self {
        if bytes <= Self::SLICE_BYTES {
            Self::Quick
        } else {
            Self::Long
        }
    }
}

/// Workers for either.
pub(crate) struct Lanes {
    quick: Workers,
    long: Workers,
}

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undone {
    #[error("{}", full(*.0))]
    Full(Full),
    #[error("the thread panicked; see the server's log")]
    Panicked,
}

fn full(full: Full) -> String {
    match full {
        Full::All(waiting) => format!("{waiting} jobs of all tenants are waiting already"),
        Full::Own(waiting) => format!("{waiting} jobs of this tenant are waiting already"),
    }
}

impl From<Undone> for Fault {
    fn from(undone: Undone) -> Self {
        let code = match undone {
            Undone::Full(_) => FaultCode::Overloaded,
            Undone::Panicked => FaultCode::HostError,
        };
        Self::new(code, undone.to_string())
    }
}

impl Lanes {
    /// Starts the threads of either lane: as many for the long one, since they stand back.
    #[must_use]
    pub(crate) fn start(crew: &Crew) -> Self {
        let with_nice = |nice| Crew {
            nice: crew.nice + nice,
            ..crew.clone()
        };
        Self {
            quick: Workers::start(&with_nice(QUICK_NICE)),
            long: Workers::start(&with_nice(LONG_NICE)),
        }
    }

    /// Does a job, and says how much processor time it took, in nanoseconds.
    ///
    /// # Errors
    /// There is no room, or the job panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        claim: &Claim,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, u64), Undone> {
        let workers = match lane {
            Lane::Quick => &self.quick,
            Lane::Long => &self.long,
        };
        let (answer, answered) = oneshot::channel();
        let job = move || {
            let before_ns = thread_cpu_ns();
            let done = job();
            let cpu_ns = thread_cpu_ns().saturating_sub(before_ns);
            // Nobody waits any more when the host stops.
            let _ = answer.send((done, cpu_ns));
            cpu_ns
        };
        workers.submit(claim, Box::new(job)).map_err(Undone::Full)?;
        answered.await.map_err(|_| Undone::Panicked)
    }

    /// Jobs that wait for a thread.
    #[must_use]
    pub(crate) fn waiting(&self) -> usize {
        self.quick.waiting() + self.long.waiting()
    }
}
