//! The message.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use discord::Discord;
use serde_json::{Value, json};
use wasmalert::testing::{FakeHost, START_MS, alert, response};
use wasmalert::{Alert, Notifier};

const CONFIG: &str = r#"{"url": "{{secret:discord}}"}"#;

fn message(config: &str, alerts: &[Alert]) -> Value {
    let requests = FakeHost::new().config(config).notify::<Discord>(alerts).unwrap();
    assert_eq!(requests.len(), 1);
    serde_json::from_slice(&requests[0].body).unwrap()
}

fn units(text: &Value) -> usize {
    text.as_str().unwrap().encode_utf16().count()
}

#[test]
fn a_message() {
    let mut down = alert(r#"{alertname="Down", host="a|b", severity="warning"}"#)
        .annotated("summary", "a > b")
        .annotated("description", "more\n[x](http://evil)");
    down.generator_url = "http://w/?a=1&b=)".to_owned();
    let up = alert(r#"{alertname="Down", host="c"}"#).resolved(START_MS);
    let bad = alert("{}");
    let config = r#"{"url": "{{secret:discord}}", "username": "w"}"#;
    let wanted = json!({
        "username": "w",
        "content": "\\[FIRING:2\\] Down [Rule](<http://w/?a=1&b=%29>)",
        "embeds": [
            {
                "title": "Firing: a \\> b",
                "description": "more\n\\[x\\](http://evil)\n• host: a\\|b\n• severity: warning",
                "color": 0xda_a0_38,
                "timestamp": "2027-01-15T08:00:00.000Z"
            },
            {
                "title": "Resolved: Down host=c",
                "description": "• host: c",
                "color": 0x2e_b8_86,
                "timestamp": "2027-01-15T08:00:00.000Z"
            },
            {
                "title": "Firing: Test",
                "description": "",
                "color": 0xa3_02_00,
                "timestamp": "2027-01-15T08:00:00.000Z"
            }
        ],
        "allowed_mentions": {"parse": []}
    });
    assert_eq!(message(config, &[down, up, bad]), wanted);
}

#[test]
fn where_it_goes() {
    let url = |config: &str| {
        let requests = FakeHost::new().config(config).notify::<Discord>(&[alert("{}")]);
        requests.unwrap()[0].url.clone()
    };
    assert_eq!(url(CONFIG), "{{secret:discord}}");
    let thread = r#"{"url": "{{secret:discord}}", "thread_id": "12"}"#;
    assert_eq!(url(thread), "{{secret:discord}}?thread_id=12");
    let thread = r#"{"url": "https://d/api/webhooks/1/x?wait=true", "thread_id": "12"}"#;
    assert_eq!(url(thread), "https://d/api/webhooks/1/x?wait=true&thread_id=12");
}

#[test]
fn one_alert_is_cut_to_discords_limits() {
    let huge = "𝄞*".repeat(5_000);
    let long = alert(&format!(r#"{{alertname="{huge}"}}"#))
        .annotated("summary", &huge)
        .annotated("description", &huge);
    let message = message(CONFIG, &[long]);
    let embed = &message["embeds"][0];
    assert!((255..=256).contains(&units(&embed["title"])));
    assert!((4_094..=4_096).contains(&units(&embed["description"])));
    assert!(units(&message["content"]) <= 2_000);
    for text in [&embed["title"], &embed["description"], &message["content"]] {
        let text = text.as_str().unwrap();
        assert!(text.ends_with('…') && !text.ends_with("\\…"), "{text}");
    }
}

#[test]
fn many_alerts_share_the_room_and_the_rest_is_counted() {
    let huge = "ä".repeat(5_000);
    let alerts: Vec<_> = (0..256)
        .map(|i| {
            alert(&format!("{{alertname=\"A\", i=\"{i}\"}}"))
                .annotated("summary", &huge)
                .annotated("description", &huge)
        })
        .collect();
    let message = message(CONFIG, &alerts);
    assert_eq!(message["content"], "\\[FIRING:256\\] A and 246 more alerts");
    let embeds = message["embeds"].as_array().unwrap();
    assert_eq!(embeds.len(), 10);
    let all = embeds
        .iter()
        .map(|embed| units(&embed["title"]) + units(&embed["description"]));
    assert_eq!(all.sum::<usize>(), 6_000);
}

#[test]
fn hostile_labels_stay_text() {
    let down = alert("{alertname=\"@everyone <@1> ||x|| ```\n\u{0}\", a=\"{{secret:discord}}\"}");
    let requests = FakeHost::new().config(CONFIG).notify::<Discord>(&[down]).unwrap();
    let body = String::from_utf8(requests[0].body.clone()).unwrap();
    assert!(!body.contains("{{secret:"), "{body}");
    let message: Value = serde_json::from_str(&body).unwrap();
    let content = r"\[FIRING:1\] @everyone \<@1\> \|\|x\|\| \`\`\`  ";
    assert_eq!(message["content"], content);
    assert_eq!(message["allowed_mentions"], json!({"parse": []}));
}

#[test]
fn answers() {
    let mut host = FakeHost::new().config(CONFIG);
    let mut of = |status, headers: &[(&str, &str)], body: &str| {
        let answer = host.interpret::<Discord>(&response(status, headers, body));
        (answer.kind, answer.retry_after_ms)
    };
    let told = |kind: &str, after_ms| (kind.to_owned(), after_ms);
    assert_eq!(of(204, &[], ""), told("delivered", None));
    let limited = r#"{"message": "You are being rate limited.", "retry_after": 64.5701, "global": false}"#;
    assert_eq!(
        of(429, &[("Retry-After", "65")], limited),
        told("retry", Some(64_571))
    );
    assert_eq!(
        of(429, &[("Retry-After", "65")], "<html>"),
        told("retry", Some(65_000))
    );
    assert_eq!(of(429, &[], r#"{"retry_after": -1}"#), told("retry", Some(0)));
    assert_eq!(
        of(429, &[], r#"{"retry_after": 1e300}"#),
        told("retry", Some(u64::MAX))
    );
    assert_eq!(of(429, &[], ""), told("retry", None));
    assert_eq!(of(500, &[], limited), told("retry", None));
    assert_eq!(of(400, &[], r#"{"embeds": ["0"]}"#), told("failed", None));
    assert_eq!(
        of(404, &[], r#"{"message": "Unknown Webhook", "code": 10015}"#),
        told("failed", None)
    );
}

#[test]
fn a_bad_configuration_is_refused() {
    for (config, says) in [
        ("{}", "missing field `url`"),
        (r#"{"url": "discord.com/api"}"#, "url: \"discord.com/api\""),
        (
            r#"{"url": "https://d", "thread_id": "1&x"}"#,
            "thread_id: \"1&x\" is not a number",
        ),
        (r#"{"url": "https://d", "thread_id": ""}"#, "thread_id: \"\""),
        (
            r#"{"url": "https://d", "channel": "x"}"#,
            "unknown field `channel`",
        ),
    ] {
        let failure = FakeHost::new()
            .config(config)
            .notify::<Discord>(&[alert("{}")])
            .unwrap_err();
        assert_eq!(failure.code, "bad_config", "{failure}");
        assert!(failure.message.contains(says), "{failure}");
    }
}

#[test]
fn the_schema_is_json() {
    let schema: Value = serde_json::from_str(&Discord::describe().config_schema).unwrap();
    assert_eq!(schema["required"], json!(["url"]));
}
