//! `/v1/alerts`: what is wrong right now.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::{Answer, Problem};
use super::{Caller, request};
use crate::Host;
use crate::groups::state_name;
use crate::live::LiveRule;
use crate::record::{LabelMap, label_map, number};

/// States by which alerts can be asked for.
const STATES: [&str; 3] = ["pending", "firing", "resolved"];

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alert {
    namespace: String,
    group: String,
    rule: String,
    /// 16 hexadecimal digits, the same for the same labels.
    fingerprint: String,
    /// `pending`, `firing` or `resolved`.
    state: &'static str,
    labels: LabelMap,
    annotations: LabelMap,
    /// A number as a text, so that `NaN`, `+Inf` and `-Inf` can be told.
    value: String,
    active_at: String,
    fired_at: Option<String>,
    resolved_at: Option<String>,
    last_sent_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertFilter {
    /// `pending`, `firing` or `resolved`.
    state: Option<String>,
    namespace: Option<String>,
    group: Option<String>,
    rule: Option<String>,
}

impl AlertFilter {
    fn takes(&self, rule: &LiveRule) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        is(&self.namespace, &rule.key.group.namespace)
            && is(&self.group, &rule.key.group.group)
            && is(&self.rule, &rule.key.rule)
    }
}

/// Lists the alerts.
#[utoipa::path(
    get, path = "/v1/alerts", tag = "alerts", params(AlertFilter),
    responses((status = 200, body = Alerts), (status = 400, body = Problem))
)]
pub(super) async fn list(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Query(filter): Query<AlertFilter>,
) -> Answer<Json<Alerts>> {
    if let Some(state) = filter
        .state
        .as_ref()
        .filter(|state| !STATES.contains(&state.as_str()))
    {
        return Err(Problem::bad_request(format!(
            "state is {state:?}, not one of {}",
            STATES.join(", ")
        )));
    }
    let mut alerts = Vec::new();
    for group in host.groups.of_tenant(&tenant) {
        for rule in group.rules.iter().filter(|rule| filter.takes(rule)) {
            let now = rule.now();
            let wanted = now.alerts.iter().filter(|alert| {
                filter
                    .state
                    .as_deref()
                    .is_none_or(|state| state == state_name(alert.state))
            });
            alerts.extend(wanted.map(|found| alert(rule, found)));
        }
    }
    Ok(Json(Alerts { alerts }))
}

fn alert(rule: &LiveRule, alert: &wasmalert_core::alert::Alert) -> Alert {
    Alert {
        namespace: rule.key.group.namespace.to_string(),
        group: rule.key.group.group.to_string(),
        rule: rule.key.rule.to_string(),
        fingerprint: format!("{:016x}", alert.labels.fingerprint()),
        state: state_name(alert.state),
        labels: label_map(alert.labels.iter()),
        annotations: label_map(alert.annotations.iter()),
        value: number(alert.value),
        active_at: request::time(alert.active_at_ms),
        fired_at: alert.fired_at_ms.map(request::time),
        resolved_at: alert.resolved_at_ms.map(request::time),
        last_sent_at: alert.last_sent_at_ms.map(request::time),
    }
}
