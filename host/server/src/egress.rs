//! Where the server may send requests on behalf of a tenant.
//!
//! A tenant's *policy* says which *destinations* (scheme, host and port of a URL) it may
//! name, and which *private* networks it may reach. A destination that is allowed is not
//! enough: the address behind it has to be one that everybody may reach, or lie in a
//! private network of the policy. Addresses that nobody reaches by accident (loopback,
//! private, link-local and the like, also in the forms of IPv6 that carry an IPv4
//! address) are refused otherwise.
//!
//! This module only judges. [`crate::http_client`] asks it before a request is sent, for
//! each address that a name resolves to, and again at each redirect.

mod address;
mod host;
mod policy;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use wasmalert_core::TenantId;

use crate::store::{Store, StoreError};

pub use self::address::{AddressKind, Cidr};
pub use self::host::{HostPattern, HostPort};
pub use self::policy::{Denied, Destination, EgressPolicy, Scheme};

/// The policies of all tenants.
///
/// The tenant `default` is the operator's own and may reach everything until it is given
/// a policy; every other tenant has the server's default policy until then.
#[derive(Debug)]
pub struct Egress {
    default: Arc<EgressPolicy>,
    operator: Arc<EgressPolicy>,
    set: RwLock<HashMap<TenantId, Arc<EgressPolicy>>>,
}

impl Egress {
    /// No tenant has a policy of its own yet.
    #[must_use]
    pub fn new(default: EgressPolicy) -> Self {
        Self {
            default: Arc::new(default),
            operator: Arc::new(EgressPolicy::unrestricted()),
            set: RwLock::default(),
        }
    }

    /// The policy that holds for a tenant now.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> Arc<EgressPolicy> {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        let default = || match tenant.as_str() {
            TenantId::DEFAULT => &self.operator,
            _ => &self.default,
        };
        set.get(tenant).unwrap_or_else(default).clone()
    }

    /// Whether a tenant has a policy of its own.
    #[must_use]
    pub fn is_set(&self, tenant: &TenantId) -> bool {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        set.contains_key(tenant)
    }

    /// Takes up the policies that were stored. Under one that cannot be read nothing is
    /// allowed.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn restore(&self, store: &Store) -> Result<(), StoreError> {
        for (tenant, text) in store.egress_of_all_tenants().await? {
            let policy = serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::error!(%tenant, %error, "a stored policy cannot be read: no request is allowed");
                EgressPolicy::nothing()
            });
            self.set(tenant, policy);
        }
        Ok(())
    }

    /// Gives a tenant a policy of its own, from its next request on.
    pub fn set(&self, tenant: TenantId, policy: EgressPolicy) {
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        set.insert(tenant, Arc::new(policy));
    }

    /// Takes a tenant's own policy away, if it has one.
    pub fn forget(&self, tenant: &TenantId) {
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        set.remove(tenant);
    }
}

#[cfg(test)]
mod tests;
