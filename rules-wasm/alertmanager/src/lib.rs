//! The notifier `alertmanager`: Alertmanager's API, version 2.

use std::collections::BTreeMap;

use wasmalert::prelude::*;
use wasmalert::time::rfc3339;

/// The component.
pub struct Alertmanager;

/// Where Alertmanager is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted<'a> {
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, &'a str>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
}

impl Notifier for Alertmanager {
    type Config = Config;

    fn describe() -> Description {
        Description::new("alertmanager", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
            .extra("resend", "true")
    }

    fn notify(batch: &Batch, config: Config) -> Result<Vec<Request>, Error> {
        let url = format!("{}/api/v2/alerts", config.url.trim_end_matches('/'));
        let alerts: Vec<_> = batch.alerts.iter().map(posted).collect();
        let request = Request::post_json(url, &alerts)?;
        let headers = config.headers.into_iter();
        Ok(vec![headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        })])
    }
}

wasmalert::notifier!(Alertmanager);

fn posted(alert: &Alert) -> Posted<'_> {
    Posted {
        labels: map(&alert.labels),
        annotations: map(&alert.annotations),
        starts_at: rfc3339(alert.starts_at_ms),
        ends_at: rfc3339(alert.ends_at_ms),
        generator_url: &alert.generator_url,
    }
}

/// Empty values are left out, as Alertmanager would.
fn map(labels: &[Label]) -> BTreeMap<&str, &str> {
    let labels = labels.iter().filter(|label| !label.value.is_empty());
    labels.map(|label| (&*label.name, &*label.value)).collect()
}
