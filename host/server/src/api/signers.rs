//! `/v1/signers` and `/v1/signatures`: whose signatures of modules are trusted, and what
//! becomes of uploads without one.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{Answer, Problem};
use super::request::Body;
use super::{Caller, request};
use crate::Host;
use crate::signing::{self, SIGNERS_MAX, SignaturePolicy};
use crate::store::SignerRow;

/// A key that is trusted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Signer {
    name: String,
    /// As `minisign` prints it.
    #[schema(example = "E7620F1842B4E81F")]
    key_id: String,
    /// The key alone, in base64.
    public_key: String,
    updated_at: String,
}

/// By name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Signers {
    signers: Vec<Signer>,
}

/// A key to trust.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignerSpec {
    /// The file `minisign.pub`, or the line of it that holds the key.
    #[schema(example = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")]
    public_key: String,
}

/// What becomes of uploads without a good signature.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Signatures {
    /// What holds: the tenant's own, or the floor where that is stricter.
    policy: SignaturePolicy,
    /// What the operator asks of every tenant, the setting `signatures`.
    floor: SignaturePolicy,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignaturesSpec {
    policy: SignaturePolicy,
}

fn shown(row: SignerRow) -> Option<Signer> {
    let signer = signing::Signer::parse(&row.name, &row.public_key).ok()?;
    Some(Signer {
        name: row.name,
        key_id: signer.key_id,
        public_key: row.public_key,
        updated_at: request::time(row.updated_ms),
    })
}

/// Lists the keys whose signatures are trusted.
#[utoipa::path(get, path = "/v1/signers", tag = "modules", responses((status = 200, body = Signers)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<Signers>> {
    let rows = host.store.list_signers(&tenant).await?;
    let signers = rows.into_iter().filter_map(shown).collect();
    Ok(Json(Signers { signers }))
}

/// Trusts a key, or another one under the same name; a tenant has at most 64.
#[utoipa::path(
    put, path = "/v1/signers/{name}", tag = "modules", params(("name" = String, Path)),
    request_body = SignerSpec,
    responses(
        (status = 201, body = Signer), (status = 200, body = Signer, description = "The name was there already"),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem),
    )
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
    Body(wanted): Body<SignerSpec>,
) -> Answer<(StatusCode, Json<Signer>)> {
    request::name(&name)?;
    let signer = signing::Signer::parse(&name, &wanted.public_key)
        .map_err(|why| Problem::invalid(format!("public_key: {why}"), Vec::new()))?;
    let _counting = host.counting.lock().await;
    let signers = host.store.list_signers(&tenant).await?;
    let is_other = |row: &&SignerRow| row.name != name && row.public_key == signer.public_key;
    if let Some(other) = signers.iter().find(is_other) {
        // Deleting one of the two would change nothing.
        let detail = format!("the key {} is trusted already, as {}", signer.key_id, other.name);
        return Err(Problem::new(StatusCode::CONFLICT, "signer_exists", detail));
    }
    let was_there = signers.iter().any(|row| row.name == name);
    if !was_there && signers.len() >= SIGNERS_MAX {
        let detail = format!("a tenant has at most {SIGNERS_MAX} signers: delete one first");
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "signers_exceeded",
            detail,
        ));
    }
    let row = SignerRow {
        name,
        public_key: signer.public_key,
        updated_ms: host.clock.now_ms(),
    };
    host.store.put_signer(&tenant, &row).await?;
    host.catalog.reload(&host.store, &tenant).await?;
    let answer = Signer {
        key_id: signer.key_id,
        updated_at: request::time(row.updated_ms),
        name: row.name,
        public_key: row.public_key,
    };
    Ok((request::put_status(was_there), Json(answer)))
}

/// Trusts a key no more. What it signed stays and goes on running; under the policy
/// `require` it cannot be put to use again.
#[utoipa::path(
    delete, path = "/v1/signers/{name}", tag = "modules", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let gone = host.store.delete_signer(&tenant, &name).await?;
    host.catalog.reload(&host.store, &tenant).await?;
    request::no_content(gone, format!("signer {name}"))
}

/// Shows what becomes of uploads without a good signature.
#[utoipa::path(get, path = "/v1/signatures", tag = "modules", responses((status = 200, body = Signatures)))]
pub(super) async fn policy(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Json<Signatures> {
    Json(Signatures {
        policy: host.catalog.of(&tenant).trust.policy,
        floor: host.catalog.floor(),
    })
}

/// Says what becomes of uploads without a good signature; not looser than the operator's floor.
#[utoipa::path(
    put, path = "/v1/signatures", tag = "modules", request_body = SignaturesSpec,
    responses((status = 204), (status = 422, body = Problem))
)]
pub(super) async fn put_policy(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Body(wanted): Body<SignaturesSpec>,
) -> Answer<StatusCode> {
    let floor = host.catalog.floor();
    if wanted.policy < floor {
        let detail = format!(
            "the operator asks for `{}` of every tenant (the setting `signatures`): be as strict, or stricter",
            floor.as_str()
        );
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "policy_below_floor",
            detail,
        ));
    }
    host.store
        .put_signature_policy(&tenant, wanted.policy.as_str())
        .await?;
    host.catalog.reload(&host.store, &tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}
