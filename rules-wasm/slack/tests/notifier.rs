//! The message.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::{Value, json};
use slack::Slack;
use wasmalert::Alert;
use wasmalert::testing::{FakeHost, START_MS, alert, response};

const CONFIG: &str = r#"{"url": "{{secret:slack_url}}"}"#;

fn message(config: &str, alerts: &[Alert]) -> Value {
    let requests = FakeHost::new().config(config).notify::<Slack>(alerts).unwrap();
    assert_eq!((requests.len(), &*requests[0].url), (1, "{{secret:slack_url}}"));
    serde_json::from_slice(&requests[0].body).unwrap()
}

fn blocks(alerts: &[Alert]) -> Vec<Value> {
    message(CONFIG, alerts)["attachments"][0]["blocks"]
        .as_array()
        .unwrap()
        .clone()
}

fn color(alerts: &[Alert]) -> Value {
    message(CONFIG, alerts)["attachments"][0]["color"].clone()
}

#[test]
fn a_message() {
    let mut down = alert(r#"{alertname="Down", host="<a&b>"}"#)
        .annotated("summary", "a > b")
        .annotated("description", "more");
    down.generator_url = "http://w/?a=1&b=|".to_owned();
    let config = r##"{"url": "{{secret:slack_url}}", "channel": "#alerts"}"##;
    let section = "<http://w/?a=1&amp;b=%7C|Rule> *Firing* a &gt; b\nmore\n• host: &lt;a&amp;b&gt;";
    let wanted = json!({
        "channel": "#alerts",
        "text": "[FIRING:1] Down",
        "attachments": [{
            "color": "#a30200",
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": "[FIRING:1] Down"}},
                {"type": "section", "text": {"type": "mrkdwn", "text": section}}
            ]
        }]
    });
    assert_eq!(message(config, &[down]), wanted);
}

#[test]
fn resolved_alerts() {
    let up = alert(r#"{alertname="Down"}"#).resolved(START_MS);
    let blocks = blocks(&[up]);
    assert_eq!(blocks[0]["text"]["text"], "[RESOLVED] Down");
    assert_eq!(blocks[1]["text"]["text"], "*Resolved* ");
}

#[test]
fn colours_follow_state_and_severity() {
    let warning = alert(r#"{alertname="A", severity="warning"}"#);
    let page = alert(r#"{alertname="A", severity="page"}"#);
    assert_eq!(color(&[page.clone(), warning.clone()]), "#a30200");
    assert_eq!(color(&[alert("{}")]), "#a30200");
    assert_eq!(color(&[page.clone().resolved(START_MS), warning]), "#daa038");
    assert_eq!(color(&[page.resolved(START_MS)]), "#2eb886");
}

#[test]
fn texts_are_cut_to_slacks_limits() {
    let name = "&".repeat(100);
    let long = alert(&format!("{{alertname=\"{name}\"}}")).annotated("summary", &"ä".repeat(5_000));
    let blocks = blocks(&[long]);
    let title = blocks[0]["text"]["text"].as_str().unwrap();
    assert_eq!(title, format!("[FIRING:1] {}…", "&amp;".repeat(27)));
    assert!(title.chars().count() <= 150);
    let section = blocks[1]["text"]["text"].as_str().unwrap();
    assert_eq!(section.chars().count(), 3_000);
    assert!(section.ends_with("ä…"));
}

#[test]
fn alerts_beyond_the_limit_on_blocks_are_counted() {
    let alerts: Vec<_> = (0..60)
        .map(|i| alert(&format!("{{alertname=\"A\", i=\"{i}\"}}")))
        .collect();
    assert_eq!(blocks(&alerts[..48]).len(), 49);
    let blocks = blocks(&alerts);
    assert_eq!(blocks.len(), 50);
    assert_eq!(blocks[0]["text"]["text"], "[FIRING:60] A");
    let rest = json!({"type": "context", "elements": [{"type": "mrkdwn", "text": "and 12 more alerts"}]});
    assert_eq!(blocks[49], rest);
}

#[test]
fn slack_says_when_to_come_back() {
    let mut host = FakeHost::new().config(CONFIG);
    let answer = host.interpret::<Slack>(&response(429, &[("Retry-After", "30")], "rate_limited"));
    assert_eq!((&*answer.kind, answer.retry_after_ms), ("retry", Some(30_000)));
    let answer = host.interpret::<Slack>(&response(404, &[], "no_service"));
    assert_eq!(
        (&*answer.kind, &*answer.reason),
        ("failed", "status 404: no_service")
    );
}
