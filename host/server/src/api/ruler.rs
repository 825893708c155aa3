//! Mimir's ruler configuration API: groups of Prometheus' rules as YAML, for mimirtool, cortextool and Grafana.
//!
//! Paths, statuses and shapes are those of <https://grafana.com/docs/mimir/latest/references/http-api/#ruler>.
//! Groups with rules of other modules are left alone: no such client would know what they are.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete as on_delete, get as on_get, post as on_post};
use axum::{Extension, Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use wasmalert_core::TenantId;
use wasmalert_rulefile::body::Unsaid;
use wasmalert_rulefile::rules;

use super::problem::{Answer, Problem};
use super::{By, Caller};
use crate::Host;
use crate::configure::{self, Change, Changed, Wanted};
use crate::groups::{GroupBody, MODULE_DEFAULT, RuleBody};
use crate::store::{Expected, GroupRow, ItemKey, Origin, Terms};

/// Cortex' older path.
const CORTEX: &str = "/api/prom/rules";
const YAML: &str = "application/yaml";

/// A group in the words of a rule file.
#[derive(Serialize)]
struct Group<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_offset: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<&'a str>,
    expr: &'a str,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    for_: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_for: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

impl<'a> Group<'a> {
    /// None where a rule is not one of Prometheus'.
    fn of(name: &'a str, body: &'a GroupBody) -> Option<Self> {
        Some(Self {
            name,
            interval: body.interval.as_deref(),
            query_offset: body.query_offset.as_deref(),
            limit: body.limit,
            labels: &body.labels,
            rules: body.rules.iter().map(Rule::of).collect::<Option<_>>()?,
        })
    }
}

impl<'a> Rule<'a> {
    fn of(body: &'a RuleBody) -> Option<Self> {
        let mut rest = body.config.iter().flatten();
        let text = |name: &str| body.config.as_ref()?.get(name)?.as_str();
        let is_known = |(name, value): (&String, &Value)| {
            value.is_string() && matches!(name.as_str(), "expr" | "record")
        };
        let is_prometheus = body
            .module
            .as_deref()
            .is_none_or(|module| module == MODULE_DEFAULT);
        if !is_prometheus || !rest.all(is_known) {
            return None;
        }
        let record = text("record");
        Some(Self {
            record,
            alert: record.is_none().then_some(&body.alert),
            expr: body.expr.as_deref().or(text("expr"))?,
            for_: body.for_.as_deref(),
            keep_firing_for: body.keep_firing_for.as_deref(),
            labels: &body.labels,
            annotations: &body.annotations,
        })
    }
}

/// A stored group and what it is.
struct Stored {
    revision: i64,
    namespace: String,
    name: String,
    body: GroupBody,
}

impl Stored {
    fn read(row: GroupRow) -> Option<Self> {
        Some(Self {
            revision: row.revision,
            namespace: row.key.namespace.to_string(),
            name: row.key.group.to_string(),
            body: serde_json::from_str(&row.spec).ok()?,
        })
    }
}

async fn stored(host: &Host, tenant: &TenantId) -> Answer<Vec<Stored>> {
    let rows = host.store.list_groups(tenant).await?;
    Ok(rows.into_iter().filter_map(Stored::read).collect())
}

fn yaml(value: &impl Serialize) -> Answer<Response> {
    // Every text in quotes: what reads it may take `on` for true.
    let options = serde_saphyr::ser_options! { quote_all: true };
    let text = serde_saphyr::to_string_with_options(value, options);
    let text = text.map_err(|error| {
        tracing::error!(%error, "groups cannot be written as YAML");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "host_error",
            "see the server's log",
        )
    })?;
    Ok(([(header::CONTENT_TYPE, YAML)], text).into_response())
}

/// What is said of what was taken, in Mimir's shape.
fn accepted() -> Response {
    let body = json!({"status": "success", "data": null, "errorType": "", "error": ""});
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

fn by_namespace<'a>(groups: &'a [Stored]) -> BTreeMap<&'a str, Vec<Group<'a>>> {
    let mut all: BTreeMap<&str, Vec<Group<'_>>> = BTreeMap::new();
    for stored in groups {
        if let Some(group) = Group::of(&stored.name, &stored.body) {
            all.entry(&stored.namespace).or_default().push(group);
        }
    }
    all
}

/// Lists the groups of Prometheus' rules by namespace.
#[utoipa::path(
    get, path = "/prometheus/config/v1/rules", tag = "ruler",
    responses((status = 200, body = Value, content_type = "application/yaml", description = "Groups by namespace; {} without any"))
)]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Response> {
    yaml(&by_namespace(&stored(&host, &tenant).await?))
}

/// Lists the groups of Prometheus' rules of a namespace.
#[utoipa::path(
    get, path = "/prometheus/config/v1/rules/{namespace}", tag = "ruler", params(("namespace" = String, Path)),
    responses((status = 200, body = Value, content_type = "application/yaml"), (status = 404, body = Problem))
)]
pub(super) async fn list_namespace(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(namespace): Path<String>,
) -> Answer<Response> {
    let mut groups = stored(&host, &tenant).await?;
    groups.retain(|group| group.namespace == namespace);
    match by_namespace(&groups) {
        none if none.is_empty() => Err(Problem::not_found(format!("namespace {namespace}"))),
        groups => yaml(&groups),
    }
}

/// Shows a group of Prometheus' rules.
#[utoipa::path(
    get, path = "/prometheus/config/v1/rules/{namespace}/{group}", tag = "ruler",
    params(("namespace" = String, Path), ("group" = String, Path)),
    responses((status = 200, body = Value, content_type = "application/yaml"), (status = 404, body = Problem))
)]
pub(super) async fn get(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path((namespace, name)): Path<(String, String)>,
) -> Answer<Response> {
    let key = ItemKey::group(&namespace, &name).group_key(&tenant);
    let stored = host.store.get_group(&key).await?.and_then(Stored::read);
    let group = stored.as_ref().and_then(|stored| Group::of(&name, &stored.body));
    let missing = || Problem::not_found(format!("group {namespace}/{name} of Prometheus' rules"));
    yaml(&group.ok_or_else(missing)?)
}

/// Makes or changes a group of Prometheus' rules.
///
/// What a rule file cannot say of a rule, such as its source and its receivers, stays as it is for rules that keep
/// their name.
#[utoipa::path(
    post, path = "/prometheus/config/v1/rules/{namespace}", tag = "ruler", params(("namespace" = String, Path)),
    request_body(content = String, content_type = "application/yaml", description = "One group, as in a rule file"),
    responses(
        (status = 202, description = "It is as it was sent"), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "The group has rules of other modules"),
        (status = 422, body = Problem), (status = 429, body = Problem),
    )
)]
pub(super) async fn post(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(namespace): Path<String>,
    body: String,
) -> Answer<Response> {
    let group = rules::read_group(&namespace, &body).map_err(|problems| {
        let lines = problems
            .iter()
            .map(|problem| format!("line {}: {}", problem.line, problem.message));
        Problem::bad_request("the group cannot be read").with(lines.collect())
    })?;
    let item = ItemKey::group(&namespace, &group.name);
    let body = serde_json::from_value(Value::Object(group.body(&Unsaid::default())));
    let mut body: GroupBody = body.map_err(|error| Problem::bad_request(error.to_string()))?;
    let key = item.group_key(&tenant);
    let row = host.store.get_group(&key).await?;
    // What is taken over from it must be what there is then.
    let expected = row
        .as_ref()
        .map_or(Expected::Absent, |row| Expected::Revision(row.revision));
    if let Some(before) = row.and_then(Stored::read) {
        if Group::of(&before.name, &before.body).is_none() {
            let detail = format!("the {item} has rules of other modules: change it with `wasmalert apply`");
            return Err(Problem::new(StatusCode::CONFLICT, "other_modules", detail));
        }
        keep_unsaid(&mut body, before.body);
    }
    let put = Change {
        expected,
        ..Change::put(item.clone(), Wanted::Group(body))
    };
    change(&host, (&tenant, &origin), vec![put], &format!("the {item}")).await?;
    Ok(accepted())
}

/// Takes over from rules of the same name and labels, else of the same name, what rule files do not say.
fn keep_unsaid(body: &mut GroupBody, before: GroupBody) {
    let mut by_name: BTreeMap<String, VecDeque<RuleBody>> = BTreeMap::new();
    for rule in before.rules {
        by_name.entry(rule.alert.clone()).or_default().push_back(rule);
    }
    let mut take = |rule: &RuleBody, is_same: fn(&RuleBody, &RuleBody) -> bool| {
        let of_name = by_name.get_mut(&rule.alert)?;
        let at = of_name.iter().position(|old| is_same(old, rule))?;
        of_name.remove(at)
    };
    let same: Vec<Option<RuleBody>> = body
        .rules
        .iter()
        .map(|rule| take(rule, |old, rule| old.labels == rule.labels))
        .collect();
    for (rule, same) in body.rules.iter_mut().zip(same) {
        let Some(old) = same.or_else(|| take(rule, |_, _| true)) else {
            continue;
        };
        *rule = RuleBody {
            alert: std::mem::take(&mut rule.alert),
            expr: rule.expr.take(),
            config: rule.config.take(),
            for_: rule.for_.take(),
            keep_firing_for: rule.keep_firing_for.take(),
            labels: std::mem::take(&mut rule.labels),
            annotations: std::mem::take(&mut rule.annotations),
            ..old
        };
    }
}

/// Deletes a group of Prometheus' rules.
#[utoipa::path(
    delete, path = "/prometheus/config/v1/rules/{namespace}/{group}", tag = "ruler",
    params(("namespace" = String, Path), ("group" = String, Path)),
    responses((status = 202, description = "It is gone"), (status = 404, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path((namespace, name)): Path<(String, String)>,
) -> Answer<Response> {
    let what = format!("group {namespace}/{name} of Prometheus' rules");
    let key = ItemKey::group(&namespace, &name).group_key(&tenant);
    let stored = host.store.get_group(&key).await?.and_then(Stored::read);
    remove(&host, (&tenant, &origin), stored.into_iter(), &what).await
}

/// Deletes all groups of Prometheus' rules of a namespace.
#[utoipa::path(
    delete, path = "/prometheus/config/v1/rules/{namespace}", tag = "ruler", params(("namespace" = String, Path)),
    responses((status = 202, description = "They are gone"), (status = 404, body = Problem))
)]
pub(super) async fn delete_namespace(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(namespace): Path<String>,
) -> Answer<Response> {
    let mut groups = stored(&host, &tenant).await?;
    groups.retain(|group| group.namespace == namespace);
    let what = format!("namespace {namespace}");
    remove(&host, (&tenant, &origin), groups.into_iter(), &what).await
}

async fn remove(
    host: &Arc<Host>,
    by: (&TenantId, &Origin),
    groups: impl Iterator<Item = Stored>,
    what: &str,
) -> Answer<Response> {
    let groups = groups.filter(|stored| Group::of(&stored.name, &stored.body).is_some());
    let gone: Vec<Change> = groups
        .map(|stored| Change {
            expected: Expected::Revision(stored.revision),
            ..Change::delete(ItemKey::group(&stored.namespace, &stored.name))
        })
        .collect();
    let done = change(host, by, gone, &format!("the {what}")).await?;
    match done.changed.items.is_empty() {
        true => Err(Problem::not_found(what)),
        false => Ok(accepted()),
    }
}

async fn change(
    host: &Arc<Host>,
    (tenant, origin): (&TenantId, &Origin),
    changes: Vec<Change>,
    what: &str,
) -> Answer<Changed> {
    let done = configure::change(host, tenant, origin, changes, Terms::default()).await;
    done.map_err(|refused| Problem::refused(what, refused))
}

/// The calls that look, under the paths of Cortex.
pub(super) fn reads(prefix: &str) -> Router<Arc<Host>> {
    let mut routes = Router::new();
    for base in bases(prefix) {
        routes = routes
            .route(&base, on_get(list))
            .route(&format!("{base}/{{namespace}}"), on_get(list_namespace))
            .route(&format!("{base}/{{namespace}}/{{group}}"), on_get(get));
    }
    routes
}

/// The calls that change, under the paths of Cortex.
pub(super) fn writes(prefix: &str) -> Router<Arc<Host>> {
    let mut routes = Router::new();
    for base in bases(prefix) {
        routes = routes
            .route(
                &format!("{base}/{{namespace}}"),
                on_post(post).delete(delete_namespace),
            )
            .route(&format!("{base}/{{namespace}}/{{group}}"), on_delete(delete));
    }
    routes
}

fn bases(prefix: &str) -> [String; 2] {
    [CORTEX.to_owned(), format!("{prefix}/api/v1/rules")]
}
