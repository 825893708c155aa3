//! Names into addresses: looked up once, and only those that a policy allows.

use std::net::ToSocketAddrs as _;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use crate::egress::{AddressKind, Denied, EgressPolicy};

/// Names of all tenants that are looked up at the same time. Each takes a thread, also
/// when nobody waits for it any more.
const LOOKUPS_MAX: usize = 64;
/// Names of one tenant that are looked up at the same time.
const TENANT_LOOKUPS_MAX: usize = 8;
/// Addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 64;

/// The resolver of the operating system.
pub(super) struct System(Arc<Semaphore>);

impl System {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(LOOKUPS_MAX)))
    }
}

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        let permits = self.0.clone();
        Box::pin(async move {
            let permit = permits.acquire_owned().await?;
            let looking = tokio::task::spawn_blocking(move || {
                let found = (name.as_str(), 0).to_socket_addrs();
                drop(permit);
                found
            });
            let found: Addrs = Box::new(looking.await??);
            Ok(found)
        })
    }
}

/// A tenant's resolver: gives the addresses alone that its policy allows. The
/// connection is made to one of them, without looking the name up again.
pub(super) struct Guard {
    pub(super) policy: Arc<EgressPolicy>,
    pub(super) names: Arc<dyn Resolve>,
    permits: Arc<Semaphore>,
}

impl Guard {
    pub(super) fn new(policy: Arc<EgressPolicy>, names: Arc<dyn Resolve>) -> Self {
        Self {
            policy,
            names,
            permits: Arc::new(Semaphore::new(TENANT_LOOKUPS_MAX)),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, permits) = (self.policy.clone(), self.permits.clone());
        let text = name.as_str().to_owned();
        let names = self.names.clone();
        Box::pin(async move {
            let permit = permits.acquire_owned().await?;
            // Goes on when nobody waits any more, so that the permit is held as long as
            // the thread is.
            let looking = tokio::spawn(async move {
                let found = names.resolve(name).await;
                drop(permit);
                found
            });
            let found = looking.await??;
            let mut refused: Option<AddressKind> = None;
            let mut allowed = Vec::new();
            for mut address in found.take(ADDRESSES_MAX) {
                // Zero: the port is the URL's.
                address.set_port(0);
                match policy.check_address(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(kind) => refused = refused.or(Some(kind)),
                }
            }
            match refused {
                Some(kind) if allowed.is_empty() => Err(Denied::Name { name: text, kind }.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
