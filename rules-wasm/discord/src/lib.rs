//! The notifier `discord`: embeds for a webhook.
//!
//! One message per batch: a line about it all, and an embed for each of the first
//! ten alerts.

use notify_text::{Count, Limited, Markup, Tone, link, push_details, push_headline, share, title};
use wasmalert::prelude::*;
use wasmalert::serde_json;
use wasmalert::time::rfc3339;

/// The most embeds of a message.
const EMBEDS_MAX: usize = 10;
/// The longest content, title and description, and all titles and descriptions of
/// a message together, in characters.
const CONTENT_UNITS_MAX: usize = 2_000;
const TITLE_UNITS_MAX: usize = 256;
const DESCRIPTION_UNITS_MAX: usize = 4_096;
const EMBEDS_UNITS_MAX: usize = 6_000;

const GREEN: u32 = 0x2e_b8_86;
const RED: u32 = 0xa3_02_00;
const AMBER: u32 = 0xda_a0_38;

static MARKDOWN: Markup = Markup {
    escape: markdown,
    strong: ["**", "**"],
    count: Count::Written,
};

/// The component.
pub struct Discord;

/// Where to post.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    url: String,
    username: Option<String>,
    thread_id: Option<String>,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    content: String,
    embeds: Vec<Embed>,
    allowed_mentions: AllowedMentions,
}

/// An embed. Its `url` is not set: Discord shows one embed alone of those that
/// have the same, and refuses a message with an URL that it does not like.
#[derive(Serialize)]
struct Embed {
    title: String,
    description: String,
    color: u32,
    timestamp: String,
}

#[derive(Serialize)]
struct AllowedMentions {
    parse: [&'static str; 0],
}

/// What Discord answers when there were too many requests.
#[derive(Deserialize)]
struct RateLimited {
    /// In seconds.
    retry_after: f64,
}

impl Notifier for Discord {
    type Config = Config;

    fn describe() -> Description {
        Description::new("discord", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        let shown = &batch.alerts[..batch.alerts.len().min(EMBEDS_MAX)];
        let room = share(EMBEDS_UNITS_MAX, shown.len());
        let message = Message {
            username: config.username.as_deref(),
            content: content(batch, shown.len()),
            embeds: shown.iter().map(|alert| embed(batch, alert, room)).collect(),
            allowed_mentions: AllowedMentions { parse: [] },
        };
        Ok(vec![Request::post_json(config.url()?, &message)?])
    }

    fn interpret(_: Config, _: u32, response: &Response) -> Result<Disposition, Error> {
        let mut disposition = Disposition::of(response);
        if response.status == 429
            && let Ok(RateLimited { retry_after }) = serde_json::from_slice(&response.body)
        {
            disposition.retry_after_ms = Some((retry_after * 1_000.0).ceil() as u64);
        }
        Ok(disposition)
    }
}

wasmalert::notifier!(Discord);

impl Config {
    fn url(&self) -> Result<String, Error> {
        let Some(thread) = &self.thread_id else {
            return Ok(self.url.clone());
        };
        if thread.is_empty() || !thread.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::config(format!("thread_id: {thread:?} is not a number")));
        }
        let separator = if self.url.contains('?') { '&' } else { '?' };
        Ok(format!("{}{separator}thread_id={thread}", self.url))
    }
}

/// Title, link and how many alerts are not shown.
fn content(batch: &Batch, shown: usize) -> String {
    let mut content = Limited::line(CONTENT_UNITS_MAX, &MARKDOWN);
    content.append(title(batch, TITLE_UNITS_MAX, &MARKDOWN));
    let rest = batch.alerts.len() - shown;
    if rest > 0 {
        content.push(&format!(" and {rest} more alerts"));
    }
    let rule = batch.alerts.first().and_then(|alert| link(&alert.generator_url));
    if let Some(url) = rule {
        content.push_markup(&format!(" [Rule](<{url}>)"));
    }
    content.finish()
}

fn embed(batch: &Batch, alert: &Alert, room: usize) -> Embed {
    let mut title = Limited::line(TITLE_UNITS_MAX.min(room), &MARKDOWN);
    title.push(if alert.is_firing() {
        "Firing: "
    } else {
        "Resolved: "
    });
    push_headline(&mut title, batch, alert);
    let room = DESCRIPTION_UNITS_MAX.min(room - title.used());
    let mut description = Limited::new(room, &MARKDOWN);
    push_details(&mut description, alert);
    Embed {
        title: title.finish(),
        description: description.finish(),
        color: match Tone::of(alert) {
            Tone::Good => GREEN,
            Tone::Mild => AMBER,
            Tone::Bad => RED,
        },
        timestamp: rfc3339(alert.starts_at_ms),
    }
}

/// What formats, hides or links. `_` and `#` stay, which only format and which
/// links are full of.
fn markdown(char: char) -> Option<&'static str> {
    match char {
        '\\' => Some(r"\\"),
        '*' => Some(r"\*"),
        '~' => Some(r"\~"),
        '`' => Some(r"\`"),
        '|' => Some(r"\|"),
        '[' => Some(r"\["),
        ']' => Some(r"\]"),
        '<' => Some(r"\<"),
        '>' => Some(r"\>"),
        _ => None,
    }
}
