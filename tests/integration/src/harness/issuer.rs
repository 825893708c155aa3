//! An issuer of OpenID Connect, and the tokens that it signs.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

use super::fake::Fake;

pub(crate) const AUDIENCE: &str = "wasmalert";

pub(crate) fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "tokens end at a time of the real clock")]
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("it is after 1970").as_secs()
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// A private key with its public half as a JWK.
pub(crate) struct Signer {
    pub(crate) kid: String,
    pub(crate) algorithm: &'static str,
    pub(crate) jwk: Value,
    sign: Sign,
}

impl Signer {
    pub(crate) fn es256(kid: &str) -> Self {
        Self::ec(kid, "ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub(crate) fn es384(kid: &str) -> Self {
        Self::ec(kid, "ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn ec(kid: &str, algorithm: &'static str, curve: &str, scheme: &'static EcdsaSigningAlgorithm) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(scheme, &random).expect("there is chance");
        let pair = EcdsaKeyPair::from_pkcs8(scheme, pkcs8.as_ref(), &random).expect("it was made so");
        let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
        let jwk =
            json!({"kty": "EC", "kid": kid, "crv": curve, "x": base64(x), "y": base64(y), "use": "sig"});
        let sign = move |message: &[u8]| {
            let signature = pair.sign(&SystemRandom::new(), message).expect("it signs");
            signature.as_ref().to_vec()
        };
        Self {
            kid: kid.to_owned(),
            algorithm,
            jwk,
            sign: Box::new(sign),
        }
    }

    pub(crate) fn ed25519(kid: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("there is chance");
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("it was made so");
        let jwk =
            json!({"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": base64(pair.public_key().as_ref())});
        Self {
            kid: kid.to_owned(),
            algorithm: "EdDSA",
            jwk,
            sign: Box::new(move |message| pair.sign(message).as_ref().to_vec()),
        }
    }

    /// With PKCS#1 v1.5, or PSS; the key is of OpenSSL, as ring makes none.
    pub(crate) fn rsa(kid: &str, pss: bool, dir: &Path) -> Self {
        let file = dir.join(format!("{kid}.der"));
        let made = Command::new("openssl")
            .args([
                "genpkey",
                "-quiet",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:2048",
            ])
            .args(["-outform", "DER", "-out"])
            .arg(&file)
            .output()
            .expect("openssl is there");
        assert!(made.status.success(), "{made:?}");
        let der = std::fs::read(&file).expect("it was made");
        // Which of the two forms it writes depends on its version.
        let pair = RsaKeyPair::from_der(&der).or_else(|_| RsaKeyPair::from_pkcs8(&der));
        let pair = pair.expect("openssl writes a key");
        let public: ring::rsa::PublicKeyComponents<Vec<u8>> = pair.public().into();
        let (n, e) = (public.n, public.e);
        let jwk = json!({"kty": "RSA", "kid": kid, "n": base64(&n), "e": base64(&e)});
        let (algorithm, encoding): (_, &'static dyn RsaEncoding) = if pss {
            ("PS512", &RSA_PSS_SHA512)
        } else {
            ("RS256", &RSA_PKCS1_SHA256)
        };
        let sign = move |message: &[u8]| {
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
                .expect("it signs");
            signature
        };
        Self {
            kid: kid.to_owned(),
            algorithm,
            jwk,
            sign: Box::new(sign),
        }
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(
            &json!({"alg": self.algorithm, "kid": self.kid, "typ": "JWT"}),
            claims,
        )
    }

    /// With a header of one's own.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = base64(&(self.sign)(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// What is signed of a token.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

struct Shared {
    keys: Vec<Value>,
    /// Of the document with the keys.
    status: StatusCode,
    /// Bytes before the keys.
    padding: usize,
    fetches: usize,
    url: String,
}

/// Describes itself, and shows its keys.
pub(crate) struct Issuer {
    fake: Fake,
    shared: Arc<Mutex<Shared>>,
}

impl Issuer {
    pub(crate) fn start(signers: &[&Signer]) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            keys: Vec::new(),
            status: StatusCode::OK,
            padding: 0,
            fetches: 0,
            url: String::new(),
        }));
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let issuer = Self {
            fake: Fake::start(router),
            shared,
        };
        issuer.shared().url = issuer.url();
        issuer.show(signers);
        issuer
    }

    pub(crate) fn url(&self) -> String {
        self.fake.url()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows these keys from now on.
    pub(crate) fn show(&self, signers: &[&Signer]) {
        self.shared().keys = signers.iter().map(|signer| signer.jwk.clone()).collect();
    }

    /// Answers so from now on when it is asked for its keys.
    pub(crate) fn answer(&self, status: StatusCode, padding: usize) {
        let mut shared = self.shared();
        (shared.status, shared.padding) = (status, padding);
    }

    /// How often it was asked for its keys.
    pub(crate) fn fetches(&self) -> usize {
        self.shared().fetches
    }

    /// Claims of somebody with these roles in a tenant, good for five minutes.
    pub(crate) fn claims(&self, tenant: &str, roles: &[&str]) -> Value {
        json!({
            "iss": self.url(), "aud": AUDIENCE, "sub": "jane", "exp": now() + 300, "nbf": now(),
            "tenant": tenant, "roles": roles,
        })
    }

    /// The settings under which a server takes its tokens.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        [
            ("WASMALERT_OIDC_ISSUER", self.url().as_str()),
            ("WASMALERT_OIDC_AUDIENCE", AUDIENCE),
            (
                "WASMALERT_OIDC_ROLES",
                "viewer=read, editor=write, editor=deploy, boss=admin",
            ),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
    }
}

async fn answer(State(shared): State<Arc<Mutex<Shared>>>, uri: Uri) -> (StatusCode, String) {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    match uri.path() {
        "/.well-known/openid-configuration" => {
            let url = &shared.url;
            let about = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
            (StatusCode::OK, about.to_string())
        }
        "/keys" => {
            shared.fetches += 1;
            let keys = json!({ "keys": shared.keys });
            (
                shared.status,
                format!("{:padding$}{keys}", "", padding = shared.padding),
            )
        }
        _ => (StatusCode::NOT_FOUND, String::new()),
    }
}
