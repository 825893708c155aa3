//! Fair shares of what tenants use together: nobody is delayed by more than a
//! bounded amount, whatever others do.
//!
//! Evaluation, compilation, queries, deliveries and uploads have queues of their
//! own, each shared by weighted deficit round robin ([`wasmalert_core::fair`]).
//! *Workers* are threads that a job waits for; *lanes* are quick workers and, for
//! what turns out to take long, workers of low priority; *turns* are shared the same
//! way by tasks that wait for something else than a processor.

use wasmalert_core::TenantId;
use wasmalert_core::fair::Share;

mod lanes;
mod turns;
mod workers;

pub(crate) use lanes::{Lane, Lanes, Undone};
pub(crate) use turns::{Turn, Turns};
pub(crate) use workers::Crew;

/// Who wants something that is shared, and what they get of it.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) tenant: TenantId,
    pub(crate) share: Share,
}

impl Claim {
    /// The same for something of which they may have `at_once`.
    #[must_use]
    pub(crate) fn with_at_once(&self, at_once: usize) -> Self {
        Self {
            tenant: self.tenant.clone(),
            share: Share {
                at_once,
                ..self.share
            },
        }
    }
}

#[cfg(test)]
mod tests;
