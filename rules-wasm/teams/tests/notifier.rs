//! The card.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::{Value, json};
use teams::Teams;
use wasmalert::testing::{FakeHost, START_MS, alert, response};
use wasmalert::{Alert, Notifier};

const CONFIG: &str = r#"{"url": "{{secret:teams}}"}"#;

/// The message, which is never larger than Teams takes.
fn message(alerts: &[Alert]) -> Value {
    let requests = FakeHost::new().config(CONFIG).notify::<Teams>(alerts).unwrap();
    assert_eq!((requests.len(), &*requests[0].url), (1, "{{secret:teams}}"));
    let body = str::from_utf8(&requests[0].body).unwrap();
    assert!(body.encode_utf16().count() * 2 <= 28_000);
    assert!(!body.contains("{{secret:"));
    serde_json::from_str(body).unwrap()
}

fn card(alerts: &[Alert]) -> Value {
    message(alerts)["attachments"][0]["content"].clone()
}

fn body(alerts: &[Alert]) -> Vec<Value> {
    card(alerts)["body"].as_array().unwrap().clone()
}

fn title_color(alerts: &[Alert]) -> Value {
    body(alerts)[0]["inlines"][0]["color"].clone()
}

#[test]
fn a_card() {
    let mut down = alert(r#"{alertname="Down", host="a", severity="warning"}"#)
        .annotated("summary", "**a** [is](http://evil)\ndown")
        .annotated("description", "more");
    down.generator_url = "http://w/?a=1&b=2".to_owned();
    let up = alert(r#"{alertname="Down", host="b"}"#).resolved(START_MS);
    let wanted = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": [
                    {"type": "RichTextBlock", "inlines": [
                        {"type": "TextRun", "text": "[FIRING:1] Down", "size": "Large", "weight": "Bolder", "color": "Warning"}
                    ]},
                    {"type": "Container", "separator": true, "items": [
                        {"type": "RichTextBlock", "inlines": [
                            {"type": "TextRun", "text": "Firing ", "weight": "Bolder", "color": "Warning"},
                            {"type": "TextRun", "text": "**a** [is](http://evil) down"}
                        ]},
                        {"type": "RichTextBlock", "inlines": [
                            {"type": "TextRun", "text": "more\n• host: a\n• severity: warning", "isSubtle": true}
                        ]}
                    ]},
                    {"type": "Container", "separator": true, "items": [
                        {"type": "RichTextBlock", "inlines": [
                            {"type": "TextRun", "text": "Resolved ", "weight": "Bolder", "color": "Good"},
                            {"type": "TextRun", "text": ""}
                        ]},
                        {"type": "RichTextBlock", "inlines": [
                            {"type": "TextRun", "text": "• host: b", "isSubtle": true}
                        ]}
                    ]}
                ],
                "actions": [{"type": "Action.OpenUrl", "title": "Rule", "url": "http://w/?a=1&b=2"}]
            }
        }]
    });
    assert_eq!(message(&[down, up]), wanted);
}

#[test]
fn colours_follow_state_and_severity() {
    let warning = alert(r#"{alertname="A", severity="warning"}"#);
    let page = alert(r#"{alertname="A", severity="page"}"#);
    assert_eq!(title_color(&[page.clone(), warning.clone()]), "Attention");
    assert_eq!(title_color(&[alert("{}")]), "Attention");
    assert_eq!(
        title_color(&[page.clone().resolved(START_MS), warning]),
        "Warning"
    );
    assert_eq!(title_color(&[page.resolved(START_MS)]), "Good");
}

#[test]
fn a_rule_without_a_link_has_no_button() {
    let mut down = alert("{}");
    assert_eq!(card(&[down.clone()])["actions"], json!([]));
    down.generator_url = "javascript:alert(1)".to_owned();
    assert_eq!(card(&[down])["actions"], json!([]));
}

/// However large and hostile, a message holds as much as may be and no more
/// (`message` looks at its size).
#[test]
fn huge_alerts_are_cut_to_teams_limit() {
    for text in ["x", "\"", "{{secret:teams}}", "\\\n", "ä𝄞", "\u{0}"] {
        let huge = text.repeat(20_000);
        let mut long = alert(&format!("{{alertname=\"{}\"}}", huge.replace(['"', '\\'], "'")))
            .annotated("summary", &huge)
            .annotated("description", &huge);
        long.generator_url = format!("http://w/{}", "x".repeat(2_000));
        let one = body(&[long.clone()]);
        assert_eq!(one.len(), 2, "{text:?}");
        let summary = one[1]["items"][0]["inlines"][1]["text"].as_str().unwrap();
        assert!(summary.len() > 1_500 && summary.ends_with('…'), "{text:?}");

        let many = vec![long; 256];
        let many = body(&many);
        let shown = many.len() - 2;
        assert!((10..30).contains(&shown), "{text:?}: {shown}");
        let rest = format!("and {} more alerts", 256 - shown);
        assert_eq!(many[shown + 1]["inlines"][0]["text"], rest);
    }
}

#[test]
fn small_alerts_all_fit() {
    let alerts: Vec<_> = (0..20).map(|i| alert(&format!("{{i=\"{i}\"}}"))).collect();
    assert_eq!(body(&alerts).len(), 21);
}

#[test]
fn answers() {
    let mut host = FakeHost::new().config(CONFIG);
    let mut of = |status, headers: &[(&str, &str)]| {
        let answer = host.interpret::<Teams>(&response(status, headers, "text"));
        (answer.kind, answer.retry_after_ms)
    };
    assert_eq!(of(202, &[]), ("delivered".to_owned(), None));
    assert_eq!(
        of(429, &[("Retry-After", "9")]),
        ("retry".to_owned(), Some(9_000))
    );
    assert_eq!(of(502, &[]), ("retry".to_owned(), None));
    assert_eq!(of(413, &[]), ("failed".to_owned(), None));
    assert_eq!(of(401, &[]), ("failed".to_owned(), None));
}

#[test]
fn a_bad_configuration_is_refused() {
    for (config, says) in [
        ("{}", "missing field `url`"),
        (r#"{"url": "outlook.office.com"}"#, "url: \"outlook.office.com\""),
        (
            r#"{"url": "https://t", "channel": "x"}"#,
            "unknown field `channel`",
        ),
    ] {
        let failure = FakeHost::new()
            .config(config)
            .notify::<Teams>(&[alert("{}")])
            .unwrap_err();
        assert_eq!(failure.code, "bad_config", "{failure}");
        assert!(failure.message.contains(says), "{failure}");
    }
}

#[test]
fn the_schema_is_json() {
    let schema: Value = serde_json::from_str(&Teams::describe().config_schema).unwrap();
    assert_eq!(schema["required"], json!(["url"]));
}
