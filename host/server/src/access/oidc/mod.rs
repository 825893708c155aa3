//! Callers whom an issuer of OpenID Connect vouches for.
//!
//! A *token* is a JWT that the issuer signed: with one of its *keys*, an asymmetric one.
//! Its *claims* say who the caller is (`sub`), of which tenant, and with which *roles*,
//! which the settings turn into scopes. Nothing of a token is believed before its
//! signature is verified but which key and algorithm to try, and of those only what the
//! key is good for.

mod crypto;
mod fetch;
mod keys;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};
use wasmalert_core::TenantId;

use self::fetch::Fetcher;
use super::Scopes;
use crate::Host;
use crate::config::OidcConfig;

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// The longest id of a key, and the longest subject; both are 255 in the standards.
const NAME_BYTES_MAX: usize = 255;
/// How far the issuer's clock and ours may be apart.
const LEEWAY_SECONDS: f64 = 60.0;

/// Who a token says that the caller is.
#[derive(Debug, PartialEq)]
pub(super) struct Identity {
    pub(super) subject: String,
    /// Of the claim; the operator has none.
    pub(super) tenant: Option<String>,
    pub(super) scopes: Scopes,
}

/// Verifies tokens of one issuer.
pub(crate) struct Oidc {
    config: OidcConfig,
    fetcher: Fetcher,
}

impl Oidc {
    #[must_use]
    pub(crate) fn new(config: OidcConfig) -> Self {
        crypto::install();
        Self {
            config,
            fetcher: Fetcher::default(),
        }
    }

    /// Who holds a token; none if it is not good. Only where `may_ask` an unknown key is
    /// asked for.
    pub(super) async fn identity(&self, token: &str, may_ask: bool, now_ms: i64) -> Option<Identity> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let header = decode_header(token).ok()?;
        // What a token declares critical is to be understood, and nothing is.
        if header.crit.is_some() {
            return None;
        }
        let id = header.kid.filter(|id| id.len() <= NAME_BYTES_MAX)?;
        let key = self.fetcher.find(&id, header.alg, may_ask, now_ms).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Times are judged below, by the server's clock.
        validation.validate_exp = false;
        let claims = decode::<Map<String, Value>>(token, &key, &validation)
            .ok()?
            .claims;
        // The library takes a list with the issuer in it as well.
        let is_issuer = claims.get("iss").and_then(Value::as_str) == Some(self.config.issuer.as_str());
        (is_issuer && is_of_now(&claims, now_ms)).then_some(())?;
        self.read(&claims)
    }

    /// What the settings make of verified claims.
    fn read(&self, claims: &Map<String, Value>) -> Option<Identity> {
        let subject = claims.get("sub")?.as_str()?;
        let is_name = (1..=NAME_BYTES_MAX).contains(&subject.len()) && !subject.contains(char::is_control);
        is_name.then_some(())?;
        let roles = roles(claim(claims, &self.config.role_claim)?);
        let is_operator = |role: &&str| self.config.operator_role.as_deref() == Some(*role);
        if roles.iter().any(is_operator) {
            return Some(Identity {
                subject: subject.to_owned(),
                tenant: None,
                scopes: Scopes::OPERATOR,
            });
        }
        let scopes = roles.iter().filter_map(|role| self.config.roles.get(*role));
        let scopes = scopes.fold(Scopes::NONE, |all, some| all.with(*some));
        let tenant = claim(claims, &self.config.tenant_claim)?.as_str()?;
        (!scopes.is_empty()).then(|| Identity {
            subject: subject.to_owned(),
            tenant: Some(tenant.to_owned()),
            scopes,
        })
    }
}

/// A claim by its name, or by names with dots between them for one within others.
fn claim<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    let nested = || {
        let (first, rest) = name.split_once('.')?;
        rest.split('.')
            .try_fold(claims.get(first)?, |value, part| value.get(part))
    };
    claims.get(name).or_else(nested)
}

/// Roles are a list of texts, or one text with spaces between them.
fn roles(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => text.split(' ').collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether a token is good now: before `exp`, and not before `nbf` where it has one.
fn is_of_now(claims: &Map<String, Value>, now_ms: i64) -> bool {
    let now = now_ms as f64 / 1e3;
    let ends = claims.get("exp").and_then(Value::as_f64);
    let begins = claims.get("nbf").map(Value::as_f64);
    ends.is_some_and(|end| now < end + LEEWAY_SECONDS)
        && begins.is_none_or(|begin| begin.is_some_and(|begin| begin <= now + LEEWAY_SECONDS))
}

/// Keeps the issuer's keys at hand, where there is an issuer.
pub(crate) async fn fetch_keys_forever(host: Arc<Host>, operator: TenantId) {
    if let Some(oidc) = &host.access.oidc {
        let client = host.http.without_policy(&operator);
        oidc.fetcher
            .run(&oidc.config, &client, host.clock, &host.metrics)
            .await;
    }
}
