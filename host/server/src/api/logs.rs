//! `/v1/logs`: what rules and notifiers say, live.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt, future, stream};
use serde::{Deserialize, Serialize};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use utoipa::{IntoParams, ToSchema};
use wasmalert_core::TenantId;
use wasmalert_core::evaluation::LogLevel;

use super::problem::{Answer, Problem};
use super::{Caller, request};
use crate::Host;
use crate::logs::LogEvent;
use crate::record::LabelMap;

/// One line of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Line {
    time: String,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    level: &'static str,
    namespace: Option<String>,
    group: Option<String>,
    rule: Option<String>,
    /// Set on lines about notifications.
    receiver: Option<String>,
    message: String,
    fields: LabelMap,
    /// The fault's code, on lines by which the host tells of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogFilter {
    namespace: Option<String>,
    group: Option<String>,
    rule: Option<String>,
    receiver: Option<String>,
    /// The least level that is shown: `trace`, `debug`, `info`, `warn` or `error`.
    level: Option<String>,
    /// Whether to go on after the recent lines; true without it.
    follow: Option<bool>,
}

impl LogFilter {
    fn takes(&self, level: LogLevel, event: &LogEvent) -> bool {
        let is = |wanted: &Option<String>, name: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| name == Some(wanted))
        };
        let rule = event.rule.as_ref();
        event.level >= level
            && is(&self.namespace, rule.map(|rule| &*rule.group.namespace))
            && is(&self.group, rule.map(|rule| &*rule.group.group))
            && is(&self.rule, rule.map(|rule| &*rule.rule))
            && is(&self.receiver, event.receiver.as_deref())
    }
}

fn line(event: &LogEvent) -> Event {
    let rule = event.rule.as_ref();
    let line = Line {
        time: request::time(event.time_ms),
        level: event.level.as_str(),
        namespace: rule.map(|rule| rule.group.namespace.to_string()),
        group: rule.map(|rule| rule.group.group.to_string()),
        rule: rule.map(|rule| rule.rule.to_string()),
        receiver: event.receiver.clone(),
        message: event.message.clone(),
        fields: event.fields.iter().cloned().collect(),
        code: event.code,
    };
    Event::default().data(serde_json::to_string(&line).unwrap_or_default())
}

/// Follows the log as server-sent events: the recent lines first, then each as it
/// comes. The data of each event is a JSON object; an event `lagged` says how many
/// lines a slow reader has lost.
#[utoipa::path(
    get, path = "/v1/logs", tag = "logs", params(LogFilter),
    responses((status = 200, body = Line, content_type = "text/event-stream"), (status = 400, body = Problem))
)]
pub(super) async fn follow(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Query(filter): Query<LogFilter>,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let level = filter
        .level
        .as_deref()
        .map_or(Some(LogLevel::Trace), LogLevel::parse);
    let level = level.ok_or_else(|| {
        Problem::bad_request("level is not one of trace, debug, info, warn, error".to_owned())
    })?;
    let (recent, live) = host.logs.follow(&tenant);
    let goes_on = filter.follow.unwrap_or(true);
    let live = if goes_on {
        BroadcastStream::new(live).left_stream()
    } else {
        stream::empty().right_stream()
    };
    let events = stream::iter(recent.into_iter().map(Ok)).chain(live);
    let lines = events.filter_map(move |event| future::ready(shown(&host, event, &tenant, level, &filter)));
    Ok(Sse::new(lines.map(Ok)).keep_alive(KeepAlive::default()))
}

fn shown(
    host: &Host,
    event: Result<Arc<LogEvent>, BroadcastStreamRecvError>,
    tenant: &TenantId,
    level: LogLevel,
    filter: &LogFilter,
) -> Option<Event> {
    match event {
        Ok(event) => (event.tenant == *tenant && filter.takes(level, &event)).then(|| line(&event)),
        Err(BroadcastStreamRecvError::Lagged(lines)) => {
            host.metrics.log_lines_dropped.add(tenant, (), lines);
            Some(Event::default().event("lagged").data(lines.to_string()))
        }
    }
}
