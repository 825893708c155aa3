//! What is asked for, and what a manifest says. Requests are tested against registries, with
//! the whole server.

use reqwest::Url;
use serde_json::{Value, json};

use super::manifest::{MEDIA_TYPE, wasm_layer};
use super::session::check_not_weaker;
use super::*;

fn digest(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn parsed(text: &str, digest: Option<&str>) -> Result<(String, Option<String>), String> {
    let wanted = Wanted::parse(text, digest).map_err(|error| {
        assert_eq!(error.code(), "reference_invalid");
        error.to_string()
    })?;
    Ok((wanted.shown(), wanted.digest))
}

#[test]
fn a_reference_names_its_registry_and_a_tag_or_a_digest() {
    let (a, b) = (digest("a"), digest("b"));
    let shown = |text: &str| text.to_owned();
    assert_eq!(
        parsed("registry.example.com/rules/slack:1.2", None),
        Ok((shown("registry.example.com/rules/slack:1.2"), None))
    );
    assert_eq!(
        parsed("127.0.0.1:5000/slack", Some(&a)),
        Ok((shown("127.0.0.1:5000/slack:latest"), Some(a.clone())))
    );
    let pinned = format!("localhost:5000/slack@{a}");
    let expected = Ok((shown("localhost:5000/slack"), Some(a.clone())));
    assert_eq!(parsed(&pinned, None), expected);
    assert_eq!(parsed(&pinned, Some(&a)), expected);
    let wrong = parsed(&pinned, Some(&b)).unwrap_err();
    assert_eq!(wrong, format!("digest: is {b}, and {a} in the reference"));
}

#[test]
fn what_is_no_reference_is_refused() {
    let upper = format!("localhost:5000/slack@sha256:{}", "A".repeat(64));
    let sha512 = format!("localhost:5000/slack@sha512:{}", "a".repeat(128));
    let long = format!("localhost:5000/{}", "a".repeat(REFERENCE_BYTES_MAX));
    for (text, digest) in [
        ("", None),
        ("slack:1.2", None),
        ("rules/slack:1.2", None),
        ("http://localhost:5000/slack", None),
        ("localhost:5000/../slack", None),
        ("localhost:5000/Slack", None),
        ("user@localhost:5000/slack", None),
        ("localhost:5000/slack?x=y", None),
        ("localhost:5000/slack", Some("latest")),
        (&*upper, None),
        (&*sha512, None),
        (&*long, None),
    ] {
        assert!(parsed(text, digest).is_err(), "{text} {digest:?}");
    }
    let hub = parsed("rules/slack:1.2", None).unwrap_err();
    assert!(hub.contains("docker.io/rules/slack:1.2"), "{hub}");
}

fn layer(kind: &str, digest: &str, bytes: u64) -> Value {
    json!({"mediaType": kind, "digest": digest, "size": bytes})
}

fn manifest(layers: &[Value]) -> Vec<u8> {
    let config = layer("application/vnd.wasm.config.v0+json", &digest("c"), 2);
    let manifest = json!({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": config, "layers": layers});
    manifest.to_string().into_bytes()
}

fn found(kind: &str, bytes: &[u8]) -> Result<Layer, &'static str> {
    wasm_layer(Some(kind), bytes, 1_000).map_err(|error| error.code())
}

#[test]
fn the_one_layer_of_wasm_is_the_module() {
    let text = layer("text/plain", &digest("b"), 5);
    for kind in [
        "application/wasm",
        "application/vnd.wasm.content.layer.v1+wasm",
        "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
    ] {
        let bytes = manifest(&[text.clone(), layer(kind, &digest("a"), 1_000)]);
        let expected = Layer {
            digest: digest("a"),
            bytes: 1_000,
        };
        assert_eq!(found(MEDIA_TYPE, &bytes), Ok(expected));
    }
}

#[test]
fn other_manifests_are_refused() {
    let wasm = |digest: &str, bytes| layer("application/wasm", digest, bytes);
    let good = manifest(&[wasm(&digest("a"), 1)]);
    assert!(found(&format!("{MEDIA_TYPE}; charset=utf-8"), &good).is_ok());
    let invalid = Err("manifest_invalid");
    assert_eq!(found("application/vnd.oci.image.index.v1+json", &good), invalid);
    assert_eq!(found("application/json", &good), invalid);
    assert_eq!(
        wasm_layer(None, &good, 1_000).unwrap_err().code(),
        "manifest_invalid"
    );
    let other = String::from_utf8(good)
        .unwrap()
        .replace(MEDIA_TYPE, "application/json");
    assert_eq!(found(MEDIA_TYPE, other.as_bytes()), invalid);
    for layers in [
        vec![],
        vec![layer(
            "application/vnd.oci.image.layer.v1.tar+gzip",
            &digest("a"),
            1,
        )],
        vec![wasm(&digest("a"), 1), wasm(&digest("b"), 1)],
        vec![wasm(&format!("sha512:{}", "a".repeat(128)), 1)],
        vec![wasm("../../secrets", 1)],
    ] {
        assert_eq!(found(MEDIA_TYPE, &manifest(&layers)), invalid, "{layers:?}");
    }
    assert_eq!(found(MEDIA_TYPE, b"{}"), invalid);
    let large = manifest(&[wasm(&digest("a"), 1_001)]);
    assert_eq!(found(MEDIA_TYPE, &large), Err("too_large"));
}

#[test]
fn nothing_leads_from_https_to_less() {
    let check = |from: &str, to: &str| {
        let url = |text: &str| Url::parse(text).unwrap();
        check_not_weaker(&url(from), &url(to)).is_ok()
    };
    assert!(check("https://a/", "https://b/"));
    assert!(check("http://a/", "http://b/"));
    assert!(check("http://a/", "https://b/"));
    assert!(!check("https://a/", "http://a/"));
    assert!(!check("http://a/", "file:///etc/passwd"));
}
