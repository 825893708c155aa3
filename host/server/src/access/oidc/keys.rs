//! The public keys of an issuer, as its JWKS document has them.

use std::collections::HashMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Keys that a document has at most.
const KEYS_MAX: usize = 100;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// A key, and what it may have signed with.
#[derive(Clone)]
struct Key {
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Keys by their ids.
#[derive(Clone, Default)]
pub(super) struct KeySet(HashMap<String, Vec<Key>>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a document. Keys that have no id, do not sign, or are of a kind that is not
    /// taken here are left out; so are symmetric ones.
    ///
    /// # Errors
    /// It is none, has too many keys, or none that can be used.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let count = document.keys.len();
        if count > KEYS_MAX {
            return Err(format!("it has {count} keys, and at most {KEYS_MAX} are taken"));
        }
        let mut keys: HashMap<String, Vec<Key>> = HashMap::new();
        let read = document.keys.into_iter().filter_map(key);
        read.for_each(|(id, key)| keys.entry(id).or_default().push(key));
        if keys.is_empty() {
            return Err(format!(
                "none of its {count} keys can be used: see docs/tenants.md"
            ));
        }
        Ok(Self(keys))
    }

    /// The key of that id that may have signed so.
    pub(super) fn find(&self, id: &str, algorithm: Algorithm) -> Option<DecodingKey> {
        let keys = self.0.get(id)?;
        let key = keys.iter().find(|key| key.algorithms.contains(&algorithm))?;
        Some(key.key.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

fn key(value: Value) -> Option<(String, Key)> {
    let named = value.get("alg").and_then(Value::as_str).map(str::to_owned);
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let id = jwk.common.key_id.clone()?;
    let encrypts = jwk.common.public_key_use.as_ref();
    if encrypts.is_some_and(|what| *what != PublicKeyUse::Signature) {
        return None;
    }
    let mut algorithms = of_kind(&jwk.algorithm).to_vec();
    if let Some(named) = named {
        let named: Algorithm = named.parse().ok()?;
        algorithms.retain(|algorithm| *algorithm == named);
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    (!algorithms.is_empty()).then_some((id, Key { algorithms, key }))
}

/// What a key of this kind can sign with.
fn of_kind(parameters: &AlgorithmParameters) -> &'static [Algorithm] {
    match parameters {
        AlgorithmParameters::RSA(_) => RSA,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        _ => &[],
    }
}
