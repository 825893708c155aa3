//! Turns: so many at a time, shared fairly by the tenants who wait for them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use wasmalert_core::TenantId;
use wasmalert_core::fair::{self, FairQueue, Full};

use super::Claim;

/// A queue for turns; clones are the same one.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Inner>);

struct Inner {
    at_once: usize,
    queue: Mutex<FairQueue<TenantId, oneshot::Sender<Turn>>>,
}

/// A turn; dropping it ends it.
pub(crate) struct Turn {
    /// None where the queue knows already that it has ended.
    turns: Option<Turns>,
    tenant: TenantId,
    charged: u64,
    cost: u64,
}

impl Turns {
    /// `at_once` turns at a time, at least 1, and `waiting_max` that wait.
    #[must_use]
    pub(crate) fn new(at_once: usize, waiting_max: usize) -> Self {
        Self(Arc::new(Inner {
            at_once: at_once.max(1),
            queue: Mutex::new(FairQueue::new(waiting_max)),
        }))
    }

    /// Waits for a turn. Dropping the future gives up waiting.
    ///
    /// # Errors
    /// There is no room to wait.
    pub(crate) async fn take(&self, claim: &Claim) -> Result<Turn, Full> {
        let (granted, turn) = oneshot::channel();
        self.lock().push(&claim.tenant, claim.share, granted)?;
        self.grant();
        // Never closed without an answer: what waits stays in the queue until it is granted.
        turn.await.map_err(|_| Full::All(0))
    }

    /// Turns of a tenant that are under way.
    #[must_use]
    pub(crate) fn running_of(&self, tenant: &TenantId) -> usize {
        self.lock().running_of(tenant)
    }

    /// Those who wait.
    #[must_use]
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting()
    }

    fn lock(&self) -> MutexGuard<'_, FairQueue<TenantId, oneshot::Sender<Turn>>> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts as many turns as may be.
    fn grant(&self) {
        let mut queue = self.lock();
        while queue.running() < self.0.at_once {
            let Some(fair::Turn { key, item, charged }) = queue.start() else {
                return;
            };
            let turn = Turn {
                turns: Some(self.clone()),
                tenant: key,
                charged,
                cost: 0,
            };
            if let Err(mut turn) = item.send(turn) {
                // Nobody waits for it any more.
                turn.turns = None;
                queue.end(&turn.tenant, turn.charged, 0);
            }
        }
    }
}

impl Turn {
    /// What it costs besides what it has cost so far, in nanoseconds of a processor.
    pub(crate) fn charge(&mut self, cost_ns: u64) {
        self.cost = self.cost.saturating_add(cost_ns);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            turns.lock().end(&self.tenant, self.charged, self.cost);
            turns.grant();
        }
    }
}
