//! Notifiers against the fake host.

use wasmalert::prelude::*;
use wasmalert::testing::{FakeHost, START_MS, alert, response};

struct Pager;

#[derive(Deserialize)]
struct Config {
    url: String,
}

#[derive(Serialize)]
struct Page<'a> {
    name: &'a str,
    summary: &'a str,
    firing: bool,
    number: u32,
}

impl Notifier for Pager {
    type Config = Config;

    fn describe() -> Description {
        Description::new("pager", "Pages.").extra("resend", "true")
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        let number: u32 = state::load("pages")?.unwrap_or(0);
        state::save("pages", &(number + 1))?;
        let alert = batch.alerts.first().ok_or("no alert")?;
        let page = Page {
            name: alert.label("alertname"),
            summary: alert.annotation("summary"),
            firing: batch.is_firing(),
            number,
        };
        let token = format!("Bearer {}", secret("pager"));
        Ok(vec![
            Request::post_json(config.url, &page)?.header("Authorization", token),
        ])
    }
}

fn host() -> FakeHost {
    FakeHost::new().config(r#"{"url": "http://pager.example"}"#)
}

#[test]
fn a_batch_becomes_requests_and_state_is_kept() {
    let mut host = host();
    let down = alert(r#"{alertname="Down"}"#).annotated("summary", "it is down");
    let body = |host: &mut FakeHost, alert| {
        let requests = host.notify::<Pager>(&[alert]).unwrap();
        assert_eq!((requests.len(), &*requests[0].method), (1, "POST"));
        assert_eq!(requests[0].url, "http://pager.example");
        assert_eq!(
            requests[0].headers[1],
            Label::new("Authorization", "Bearer {{secret:pager}}")
        );
        String::from_utf8(requests[0].body.clone()).unwrap()
    };
    let first = body(&mut host, down.clone());
    assert_eq!(
        first,
        r#"{"name":"Down","summary":"it is down","firing":true,"number":0}"#
    );
    let second = body(&mut host, down.resolved(START_MS + 1));
    assert_eq!(
        second,
        r#"{"name":"Down","summary":"it is down","firing":false,"number":1}"#
    );
}

#[test]
fn an_error_drops_the_state() {
    let mut host = host();
    assert_eq!(host.notify::<Pager>(&[]).unwrap_err().message, "no alert");
    assert!(host.state.is_empty());
}

#[test]
fn answers_mean_what_http_says() {
    let mut host = host();
    let mut of = |status, headers: &[(&str, &str)], body: &str| {
        let answer = host.interpret::<Pager>(&response(status, headers, body));
        (answer.kind, answer.retry_after_ms, answer.reason)
    };
    let answer = |kind: &str, after_ms, reason: &str| (kind.to_owned(), after_ms, reason.to_owned());
    assert_eq!(of(204, &[], "x"), answer("delivered", None, ""));
    assert_eq!(
        of(429, &[("RETRY-AFTER", "3")], ""),
        answer("retry", Some(3_000), "status 429: ")
    );
    let date = [("Retry-After", "Fri, 15 Jan 2027 08:00:00 GMT")];
    assert_eq!(of(503, &date, "down"), answer("retry", None, "status 503: down"));
    assert_eq!(of(301, &[], ""), answer("failed", None, "status 301: "));
    let (kind, _, reason) = of(400, &[], &"ä".repeat(500));
    assert_eq!(
        (&*kind, reason),
        ("failed", format!("status 400: {}", "ä".repeat(200)))
    );
}

#[test]
fn a_bad_configuration_fails_the_answer_too() {
    let mut host = FakeHost::new();
    let answer = host.interpret::<Pager>(&response(200, &[], ""));
    assert_eq!(answer.kind, "failed");
    assert!(answer.reason.contains("missing field `url`"), "{}", answer.reason);
}

#[test]
fn an_alert_cannot_ask_for_a_secret() {
    let text = "{{{secret:pager}} and {{secret:other}}";
    let request = Request::post_json(secret("url"), &[text]).unwrap();
    let body = String::from_utf8(request.body).unwrap();
    assert!(!body.contains("{{secret:"), "{body}");
    assert_eq!(serde_json::from_str::<[String; 1]>(&body).unwrap(), [text]);
}

#[test]
fn a_url_is_one() {
    let error = Request::post_json("pager.example", "").unwrap_err();
    assert_eq!(error.code, Error::BAD_CONFIG);
    assert!(error.message.contains("\"pager.example\""), "{error}");
}
