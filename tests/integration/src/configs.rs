//! Configurations are held against the schemas of their modules, and no schema
//! does harm.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, PAGE_WITHIN, Server, TempDir, Webhook, component, eventually, with_schema, workspace_root,
};

/// How long a refusal may take on a busy machine; the limit is 2 s of CPU time.
const REFUSED_WITHIN: Duration = Duration::from_secs(30);

async fn put(server: &Server, path: &str, body: &Value) -> Answer {
    let answer = server.api().ask(Method::PUT, path, body.to_string().into_bytes());
    answer.await.expect("the server answers")
}

async fn put_rules(server: &Server, rules: Value) -> Answer {
    put(
        server,
        "/v1/groups/test/configs",
        &json!({"interval": "1h", "rules": rules}),
    )
    .await
}

fn problems(answer: &Answer) -> Vec<String> {
    let problems = answer.json()["problems"].clone();
    serde_json::from_value(problems).unwrap_or_else(|e| panic!("{e}: {answer}"))
}

#[tokio::test]
async fn every_mismatch_of_a_group_is_told_with_its_place() {
    let server = Server::start().await;
    let good = json!({"fire_above": 9, "resolve_below": 5});
    let rules = json!([
        {"alert": "Good", "module": "hysteresis", "expr": "load", "config": good},
        {"alert": "Bad", "module": "hysteresis", "expr": "load",
         "config": {"fire_above": "high", "resolve_below": 5, "fire_for": {"of": 99, "at_least": 1}}},
        {"alert": "Empty"},
    ]);
    let answer = put_rules(&server, rules).await;
    assert_eq!(answer.problem(422), "config_invalid");
    let mut told = problems(&answer);
    told.sort();
    assert_eq!(
        told,
        [
            "rules[1].config at /fire_above: \"high\" is not of type \"number\" (module hysteresis version 1)",
            "rules[1].config at /fire_for/of: 99 is greater than the maximum of 32 (module hysteresis version 1)",
            "rules[2].config: \"expr\" is a required property (module prometheus version 1)",
        ]
    );
    let none = server
        .api()
        .get("/v1/groups/test/configs")
        .await
        .expect("the server answers");
    assert_eq!(none.problem(404), "not_found");
    let rules = json!([{"alert": "Good", "module": "hysteresis", "expr": "load", "config": good}]);
    assert_eq!(put_rules(&server, rules).await.status, 201);
}

#[tokio::test]
async fn a_receiver_has_to_match_too() {
    let server = Server::start().await;
    let receiver = json!({"module": "webhook", "config": {"url": "ftp://a", "header": {}}});
    let answer = put(&server, "/v1/receivers/hook", &receiver).await;
    assert_eq!(answer.problem(422), "config_invalid");
    let told = problems(&answer).join("\n");
    assert!(
        told.contains("config: Additional properties are not allowed ('header'"),
        "{told}"
    );
    assert!(
        told.contains("config at /url: \"ftp://a\" does not match"),
        "{told}"
    );
    let receiver = json!({"module": "webhook", "config": {"url": "{{secret:hook}}"}});
    assert_eq!(put(&server, "/v1/receivers/hook", &receiver).await.status, 201);
}

#[tokio::test]
async fn a_module_whose_schema_is_none_is_refused() {
    let server = Server::start().await;
    let outside = Webhook::start();
    let remote = format!(r#"{{"$ref": "{}/schema.json"}}"#, outside.url());
    for (schema, word) in [
        (
            r#"{"properties": {"a": {"type": "strin"}}}"#,
            "/properties/a/type",
        ),
        (remote.as_str(), "is not fetched"),
        (r#"{"$ref": "file:///etc/hostname"}"#, "is not fetched"),
        (r#"{"pattern": "((((a{100}){100}){100}){100})"}"#, "pattern"),
    ] {
        let answer = server
            .api()
            .upload("bad", with_schema("hysteresis", schema))
            .await;
        assert_eq!(answer.problem(422), "schema_invalid", "{schema}");
        assert!(answer.text().contains("module bad"), "{answer}");
        assert!(answer.text().contains(word), "{word}: {answer}");
    }
    assert!(outside.captured().is_empty(), "nothing was fetched");
    let none = server
        .api()
        .get("/v1/modules/bad")
        .await
        .expect("the server answers");
    assert_eq!(none.problem(404), "not_found");
}

/// Three times more work with each level.
fn explosion() -> String {
    let level = |(name, next): (char, char)| {
        let next = format!(r##"{{"$ref":"#/{next}"}}"##);
        format!(r#""{name}":{{"allOf":[{next},{next},{next}]}},"#)
    };
    let levels: String = ('a'..'s').zip('b'..='s').map(level).collect();
    format!(r##"{{"$ref":"#/a",{levels}"s":{{"minProperties":1}}}}"##)
}

#[tokio::test]
async fn a_schema_that_takes_too_much_is_an_error_soon() {
    let server = Server::start().await;
    server
        .api()
        .push("bad", with_schema("hysteresis", &explosion()))
        .await;
    let rules = json!([{"alert": "A", "expr": "load"}, {"alert": "B", "module": "bad", "expr": "load"}]);
    let answer = tokio::time::timeout(REFUSED_WITHIN, put_rules(&server, rules)).await;
    let answer = answer.expect("it is refused soon");
    assert_eq!(answer.problem(422), "schema_too_costly");
    assert!(answer.text().contains("module bad version 1"), "{answer}");
    let rules = json!([{"alert": "A", "expr": "load"}]);
    assert_eq!(put_rules(&server, rules).await.status, 201);
}

#[tokio::test]
async fn a_schema_that_refers_to_itself_without_end_says_nothing() {
    let server = Server::start().await;
    for schema in [
        r##"{"$ref": "#"}"##,
        r##"{"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#/anyOf/0"}}}}"##,
        r##"{"$dynamicAnchor": "a", "allOf": [{"$dynamicRef": "#a"}, {"$dynamicRef": "#a"}]}"##,
    ] {
        server.api().push("loop", with_schema("hysteresis", schema)).await;
        let rules =
            json!([{"alert": "A", "module": "loop", "expr": "load", "for": format!("{}ms", schema.len())}]);
        let answer = tokio::time::timeout(REFUSED_WITHIN, put_rules(&server, rules)).await;
        let answer = answer.unwrap_or_else(|_| panic!("{schema} takes too long"));
        assert!((200..300).contains(&answer.status), "{schema}: {answer}");
    }
}

#[tokio::test]
async fn a_new_version_whose_schema_breaks_a_configuration_leaves_the_group() {
    let server = Server::start().await;
    server.api().push("mine", component("prometheus")).await;
    let rule = json!([{"alert": "A", "module": "mine", "expr": "load"}]);
    assert_eq!(put_rules(&server, rule.clone()).await.status, 201);
    server.api().push("mine", component("hysteresis")).await;
    let kept = server
        .api()
        .get("/v1/groups/test/configs")
        .await
        .expect("the server answers");
    assert_eq!(kept.status, 200, "{kept}");
    assert_eq!(
        put_rules(&server, rule).await.status,
        200,
        "what did not change is not refused"
    );
    let changed = json!([{"alert": "A", "module": "mine", "expr": "load", "for": "1m"}]);
    let answer = put_rules(&server, changed).await;
    assert_eq!(answer.problem(422), "config_invalid");
    assert!(answer.text().contains("module mine version 2"), "{answer}");
}

/// What the READMEs of notifiers say to write, beside a rule that tells them.
#[tokio::test]
async fn the_receivers_of_the_notifiers_readmes_are_taken_and_told() {
    let server = Server::start().await;
    // Called as the rule wants it, one is told. It is there before the rule fires for the first time.
    let webhook = Webhook::start();
    server.receiver("default", "webhook", &webhook.url()).await;
    let dir = TempDir::new("receivers");
    let rule = workspace_root()
        .join("examples/receivers/rule.yaml")
        .display()
        .to_string();
    for name in ["pagerduty", "opsgenie", "teams", "telegram", "discord", "email"] {
        let page = workspace_root().join(format!("rules-wasm/{name}/README.md"));
        let page = std::fs::read_to_string(page).expect("a README");
        let block = page
            .split("```yaml\n")
            .skip(1)
            .find(|block| block.contains("receiver:"));
        let block = block
            .and_then(|block| block.split("```").next())
            .expect("a receiver");
        let variables: Vec<&str> = block
            .split("from_env: ")
            .skip(1)
            .map(|rest| rest.split(',').next().unwrap_or_default())
            .collect();
        assert_eq!(variables.len(), 1, "{block}");
        // It goes nowhere: the egress policy of the tests allows loopback alone.
        let environment = [(variables[0], "https://127.0.0.1:1/key")];
        let file = dir.write(&format!("{name}.yaml"), block).display().to_string();
        let out = server.cli_with(&["apply", "-f", &file, "-f", &rule], &environment);
        assert!(
            out.contains("secret ") && out.contains("receiver "),
            "{name}: {out}"
        );
        assert!(out.contains("group demo/receivers"), "{name}: {out}");
    }
    eventually(
        "the rule tells the receiver called default",
        PAGE_WITHIN,
        async || {
            let captured = webhook.captured();
            let alert = captured
                .first()
                .and_then(|captured| captured.alerts().first().cloned());
            let alert = alert.ok_or("nothing yet")?;
            let summary = alert["annotations"]["summary"].as_str().unwrap_or_default();
            match summary == "The shop at 127.0.0.1:8081 is down" {
                true => Ok(()),
                false => Err("another summary"),
            }
        },
    )
    .await;
}
