//! Who calls the API, for which tenant, and what they may do.
//!
//! Words: the *operator* runs the server and holds its token; what else calls
//! holds a *key* of one tenant, a token of the *issuer* that the operator has named, or
//! comes through a *proxy* that is believed. A *scope* is what a caller may do. To be
//! *turned away* is to be told no before anything else is looked at.

mod audit;
mod keys;
mod oidc;
mod proxy;
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
pub(crate) use oidc::fetch_keys_forever;
pub(crate) use proxy::Proxies;
pub(crate) use scope::{Scope, Scopes};
pub(crate) use tenants::{Tenant, Tenants};

use self::oidc::Oidc;
use self::rate::Buckets;
use self::token::Token;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Store, StoreError};

/// Header by which the operator says for which tenant a call is, as in Mimir.
pub(crate) const TENANT_HEADER: &str = "x-scope-orgid";
/// Calls that an address may make with wrong credentials: at once, and regained in a second.
const FAILURES_AT_ONCE: f64 = 100.0;
const FAILURES_PER_SECOND: f64 = 1.0;
/// Calls that a key, a subject or a proxy's client may make at once, for each one a second.
const BURST_SECONDS: f64 = 10.0;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Actor {
    Operator,
    /// By the id of the key.
    Key(String),
    /// By the subject that the issuer vouches for.
    Oidc(String),
    /// Somebody whom a proxy that is believed has let through.
    Proxy,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Key(id) => write!(f, "key {id}"),
            Self::Oidc(subject) => write!(f, "oidc {subject}"),
            Self::Proxy => f.write_str("proxy"),
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

/// The credentials of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authorization<'c> {
    Absent,
    Bearer(&'c str),
    /// Some other scheme, or nothing that can be read.
    Other,
}

/// What a call says of who makes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Knock<'c> {
    /// Where it comes from, as [`Proxies::client`] says.
    pub(crate) address: IpAddr,
    /// Whether a proxy brings it that is believed.
    pub(crate) by_proxy: bool,
    pub(crate) authorization: Authorization<'c>,
    /// The tenant that it is for, where it says so.
    pub(crate) tenant: Option<&'c str>,
}

/// Decides about callers.
pub(crate) struct Access {
    token: Token,
    keys: Keys,
    oidc: Option<Oidc>,
    proxies: Proxies,
    failures: Buckets<IpAddr>,
    calls: Buckets<String>,
}

impl Access {
    #[must_use]
    pub(crate) fn new(token: Token, config: &Config) -> Self {
        let rate = f64::from(config.key_calls_per_second);
        Self {
            token,
            keys: Keys::default(),
            oidc: config.oidc.clone().map(Oidc::new),
            proxies: Proxies::new(config.proxy.clone()),
            failures: Buckets::new(FAILURES_AT_ONCE, FAILURES_PER_SECOND),
            calls: Buckets::new(rate * BURST_SECONDS, rate),
        }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Who a caller is, and for which tenant the call is.
    ///
    /// # Errors
    /// The caller is turned away.
    pub(crate) async fn admit(
        &self,
        (store, tenants, clock): (&Store, &Tenants, Clock),
        knock: Knock<'_>,
    ) -> Result<Caller, Refusal> {
        let now_ms = clock.now_ms();
        let too_many = |retry_after| Refusal::TooMany { retry_after };
        // Who guesses is not looked up any more. What is known to be good still is let in,
        // so that nobody shuts out others who come from the same address.
        let guesses = self.failures.check(&knock.address, now_ms);
        let store = guesses.is_ok().then_some(store);
        let caller = match knock.authorization {
            Authorization::Bearer(token) => self.holder(store, tenants, token, knock.tenant, now_ms).await?,
            Authorization::Absent if knock.by_proxy => self.proxied(tenants, knock.tenant),
            Authorization::Absent | Authorization::Other => None,
        };
        let caller = caller.filter(|caller| {
            let is_other = knock.tenant.is_some_and(|asked| asked != caller.tenant.as_str());
            tenants.is_there(&caller.tenant) && !is_other
        });
        let Some(caller) = caller else {
            guesses.map_err(too_many)?;
            // Where it is the last one, the next call is told.
            let _ = self.failures.take(&knock.address, now_ms);
            return Err(Refusal::Unknown);
        };
        if let Some(bucket) = bucket(&caller, knock.address) {
            self.calls.take(&bucket, now_ms).map_err(too_many)?;
        }
        Ok(caller)
    }

    /// Who holds a token: the operator's, a key, or one of the issuer. Without a store
    /// nothing is looked up or asked for.
    async fn holder(
        &self,
        store: Option<&Store>,
        tenants: &Tenants,
        token: &str,
        asked: Option<&str>,
        now_ms: i64,
    ) -> Result<Option<Caller>, Refusal> {
        if self.token.is(token) {
            return operator(tenants, asked, Actor::Operator).map(Some);
        }
        let caller = self.keys.caller(store, token, now_ms).await;
        let caller = caller.map_err(Refusal::Store)?;
        let Some(oidc) = self.oidc.as_ref().filter(|_| caller.is_none()) else {
            return Ok(caller);
        };
        let Some(identity) = oidc.identity(token, store.is_some(), now_ms).await else {
            return Ok(None);
        };
        let actor = Actor::Oidc(identity.subject);
        match identity.tenant {
            None => operator(tenants, asked, actor).map(Some),
            Some(name) => Ok(tenants.named(&name).map(|tenant| Caller {
                tenant,
                actor,
                scopes: identity.scopes,
            })),
        }
    }

    fn proxied(&self, tenants: &Tenants, asked: Option<&str>) -> Option<Caller> {
        Some(Caller {
            tenant: tenants.named(asked?)?,
            actor: Actor::Proxy,
            scopes: self.proxies.scopes(),
        })
    }
}

/// Whose calls are counted together; the operator's are not.
fn bucket(caller: &Caller, address: IpAddr) -> Option<String> {
    match &caller.actor {
        Actor::Operator => None,
        Actor::Key(_) | Actor::Oidc(_) => Some(caller.actor.to_string()),
        Actor::Proxy => Some(format!("proxy {} {address}", caller.tenant)),
    }
}

fn operator(tenants: &Tenants, asked: Option<&str>, actor: Actor) -> Result<Caller, Refusal> {
    let name = asked.unwrap_or(TenantId::DEFAULT);
    Ok(Caller {
        tenant: tenants
            .named(name)
            .ok_or_else(|| Refusal::NoTenant(name.to_owned()))?,
        actor,
        scopes: Scopes::OPERATOR,
    })
}
