//! The notifier `teams`: an Adaptive Card for a Microsoft Teams workflow.
//!
//! One card per batch: a title, the alerts, a line about those that do not fit, and
//! a button to the rule. Text of alerts stands in text runs, which know no Markdown.

use notify_text::{Count, Limited, Markup, Tone, link, push_details, share, title};
use wasmalert::prelude::*;

/// The largest message: 28 KB, which Teams may count as UTF-16, with two bytes for
/// each unit.
const MESSAGE_UNITS_MAX: usize = 14_000;
/// The largest title.
const TITLE_UNITS_MAX: usize = 512;
/// What a message has around its alerts: title, link, line about the rest, names of
/// fields.
const FRAME_UNITS: usize = 3_300;
/// What an alert has around its texts.
const ALERT_FRAME_UNITS: usize = 400;

static JSON: Markup = Markup {
    escape: |_| None,
    strong: ["", ""],
    count: Count::Json,
};

/// The component.
pub struct Teams;

/// Where to post.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    url: String,
}

#[derive(Serialize)]
struct Message {
    r#type: &'static str,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    content_type: &'static str,
    content: Card,
}

#[derive(Serialize)]
struct Card {
    #[serde(rename = "$schema")]
    schema: &'static str,
    r#type: &'static str,
    version: &'static str,
    msteams: Width,
    body: Vec<Element>,
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct Width {
    width: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Element {
    Container { separator: bool, items: Vec<Element> },
    RichTextBlock { inlines: Vec<Inline> },
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Inline {
    TextRun {
        text: String,
        #[serde(flatten)]
        look: Look,
    },
}

/// How a text looks; as usual where nothing is said.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Look {
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_subtle: Option<bool>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Action {
    #[serde(rename = "Action.OpenUrl")]
    OpenUrl { title: &'static str, url: String },
}

impl Notifier for Teams {
    type Config = Config;

    fn describe() -> Description {
        Description::new("teams", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        let rule = batch.alerts.first().and_then(|alert| link(&alert.generator_url));
        let message = Message {
            r#type: "message",
            attachments: [Attachment {
                content_type: "application/vnd.microsoft.card.adaptive",
                content: Card {
                    schema: "http://adaptivecards.io/schemas/adaptive-card.json",
                    r#type: "AdaptiveCard",
                    version: "1.4",
                    msteams: Width { width: "Full" },
                    body: body(batch),
                    actions: rule
                        .map(|url| Action::OpenUrl { title: "Rule", url })
                        .into_iter()
                        .collect(),
                },
            }],
        };
        Ok(vec![Request::post_json(config.url, &message)?])
    }
}

wasmalert::notifier!(Teams);

/// Title, alerts as far as they fit, and how many do not.
fn body(batch: &Batch) -> Vec<Element> {
    let title = title(batch, TITLE_UNITS_MAX, &JSON);
    let look = Look {
        size: Some("Large"),
        ..strong(Tone::of_all(&batch.alerts))
    };
    let mut body = vec![block(vec![run(title.finish(), look)])];

    let mut left = MESSAGE_UNITS_MAX - FRAME_UNITS;
    let room = share(left, batch.alerts.len()).saturating_sub(ALERT_FRAME_UNITS);
    for (at, alert) in batch.alerts.iter().enumerate() {
        let (element, used) = told(alert, share(room, 1));
        if used > left {
            let rest = format!("and {} more alerts", batch.alerts.len() - at);
            body.push(block(vec![run(rest, Look::default())]));
            break;
        }
        left -= used;
        body.push(element);
    }
    body
}

/// An alert whose texts take so many units at most, and what it takes in all.
fn told(alert: &Alert, room: usize) -> (Element, usize) {
    let state = if alert.is_firing() { "Firing " } else { "Resolved " };
    let mut summary = Limited::line(room, &JSON);
    summary.push(alert.annotation("summary"));
    let mut details = Limited::new(room - summary.used(), &JSON);
    push_details(&mut details, alert);
    let used = ALERT_FRAME_UNITS + summary.used() + details.used();

    let state = run(state.to_owned(), strong(Tone::of(alert)));
    let summary = run(summary.finish(), Look::default());
    let subtle = Look {
        is_subtle: Some(true),
        ..Look::default()
    };
    let items = vec![
        block(vec![state, summary]),
        block(vec![run(details.finish(), subtle)]),
    ];
    let separator = true;
    (Element::Container { separator, items }, used)
}

fn block(inlines: Vec<Inline>) -> Element {
    Element::RichTextBlock { inlines }
}

fn run(text: String, look: Look) -> Inline {
    Inline::TextRun { text, look }
}

fn strong(tone: Tone) -> Look {
    Look {
        weight: Some("Bolder"),
        color: Some(match tone {
            Tone::Good => "Good",
            Tone::Mild => "Warning",
            Tone::Bad => "Attention",
        }),
        ..Look::default()
    }
}
