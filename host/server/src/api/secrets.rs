//! `/v1/secrets`: values that are written and never read back.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmalert_core::quota::Quota;

use super::problem::{Answer, Problem};
use super::request::Body;
use super::{Caller, request};
use crate::Host;
use crate::access::quota;
use crate::egress::HostPort;
use crate::secrets::{HOSTS_MAX, at_rest};

/// The longest value of a secret.
const VALUE_BYTES_MAX: usize = 64 << 10;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretValue {
    /// 1 byte to 64 KiB.
    value: String,
    /// Where it may be sent, 1 to 64 hosts: `hooks.example.com`, `*.example.com`, `10.0.0.5:9090`
    /// or `*`; anywhere without it.
    hosts: Option<Vec<String>>,
}

/// A secret without its value.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Secret {
    name: String,
    /// Where it may be sent.
    hosts: Vec<String>,
    updated_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Secrets {
    secrets: Vec<Secret>,
}

/// Lists the names of the secrets.
#[utoipa::path(get, path = "/v1/secrets", tag = "secrets", responses((status = 200, body = Secrets)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<Secrets>> {
    let rows = host.store.list_secrets(&tenant).await?.into_iter();
    let secrets = rows.map(|row| Secret {
        name: row.name,
        // Hosts that cannot be read let it go nowhere.
        hosts: serde_json::from_str(&row.hosts).unwrap_or_default(),
        updated_at: request::time(row.updated_ms),
    });
    Ok(Json(Secrets {
        secrets: secrets.collect(),
    }))
}

/// Sets a secret, for `{{secret:NAME}}` in sources and receivers.
#[utoipa::path(
    put, path = "/v1/secrets/{name}", tag = "secrets", params(("name" = String, Path)),
    request_body = SecretValue, responses((status = 204), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
    Body(secret): Body<SecretValue>,
) -> Answer<StatusCode> {
    request::name(&name)?;
    if secret.value.is_empty() || secret.value.len() > VALUE_BYTES_MAX {
        let detail = format!(
            "the value has {} bytes, not from 1 to {VALUE_BYTES_MAX}",
            secret.value.len()
        );
        return Err(Problem::invalid(detail, Vec::new()));
    }
    let _counting = host.counting.lock().await;
    let names = host.store.list_secrets(&tenant).await?;
    let is_new = !names.iter().any(|row| row.name == name);
    quota::check(&host, &tenant, Quota::Secrets, u64::from(is_new)).await?;
    let hosts = hosts(secret.hosts)?;
    let sealed = at_rest::seal(host.catalog.keyring(), &tenant, &name, &secret.value, &hosts)?;
    host.store
        .put_secret(&tenant, &sealed, host.clock.now_ms())
        .await?;
    host.catalog.reload(&host.store, &tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn hosts(given: Option<Vec<String>>) -> Answer<Vec<HostPort>> {
    let Some(given) = given else {
        return Ok(vec![HostPort::ANY]);
    };
    if given.is_empty() || given.len() > HOSTS_MAX {
        let detail = format!("hosts: give 1 to {HOSTS_MAX}, or leave it out for any");
        return Err(Problem::invalid(detail, Vec::new()));
    }
    let (mut hosts, mut problems) = (Vec::new(), Vec::new());
    for (at, host) in given.into_iter().enumerate() {
        match host.parse() {
            Ok(host) => hosts.push(host),
            Err(error) => problems.push(format!("hosts[{at}]: {error}")),
        }
    }
    if problems.is_empty() {
        return Ok(hosts);
    }
    Err(Problem::invalid("the secret's hosts cannot be used", problems))
}

/// Deletes a secret.
#[utoipa::path(
    delete, path = "/v1/secrets/{name}", tag = "secrets", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let gone = host.store.delete_secret(&tenant, &name).await?;
    host.catalog.reload(&host.store, &tenant).await?;
    request::no_content(gone, format!("secret {name}"))
}
