//! The notifier `pagerduty`: PagerDuty's Events API, version 2.
//!
//! One event per alert, since each has a life of its own: the host allows as many
//! requests of a batch (256) as a batch has alerts.

use std::collections::BTreeMap;

use notify_text::{Limited, PLAIN, details, is_secret, key, limited, link, name, push_headline};
use wasmalert::prelude::*;
use wasmalert::time::rfc3339;

/// The longest `payload.summary`, in characters.
const SUMMARY_UNITS_MAX: usize = 1_024;
/// The longest of the other texts. PagerDuty names no bound; a host name has 253
/// characters at most.
const FIELD_UNITS_MAX: usize = 255;
/// All of `payload.custom_details`: far below the 512 KB of an event even when
/// escaped, and 256 of them below what a notifier may hand to its host.
const DETAILS_UNITS_MAX: usize = 8_000;
/// The length of an integration key, in characters.
const ROUTING_KEY_CHARS: usize = 32;

/// The component.
pub struct PagerDuty;

/// Whose events they are, and how they are told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    routing_key: String,
    #[serde(default = "default_url")]
    url: String,
    /// By the value of the label `severity`.
    #[serde(default)]
    severities: BTreeMap<String, Severity>,
    #[serde(default = "default_severity")]
    default_severity: Severity,
    #[serde(default = "default_source_label")]
    source_label: String,
    #[serde(default = "default_component_label")]
    component_label: String,
}

/// PagerDuty's severities.
#[derive(Deserialize, Serialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Critical,
    Error,
    Warning,
    Info,
}

#[derive(Serialize, Default)]
struct Event<'a> {
    event_action: &'static str,
    dedup_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Payload {
    summary: String,
    source: String,
    severity: Severity,
    timestamp: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    component: String,
    group: String,
    class: String,
    custom_details: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Link {
    href: String,
    text: &'static str,
}

impl Notifier for PagerDuty {
    type Config = Config;

    fn describe() -> Description {
        Description::new("pagerduty", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        config.check()?;
        let requests = batch.alerts.iter().map(|alert| config.request(batch, alert));
        requests.collect()
    }
}

wasmalert::notifier!(PagerDuty);

impl Config {
    fn check(&self) -> Result<(), Error> {
        let key = &self.routing_key;
        let is_key = key.len() == ROUTING_KEY_CHARS && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_key || is_secret(key) {
            return Ok(());
        }
        Err(Error::config(format!(
            "routing_key: neither {{{{secret:NAME}}}} nor {ROUTING_KEY_CHARS} letters and digits"
        )))
    }

    /// An event. Its routing key comes in by hand, since
    /// [`post_json`](Request::post_json) lets no secret into a body.
    fn request(&self, batch: &Batch, alert: &Alert) -> Result<Request, Error> {
        let mut request = Request::post_json(&self.url, &self.event(batch, alert))?;
        let start = format!(r#"{{"routing_key":"{}","#, self.routing_key);
        request.body.splice(..1, start.into_bytes());
        Ok(request)
    }

    fn event<'a>(&self, batch: &'a Batch, alert: &Alert) -> Event<'a> {
        let dedup_key = key(batch, alert);
        if !alert.is_firing() {
            return Event {
                event_action: "resolve",
                dedup_key,
                ..Event::default()
            };
        }
        let links = link(&alert.generator_url).map(|href| Link { href, text: "Rule" });
        Event {
            event_action: "trigger",
            dedup_key,
            payload: Some(self.payload(batch, alert)),
            client: Some("wasmalert"),
            client_url: Some(&*batch.external_url).filter(|url| !url.is_empty()),
            links: links.into_iter().collect(),
        }
    }

    fn payload(&self, batch: &Batch, alert: &Alert) -> Payload {
        let field = |text: &str| limited(text, FIELD_UNITS_MAX);
        let group = field(&format!("{}/{}", batch.namespace, batch.group));
        let mut summary = Limited::line(SUMMARY_UNITS_MAX, &PLAIN);
        push_headline(&mut summary, batch, alert);
        Payload {
            summary: summary.finish(),
            source: match alert.label(&self.source_label) {
                "" => group.clone(),
                source => field(source),
            },
            severity: self.severity(alert),
            timestamp: rfc3339(alert.starts_at_ms),
            component: field(alert.label(&self.component_label)),
            group,
            class: field(name(batch, alert)),
            custom_details: details(alert, DETAILS_UNITS_MAX),
        }
    }

    fn severity(&self, alert: &Alert) -> Severity {
        if let Some(severity) = self.severities.get(alert.label("severity")) {
            return *severity;
        }
        match notify_text::Severity::of(alert) {
            Some(notify_text::Severity::Critical) => Severity::Critical,
            Some(notify_text::Severity::Error) => Severity::Error,
            Some(notify_text::Severity::Warning) => Severity::Warning,
            Some(notify_text::Severity::Info) => Severity::Info,
            None => self.default_severity,
        }
    }
}

fn default_url() -> String {
    "https://events.pagerduty.com/v2/enqueue".to_owned()
}

fn default_severity() -> Severity {
    Severity::Error
}

fn default_source_label() -> String {
    "instance".to_owned()
}

fn default_component_label() -> String {
    "job".to_owned()
}
