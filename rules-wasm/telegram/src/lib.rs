//! The notifier `telegram`: Telegram's Bot API.
//!
//! One message per batch: a title, the alerts, and a line about those that do not
//! fit.

use notify_text::{Count, Limited, Markup, html, is_secret, link, push_alerts, title};
use wasmalert::prelude::*;
use wasmalert::serde_json;

/// The longest text, in characters after entities are parsed.
const TEXT_UNITS_MAX: usize = 4_096;
/// The longest title; what remains is for the alerts.
const TITLE_UNITS_MAX: usize = 256;

static HTML: Markup = Markup {
    escape: html,
    strong: ["<b>", "</b>"],
    count: Count::Seen,
};

/// The component.
pub struct Telegram;

/// Which bot writes where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    token: String,
    chat_id: ChatId,
    message_thread_id: Option<i64>,
    #[serde(default)]
    disable_notification: bool,
    #[serde(default = "default_url")]
    url: String,
}

#[derive(Deserialize, Serialize)]
#[serde(untagged, expecting = "chat_id: neither a number nor @NAME")]
enum ChatId {
    Number(i64),
    Name(String),
}

#[derive(Serialize)]
struct Message<'a> {
    chat_id: &'a ChatId,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<i64>,
    text: String,
    parse_mode: &'static str,
    link_preview_options: LinkPreview,
    disable_notification: bool,
}

#[derive(Serialize)]
struct LinkPreview {
    is_disabled: bool,
}

/// What Telegram answers, as far as it matters.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Deserialize, Default)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

impl Notifier for Telegram {
    type Config = Config;

    fn describe() -> Description {
        Description::new("telegram", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        config.check()?;
        let url = config.url.trim_end_matches('/');
        let url = format!("{url}/bot{}/sendMessage", config.token);
        let message = Message {
            chat_id: &config.chat_id,
            message_thread_id: config.message_thread_id,
            text: text(batch),
            parse_mode: "HTML",
            link_preview_options: LinkPreview { is_disabled: true },
            disable_notification: config.disable_notification,
        };
        Ok(vec![Request::post_json(url, &message)?])
    }

    fn interpret(_: Config, _: u32, response: &Response) -> Result<Disposition, Error> {
        let reason = || format!("status {}: {}", response.status, response.excerpt());
        Ok(match serde_json::from_slice(&response.body) {
            Ok(Answer {
                ok: false,
                parameters,
            }) => match parameters {
                Parameters {
                    migrate_to_chat_id: Some(chat),
                    ..
                } => Disposition::failed(format!(
                    "the group has become a supergroup: set chat_id to {chat}"
                )),
                Parameters {
                    retry_after: Some(seconds),
                    ..
                } => Disposition::retry(reason(), Some(seconds.saturating_mul(1_000))),
                _ if response.status < 300 => Disposition::failed(reason()),
                _ => Disposition::of(response),
            },
            _ => Disposition::of(response),
        })
    }
}

wasmalert::notifier!(Telegram);

impl Config {
    fn check(&self) -> Result<(), Error> {
        let (bot, rest) = self.token.split_once(':').unwrap_or_default();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let is_token = !bot.is_empty() && !rest.is_empty() && bot.bytes().chain(rest.bytes()).all(allowed);
        if !is_token && !is_secret(&self.token) {
            return Err(Error::config("token: neither {{secret:NAME}} nor a bot's token"));
        }
        match &self.chat_id {
            ChatId::Name(name) if !name.starts_with('@') && name.parse::<i64>().is_err() => Err(
                Error::config(format!("chat_id: {name:?} is neither a number nor @NAME")),
            ),
            _ => Ok(()),
        }
    }
}

fn default_url() -> String {
    "https://api.telegram.org".to_owned()
}

fn text(batch: &Batch) -> String {
    let mut text = Limited::new(TEXT_UNITS_MAX, &HTML);
    text.push_markup("<b>");
    text.append(title(batch, TITLE_UNITS_MAX, &HTML));
    text.push_markup("</b>");
    let rule = batch.alerts.first().and_then(|alert| link(&alert.generator_url));
    if let Some(url) = rule {
        text.push(" ");
        text.push_markup(&format!(r#"<a href="{}">"#, url.replace('&', "&amp;")));
        text.push("Rule");
        text.push_markup("</a>");
    }
    push_alerts(&mut text, &batch.alerts);
    text.finish()
}
