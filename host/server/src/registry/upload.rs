//! Taking modules in.

use std::sync::Arc;

use wasmalert_core::TenantId;
use wasmalert_core::fault::Fault;
use wasmalert_core::limits::Limits;
use wasmalert_core::quota::Quota;
use wasmalert_sandbox::CompileError;

use super::digest_of;
use crate::Host;
use crate::access::quota::{self, QuotaError};
use crate::catalog::DescriptionBody;
use crate::configure::{self, Change, Refused, Wanted};
use crate::fair::Lane;
use crate::provenance::{ModuleSource, Provenance, SignedBy};
use crate::schema::SchemaError;
use crate::signing::{SignatureError, Verdict};
use crate::store::{ItemKey, ItemKind, ModuleRow, NewModule, Origin, PutModule, StoreError, Terms};

/// Why an upload was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error("describe() failed: {0}")]
    Describe(Fault),
    #[error("describe() answered a config schema that is not JSON: {0}")]
    SchemaJson(serde_json::Error),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("too many uploads are waiting already; try again in a while")]
    Busy,
    #[error("{}", .0.message)]
    Quarantined(Fault),
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("the compiled component cannot be kept: {0}")]
    Artifact(String),
    #[error(transparent)]
    Quota(#[from] QuotaError),
    #[error("it was taken in, but not promoted: {0}")]
    Promotion(#[from] Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A module that somebody brings.
pub(crate) struct Upload<'u> {
    pub name: &'u str,
    pub wasm: Vec<u8>,
    /// Who brings it.
    pub by: &'u Origin,
    pub source: ModuleSource,
    /// The text of a `.minisig` file.
    pub signature: Option<String>,
    /// Whether it becomes that of whoever names no version. The first version does in any case.
    pub promote: bool,
}

/// A module that was taken in.
pub(crate) struct Taken {
    pub put: PutModule,
    /// What whoever brought it should know.
    pub warnings: Vec<String>,
}

/// Takes a module in: judges its signature, compiles it, asks what it is, and keeps it.
/// The same bytes under the same name give the same version, which takes on a good
/// signature that it is brought with.
///
/// # Errors
/// Says why the module was not taken; nothing is kept then.
pub(crate) async fn upload(
    host: &Arc<Host>,
    tenant: &TenantId,
    upload: Upload<'_>,
) -> Result<Taken, UploadError> {
    let (name, wanted, by) = (upload.name, upload.promote, upload.by);
    let mut taken = take_in(host, tenant, upload).await?;
    let module = &mut taken.put.module;
    if wanted && !module.promoted {
        let promotion = Change::put(
            ItemKey::new(ItemKind::Module, name),
            Wanted::Promoted(module.version),
        );
        configure::change(host, tenant, by, vec![promotion], Terms::default()).await?;
        module.promoted = true;
    }
    Ok(taken)
}

async fn take_in(host: &Host, tenant: &TenantId, upload: Upload<'_>) -> Result<Taken, UploadError> {
    let wasm: Arc<[u8]> = upload.wasm.into();
    let claim = host.tenants.of(tenant).claim(Quota::UploadsAtOnce);
    let (lane, hashed) = (Lane::for_bytes(wasm.len()), wasm.clone());
    let hashed = host.samplers.run(lane, &claim, move || digest_of(&hashed)).await;
    let (digest, _) = hashed.map_err(|undone| UploadError::Artifact(undone.to_string()))?;
    host.quarantine
        .check_module(&digest)
        .map_err(UploadError::Quarantined)?;
    let verdict = judge(host, tenant, &digest, wasm.clone(), upload.signature).await?;
    let warnings = verdict.warning.into_iter().collect();
    let versions = host.store.module_versions(tenant, upload.name).await?;
    if let Some(module) = versions.into_iter().find(|module| module.digest == digest) {
        let put = signed_again(host, tenant, module, verdict.signed_by).await?;
        return Ok(Taken { put, warnings });
    }
    check_quotas(host, tenant, &wasm).await?;
    let stopwatch = host.clock.stopwatch();
    let compiled = host.registry.compile(&claim, wasm.clone(), &digest).await?;
    let compile_ms = u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX);
    let description = match describe(host, tenant, upload.name, &digest).await {
        Ok(description) => description,
        Err(error) => {
            discard(host, tenant, &digest).await;
            return Err(error);
        }
    };
    let provenance = Provenance {
        uploaded_by: Some(upload.by.actor.clone()),
        source: Some(upload.source),
        signature: verdict.signed_by.clone(),
        producers: compiled.producers.into_iter().map(Into::into).collect(),
    };
    let module = NewModule {
        name: upload.name.to_owned(),
        digest,
        world: compiled.world.as_str().to_owned(),
        description: serde_json::to_string(&description).map_err(UploadError::SchemaJson)?,
        provenance: provenance.text(),
        wasm: wasm.to_vec(),
        compile_ms,
        created_ms: host.clock.now_ms(),
    };
    let put = {
        let _counting = host.counting.lock().await;
        check_quotas(host, tenant, &module.wasm).await?;
        host.store.put_module(tenant, &module).await?
    };
    host.catalog.reload(&host.store, tenant).await?;
    let put = match put.created {
        true => put,
        // Somebody brought the same bytes meanwhile.
        false => signed_again(host, tenant, put.module, verdict.signed_by).await?,
    };
    Ok(Taken { put, warnings })
}

/// Holds an upload against the tenant's policy of signatures. What comes with the program
/// needs none.
async fn judge(
    host: &Host,
    tenant: &TenantId,
    digest: &str,
    wasm: Arc<[u8]>,
    signature: Option<String>,
) -> Result<Verdict, UploadError> {
    let trust = host.catalog.of(tenant).trust.clone();
    if signature.is_none() && trust.stock.contains(digest) {
        return Ok(Verdict::default());
    }
    let judging = move || trust.signers.judge(trust.policy, &wasm, signature.as_deref());
    let judged = tokio::task::spawn_blocking(judging).await;
    let judged = judged.map_err(|error| UploadError::Artifact(error.to_string()))?;
    Ok(judged?)
}

/// A version that is there already, with the signature that it was brought with now.
async fn signed_again(
    host: &Host,
    tenant: &TenantId,
    mut module: ModuleRow,
    signed_by: Option<SignedBy>,
) -> Result<PutModule, UploadError> {
    let mut provenance = Provenance::parse(&module.provenance);
    if signed_by.is_some() && signed_by != provenance.signature {
        provenance.signature = signed_by;
        module.provenance = provenance.text();
        let (name, version) = (&module.name, module.version);
        host.store
            .set_provenance(tenant, name, version, &module.provenance)
            .await?;
        host.catalog.reload(&host.store, tenant).await?;
    }
    Ok(PutModule {
        module,
        created: false,
    })
}

async fn check_quotas(host: &Host, tenant: &TenantId, wasm: &[u8]) -> Result<(), QuotaError> {
    quota::check(host, tenant, Quota::Modules, 1).await?;
    quota::check(host, tenant, Quota::CodeBytes, wasm.len() as u64).await
}

/// Removes what was compiled, unless the tenant has the same bytes under another name or
/// version.
pub(crate) async fn discard(host: &Host, tenant: &TenantId, digest: &str) {
    if !host.catalog.of(tenant).has_code(digest) {
        host.registry.discard(digest).await;
    }
}

/// What a component says of itself, its config schema checked.
async fn describe(
    host: &Host,
    tenant: &TenantId,
    name: &str,
    digest: &str,
) -> Result<DescriptionBody, UploadError> {
    let component = host.registry.load_new(digest).await?;
    let tenant = host.tenants.of(tenant);
    let claim = tenant.claim(Quota::UploadsAtOnce);
    let run = move |limits: &Limits| component.describe(limits);
    let run = host
        .in_sandbox(&tenant, Lane::Long, tenant.limits.clone(), run)
        .await
        .map_err(UploadError::Describe)?;
    let described = run.result.map_err(UploadError::Describe)?;
    let schema = described.config_schema.trim();
    let body = DescriptionBody::new(&described).map_err(UploadError::SchemaJson)?;
    host.schemas
        .check_schema(&claim, &format!("module {name}"), schema)
        .await?;
    Ok(body)
}
