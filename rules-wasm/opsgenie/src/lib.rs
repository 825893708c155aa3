//! The notifier `opsgenie`: the Alert API of Opsgenie, which Jira Service
//! Management has too.
//!
//! One request per alert, since each has a life of its own: the host allows as many
//! requests of a batch (256) as a batch has alerts.

use std::collections::BTreeMap;

use notify_text::{
    Count, Limited, Markup, Severity, details, is_secret, key, limited, link, push_details, push_headline,
    share,
};
use wasmalert::prelude::*;

/// The longest of each text, in characters; `details` counts names and values.
const MESSAGE_UNITS_MAX: usize = 130;
const DESCRIPTION_UNITS_MAX: usize = 15_000;
const DETAILS_UNITS_MAX: usize = 8_000;
/// All descriptions of a batch together, and all details: what a component has
/// fuel for.
const BATCH_UNITS_MAX: usize = 500_000;
const ENTITY_UNITS_MAX: usize = 512;
/// The most tags, and the longest, in characters.
const TAGS_MAX: usize = 20;
const TAG_UNITS_MAX: usize = 50;
/// The most responders.
const RESPONDERS_MAX: usize = 50;

/// Where alerts come from, as Opsgenie tells it.
const SOURCE: &str = "wasmalert";

/// HTML is read in messages and descriptions, which come as text messages and calls
/// too: brackets become ones that only look alike.
static TEXT: Markup = Markup {
    escape: |char| match char {
        '<' => Some("‹"),
        '>' => Some("›"),
        _ => None,
    },
    strong: ["", ""],
    count: Count::Written,
};

/// The component.
pub struct Opsgenie;

/// Whose alerts they are, and how they are told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    api_key: String,
    #[serde(default = "default_url")]
    url: String,
    #[serde(default)]
    responders: Vec<Responder>,
    #[serde(default)]
    tags: Vec<String>,
    /// By the value of the label `severity`.
    #[serde(default)]
    priorities: BTreeMap<String, Priority>,
    #[serde(default = "default_priority")]
    default_priority: Priority,
    #[serde(default = "default_entity_label")]
    entity_label: String,
}

/// Who is to respond, by one of the three names.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Responder {
    r#type: ResponderType,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum ResponderType {
    Team,
    User,
    Escalation,
    Schedule,
}

#[derive(Deserialize, Serialize, Clone, Copy)]
enum Priority {
    P1,
    P2,
    P3,
    P4,
    P5,
}

#[derive(Serialize)]
struct Create<'a> {
    message: String,
    alias: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    responders: &'a [Responder],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    details: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    entity: String,
    source: &'static str,
    priority: Priority,
}

#[derive(Serialize)]
struct Close {
    source: &'static str,
}

impl Notifier for Opsgenie {
    type Config = Config;

    fn describe() -> Description {
        Description::new("opsgenie", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        config.check()?;
        let requests = batch.alerts.iter().map(|alert| config.request(batch, alert));
        requests.collect()
    }
}

wasmalert::notifier!(Opsgenie);

impl Config {
    fn check(&self) -> Result<(), Error> {
        let is_key = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !is_secret(&self.api_key) && (self.api_key.is_empty() || !self.api_key.bytes().all(is_key)) {
            return Err(Error::config(
                "api_key: neither {{secret:NAME}} nor letters, digits and hyphens",
            ));
        }
        if self.responders.len() > RESPONDERS_MAX {
            return Err(Error::config(format!("responders: more than {RESPONDERS_MAX}")));
        }
        for Responder {
            id, name, username, ..
        } in &self.responders
        {
            let names = [id, name, username].into_iter().flatten();
            if names.count() != 1 {
                return Err(Error::config("responders: each has one of id, name and username"));
            }
        }
        if self.tags.len() > TAGS_MAX {
            return Err(Error::config(format!("tags: more than {TAGS_MAX}")));
        }
        for tag in &self.tags {
            if !(1..=TAG_UNITS_MAX).contains(&tag.encode_utf16().count()) {
                let message = format!("tags: {tag:?} has not 1 to {TAG_UNITS_MAX} characters");
                return Err(Error::config(message));
            }
        }
        Ok(())
    }

    fn request(&self, batch: &Batch, alert: &Alert) -> Result<Request, Error> {
        let url = format!("{}/v2/alerts", self.url.trim_end_matches('/'));
        let alias = key(batch, alert);
        let request = if alert.is_firing() {
            Request::post_json(url, &self.create(batch, alert, alias))?
        } else {
            let url = format!("{url}/{alias}/close?identifierType=alias");
            Request::post_json(url, &Close { source: SOURCE })?
        };
        Ok(request.header("Authorization", format!("GenieKey {}", self.api_key)))
    }

    fn create(&self, batch: &Batch, alert: &Alert, alias: String) -> Create<'_> {
        let mut message = Limited::line(MESSAGE_UNITS_MAX, &TEXT);
        push_headline(&mut message, batch, alert);
        let room = share(BATCH_UNITS_MAX, batch.alerts.len());
        Create {
            message: message.finish(),
            alias,
            description: description(alert, room.min(DESCRIPTION_UNITS_MAX)),
            responders: &self.responders,
            tags: &self.tags,
            details: details(alert, room.min(DETAILS_UNITS_MAX)),
            entity: limited(alert.label(&self.entity_label), ENTITY_UNITS_MAX),
            source: SOURCE,
            priority: self.priority(alert),
        }
    }

    fn priority(&self, alert: &Alert) -> Priority {
        if let Some(priority) = self.priorities.get(alert.label("severity")) {
            return *priority;
        }
        match Severity::of(alert) {
            Some(Severity::Critical) => Priority::P1,
            Some(Severity::Error) => Priority::P2,
            Some(Severity::Warning) => Priority::P3,
            Some(Severity::Info) => Priority::P5,
            None => self.default_priority,
        }
    }
}

/// A link to the rule, the annotation and the labels.
fn description(alert: &Alert, units_max: usize) -> String {
    let mut description = Limited::new(units_max, &TEXT);
    if let Some(url) = link(&alert.generator_url) {
        description.push_markup(&url);
    }
    push_details(&mut description, alert);
    description.finish()
}

fn default_url() -> String {
    "https://api.opsgenie.com".to_owned()
}

fn default_priority() -> Priority {
    Priority::P3
}

fn default_entity_label() -> String {
    "instance".to_owned()
}
