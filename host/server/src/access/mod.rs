//! Who calls the API, for which tenant, and what they may do.
//!
//! Words: the *operator* runs the server and holds its token; what else calls
//! holds a *key* of one tenant. A *scope* is what a caller may do. To be *turned
//! away* is to be told no before anything else is looked at.

mod audit;
mod keys;
pub(crate) mod quota;
mod rate;
mod scope;
pub(crate) mod tenants;
#[cfg(test)]
mod tests;
pub(crate) mod token;

use std::net::IpAddr;

use wasmalert_core::TenantId;

pub(crate) use audit::{Audit, Entry, write_forever};
pub(crate) use keys::{Key, Keys, touch_forever};
pub(crate) use scope::{Scope, Scopes};
pub(crate) use tenants::{Tenant, Tenants};

use self::rate::Buckets;
use self::token::Token;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// Header by which the operator says for which tenant a call is, as in Mimir.
pub(crate) const TENANT_HEADER: &str = "x-scope-orgid";
/// Calls that an address may make with wrong credentials: at once, and regained in a second.
const FAILURES_AT_ONCE: f64 = 100.0;
const FAILURES_PER_SECOND: f64 = 1.0;
/// Calls that a key may make at once, for each one a second.
const BURST_SECONDS: f64 = 10.0;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Actor {
    Operator,
    /// By the id of the key.
    Key(String),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Key(id) => write!(f, "key {id}"),
        }
    }
}

/// A caller who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    pub(crate) scopes: Scopes,
}

/// Why a caller is turned away.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No credentials, or none that are good. It is not told which.
    Unknown,
    /// Too many calls; when to come back, in seconds.
    TooMany {
        retry_after: u64,
    },
    /// The operator asked for a tenant that is not there.
    NoTenant(String),
    Store(StoreError),
}

/// Decides about callers.
pub(crate) struct Access {
    token: Token,
    keys: Keys,
    failures: Buckets<IpAddr>,
    calls: Buckets<String>,
}

impl Access {
    /// `calls_per_second` is what one key may do.
    #[must_use]
    pub(crate) fn new(token: Token, calls_per_second: u32) -> Self {
        let rate = f64::from(calls_per_second);
        Self {
            token,
            keys: Keys::default(),
            failures: Buckets::new(FAILURES_AT_ONCE, FAILURES_PER_SECOND),
            calls: Buckets::new(rate * BURST_SECONDS, rate),
        }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Who a caller is, by the bearer token, and for which tenant the operator asks.
    ///
    /// # Errors
    /// The caller is turned away.
    pub(crate) async fn admit(
        &self,
        (store, tenants, clock): (&Store, &Tenants, Clock),
        address: IpAddr,
        bearer: Option<&str>,
        asked_tenant: Option<&str>,
    ) -> Result<Caller, Refusal> {
        let now_ms = clock.now_ms();
        let too_many = |retry_after| Refusal::TooMany { retry_after };
        // Who guesses is not looked up any more. What is known to be good still is let in,
        // so that nobody shuts out others who come from the same address.
        let guesses = self.failures.check(&address, now_ms);
        let store = guesses.is_ok().then_some(store);
        let caller = match bearer {
            Some(bearer) if self.token.is(bearer) => Some(operator(tenants, asked_tenant)?),
            Some(bearer) => self
                .keys
                .caller(store, bearer, now_ms)
                .await
                .map_err(Refusal::Store)?,
            None => None,
        };
        let caller = caller.filter(|caller| {
            let is_other = asked_tenant.is_some_and(|asked| asked != caller.tenant.as_str());
            tenants.is_there(&caller.tenant) && !is_other
        });
        let Some(caller) = caller else {
            guesses.map_err(too_many)?;
            // Where it is the last one, the next call is told.
            let _ = self.failures.take(&address, now_ms);
            return Err(Refusal::Unknown);
        };
        if let Actor::Key(id) = &caller.actor {
            self.calls.take(id, now_ms).map_err(too_many)?;
        }
        Ok(caller)
    }
}

fn operator(tenants: &Tenants, asked: Option<&str>) -> Result<Caller, Refusal> {
    let name = asked.unwrap_or(TenantId::DEFAULT);
    Ok(Caller {
        tenant: tenants
            .named(name)
            .map(|tenant| tenant.row.tenant.clone())
            .ok_or_else(|| Refusal::NoTenant(name.to_owned()))?,
        actor: Actor::Operator,
        scopes: Scopes::OPERATOR,
    })
}
