//! The mail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::slice;

use email::Email;
use serde_json::{Value, json};
use wasmalert::testing::{FakeHost, START_MS, alert, response};
use wasmalert::{Alert, Label, Notifier, Request};

const TEXT: &str = "[FIRING:1] Down\nhttp://w/?a=1&b=%22\n\n\
    Firing a > b\nmore\n• host: <a&b>\n\n\
    Resolved \n• host: c";
const HTML: &str = "<div style=\"white-space: pre-line\"><b>[FIRING:1] Down</b>\n\
    <a href=\"http://w/?a=1&amp;b=%22\">Rule</a>\n\n\
    <b>Firing</b> a &gt; b\nmore\n• host: &lt;a&amp;b&gt;\n\n\
    <b>Resolved</b> \n• host: c</div>";

fn config(provider: &str) -> String {
    let domain = if provider == "mailgun" {
        r#", "domain": "mg.example.com""#
    } else {
        ""
    };
    format!(
        r#"{{"provider": "{provider}", "api_key": "{{{{secret:mail}}}}", "from": "Alerts <a@example.com>",
            "to": ["b@example.com", "C D <c@example.com>"]{domain}}}"#
    )
}

fn request(config: &str, alerts: &[Alert]) -> Request {
    let mut requests = FakeHost::new().config(config).notify::<Email>(alerts).unwrap();
    assert_eq!((requests.len(), &*requests[0].method), (1, "POST"));
    requests.remove(0)
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// The mail that Resend is sent.
fn resend(alerts: &[Alert]) -> Value {
    body(&request(&config("resend"), alerts))
}

fn alerts() -> [Alert; 2] {
    let mut down = alert(r#"{alertname="Down", host="<a&b>"}"#)
        .annotated("summary", "a > b")
        .annotated("description", "more");
    down.generator_url = "http://w/?a=1&b=\"".to_owned();
    [down, alert(r#"{alertname="Down", host="c"}"#).resolved(START_MS)]
}

/// The fields of a form, decoded.
fn form(body: &[u8]) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    bytes.push(u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap());
                }
                byte => bytes.push(byte),
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    let fields = str::from_utf8(body).unwrap().split('&');
    fields
        .map(|field| field.split_once('=').unwrap())
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[test]
fn through_mailgun() {
    let request = request(&config("mailgun"), &alerts());
    assert_eq!(request.url, "https://api.mailgun.net/v3/mg.example.com/messages");
    let headers = [
        Label::new("Content-Type", "application/x-www-form-urlencoded"),
        Label::new("Authorization", "Basic {{secret:mail}}"),
    ];
    assert_eq!(request.headers, headers);
    let start = b"from=Alerts+%3Ca%40example.com%3E&to=b%40example.com%2C+C+D+%3Cc%40example.com%3E&subject=%5BFIRING%3A1%5D+Down&text=";
    assert!(request.body.starts_with(start));
    let fields = [
        ("from", "Alerts <a@example.com>"),
        ("to", "b@example.com, C D <c@example.com>"),
        ("subject", "[FIRING:1] Down"),
        ("text", TEXT),
        ("html", HTML),
    ];
    assert_eq!(
        form(&request.body),
        fields.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn through_postmark() {
    let request = request(&config("postmark"), &alerts());
    assert_eq!(request.url, "https://api.postmarkapp.com/email");
    let headers = [
        Label::new("Content-Type", "application/json"),
        Label::new("X-Postmark-Server-Token", "{{secret:mail}}"),
    ];
    assert_eq!(request.headers, headers);
    let wanted = json!({
        "From": "Alerts <a@example.com>",
        "To": "b@example.com, C D <c@example.com>",
        "Subject": "[FIRING:1] Down",
        "TextBody": TEXT,
        "HtmlBody": HTML
    });
    assert_eq!(body(&request), wanted);
}

#[test]
fn through_resend() {
    let request = request(&config("resend"), &alerts());
    assert_eq!(request.url, "https://api.resend.com/emails");
    let headers = [
        Label::new("Content-Type", "application/json"),
        Label::new("Authorization", "Bearer {{secret:mail}}"),
        Label::new("Idempotency-Key", "key-1"),
    ];
    assert_eq!(request.headers, headers);
    let wanted = json!({
        "from": "Alerts <a@example.com>",
        "to": ["b@example.com", "C D <c@example.com>"],
        "subject": "[FIRING:1] Down",
        "text": TEXT,
        "html": HTML
    });
    assert_eq!(body(&request), wanted);
}

#[test]
fn through_sendgrid() {
    let request = request(&config("sendgrid"), &alerts());
    assert_eq!(request.url, "https://api.sendgrid.com/v3/mail/send");
    let headers = [
        Label::new("Content-Type", "application/json"),
        Label::new("Authorization", "Bearer {{secret:mail}}"),
    ];
    assert_eq!(request.headers, headers);
    let wanted = json!({
        "personalizations": [{"to": [{"email": "b@example.com"}, {"email": "c@example.com", "name": "C D"}]}],
        "from": {"email": "a@example.com", "name": "Alerts"},
        "subject": "[FIRING:1] Down",
        "content": [{"type": "text/plain", "value": TEXT}, {"type": "text/html", "value": HTML}]
    });
    assert_eq!(body(&request), wanted);
}

#[test]
fn another_region_and_a_prefix() {
    let config = r#"{"provider": "sendgrid", "api_key": "SG.a-b_c", "from": "a@b", "to": ["c@d"],
        "url": "https://api.eu.sendgrid.com/", "subject_prefix": "prod\r\nBcc: x@y"}"#;
    let request = request(config, &alerts());
    assert_eq!(request.url, "https://api.eu.sendgrid.com/v3/mail/send");
    assert_eq!(request.headers[1], Label::new("Authorization", "Bearer SG.a-b_c"));
    assert_eq!(body(&request)["subject"], "prod  Bcc: x@y [FIRING:1] Down");
}

#[test]
fn hostile_labels_inject_nothing() {
    let down = alert("{alertname=\"x\r\nBcc: e@vil\u{0}\u{2028}<script>\", a=\"{{secret:mail}}&to=e@vil\"}")
        .annotated("description", "</div><img src=x onerror=alert(1)>");
    for provider in ["mailgun", "postmark", "resend", "sendgrid"] {
        let request = request(&config(provider), slice::from_ref(&down));
        assert!(
            !str::from_utf8(&request.body).unwrap().contains("{{secret:"),
            "{provider}"
        );
    }
    let mail = resend(slice::from_ref(&down));
    assert_eq!(mail["subject"], "[FIRING:1] x  Bcc: e@vil  <script>");
    let html = mail["html"].as_str().unwrap();
    assert_eq!(
        (html.matches("<script").count(), html.matches("<img").count()),
        (0, 0),
        "{html}"
    );
    assert!(html.ends_with(
        "&lt;/div&gt;&lt;img src=x onerror=alert(1)&gt;\n• a: {{secret:mail}}&amp;to=e@vil</div>"
    ));
    let form = form(&request(&config("mailgun"), &[down]).body);
    let names: Vec<_> = form.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["from", "to", "subject", "text", "html"]);
}

#[test]
fn texts_are_cut() {
    let huge = "&ä".repeat(40_000);
    let long = alert(&format!("{{alertname=\"{huge}\"}}")).annotated("description", &huge);
    let one = resend(slice::from_ref(&long));
    let units = |text: &str| text.encode_utf16().count();
    let subject = one["subject"].as_str().unwrap();
    assert!(units(subject) == 150 && subject.ends_with('…'));
    let text = one["text"].as_str().unwrap();
    assert!((63_000..=64_000).contains(&units(text)));
    let html = one["html"].as_str().unwrap();
    assert!(html.ends_with("…</div>") && html.matches('&').count() == html.matches("&amp;").count());

    let many = resend(&vec![long; 256]);
    for (part, state) in [("text", "\n\nFiring "), ("html", "\n\n<b>Firing</b> ")] {
        let text = many[part].as_str().unwrap();
        let shown = text.matches(state).count();
        assert!((200..256).contains(&shown), "{shown}");
        assert!(
            text.trim_end_matches("</div>")
                .ends_with(&format!("…\n\nand {} more alerts", 256 - shown))
        );
    }
}

#[test]
fn answers() {
    let of = |provider: &str, status, headers: &[(&str, &str)], body: &str| {
        let mut host = FakeHost::new().config(config(provider));
        let answer = host.interpret::<Email>(&response(status, headers, body));
        (answer.kind, answer.retry_after_ms, answer.reason)
    };
    let told = |kind: &str, after_ms, reason: &str| (kind.to_owned(), after_ms, reason.to_owned());
    assert_eq!(of("sendgrid", 202, &[], ""), told("delivered", None, ""));
    assert_eq!(
        of("postmark", 200, &[], r#"{"ErrorCode": 0}"#),
        told("delivered", None, "")
    );
    let inactive = r#"{"ErrorCode": 406, "Message": "inactive"}"#;
    assert_eq!(
        of("postmark", 422, &[], inactive),
        told("failed", None, &format!("status 422: {inactive}"))
    );
    assert_eq!(
        of("resend", 429, &[("retry-after", "1")], ""),
        told("retry", Some(1_000), "status 429: ")
    );
    let under_way = r#"{"name": "concurrent_idempotent_requests"}"#;
    assert_eq!(
        of("resend", 409, &[], under_way),
        told("retry", None, &format!("status 409: {under_way}"))
    );
    let other = r#"{"name": "invalid_idempotent_request"}"#;
    assert_eq!(of("resend", 409, &[], other).0, "failed");
    assert_eq!(of("postmark", 409, &[], under_way).0, "failed");
    let reason = "status 401: Forbidden (api_key is to be the Base64 of api:KEY)";
    assert_eq!(of("mailgun", 401, &[], "Forbidden"), told("failed", None, reason));
    assert_eq!(of("mailgun", 500, &[], ""), told("retry", None, "status 500: "));
}

#[test]
fn a_bad_configuration_is_refused() {
    let with = |from: &str, to: &str, more: &str| {
        format!(
            r#"{{"provider": "resend", "api_key": "{{{{secret:mail}}}}", "from": {from}, "to": {to}{more}}}"#
        )
    };
    let many: Vec<_> = (0..51).map(|i| format!("a{i}@b")).collect();
    let good = r#"["c@d"]"#;
    for (config, says) in [
        ("{}".to_owned(), "missing field `provider`"),
        (config("smtp"), "unknown variant `smtp`"),
        (
            config("resend").replace("{{secret:mail}}", "a\\nb"),
            "api_key: neither {{secret:NAME}} nor a key",
        ),
        (
            config("mailgun").replace("mg.example.com", "a/b"),
            "domain: \"a/b\" is none",
        ),
        (
            config("mailgun").replace("domain", "domains"),
            "unknown field `domains`",
        ),
        (
            config("mailgun").replace("mailgun", "resend"),
            "domain: for Mailgun alone",
        ),
        (
            config("postmark").replace("postmark", "mailgun"),
            "domain: missing, which Mailgun needs",
        ),
        (
            with(r#""alerts""#, good, ""),
            "\"alerts\" is neither an address a@b nor Name <a@b>",
        ),
        (with(r#""a@b\r\nBcc: c@d""#, good, ""), "is neither an address"),
        (with(r#""A\nB <a@b>""#, good, ""), "is neither an address"),
        (with(r#""A, B <a@b>""#, good, ""), "is neither an address"),
        (with(r#""<a@b>""#, good, ""), "is neither an address"),
        (with(r#""a@b@c""#, good, ""), "is neither an address"),
        (with(r#""a@b""#, "[]", ""), "to: not 1 to 50 addresses"),
        (
            with(r#""a@b""#, &format!("{many:?}"), ""),
            "to: not 1 to 50 addresses",
        ),
        (
            with(r#""a@b""#, r#"["c@d", "C <C@D>"]"#, ""),
            "to: C@D is there twice",
        ),
        (
            with(r#""a@b""#, good, r#", "url": "api.resend.com""#),
            "url: \"api.resend.com/emails\"",
        ),
        (
            with(
                r#""a@b""#,
                good,
                &format!(r#", "subject_prefix": "{}""#, "x".repeat(51)),
            ),
            "subject_prefix: more than 50",
        ),
    ] {
        let failure = FakeHost::new()
            .config(&config)
            .notify::<Email>(&[alert("{}")])
            .unwrap_err();
        assert_eq!(failure.code, "bad_config", "{failure}");
        assert!(failure.message.contains(says), "{failure}");
    }
}

#[test]
fn the_schema_is_json() {
    let schema: Value = serde_json::from_str(&Email::describe().config_schema).unwrap();
    assert_eq!(schema["required"], json!(["provider", "api_key", "from", "to"]));
}
