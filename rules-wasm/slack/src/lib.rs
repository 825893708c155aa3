//! The notifier `slack`: blocks for an incoming webhook.
//!
//! One message per batch: a header, a section for each alert, and a line about
//! those that do not fit.

use notify_text::{Count, Limited, Markup, Tone, html, link, push_details, push_state, title};
use wasmalert::prelude::*;

/// The most alerts of one message: Slack takes 50 blocks, two of which are the
/// header and the line about the rest.
const ALERTS_MAX: usize = 48;
const HEADER_UNITS_MAX: usize = 150;
const SECTION_UNITS_MAX: usize = 3_000;

static MRKDWN: Markup = Markup {
    escape: html,
    strong: ["*", "*"],
    count: Count::Written,
};

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
        let title = title(batch, HEADER_UNITS_MAX, &MRKDWN).finish();
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

/// Green when all is well again, red when something fires; amber when nothing
/// that fires is more than a warning.
fn color(batch: &Batch) -> &'static str {
    match Tone::of_all(&batch.alerts) {
        Tone::Good => GREEN,
        Tone::Mild => AMBER,
        Tone::Bad => RED,
    }
}

/// Summary, description, labels and link of one alert.
fn section(alert: &Alert) -> String {
    let mut text = Limited::new(SECTION_UNITS_MAX, &MRKDWN);
    if let Some(url) = link(&alert.generator_url) {
        text.push_markup(&format!("<{}|Rule> ", url.replace('&', "&amp;")));
    }
    push_state(&mut text, alert);
    push_details(&mut text, alert);
    text.finish()
}
