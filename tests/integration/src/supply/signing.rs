//! Uploads signed with the program `minisign`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use super::{acme, key, version};
use crate::harness::{Answer, Api, Server, TempDir, component, guest};

/// A pair of keys, and the files that it signs.
pub(super) struct Minisign {
    dir: TempDir,
}

impl Minisign {
    pub(super) fn new() -> Self {
        let this = Self {
            dir: TempDir::new("minisign"),
        };
        this.run(&["-G", "-W", "-p", &this.path("key.pub"), "-s", &this.path("key")]);
        this
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn run(&self, args: &[&str]) {
        let run = Command::new("minisign").args(args).stdin(Stdio::null()).output();
        let run = run.unwrap_or_else(|e| panic!("minisign: {e}; install it with `make setup`"));
        assert!(run.status.success(), "minisign {args:?}: {run:?}");
    }

    /// The file of the public key.
    pub(super) fn public(&self) -> PathBuf {
        self.dir.path().join("key.pub")
    }

    /// The text of the public key's file.
    pub(super) fn public_text(&self) -> String {
        std::fs::read_to_string(self.public()).expect("a public key")
    }

    /// Signs these bytes; gives the files of both.
    pub(super) fn sign_file(&self, wasm: &[u8], flags: &[&str]) -> (PathBuf, PathBuf) {
        let (file, signed) = (self.path("m.wasm"), self.path("m.wasm.minisig"));
        std::fs::write(&file, wasm).expect("the folder is writable");
        let secret = self.path("key");
        let mut args = vec!["-S", "-s", &secret, "-m", &file, "-t", "of the tests\u{202e}"];
        args.extend_from_slice(flags);
        self.run(&args);
        (Path::new(&file).to_owned(), Path::new(&signed).to_owned())
    }

    /// The text of a signature of these bytes.
    pub(super) fn sign(&self, wasm: &[u8], flags: &[&str]) -> String {
        let (_, signed) = self.sign_file(wasm, flags);
        std::fs::read_to_string(signed).expect("a signature")
    }
}

/// Trusts the key as `release`.
pub(super) async fn trust(api: &Api, minisign: &Minisign) {
    let signer = json!({"public_key": minisign.public_text()});
    api.put("/v1/signers/release", &signer).await;
}

pub(super) async fn policy(api: &Api, policy: &str) {
    api.put("/v1/signatures", &json!({"policy": policy})).await;
}

async fn ask(api: &Api, method: Method, path: &str, body: &Value) -> Answer {
    let answer = api.ask(method, path, body.to_string().into_bytes()).await;
    answer.unwrap_or_else(|e| panic!("{e}"))
}

/// A stock component with a custom section `note`, which makes it the tenant's own.
fn noted(name: &str) -> Vec<u8> {
    [&component(name)[..], b"\x00\x05\x04note"].concat()
}

async fn put_rule(api: &Api, name: &str, module: &str) -> Answer {
    let rule = json!({"alert": "A", "module": module, "config": {"do": "ok"}});
    let group = json!({"interval": "1s", "rules": [rule]});
    ask(api, Method::PUT, &format!("/v1/groups/test/{name}"), &group).await
}

#[tokio::test]
async fn required_signatures_are_of_a_signer_and_of_these_bytes() {
    let server = Server::start().await;
    let api = acme(&server).await;
    let (ours, theirs) = (Minisign::new(), Minisign::new());
    trust(&api, &ours).await;
    policy(&api, "require").await;
    let wasm = guest("evaluate");
    let refused = async |signature: Option<&str>| {
        let answer = api.upload_signed("mine", wasm.clone(), signature).await;
        let code = answer.problem(422);
        (
            code,
            answer.json()["detail"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let (code, detail) = refused(None).await;
    assert_eq!(code, "signature_missing");
    assert!(detail.contains("minisign -Sm"), "it says what to do: {detail}");
    let unknown = refused(Some(&theirs.sign(&wasm, &[]))).await;
    assert_eq!(unknown.0, "signer_unknown");
    assert!(unknown.1.contains("wasmalert signer set"), "{}", unknown.1);
    let good = ours.sign(&wasm, &[]);
    let of_others = ours.sign(&component("deadman"), &[]);
    let legacy = ours.sign(&wasm, &["-l"]);
    let other_comment = good.replace("of the tests", "of the boss");
    for bad in [of_others.as_str(), &legacy, &other_comment, "hello", ""] {
        assert_eq!(refused(Some(bad)).await.0, "signature_invalid", "{bad}");
    }
    let none = api.get("/v1/modules/mine").await.expect("the server answers");
    assert_eq!(none.problem(404), "not_found", "nothing is kept");

    let taken = api.upload_signed("mine", wasm.clone(), Some(&good)).await;
    assert_eq!(taken.status, 201, "{taken}");
    let shown = version(&api, "mine", 1).await;
    assert_eq!(shown["trust"], "signed");
    let signature = &shown["provenance"]["signature"];
    assert_eq!(signature["signer"], "release");
    let key_id = signature["key_id"].as_str().expect("a key's id");
    assert!(
        ours.public_text().contains(key_id),
        "as minisign prints it: {key_id}"
    );
    let comment = signature["trusted_comment"].as_str().expect("a comment");
    assert_eq!(comment, "of the tests\\u{202e}", "what turns text is escaped");
    assert_eq!(put_rule(&api, "mine", "mine").await.status, 201);
}

#[tokio::test]
async fn the_policy_of_a_tenant_is_its_admins_and_not_below_the_operators() {
    let mut server = Server::start().await;
    let api = acme(&server).await;
    let deployer = key(&server, "deploy").await;
    let set = async |api: &Api, wanted: &str| {
        ask(api, Method::PUT, "/v1/signatures", &json!({"policy": wanted})).await
    };
    assert_eq!(set(&deployer, "off").await.problem(403), "forbidden");
    let signers = deployer.get("/v1/signers").await.expect("the server answers");
    assert_eq!(signers.problem(403), "forbidden");
    // Who uploads sees what is asked.
    let shown = async |api: &Api| {
        api.get("/v1/signatures")
            .await
            .expect("the server answers")
            .json()
    };
    assert_eq!(shown(&deployer).await, json!({"policy": "off", "floor": "off"}));

    let silent = api.upload_signed("quiet", guest("evaluate"), None).await;
    assert_eq!(silent.json()["warnings"], Value::Null, "{silent}");
    policy(&api, "warn").await;
    let warned = api.upload_signed("warned", noted("deadman"), None).await;
    assert_eq!(warned.status, 201, "{warned}");
    assert_eq!(warned.json()["trust"], "unsigned");
    let warning = warned.json()["warnings"][0]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(warning.starts_with("unsigned"), "{warning}");

    server.restart_with(&[("WASMALERT_SIGNATURES", "require")]).await;
    let operator = server.api().for_tenant("acme");
    assert_eq!(
        shown(&operator).await,
        json!({"policy": "require", "floor": "require"})
    );
    assert_eq!(set(&operator, "off").await.problem(422), "policy_below_floor");
    // The bytes of a stock module need no signature, under whatever name.
    let stock = operator
        .upload_signed("more", component("hysteresis"), None)
        .await;
    assert_eq!(stock.status, 201, "{stock}");
    assert_eq!(stock.json()["trust"], "stock");
    let refused = operator.upload_signed("more", noted("hysteresis"), None).await;
    assert_eq!(refused.problem(422), "signature_missing");
}

#[tokio::test]
async fn what_a_deleted_signer_signed_runs_on_and_is_not_put_to_use_again() {
    let server = Server::start().await;
    let api = acme(&server).await;
    let (old, new) = (Minisign::new(), Minisign::new());
    trust(&api, &old).await;
    policy(&api, "require").await;
    let wasm = guest("evaluate");
    let signed = api
        .upload_signed("mine", wasm.clone(), Some(&old.sign(&wasm, &[])))
        .await;
    assert_eq!(signed.status, 201, "{signed}");
    assert_eq!(put_rule(&api, "before", "mine").await.status, 201);

    let gone = api
        .delete("/v1/signers/release")
        .await
        .expect("the server answers");
    assert_eq!(gone.status, 204, "{gone}");
    assert_eq!(version(&api, "mine", 1).await["trust"], "signer_gone");
    let after = put_rule(&api, "after", "mine").await;
    assert_eq!(after.problem(422), "invalid");
    assert!(
        after.text().contains("rules[0].module: mine version 1"),
        "{after}"
    );
    let evaluations = api
        .evaluations("test", "before", "A")
        .await
        .map_or(0, |list| list.len());
    crate::harness::eventually("it goes on running", crate::harness::PAGE_WITHIN, async || {
        let rule = api.rule("test", "before", "A").await?;
        let now = api.evaluations("test", "before", "A").await?.len();
        if rule.health == "ok" && now > evaluations {
            Ok(())
        } else {
            Err(format!("{rule:?}, {now} evaluations"))
        }
    })
    .await;
    // Stock modules came with the program.
    let stock = json!({"rules": [{"alert": "B", "expr": "vector(0)"}]});
    let stock = ask(&api, Method::PUT, "/v1/groups/test/stock", &stock).await;
    assert_eq!(stock.status, 201, "{stock}");

    trust(&api, &new).await;
    let again = api
        .upload_signed("mine", wasm.clone(), Some(&new.sign(&wasm, &[])))
        .await;
    assert_eq!(
        (again.status, again.json()["version"].clone()),
        (200, json!(1)),
        "{again}"
    );
    assert_eq!(again.json()["trust"], "signed");
    assert_eq!(put_rule(&api, "after", "mine").await.status, 201);
    // A receiver is held to the same.
    policy(&api, "off").await;
    api.push("own-hook", noted("webhook")).await;
    policy(&api, "require").await;
    let receiver = json!({"module": "own-hook", "config": {"url": "http://127.0.0.1:1"}});
    let receiver = ask(&api, Method::PUT, "/v1/receivers/hook", &receiver).await;
    assert_eq!(receiver.problem(422), "invalid");
    assert!(
        receiver.text().contains("own-hook version 1 is not signed"),
        "{receiver}"
    );
}

#[tokio::test]
async fn signers_are_kept_and_bounded() {
    let mut server = Server::start().await;
    let api = acme(&server).await;
    let minisign = Minisign::new();
    trust(&api, &minisign).await;
    server.restart().await;
    let api = server.api().for_tenant("acme");
    let listed = api.get("/v1/signers").await.expect("the server answers").json();
    assert_eq!(listed["signers"][0]["name"], "release", "{listed}");
    let twin = json!({"public_key": minisign.public_text()});
    let twin = ask(&api, Method::PUT, "/v1/signers/twin", &twin).await;
    assert_eq!(twin.problem(409), "signer_exists");
    let wrong = ask(
        &api,
        Method::PUT,
        "/v1/signers/x",
        &json!({"public_key": "hello"}),
    )
    .await;
    assert_eq!(wrong.problem(422), "invalid");
    let line = minisign.public_text().lines().nth(1).expect("a key").to_owned();
    let number = |number: u8| {
        // Another key each time: what lies behind algorithm and id is the key.
        let mut line = line.clone().into_bytes();
        let at = line.len() - 2;
        line[at] = b'A' + number % 26;
        line[at - 1] = b'A' + number / 26;
        String::from_utf8(line).expect("base64")
    };
    let mut refused = None;
    for count in 1..80_u8 {
        let signer = json!({"public_key": number(count)});
        let answer = ask(&api, Method::PUT, &format!("/v1/signers/s{count}"), &signer).await;
        if answer.status != 201 {
            refused = Some((count, answer));
            break;
        }
    }
    let (count, answer) = refused.expect("there is a bound");
    assert_eq!(answer.problem(429), "signers_exceeded");
    assert_eq!(count, 64);
    // Another key under a name that is there is no further signer.
    let other = json!({"public_key": number(100)});
    let other = ask(&api, Method::PUT, "/v1/signers/release", &other).await;
    assert_eq!(other.status, 200, "{other}");
}

#[tokio::test]
async fn the_command_line_signs_and_shows() {
    let server = Server::start().await;
    let minisign = Minisign::new();
    let wasm = guest("evaluate");
    let (file, signature) = minisign.sign_file(&wasm, &[]);
    let (file, signature) = (file.display().to_string(), signature.display().to_string());
    let public = minisign.public().display().to_string();
    assert!(
        server
            .cli(&["signer", "set", "release", &public])
            .contains("release  trusted")
    );
    assert_eq!(
        server.cli(&["signer", "policy", "require"]),
        "signatures  require\n"
    );
    assert!(server.cli(&["get", "signers"]).contains("release"));
    assert!(server.cli(&["get", "signatures"]).contains("require"));
    let pushed = server.cli(&["push", &file, "--name", "mine", "--signature", &signature]);
    assert!(pushed.contains("signed by release"), "{pushed}");
    let shown = server.cli(&["get", "module", "mine", "--version", "1"]);
    for part in [
        "by:",
        "operator",
        "signed by release",
        "of the tests",
        "made with:",
        "Rust",
    ] {
        assert!(shown.contains(part), "{part} is missing:\n{shown}");
    }
    assert!(server.cli(&["get", "module", "mine"]).contains("signed"));
    let dir = TempDir::new("documents");
    let document = format!("module: {{name: other, file: '{file}', signature: '{signature}'}}\n");
    let document = dir.write("m.yaml", &document).display().to_string();
    let checked = server.cli(&["check", &document]);
    assert!(!checked.contains("unknown"), "{checked}");
    assert_eq!(
        server.cli(&["apply", "-f", &document]),
        "module other  created (version 1)\n"
    );
    assert_eq!(
        server.cli(&["apply", "-f", &document]),
        "module other  unchanged (version 1)\n"
    );
    let deleted = server.cli(&["delete", "signer", "release"]);
    assert_eq!(deleted, "signer release  deleted\n");
}
