use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::keys::KeySet;
use super::*;

const NOW_MS: i64 = 1_800_000_000_000;

fn config() -> OidcConfig {
    let scopes = |name| Scopes::parse([name]).unwrap();
    OidcConfig {
        issuer: "https://a.example".into(),
        audience: "wasmalert".into(),
        jwks_url: None,
        tenant_claim: "org.name".into(),
        role_claim: "roles".into(),
        roles: BTreeMap::from([
            ("viewer".to_owned(), scopes("read")),
            ("editor".to_owned(), scopes("write")),
        ]),
        operator_role: Some("root".into()),
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// An issuer's key, and a verifier that knows it.
struct Setup {
    pair: Ed25519KeyPair,
    oidc: Oidc,
}

fn setup() -> Setup {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]});
    let oidc = Oidc::new(config());
    let keys = KeySet::read(jwks.to_string().as_bytes()).unwrap();
    oidc.fetcher.known.send_replace(keys);
    Setup { pair, oidc }
}

impl Setup {
    async fn identity(&self, claims: &Value, now_ms: i64) -> Option<Identity> {
        let message = format!(
            "{}.{}",
            encode(&json!({"alg": "EdDSA", "kid": "k"})),
            encode(claims)
        );
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()).as_ref());
        self.oidc
            .identity(&format!("{message}.{signature}"), false, now_ms)
            .await
    }
}

fn claims(end: Value, begin: Value) -> Value {
    json!({"iss": "https://a.example", "aud": "wasmalert", "sub": "jane", "exp": end, "nbf": begin,
           "org": {"name": "acme"}, "roles": ["viewer", "editor"]})
}

#[tokio::test]
async fn a_token_is_good_from_its_begin_to_its_end() {
    let setup = setup();
    let now = NOW_MS / 1000;
    for (end, begin, good) in [
        (json!(now + 1), json!(now), true),
        (json!(now - 59), json!(now), true),
        (json!(now - 60), json!(now), false),
        (json!(now + 1), json!(now + 60), true),
        (json!(now + 1), json!(now + 61), false),
        (json!(now as f64 + 0.5), json!(now as f64 + 0.5), true),
        (json!(now + 1), json!(null), false),
        (json!(-1), json!(0), false),
        (json!("later"), json!(0), false),
    ] {
        let identity = setup.identity(&claims(end.clone(), begin.clone()), NOW_MS).await;
        assert_eq!(identity.is_some(), good, "from {begin} to {end}");
    }
}

#[tokio::test]
async fn claims_are_read_as_the_settings_say() {
    let setup = setup();
    let good = claims(json!(NOW_MS), json!(0));
    let expected = Identity {
        subject: "jane".into(),
        tenant: Some("acme".into()),
        scopes: Scopes::parse(["read", "write"]).unwrap(),
    };
    assert_eq!(setup.identity(&good, NOW_MS).await, Some(expected));
    let mut operator = good.clone();
    operator["roles"] = json!("other root");
    operator["org"] = json!(null);
    let expected = Identity {
        subject: "jane".into(),
        tenant: None,
        scopes: Scopes::OPERATOR,
    };
    assert_eq!(setup.identity(&operator, NOW_MS).await, Some(expected));
    for (name, value) in [
        ("roles", json!([])),
        ("roles", json!({"viewer": true})),
        ("roles", json!(["VIEWER", "viewer,editor"])),
        ("org", json!("acme")),
        ("org", json!({"name": ["acme"]})),
        ("sub", json!(7)),
        ("iss", json!(["https://a.example"])),
    ] {
        let mut claims = good.clone();
        claims[name] = value.clone();
        assert_eq!(setup.identity(&claims, NOW_MS).await, None, "{name}: {value}");
    }
}

#[test]
fn keys_sign_only_as_they_are_meant_to() {
    let read = |keys: Value| KeySet::read(json!({ "keys": keys }).to_string().as_bytes());
    let rsa = json!({"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"});
    let mut named = rsa.clone();
    named["alg"] = json!("RS256");
    let mut encrypts = rsa.clone();
    encrypts["use"] = json!("enc");
    let p256 = json!({"kty": "EC", "kid": "e", "crv": "P-256", "x": "AQAB", "y": "AQAB"});
    let secret = json!({"kty": "oct", "kid": "s", "k": "AQAB"});
    let may = |keys: &KeySet, id: &str, algorithm| keys.find(id, algorithm).is_some();
    let keys = read(json!([rsa, p256, secret, {"kty": "new"}, 7])).unwrap();
    assert_eq!(keys.len(), 2);
    for algorithm in [Algorithm::RS256, Algorithm::PS512] {
        assert!(may(&keys, "r", algorithm) && !may(&keys, "e", algorithm));
    }
    assert!(may(&keys, "e", Algorithm::ES256) && !may(&keys, "e", Algorithm::ES384));
    for id in ["r", "e", "s"] {
        assert!(!may(&keys, id, Algorithm::HS256));
    }
    let keys = read(json!([named])).unwrap();
    assert!(may(&keys, "r", Algorithm::RS256) && !may(&keys, "r", Algorithm::RS512));
    for useless in [
        json!([]),
        json!([encrypts]),
        json!([{"kty": "oct", "kid": "s", "k": "AQAB"}]),
        json!([{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]),
        json!(vec![rsa; 101]),
    ] {
        assert!(read(useless.clone()).is_err(), "{useless}");
    }
    assert!(KeySet::read(b"<html>").is_err());
}
