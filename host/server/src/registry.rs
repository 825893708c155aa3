//! Modules: taken in, compiled in a process of their own, kept, and loaded when
//! they are needed.

use std::path::PathBuf;
use std::sync::Arc;

use moka::future::Cache;
use sha2::{Digest as _, Sha256};
use wasmalert_core::TenantId;
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::limits::Limits;
use wasmalert_core::quota::Quota;
use wasmalert_sandbox::{
    Artifacts, CompileError, CompileLimits, Compiled, Component, Sandbox, SandboxError, compile,
};

use crate::Host;
use crate::access::quota::{self, QuotaError};
use crate::catalog::DescriptionBody;
use crate::clock::Clock;
use crate::config::Config;
use crate::fair::{Claim, Lane, Turns};
use crate::schema::SchemaError;
use crate::store::{NewModule, PutModule, Store, StoreError};
use crate::telemetry::{CompileResult, Metrics};

/// Compilations under way at a time; each may take a core.
const COMPILATIONS_MAX: usize = 2;
/// Uploads under way at a time, whose bodies are in memory.
const UPLOADS_MAX: usize = 16;
/// Uploads that may wait until others have ended; more are refused, of a tenant first.
const UPLOADS_WAITING_MAX: usize = 1_024;
pub(crate) const UPLOADS_WAITING_OF_TENANT_MAX: usize = 64;

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
    #[error("the compiled component cannot be kept: {0}")]
    Artifact(String),
    #[error(transparent)]
    Quota(#[from] QuotaError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compiles and loads components.
pub(crate) struct Registry {
    clock: Clock,
    sandbox: Sandbox,
    artifacts: Artifacts,
    store: Store,
    metrics: Arc<Metrics>,
    /// Loaded components by digest, weighed by their code.
    components: Cache<String, Component>,
    compilations: Turns,
    uploads: Turns,
    compiler: PathBuf,
    limits: CompileLimits,
}

impl Registry {
    /// `compiler` is this program, which the subcommand `compile-worker` makes a
    /// compiler.
    #[must_use]
    pub(crate) fn new(
        config: &Config,
        compiler: PathBuf,
        sandbox: Sandbox,
        artifacts: Artifacts,
        store: Store,
        metrics: Arc<Metrics>,
    ) -> Self {
        let weigh =
            |_: &String, component: &Component| u32::try_from(component.code_bytes()).unwrap_or(u32::MAX);
        let components = Cache::builder()
            .max_capacity(config.component_cache_bytes)
            .weigher(weigh)
            .build();
        let limits = CompileLimits {
            memory_bytes: config.compile_memory_bytes,
            cpu_seconds: config.compile_cpu_seconds,
            wall_ms: config.compile_wall_ms,
            wasm_bytes: config.module_bytes,
            minimum_memory_bytes: config.limits.memory_bytes,
        };
        Self {
            clock: Clock,
            sandbox,
            artifacts,
            store,
            metrics,
            components,
            compilations: Turns::new(COMPILATIONS_MAX, usize::MAX),
            uploads: Turns::new(UPLOADS_MAX, UPLOADS_WAITING_MAX),
            compiler,
            limits,
        }
    }

    /// What an upload takes one of before its body is read.
    pub(crate) fn uploads(&self) -> &Turns {
        &self.uploads
    }

    /// What compilations wait for.
    pub(crate) fn compilations(&self) -> &Turns {
        &self.compilations
    }

    /// Removes what was compiled. Whoever else has the same module gets it compiled
    /// anew when it is needed.
    async fn discard(&self, digest: &str) {
        self.components.invalidate(digest).await;
        if let Err(error) = self.artifacts.remove(&self.sandbox, digest) {
            tracing::warn!(digest, %error, "an artifact cannot be removed");
        }
    }

    /// Bytes of the components in memory.
    pub(crate) fn cache_bytes(&self) -> u64 {
        self.components.weighted_size()
    }

    /// The component of that digest, out of memory, the artifact on disk, or
    /// compiled anew from the stored module.
    ///
    /// # Errors
    /// `module_unavailable` with the reason.
    pub(crate) async fn component(&self, claim: &Claim, digest: &str) -> Result<Component, Fault> {
        if let Some(component) = self.components.get(digest).await {
            self.metrics.component_cache_hits.inc();
            return Ok(component);
        }
        self.metrics.component_cache_misses.inc();
        let loading = self.load(claim, digest);
        self.components
            .try_get_with_by_ref(digest, loading)
            .await
            .map_err(|fault| (*fault).clone())
    }

    async fn load(&self, claim: &Claim, digest: &str) -> Result<Component, Fault> {
        let unavailable = |why: String| Fault::new(FaultCode::ModuleUnavailable, format!("{digest}: {why}"));
        let artifact = self
            .artifacts
            .get(&self.sandbox, digest)
            .map_err(|error| unavailable(error.to_string()))?;
        let artifact = match artifact {
            Some(artifact) => artifact,
            None => {
                tracing::info!(
                    digest,
                    "compiling a module whose artifact is missing or of another version"
                );
                let wasm = self.store.wasm_by_digest(&claim.tenant, digest).await;
                let wasm = wasm.map_err(|error| unavailable(error.to_string()))?;
                let wasm = wasm.ok_or_else(|| unavailable("its bytes are not in the store".into()))?;
                self.compile(claim, wasm.into(), digest)
                    .await
                    .map_err(|error| unavailable(error.to_string()))?;
                let artifact = self.artifacts.get(&self.sandbox, digest);
                let artifact = artifact.map_err(|error| unavailable(error.to_string()))?;
                artifact.ok_or_else(|| unavailable("its artifact vanished".into()))?
            }
        };
        self.sandbox
            .load(artifact)
            .map_err(|error| unavailable(error.to_string()))
    }

    /// Loads what was just compiled: its bytes are not stored yet, but the artifact is there.
    ///
    /// # Errors
    /// `too_complex` where an instance has no room for it.
    async fn load_new(&self, digest: &str) -> Result<Component, UploadError> {
        let failed = |why: String| UploadError::Artifact(why);
        let artifact = self.artifacts.get(&self.sandbox, digest);
        let artifact = artifact.map_err(|error| failed(error.to_string()))?;
        let artifact = artifact.ok_or_else(|| failed("it vanished".to_owned()))?;
        let component = self.sandbox.load(artifact).map_err(|error| match error {
            SandboxError::Load(why) => UploadError::Compile(CompileError {
                code: "too_complex",
                message: format!("needs more room than an instance has: {why}"),
                problems: Vec::new(),
            }),
            error => failed(error.to_string()),
        })?;
        let loaded = self.components.insert(digest.to_owned(), component.clone());
        loaded.await;
        Ok(component)
    }

    /// Compiles in a process of its own and keeps the artifact.
    async fn compile(&self, claim: &Claim, wasm: Arc<[u8]>, digest: &str) -> Result<Compiled, UploadError> {
        // What waits is bounded by uploads, and by evaluations of modules that are compiled anew.
        let Ok(mut turn) = self.compilations.take(&claim.with_at_once(1)).await else {
            return Err(UploadError::Busy);
        };
        let stopwatch = self.clock.stopwatch();
        let (compiler, limits) = (self.compiler.clone(), self.limits.clone());
        let compiled = tokio::task::spawn_blocking(move || compile(&compiler, &wasm, &limits)).await;
        let took = stopwatch.elapsed();
        turn.charge(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        let compiled = compiled.map_err(|error| UploadError::Artifact(error.to_string()))?;
        let result = match &compiled {
            Ok(_) => CompileResult::Ok,
            Err(error) if error.is_host() => CompileResult::Failed,
            Err(_) => CompileResult::Refused,
        };
        self.metrics
            .compile_seconds
            .with(result)
            .observe(took.as_secs_f64());
        let compiled = compiled?;
        let kept = self.artifacts.put(&self.sandbox, digest, &compiled.artifact);
        kept.map_err(|error| UploadError::Artifact(error.to_string()))?;
        Ok(compiled)
    }
}

/// `sha256:` and 64 hexadecimal digits.
#[must_use]
pub(crate) fn digest_of(wasm: &[u8]) -> String {
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(wasm) {
        digest.push_str(&format!("{byte:02x}"));
    }
    digest
}

/// Takes a module in: compiles it, asks what it is, and keeps it. The same bytes
/// under the same name give the same version.
///
/// # Errors
/// Says why the module was not taken; nothing is kept then.
pub(crate) async fn upload(
    host: &Host,
    tenant: &TenantId,
    name: &str,
    wasm: Vec<u8>,
) -> Result<PutModule, UploadError> {
    let wasm: Arc<[u8]> = wasm.into();
    let (hashed, claim) = (wasm.clone(), host.tenants.of(tenant).claim(Quota::UploadsAtOnce));
    let lane = Lane::for_bytes(wasm.len());
    let hashed = host.samplers.run(lane, &claim, move || digest_of(&hashed)).await;
    let (digest, _) = hashed.map_err(|undone| UploadError::Artifact(undone.to_string()))?;
    let versions = host.store.module_versions(tenant, name).await?;
    if let Some(module) = versions.into_iter().find(|module| module.digest == digest) {
        return Ok(PutModule {
            module,
            created: false,
        });
    }
    check_quotas(host, tenant, &wasm).await?;
    let stopwatch = host.clock.stopwatch();
    let compiled = host.registry.compile(&claim, wasm.clone(), &digest).await?;
    let compile_ms = u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX);
    let description = match describe(host, tenant, name, &digest).await {
        Ok(description) => description,
        Err(error) => {
            discard(host, tenant, &digest).await;
            return Err(error);
        }
    };
    let module = NewModule {
        name: name.to_owned(),
        digest,
        world: compiled.world.as_str().to_owned(),
        description: serde_json::to_string(&description).map_err(UploadError::SchemaJson)?,
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
    Ok(put)
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
