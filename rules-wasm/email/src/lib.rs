//! The notifier `email`: mail through a provider's HTTP API.
//!
//! One mail per batch, as text and as HTML.

mod address;
mod provider;

use notify_text::{Count, Limited, Markup, PLAIN, html, is_secret, limited, link, push_alerts, title};
use wasmalert::prelude::*;

use address::Address;
use provider::Provider;

/// The most receivers, as Postmark and Resend have it; the others take more.
const RECEIVERS_MAX: usize = 50;
/// The longest prefix of a subject and the longest title, in characters: together
/// far below the 998 octets of a line of mail (RFC 5322) even when encoded.
const PREFIX_UNITS_MAX: usize = 50;
const TITLE_UNITS_MAX: usize = 150;
/// The longest text, in characters: what people may still read. Providers take
/// some megabytes.
const TEXT_UNITS_MAX: usize = 64_000;

static HTML: Markup = Markup {
    escape: html,
    strong: ["<b>", "</b>"],
    count: Count::Seen,
};

/// The component.
pub struct Email;

/// Who writes to whom, and through whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    provider: Provider,
    api_key: String,
    from: Address,
    to: Vec<Address>,
    #[serde(default)]
    subject_prefix: String,
    /// For Mailgun alone.
    domain: Option<String>,
    url: Option<String>,
}

/// What is sent.
struct Mail {
    subject: String,
    text: String,
    html: String,
}

impl Notifier for Email {
    type Config = Config;

    fn describe() -> Description {
        Description::new("email", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        config.check()?;
        let mail = Mail {
            subject: config.subject(batch),
            text: text(batch),
            html: html_text(batch),
        };
        Ok(vec![config.provider.request(&config, batch, &mail)?])
    }

    fn interpret(config: Config, _: u32, response: &Response) -> Result<Disposition, Error> {
        Ok(config.provider.interpret(response))
    }
}

wasmalert::notifier!(Email);

impl Config {
    fn check(&self) -> Result<(), Error> {
        let refuse = |message: String| Err(Error::config(message));
        let is_key = |byte: u8| byte.is_ascii_graphic() && !b"{}".contains(&byte);
        if !is_secret(&self.api_key) && (self.api_key.is_empty() || !self.api_key.bytes().all(is_key)) {
            return refuse("api_key: neither {{secret:NAME}} nor a key".to_owned());
        }
        if !(1..=RECEIVERS_MAX).contains(&self.to.len()) {
            return refuse(format!("to: not 1 to {RECEIVERS_MAX} addresses"));
        }
        for (at, to) in self.to.iter().enumerate() {
            if self.to[..at]
                .iter()
                .any(|other| other.email.eq_ignore_ascii_case(&to.email))
            {
                return refuse(format!("to: {} is there twice", to.email));
            }
        }
        if self.subject_prefix.encode_utf16().count() > PREFIX_UNITS_MAX {
            return refuse(format!("subject_prefix: more than {PREFIX_UNITS_MAX} characters"));
        }
        self.provider.check(self.domain.as_deref())
    }

    fn subject(&self, batch: &Batch) -> String {
        let prefix = limited(&self.subject_prefix, PREFIX_UNITS_MAX);
        let title = title(batch, TITLE_UNITS_MAX, &PLAIN).finish();
        format!("{prefix} {title}").trim_start().to_owned()
    }
}

fn text(batch: &Batch) -> String {
    let mut text = Limited::new(TEXT_UNITS_MAX, &PLAIN);
    text.append(title(batch, TITLE_UNITS_MAX, &PLAIN));
    if let Some(url) = rule(batch) {
        text.push("\n");
        text.push_markup(&url);
    }
    push_alerts(&mut text, &batch.alerts);
    text.finish()
}

fn html_text(batch: &Batch) -> String {
    let mut text = Limited::new(TEXT_UNITS_MAX, &HTML);
    text.push_markup(r#"<div style="white-space: pre-line"><b>"#);
    text.append(title(batch, TITLE_UNITS_MAX, &HTML));
    text.push_markup("</b>");
    if let Some(url) = rule(batch) {
        text.push("\n");
        text.push_markup(&format!(r#"<a href="{}">Rule</a>"#, url.replace('&', "&amp;")));
    }
    push_alerts(&mut text, &batch.alerts);
    text.push_markup("</div>");
    text.finish()
}

/// A link to the rule.
fn rule(batch: &Batch) -> Option<String> {
    batch.alerts.first().and_then(|alert| link(&alert.generator_url))
}
