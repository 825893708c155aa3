//! Posts a line for each alert.

use wasmalert::prelude::*;

pub struct Chat;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    url: String,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

impl Notifier for Chat {
    type Config = Config;

    fn describe() -> Description {
        Description::new("{{name}}", "Posts a line for each alert.").config_schema(
            r#"{"type":"object","required":["url"],"additionalProperties":false,"properties":{"url":{"type":"string"}}}"#,
        )
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        let lines: Vec<String> = batch.alerts.iter().map(line).collect();
        let message = Message {
            text: lines.join("\n"),
        };
        Ok(vec![Request::post_json(config.url, &message)?])
    }
}

wasmalert::notifier!(Chat);

fn line(alert: &Alert) -> String {
    let status = if alert.is_firing() { "FIRING" } else { "RESOLVED" };
    format!("{status} {}: {}", alert.label("alertname"), alert.annotation("summary"))
}
