//! What work costs: time of a processor, which does not depend on how busy the
//! machine is.

use rustix::time::{ClockId, clock_gettime};

/// Time of a processor that this thread has used so far, in nanoseconds.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (
        used.tv_sec.max(0).unsigned_abs(),
        used.tv_nsec.max(0).unsigned_abs(),
    );
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
