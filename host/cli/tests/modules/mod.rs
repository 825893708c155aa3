//! Commands about where modules come from, against a server of the test's own.

use serde_json::{Value, json};

use crate::fake::{self, Fake, folder, run};

const KEY: &str = "untrusted comment: x\nRWTewjFvyguAwQH1TM1+KHW3BRFTRK/OQT+9UcKFb0dMEd7G3yQZ40SU\n";

#[test]
fn push_sends_the_signature_and_prints_warnings() {
    let dir = folder(
        "signed",
        &[("r.wasm", "\0asm"), ("r.wasm.minisig", "untrusted\n")],
    );
    let server = Fake::start(|request| {
        assert_eq!(request.header("wasmalert-signature"), "dW50cnVzdGVkCg==");
        fake::ok(json!({"name": "r", "trust": "unsigned", "warnings": ["unsigned: \u{1b}[31m who knows"]}))
    });
    let (file, signature) = (dir.path("r.wasm"), dir.path("r.wasm.minisig"));
    let ran = run(&server, &["push", &file, "--signature", &signature]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "name:   r\ntrust:  unsigned\n"));
    assert_eq!(ran.err, "warning: unsigned: \\u{1b}[31m who knows\n");
    let none = Fake::start(|request| panic!("unexpected {}", request.line));
    let ran = run(&none, &["push", &file, "--signature", &dir.path("none")]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}

#[test]
fn pull_asks_the_server_to_fetch() {
    let dir = folder("pull", &[("m.minisig", "signed")]);
    let server = Fake::start(|request| {
        assert_eq!(request.line, "POST /v1/modules/disk/pull");
        let expected = json!({"reference": "r.example/rules/disk:1", "plain_http": false, "signature": "signed",
            "digest": "sha256:ab", "basic_auth": {"username": "ci", "password": "{{secret:reg}}"}});
        assert_eq!(request.json(), expected);
        fake::ok(json!({"name": "disk", "version": 1}))
    });
    let signature = dir.path("m.minisig");
    let mut args = vec![
        "pull",
        "r.example/rules/disk:1",
        "--digest",
        "sha256:ab",
        "--username",
        "ci",
    ];
    args.extend(["--password-secret", "reg", "--signature", &signature]);
    let ran = run(&server, &args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, "name:     disk\nversion:  1\n");
    let server = Fake::start(|request| {
        assert_eq!(request.line, "POST /v1/modules/mine/pull");
        assert_eq!(
            request.json(),
            json!({"reference": "r.example/disk", "plain_http": true})
        );
        fake::ok(json!({"name": "mine"}))
    });
    let ran = run(
        &server,
        &["pull", "r.example/disk", "--plain-http", "--name", "mine"],
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let ran = run(&server, &["pull", "r.example/disk", "--username", "ci"]);
    assert_eq!(ran.code, 2, "a user without a password: {}", ran.err);
}

#[test]
fn signers_and_the_policy_are_set() {
    let dir = folder("signer", &[("release.pub", KEY)]);
    let server = Fake::start(|request| match request.line.as_str() {
        "PUT /v1/signers/release" => {
            assert_eq!(request.json(), json!({ "public_key": KEY }));
            fake::ok(json!({"name": "release", "key_id": "C1800BCA6F31C2DE"}))
        }
        "PUT /v1/signatures" => {
            assert_eq!(request.json(), json!({"policy": "warn"}));
            fake::empty()
        }
        other => panic!("unexpected {other}"),
    });
    let ran = run(&server, &["signer", "set", "release", &dir.path("release.pub")]);
    assert_eq!(
        ran.out, "signer release  trusted (key C1800BCA6F31C2DE)\n",
        "{}",
        ran.err
    );
    let ran = run(&server, &["signer", "policy", "warn"]);
    assert_eq!(ran.out, "signatures  warn\n", "{}", ran.err);
    for wrong in [
        &["signer", "policy", "maybe"][..],
        &["signer", "set", "a b", "x"],
        &["signer", "set", "a", "/none"],
    ] {
        assert_eq!(run(&server, wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn a_version_shows_where_it_comes_from() {
    let shown: Value = json!({"name": "m", "version": 2, "trust": "signer_gone", "provenance": {
        "uploaded_by": "key a", "source": {"kind": "oci", "reference": "r.example/m:1", "digest": "sha256:ab"},
        "signature": {"signer": "release", "key_id": "C1", "trusted_comment": "t"},
        "producers": [{"field": "language", "name": "Rust", "version": ""},
            {"field": "sdk", "name": "x", "version": "1"}]}});
    let server = Fake::start(move |request| {
        assert_eq!(request.line, "GET /v1/modules/m/versions/2");
        fake::ok(shown.clone())
    });
    let ran = run(&server, &["get", "module", "m", "--version", "2"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for line in [
        "by:               key a",
        "from:             oci",
        "reference:        r.example/m:1",
        "manifest:         sha256:ab",
        "trust:            signed by release, who is not trusted any more",
        "signing key:      C1",
        "trusted comment:  t",
        "made with:        language Rust, sdk x 1",
    ] {
        assert!(
            ran.out.lines().any(|it| it == line),
            "{line} is missing:\n{}",
            ran.out
        );
    }
    for args in [
        &["get", "modules", "--version", "2"][..],
        &["get", "module", "m", "--version", "x"],
    ] {
        assert_eq!(run(&server, args).code, 2, "{args:?}");
    }
}

#[test]
fn help_teaches_how_modules_are_signed() {
    let help = fake::run_at("http://x", &["signer", "--help"], "").out;
    for word in [
        "minisign -G",
        "minisign -Sm",
        "signer policy require",
        "--signature",
    ] {
        assert!(help.contains(word), "{word} is missing:\n{help}");
    }
    assert!(
        fake::run_at("http://x", &["pull", "--help"], "")
            .out
            .contains("--password-secret registry")
    );
}
