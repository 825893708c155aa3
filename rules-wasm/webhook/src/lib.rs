//! The notifier `webhook`: Alertmanager's webhook payload, version 4.

use std::collections::BTreeMap;

use wasmalert::prelude::*;
use wasmalert::time::rfc3339;

/// What Alertmanager sends as `endsAt` of an alert that fires: Go's zero time.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The component.
pub struct Webhook;

/// Where to post.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

type Map<'a> = BTreeMap<&'a str, &'a str>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    version: &'a str,
    group_key: String,
    truncated_alerts: u32,
    status: &'a str,
    receiver: &'a str,
    group_labels: Map<'a>,
    common_labels: Map<'a>,
    common_annotations: Map<'a>,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    alerts: Vec<Told<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    status: &'a str,
    labels: Map<'a>,
    annotations: Map<'a>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: &'a str,
}

impl Notifier for Webhook {
    type Config = Config;

    fn describe() -> Description {
        Description::new("webhook", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        let request = Request::post_json(config.url, &payload(batch))?
            .header("Idempotency-Key", &batch.idempotency_key);
        let headers = config.headers.into_iter();
        Ok(vec![headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        })])
    }
}

wasmalert::notifier!(Webhook);

fn payload(batch: &Batch) -> Payload<'_> {
    let common_labels = common(batch.alerts.iter().map(|alert| map(&alert.labels)));
    let mut group_labels = common_labels.clone();
    group_labels.retain(|name, _| *name == "alertname");
    Payload {
        version: "4",
        group_key: group_key(batch, &group_labels),
        truncated_alerts: 0,
        status: if batch.is_firing() { "firing" } else { "resolved" },
        receiver: &batch.receiver,
        group_labels,
        common_labels,
        common_annotations: common(batch.alerts.iter().map(|alert| map(&alert.annotations))),
        external_url: &batch.external_url,
        alerts: batch.alerts.iter().map(told).collect(),
    }
}

/// The same for all batches of a rule: `namespace/group/rule:{alertname="Down"}`.
fn group_key(batch: &Batch, group_labels: &Map<'_>) -> String {
    let labels = group_labels.iter().map(|(name, value)| Label::new(*name, *value));
    let labels = Labels(labels.collect());
    format!("{}/{}/{}:{labels}", batch.namespace, batch.group, batch.rule)
}

fn told(alert: &Alert) -> Told<'_> {
    Told {
        status: &alert.status,
        labels: map(&alert.labels),
        annotations: map(&alert.annotations),
        starts_at: rfc3339(alert.starts_at_ms),
        ends_at: if alert.is_firing() {
            NEVER.to_owned()
        } else {
            rfc3339(alert.ends_at_ms)
        },
        generator_url: &alert.generator_url,
        fingerprint: &alert.fingerprint,
    }
}

/// The entries that all maps have in common.
fn common<'a>(mut maps: impl Iterator<Item = Map<'a>>) -> Map<'a> {
    let mut common = maps.next().unwrap_or_default();
    for map in maps {
        common.retain(|name, value| map.get(name) == Some(value));
    }
    common
}

fn map(labels: &[Label]) -> Map<'_> {
    labels.iter().map(|label| (&*label.name, &*label.value)).collect()
}
