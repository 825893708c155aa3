//! The message.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::{Value, json};
use telegram::Telegram;
use wasmalert::testing::{FakeHost, START_MS, alert, response};
use wasmalert::{Alert, Notifier};

const CONFIG: &str = r#"{"token": "{{secret:tg}}", "chat_id": -1001234567890}"#;

fn message(config: &str, alerts: &[Alert]) -> Value {
    let requests = FakeHost::new().config(config).notify::<Telegram>(alerts).unwrap();
    assert_eq!(requests.len(), 1);
    serde_json::from_slice(&requests[0].body).unwrap()
}

fn text(alerts: &[Alert]) -> String {
    message(CONFIG, alerts)["text"].as_str().unwrap().to_owned()
}

/// What a reader sees of a text, as Telegram parses it.
fn seen(text: &str) -> String {
    let mut seen = String::new();
    for part in text.split_inclusive('>') {
        seen.push_str(part.split_once('<').map_or(part, |(before, _)| before));
    }
    seen.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[test]
fn a_message() {
    let mut down = alert(r#"{alertname="Down", host="<a&b>"}"#)
        .annotated("summary", "a > b")
        .annotated("description", "more");
    down.generator_url = "http://w/?a=1&b=\"".to_owned();
    let up = alert(r#"{alertname="Down", host="c"}"#).resolved(START_MS);
    let config =
        r#"{"token": "1:a_B-c", "chat_id": "@alerts", "message_thread_id": 7, "disable_notification": true}"#;
    let text = "<b>[FIRING:1] Down</b> <a href=\"http://w/?a=1&amp;b=%22\">Rule</a>\n\n\
        <b>Firing</b> a &gt; b\nmore\n• host: &lt;a&amp;b&gt;\n\n\
        <b>Resolved</b> \n• host: c";
    let wanted = json!({
        "chat_id": "@alerts",
        "message_thread_id": 7,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": true},
        "disable_notification": true
    });
    assert_eq!(message(config, &[down, up]), wanted);
}

#[test]
fn where_it_goes() {
    let url = |config: &str| {
        let requests = FakeHost::new().config(config).notify::<Telegram>(&[alert("{}")]);
        requests.unwrap()[0].url.clone()
    };
    assert_eq!(
        url(CONFIG),
        "https://api.telegram.org/bot{{secret:tg}}/sendMessage"
    );
    let own = r#"{"token": "1:a", "chat_id": 1, "url": "http://127.0.0.1:8081/"}"#;
    assert_eq!(url(own), "http://127.0.0.1:8081/bot1:a/sendMessage");
    let message = message(CONFIG, &[alert("{}")]);
    assert_eq!(message["chat_id"], json!(-1_001_234_567_890_i64));
    assert_eq!(message["disable_notification"], json!(false));
    assert_eq!(message.get("message_thread_id"), None);
}

#[test]
fn a_text_is_cut_to_telegrams_limit() {
    let long = alert(r#"{alertname="A"}"#).annotated("summary", &"<𝄞>&".repeat(2_000));
    let text = text(&[long]);
    let seen = seen(&text);
    assert!(seen.starts_with("[FIRING:1] A\n\nFiring <𝄞>&<𝄞>&"), "{seen}");
    assert!(seen.ends_with('…'));
    let units = seen.encode_utf16().count();
    assert!((4_000..=4_096).contains(&units), "{units}");
    // Cut within no entity, and every tag closed.
    let entities = ["&amp;", "&lt;", "&gt;"].map(|entity| text.matches(entity).count());
    assert_eq!(text.matches('&').count(), entities.iter().sum::<usize>());
    assert_eq!(text.matches("<b>").count(), text.matches("</b>").count());
}

#[test]
fn alerts_that_do_not_fit_are_counted() {
    let long = "x".repeat(1_000);
    let alerts: Vec<_> = (0..256)
        .map(|i| alert(&format!("{{alertname=\"{long}\", i=\"{i}\"}}")).annotated("summary", &long))
        .collect();
    let text = text(&alerts);
    let shown = text.matches("<b>Firing</b>").count();
    assert!((10..20).contains(&shown), "{shown}");
    assert!(text.ends_with(&format!("…\n\nand {} more alerts", 256 - shown)));
    assert!(seen(&text).encode_utf16().count() <= 4_096);
}

#[test]
fn hostile_labels_stay_text() {
    let down = alert("{alertname=\"</b><a href='http://evil'>\n\u{0}\u{202e}\", a=\"{{secret:tg}}\"}");
    let requests = FakeHost::new()
        .config(CONFIG)
        .notify::<Telegram>(&[down])
        .unwrap();
    let body = String::from_utf8(requests[0].body.clone()).unwrap();
    assert!(!body.contains("{{secret:"), "{body}");
    let message: Value = serde_json::from_str(&body).unwrap();
    let text = message["text"].as_str().unwrap();
    let title = "<b>[FIRING:1] &lt;/b&gt;&lt;a href='http://evil'&gt;   </b>\n\n";
    assert_eq!(text, format!("{title}<b>Firing</b> \n• a: {{{{secret:tg}}}}"));
    assert!(!text.chars().any(|char| char.is_control() && char != '\n'));
}

#[test]
fn a_long_link_is_left_out() {
    let mut down = alert(r#"{alertname="Down"}"#);
    down.generator_url = format!("http://w/{}", "x".repeat(3_000));
    assert_eq!(text(&[down]), "<b>[FIRING:1] Down</b>\n\n<b>Firing</b> ");
}

#[test]
fn answers() {
    let mut host = FakeHost::new().config(CONFIG);
    let mut of = |status, body: &str| {
        let answer = host.interpret::<Telegram>(&response(status, &[], body));
        (answer.kind, answer.retry_after_ms, answer.reason)
    };
    let told = |kind: &str, after_ms, reason: &str| (kind.to_owned(), after_ms, reason.to_owned());
    assert_eq!(
        of(200, r#"{"ok": true, "result": {}}"#),
        told("delivered", None, "")
    );
    let flood =
        r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":5}}"#;
    assert_eq!(
        of(429, flood),
        told("retry", Some(5_000), &format!("status 429: {flood}"))
    );
    let endless = r#"{"ok":false,"parameters":{"retry_after":18446744073709551615}}"#;
    assert_eq!(of(429, endless).1, Some(u64::MAX));
    let moved = r#"{"ok":false,"error_code":400,"parameters":{"migrate_to_chat_id":-1009999999999}}"#;
    let reason = "the group has become a supergroup: set chat_id to -1009999999999";
    assert_eq!(of(400, moved), told("failed", None, reason));
    let blocked = r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#;
    assert_eq!(
        of(403, blocked),
        told("failed", None, &format!("status 403: {blocked}"))
    );
    assert_eq!(of(200, r#"{"ok":false}"#).0, "failed");
    assert_eq!(of(502, "<html>"), told("retry", None, "status 502: <html>"));
    assert_eq!(of(429, ""), told("retry", None, "status 429: "));
}

#[test]
fn a_bad_configuration_is_refused() {
    let token = r#""token": "1:a""#;
    for (config, says) in [
        (r#"{"chat_id": 1}"#.to_owned(), "missing field `token`"),
        (format!("{{{token}}}"), "missing field `chat_id`"),
        (
            r#"{"token": "1/a:b", "chat_id": 1}"#.to_owned(),
            "token: neither {{secret:NAME}} nor a bot's",
        ),
        (r#"{"token": "", "chat_id": 1}"#.to_owned(), "token: neither"),
        (
            format!(r#"{{{token}, "chat_id": true}}"#),
            "chat_id: neither a number nor @NAME",
        ),
        (
            format!(r#"{{{token}, "chat_id": "alerts"}}"#),
            "chat_id: \"alerts\" is neither a number nor @NAME",
        ),
        (
            format!(r#"{{{token}, "chat_id": 1, "url": "localhost"}}"#),
            "url: \"localhost/bot1:a/sendMessage\"",
        ),
        (
            format!(r#"{{{token}, "chat_id": 1, "thread": 2}}"#),
            "unknown field `thread`",
        ),
    ] {
        let failure = FakeHost::new()
            .config(&config)
            .notify::<Telegram>(&[alert("{}")])
            .unwrap_err();
        assert_eq!(failure.code, "bad_config", "{failure}");
        assert!(failure.message.contains(says), "{failure}");
    }
}

#[test]
fn the_schema_is_json() {
    let schema: Value = serde_json::from_str(&Telegram::describe().config_schema).unwrap();
    assert_eq!(schema["required"], json!(["token", "chat_id"]));
}
