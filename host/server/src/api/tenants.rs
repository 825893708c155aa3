//! `/v1/tenants`: who uses the server. For the operator alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmalert_core::TenantId;
use wasmalert_core::quota::Quota;

use super::problem::{Answer, Problem};
use super::request::{self, Body};
use crate::access::tenants;
use crate::store::TenantRow;
use crate::{Host, groups};

const TITLE_BYTES_MAX: usize = 256;
const WEIGHT_MAX: u32 = 1_000;

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tenant {
    name: String,
    title: String,
    weight: u32,
    /// Where they are not the server's.
    quotas: BTreeMap<String, u64>,
    /// Where they are lower than the server's.
    limits: BTreeMap<String, u64>,
    created_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TenantList {
    tenants: Vec<Tenant>,
}

/// What a tenant is to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantSpec {
    /// For people; at most 256 bytes.
    #[serde(default)]
    title: String,
    /// What it may have, by the names that `GET /v1/limits` shows, where that is not what the server's
    /// settings say; 0 is none.
    #[serde(default)]
    #[schema(example = json!({"rules": 100}))]
    quotas: BTreeMap<String, u64>,
    /// What one evaluation of its rules may use, by the names of docs/limits.md, where that is less than
    /// the server's limit; at least 1.
    #[serde(default)]
    #[schema(example = json!({"fuel": 50_000_000}))]
    limits: BTreeMap<String, u64>,
    /// How much more processor time it gets than a tenant of weight 1, where they wait for it: 1 to 1000.
    #[serde(default = "weight_default")]
    #[schema(default = 1, minimum = 1, maximum = 1000)]
    weight: u32,
}

fn weight_default() -> u32 {
    1
}

fn shown(row: &TenantRow) -> Tenant {
    Tenant {
        name: row.tenant.to_string(),
        title: row.title.clone(),
        weight: row.weight,
        quotas: row.quotas.clone(),
        limits: row.limits.clone(),
        created_at: request::time(row.created_ms),
    }
}

/// Lists the tenants.
#[utoipa::path(get, path = "/v1/tenants", tag = "tenants", responses((status = 200, body = TenantList)))]
pub(super) async fn list(State(host): State<Arc<Host>>) -> Json<TenantList> {
    Json(TenantList {
        tenants: host
            .tenants
            .all()
            .iter()
            .map(|tenant| shown(&tenant.row))
            .collect(),
    })
}

/// Shows a tenant.
#[utoipa::path(
    get, path = "/v1/tenants/{name}", tag = "tenants", params(("name" = String, Path)),
    responses((status = 200, body = Tenant), (status = 404, body = Problem))
)]
pub(super) async fn get(State(host): State<Arc<Host>>, Path(name): Path<String>) -> Answer<Json<Tenant>> {
    let tenant = host
        .tenants
        .named(&name)
        .and_then(|tenant| host.tenants.get(&tenant));
    request::shown(
        tenant,
        |tenant| Some(shown(&tenant.row)),
        format!("tenant {name}"),
    )
}

/// Makes a tenant, or changes its title, weight, quotas and limits. A new one has the stock modules and nothing else.
#[utoipa::path(
    put, path = "/v1/tenants/{name}", tag = "tenants", params(("name" = String, Path)), request_body = TenantSpec,
    responses((status = 201, body = Tenant), (status = 200, body = Tenant, description = "It was there already"), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Path(name): Path<String>,
    Body(spec): Body<TenantSpec>,
) -> Answer<(StatusCode, Json<Tenant>)> {
    request::name(&name)?;
    let mut wrong = Vec::new();
    if spec.title.len() > TITLE_BYTES_MAX || spec.title.chars().any(char::is_control) {
        wrong.push(format!(
            "title: is longer than {TITLE_BYTES_MAX} bytes, or has a control character"
        ));
    }
    let unknown = spec.quotas.keys().filter(|name| Quota::parse(name).is_none());
    wrong.extend(unknown.map(|name| format!("quotas: there is no quota {name:?}; see GET /v1/limits")));
    for (name, &value) in &spec.limits {
        let allowed = groups::lower_limit(name, value, &host.config.limits);
        wrong.extend(allowed.err().map(|why| format!("limits.{name}: {why}")));
    }
    if !(1..=WEIGHT_MAX).contains(&spec.weight) {
        wrong.push(format!("weight: {} is not from 1 to {WEIGHT_MAX}", spec.weight));
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid(format!("the tenant {name} is not valid"), wrong));
    }
    let row = TenantRow {
        tenant: TenantId::new(&name).map_err(|error| Problem::bad_request(error.to_string()))?,
        title: spec.title,
        weight: spec.weight,
        quotas: spec.quotas,
        limits: spec.limits,
        created_ms: 0,
    };
    let tenant = row.tenant.clone();
    let is_new = tenants::put(&host, row).await?;
    let tenant = host.tenants.get(&tenant);
    let shown = request::shown(
        tenant,
        |tenant| Some(shown(&tenant.row)),
        format!("tenant {name}"),
    )?;
    Ok((request::put_status(!is_new), shown))
}

/// Deletes a tenant with all that it has but its audit log: modules, groups, alerts, samples, keys.
#[utoipa::path(
    delete, path = "/v1/tenants/{name}", tag = "tenants", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(super) async fn delete(State(host): State<Arc<Host>>, Path(name): Path<String>) -> Answer<StatusCode> {
    if name == TenantId::DEFAULT {
        let detail = "the tenant default is the operator's own and stays";
        return Err(Problem::new(StatusCode::CONFLICT, "in_use", detail));
    }
    let gone = match TenantId::new(&name) {
        Ok(tenant) => tenants::delete(&host, &tenant).await?,
        Err(_) => false,
    };
    request::no_content(gone, format!("tenant {name}"))
}
