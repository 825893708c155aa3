//! Tokens of an issuer: who is let in as whom, and who is turned away.

use std::time::Duration;

use axum::http::StatusCode;
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

use crate::harness::issuer::{AUDIENCE, Issuer, Signer, base64, message, now};
use crate::harness::{Api, PAGE_WITHIN, Server, TempDir, eventually};

/// So that they are not too many.
const BETWEEN_GUESSES: Duration = Duration::from_millis(500);

async fn server(issuer: &Issuer, more: &[(&'static str, &str)]) -> Server {
    let own = issuer.settings();
    let mut settings: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.extend_from_slice(more);
    let server = Server::start_with(&settings).await;
    for tenant in ["acme", "other"] {
        server
            .api()
            .put(&format!("/v1/tenants/{tenant}"), &json!({}))
            .await;
    }
    server
}

async fn whoami(api: &Api) -> (u16, Value) {
    let answer = api.get("/v1/whoami").await.expect("the server answers");
    (answer.status, answer.json())
}

/// The claims with one of them changed; null takes it away.
fn but(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    let all = claims.as_object_mut().expect("claims are an object");
    match value {
        Value::Null => drop(all.remove(name)),
        value => drop(all.insert(name.to_owned(), value)),
    }
    claims
}

#[tokio::test]
async fn a_token_of_each_algorithm_is_its_subject() {
    let dir = TempDir::new("oidc");
    let signers = [
        Signer::es256("a"),
        Signer::es384("b"),
        Signer::ed25519("c"),
        Signer::rsa("d", false, dir.path()),
        Signer::rsa("e", true, dir.path()),
    ];
    let issuer = Issuer::start(&signers.each_ref());
    let server = server(&issuer, &[]).await;
    for signer in &signers {
        let token = signer.token(&issuer.claims("acme", &["viewer", "unknown"]));
        let expected = json!({"tenant": "acme", "actor": "oidc jane", "scopes": ["read"]});
        let api = server.api().with_token(&token);
        assert_eq!(whoami(&api).await, (200, expected), "{}", signer.algorithm);
        // The tenant is that of the claim alone.
        assert_eq!(whoami(&api.for_tenant("acme")).await.0, 200);
        assert_eq!(whoami(&api.for_tenant("other")).await.0, 401);
        assert_eq!(whoami(&api.for_tenant("default")).await.0, 401);
    }
    assert_eq!(issuer.fetches(), 1, "known keys are not asked for again");
}

#[tokio::test]
async fn roles_are_scopes_and_changes_are_on_record() {
    let signer = Signer::es256("a");
    let issuer = Issuer::start(&[&signer]);
    let server = server(&issuer, &[]).await;
    let as_role = |roles: &[&str]| {
        let token = signer.token(&issuer.claims("acme", roles));
        server.api().with_token(&token)
    };
    let source = br#"{"kind": "embedded"}"#.to_vec();
    for (roles, status) in [
        (&["viewer"][..], 403),
        (&["editor"], 201),
        (&["viewer", "boss"], 200),
    ] {
        let answer = as_role(roles)
            .ask(Method::PUT, "/v1/sources/s", source.clone())
            .await;
        assert_eq!(answer.unwrap().status, status, "{roles:?}");
    }
    let operator = as_role(&["operator", "boss"]).get("/v1/tenants").await.unwrap();
    assert_eq!(operator.problem(403), "forbidden", "no setting names such a role");
    // Roles may be one text, as OAuth's scope is.
    let claims = but(&issuer.claims("acme", &[]), "roles", json!("viewer editor"));
    let (_, who) = whoami(&server.api().with_token(&signer.token(&claims))).await;
    assert_eq!(who["scopes"], json!(["read", "write", "deploy"]));
    let log = as_role(&["boss"]).get("/v1/audit").await.unwrap().json();
    let changes: Vec<_> = log["entries"].as_array().unwrap().iter().collect();
    assert!(changes.len() >= 3, "{log}");
    for change in changes {
        assert_eq!(change["actor"], "oidc jane", "{log}");
    }
}

#[tokio::test]
async fn an_operator_is_whom_a_setting_names() {
    let signer = Signer::es256("a");
    let issuer = Issuer::start(&[&signer]);
    let settings = [
        ("WASMALERT_OIDC_OPERATOR_ROLE", "root"),
        ("WASMALERT_OIDC_ROLE_CLAIM", "access.wasmalert"),
        ("WASMALERT_OIDC_TENANT_CLAIM", "https://a.example/tenant"),
    ];
    let server = server(&issuer, &settings).await;
    let claims = but(&issuer.claims("", &[]), "tenant", Value::Null);
    let nested = but(&claims, "access", json!({"wasmalert": ["root"]}));
    let root = server.api().with_token(&signer.token(&nested));
    let (_, who) = whoami(&root).await;
    assert_eq!(
        (&who["tenant"], &who["actor"]),
        (&json!("default"), &json!("oidc jane"))
    );
    assert_eq!(
        root.get("/v1/tenants/acme/egress").await.unwrap().status,
        200,
        "{who}"
    );
    assert_eq!(whoami(&root.for_tenant("acme")).await.1["tenant"], "acme");
    assert_eq!(whoami(&root.for_tenant("nobody")).await.0, 404);
    // Others have their tenant in a claim with a dot in its name.
    let viewer = but(&claims, "access", json!({"wasmalert": ["viewer"]}));
    let viewer = but(&viewer, "https://a.example/tenant", json!("other"));
    let (_, who) = whoami(&server.api().with_token(&signer.token(&viewer))).await;
    assert_eq!(
        (&who["tenant"], &who["scopes"]),
        (&json!("other"), &json!(["read"]))
    );
}

/// Tokens that are not good, each with what is wrong.
fn bad_tokens(issuer: &Issuer, rsa: &Signer, ec: &Signer) -> Vec<(&'static str, String)> {
    let good = issuer.claims("acme", &["viewer"]);
    let signed = |name: &str, value: Value| ec.token(&but(&good, name, value));
    let header = json!({"alg": "ES256", "kid": ec.kid});
    let stolen = Signer::es256(&ec.kid);
    let of_public_key = |secret: &str| {
        let message = message(&json!({"alg": "HS256", "kid": rsa.kid}), &good);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", base64(tag.as_ref()))
    };
    let token = ec.token(&good);
    let other_payload = message(&header, &but(&good, "tenant", json!("other")));
    let signature = token.rsplit('.').next().unwrap_or_default();
    vec![
        ("another issuer", signed("iss", json!("http://127.0.0.1:1"))),
        (
            "issuer with a slash",
            signed("iss", json!(format!("{}/", issuer.url()))),
        ),
        ("several issuers", signed("iss", json!([issuer.url(), "x"]))),
        ("no issuer", signed("iss", Value::Null)),
        ("another audience", signed("aud", json!("grafana"))),
        ("no audience", signed("aud", Value::Null)),
        ("audience in part", signed("aud", json!(["wasmalert2"]))),
        ("expired", signed("exp", json!(now() - 61))),
        ("no end", signed("exp", Value::Null)),
        ("end is a text", signed("exp", json!("9999999999"))),
        ("not yet", signed("nbf", json!(now() + 120))),
        ("beginning is a text", signed("nbf", json!("0"))),
        ("no subject", signed("sub", Value::Null)),
        ("empty subject", signed("sub", json!(""))),
        ("long subject", signed("sub", json!("x".repeat(256)))),
        ("subject of two lines", signed("sub", json!("a\nb"))),
        ("no tenant", signed("tenant", Value::Null)),
        ("tenant that is not there", signed("tenant", json!("nobody"))),
        ("list of tenants", signed("tenant", json!(["acme"]))),
        ("no roles", signed("roles", Value::Null)),
        ("roles that are none", signed("roles", json!(["guest"]))),
        (
            "alg none",
            format!("{}.", message(&json!({"alg": "none", "kid": "ec"}), &good)),
        ),
        (
            "alg None, signed",
            ec.token_with(&json!({"alg": "None", "kid": ec.kid}), &good),
        ),
        (
            "HS256 by the modulus",
            of_public_key(rsa.jwk["n"].as_str().unwrap_or_default()),
        ),
        ("HS256 by the key", of_public_key(&rsa.jwk.to_string())),
        ("HS256 by nothing", of_public_key("")),
        (
            "RS256 by a key of EC",
            ec.token_with(&json!({"alg": "RS256", "kid": ec.kid}), &good),
        ),
        (
            "ES384 by a key of P-256",
            ec.token_with(&json!({"alg": "ES384", "kid": ec.kid}), &good),
        ),
        (
            "PS256 of a signature in RS256",
            rsa.token_with(&json!({"alg": "PS256", "kid": rsa.kid}), &good),
        ),
        (
            "another's key id",
            ec.token_with(&json!({"alg": "ES256", "kid": rsa.kid}), &good),
        ),
        (
            "unknown key id",
            ec.token_with(&json!({"alg": "ES256", "kid": "x"}), &good),
        ),
        ("no key id", ec.token_with(&json!({"alg": "ES256"}), &good)),
        (
            "key of one's own in the header",
            stolen.token_with(&json!({"alg": "ES256", "kid": ec.kid, "jwk": stolen.jwk}), &good),
        ),
        ("another key under the id", stolen.token(&good)),
        (
            "something critical",
            ec.token_with(
                &json!({"alg": "ES256", "kid": ec.kid, "crit": ["b64"], "b64": true}),
                &good,
            ),
        ),
        ("other claims", format!("{other_payload}.{signature}")),
        ("no signature", token.replace(signature, "")),
        ("cut", token[..token.len() - 2].to_owned()),
        ("four parts", format!("{token}.{signature}")),
        (
            "a zero for a signature",
            token.replace(signature, &base64(&[0; 64])),
        ),
        ("huge", signed("padding", json!("x".repeat(17 << 10)))),
        (
            "nested deeply",
            format!(
                "{}.{}.{signature}",
                base64(b"{\"alg\":\"ES256\",\"kid\":\"ec\"}"),
                base64("[".repeat(9_000).as_bytes())
            ),
        ),
    ]
}

#[tokio::test]
async fn tokens_that_are_not_good_are_turned_away_alike() {
    let dir = TempDir::new("oidc");
    let (rsa, ec) = (Signer::rsa("rsa", false, dir.path()), Signer::es256("ec"));
    let issuer = Issuer::start(&[&rsa, &ec]);
    let server = server(&issuer, &[]).await;
    let unknown = server.api().with_token("wrong").get("/v1/whoami").await.unwrap();
    let bad = bad_tokens(&issuer, &rsa, &ec);
    for (what, token) in &bad {
        let answer = server.api().with_token(token).get("/v1/whoami").await.unwrap();
        assert_eq!(answer.problem(401), "unauthorized", "{what}");
        assert_eq!(answer.text(), unknown.text(), "{what}: it is not told why");
    }
    // What is near the edge is good, and so is the good one of which the bad are made.
    let good = issuer.claims("acme", &["viewer"]);
    for (name, value) in [
        ("exp", json!(now() - 50)),
        ("nbf", json!(now() + 50)),
        ("nbf", Value::Null),
        ("aud", json!(["grafana", AUDIENCE])),
        ("sub", json!("x".repeat(255))),
    ] {
        let token = ec.token(&but(&good, name, value.clone()));
        assert_eq!(
            whoami(&server.api().with_token(&token)).await.0,
            200,
            "{name}: {value}"
        );
    }
    let log = server.log();
    for (what, token) in &bad {
        let signature = token.rsplit('.').next().unwrap_or_default();
        assert!(
            signature.len() < 40 || !log.contains(signature),
            "{what} is in the log"
        );
    }
    let entries = eventually("each is on record", PAGE_WITHIN, async || {
        let log = server
            .api()
            .get("/v1/audit/all?turned_away=true&limit=1000")
            .await?
            .json();
        let entries = log["entries"].as_array().cloned().unwrap_or_default();
        if entries.len() > bad.len() {
            Ok(entries)
        } else {
            Err(entries.len().to_string())
        }
    })
    .await;
    for entry in entries {
        assert_eq!(
            (&entry["actor"], &entry["status"], &entry["tenant"]),
            (&json!("nobody"), &json!(401), &Value::Null)
        );
    }
}

#[tokio::test]
async fn keys_are_rotated_and_kept_where_the_issuer_fails() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let issuer = Issuer::start(&[&old]);
    let server = server(&issuer, &[]).await;
    let token = |signer: &Signer| {
        let token = signer.token(&issuer.claims("acme", &["viewer"]));
        server.api().with_token(&token)
    };
    assert_eq!(whoami(&token(&old)).await.0, 200);
    let lets_in = async |signer: &Signer| {
        tokio::time::sleep(BETWEEN_GUESSES).await;
        match whoami(&token(signer)).await {
            (200, _) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    // Documents that cannot be used change nothing: an error, one too large, no keys.
    let broken = [(StatusCode::BAD_GATEWAY, 0), (StatusCode::OK, 300 << 10)];
    for (at, (status, padding)) in broken.into_iter().enumerate() {
        issuer.answer(status, padding);
        issuer.show(&[&new]);
        let before = issuer.fetches();
        eventually("it has asked again", PAGE_WITHIN, async || {
            tokio::time::sleep(BETWEEN_GUESSES).await;
            assert_eq!(whoami(&token(&new)).await.0, 401);
            if issuer.fetches() > before {
                Ok(())
            } else {
                Err(at)
            }
        })
        .await;
        assert_eq!(whoami(&token(&old)).await.0, 200, "{status}: it is kept");
    }
    let metrics = server.api().get("/metrics").await.unwrap().text();
    assert!(
        metrics.contains("wasmalert_oidc_fetches_total{result=\"failed\"}"),
        "{metrics}"
    );
    issuer.answer(StatusCode::OK, 0);
    eventually("the new key is good", PAGE_WITHIN, async || lets_in(&new).await).await;
    assert_eq!(whoami(&token(&old)).await.0, 401, "the old one has ended");
}

#[tokio::test]
async fn unknown_keys_cost_the_issuer_nothing() {
    let signer = Signer::es256("a");
    let issuer = Issuer::start(&[&signer]);
    let server = server(&issuer, &[]).await;
    let good = server
        .api()
        .with_token(&signer.token(&issuer.claims("acme", &["viewer"])));
    assert_eq!(whoami(&good).await.0, 200);
    let claims = issuer.claims("acme", &["viewer"]);
    let start = now();
    let mut codes = Vec::new();
    for at in 0..2_000 {
        let kid = format!("kid-{at}");
        let token = signer.token_with(&json!({"alg": "ES256", "kid": kid}), &claims);
        codes.push(whoami(&server.api().with_token(&token)).await.0);
    }
    let seconds = now() - start;
    let rounds = issuer.fetches() as u64;
    assert!(rounds <= 2 + seconds / 10, "{rounds} rounds in {seconds} s");
    assert!(codes[..50].iter().all(|code| *code == 401), "{codes:?}");
    assert!(codes.contains(&429), "who guesses is slowed down");
    assert_eq!(
        whoami(&good).await.0,
        200,
        "the good one comes from the same address"
    );
}

#[tokio::test]
async fn a_subject_may_make_so_many_calls() {
    let signer = Signer::es256("a");
    let issuer = Issuer::start(&[&signer]);
    let server = server(&issuer, &[("WASMALERT_KEY_CALLS_PER_SECOND", "1")]).await;
    let of = |subject: &str| {
        let claims = but(&issuer.claims("acme", &["viewer"]), "sub", json!(subject));
        server.api().with_token(&signer.token(&claims))
    };
    let mut codes = Vec::new();
    for _ in 0..13 {
        // Each has another token.
        codes.push(whoami(&of("jane")).await.0);
    }
    assert!(codes[..10].iter().all(|code| *code == 200), "{codes:?}");
    assert!(codes.contains(&429), "{codes:?}");
    assert_eq!(whoami(&of("joe")).await.0, 200, "others have their own share");
}

#[tokio::test]
async fn settings_that_do_not_hold_together_stop_the_start() {
    let server = Server::start().await;
    let said = server.run_wrong(&[
        ("WASMALERT_OIDC_ISSUER", "http://issuer.example"),
        ("WASMALERT_OIDC_JWKS_URL", "ftp://127.0.0.1/keys"),
        ("WASMALERT_OIDC_ROLES", "viewer=look"),
        ("WASMALERT_PROXY_SCOPES", "read,operator"),
        ("WASMALERT_TLS_CERT_FILE", "/nowhere"),
    ]);
    for part in [
        "WASMALERT_OIDC_ISSUER: `http://issuer.example` is not a URL that starts with https://",
        "WASMALERT_OIDC_JWKS_URL: `ftp://127.0.0.1/keys`",
        "WASMALERT_OIDC_ROLES: `viewer=look`",
        "oidc_audience: it is empty",
        "WASMALERT_PROXY_SCOPES: `read,operator`",
        "WASMALERT_TLS_CERT_FILE: set tls_key_file too",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}
