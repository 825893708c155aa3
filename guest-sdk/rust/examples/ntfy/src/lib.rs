//! Sends each alert as a message of ntfy.

use wasmalert::prelude::*;

pub struct Ntfy;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server, such as `https://ntfy.sh`.
    url: String,
    topic: String,
}

impl Notifier for Ntfy {
    type Config = Config;

    fn describe() -> Description {
        Description::new("ntfy", "Sends each alert as a message of ntfy.").config_schema(
            r#"{"type":"object","required":["url","topic"],"additionalProperties":false,"properties":{"url":{"type":"string"},"topic":{"type":"string"}}}"#,
        )
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        let url = format!("{}/{}", config.url.trim_end_matches('/'), config.topic);
        Ok(batch.alerts.iter().map(|alert| message(alert, &url)).collect())
    }
}

wasmalert::notifier!(Ntfy);

fn message(alert: &Alert, url: &str) -> Request {
    let name = alert.label("alertname");
    let text = match alert.annotation("summary") {
        "" => name,
        summary => summary,
    };
    let urgent = matches!(alert.label("severity"), "page" | "critical");
    let (status, priority, tag) = match (alert.is_firing(), urgent) {
        (true, true) => ("FIRING", "urgent", "rotating_light"),
        (true, false) => ("FIRING", "default", "rotating_light"),
        (false, _) => ("RESOLVED", "low", "white_check_mark"),
    };
    let request = Request {
        method: "POST".to_owned(),
        url: url.to_owned(),
        body: without_secrets(text).into_bytes(),
        ..Request::default()
    };
    request
        .header("Title", one_line(&format!("[{status}] {name}")))
        .header("Priority", priority)
        .header("Tags", tag)
        .header("Authorization", format!("Bearer {}", secret("ntfy")))
}

fn one_line(text: &str) -> String {
    without_secrets(text).replace(char::is_control, " ")
}
