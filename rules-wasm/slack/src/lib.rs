//! The notifier `slack`: blocks for an incoming webhook.
//!
//! One message per batch: a header, a section for each alert, and a line about
//! those that do not fit.

mod text;

use wasmalert::prelude::*;

use text::{Limited, escape};

/// The most alerts of one message: Slack takes 50 blocks, two of which are the
/// header and the line about the rest.
const ALERTS_MAX: usize = 48;
const HEADER_CHARS_MAX: usize = 150;
const SECTION_CHARS_MAX: usize = 3_000;

const GREEN: &str = "#2eb886";
const RED: &str = "#a30200";
const AMBER: &str = "#daa038";

/// The component.
pub struct Slack;

/// Where to post.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    url: String,
    channel: Option<String>,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    text: &'a str,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    color: &'static str,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Header { text: Text },
    Section { text: Text },
    Context { elements: [Text; 1] },
}

#[derive(Serialize)]
#[serde(tag = "type", content = "text", rename_all = "snake_case")]
enum Text {
    PlainText(String),
    Mrkdwn(String),
}

impl Notifier for Slack {
    type Config = Config;

    fn describe() -> Description {
        Description::new("slack", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        let title = title(batch);
        let mut blocks = vec![Block::Header {
            text: Text::PlainText(title.clone()),
        }];
        let shown = batch.alerts.iter().take(ALERTS_MAX);
        blocks.extend(shown.map(|alert| Block::Section {
            text: Text::Mrkdwn(section(alert)),
        }));
        let rest = batch.alerts.len().saturating_sub(ALERTS_MAX);
        if rest > 0 {
            let elements = [Text::Mrkdwn(format!("and {rest} more alerts"))];
            blocks.push(Block::Context { elements });
        }
        let message = Message {
            channel: config.channel.as_deref(),
            text: &title,
            attachments: [Attachment {
                color: color(batch),
                blocks,
            }],
        };
        Ok(vec![Request::post_json(config.url, &message)?])
    }
}

wasmalert::notifier!(Slack);

/// `[FIRING:2] Down`, or `[RESOLVED] Down`.
fn title(batch: &Batch) -> String {
    let firing = batch.alerts.iter().filter(|alert| alert.is_firing()).count();
    let mut title = Limited::new(HEADER_CHARS_MAX);
    match firing {
        0 => title.push("[RESOLVED] "),
        firing => title.push(&format!("[FIRING:{firing}] ")),
    }
    let name = batch.alerts.first().map_or("", |alert| alert.label("alertname"));
    title.push_escaped(if name.is_empty() { &batch.rule } else { name });
    title.finish()
}

/// Green when all is well again, red when something fires; amber when nothing
/// that fires is more than a warning.
fn color(batch: &Batch) -> &'static str {
    let mild = |alert: &Alert| matches!(alert.label("severity"), "warning" | "warn" | "info" | "none");
    let mut firing = batch.alerts.iter().filter(|alert| alert.is_firing());
    match (batch.is_firing(), firing.all(mild)) {
        (false, _) => GREEN,
        (true, true) => AMBER,
        (true, false) => RED,
    }
}

/// Summary, description, labels and link of one alert.
fn section(alert: &Alert) -> String {
    let mut text = Limited::new(SECTION_CHARS_MAX);
    if !alert.generator_url.is_empty() {
        let url = escape(&alert.generator_url).replace('|', "%7C");
        text.push_whole(&format!("<{url}|Rule> "));
    }
    text.push(if alert.is_firing() {
        "*Firing* "
    } else {
        "*Resolved* "
    });
    text.push_escaped(alert.annotation("summary"));
    if !alert.annotation("description").is_empty() {
        text.push("\n");
        text.push_escaped(alert.annotation("description"));
    }
    for label in alert.labels.iter().filter(|label| label.name != "alertname") {
        text.push("\n• ");
        text.push_escaped(&label.name);
        text.push(": ");
        text.push_escaped(&label.value);
    }
    text.finish()
}
