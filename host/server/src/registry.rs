//! Modules: taken in, compiled in a process of their own, kept, and loaded when
//! they are needed.

mod upload;

use std::path::PathBuf;
use std::sync::Arc;

use moka::future::Cache;
use sha2::{Digest as _, Sha256};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_sandbox::{
    Artifacts, CompileError, CompileLimits, Compiled, Component, Sandbox, SandboxError, compile,
};

use crate::clock::Clock;
use crate::config::Config;
use crate::fair::{Claim, Turns};
use crate::store::Store;
use crate::telemetry::{CompileResult, Metrics};

pub(crate) use self::upload::{Taken, Upload, UploadError, discard, upload};

/// Compilations under way at a time; each may take a core.
const COMPILATIONS_MAX: usize = 2;
/// Uploads under way at a time, whose bodies are in memory.
const UPLOADS_MAX: usize = 16;
/// Uploads that may wait until others have ended; more are refused, of a tenant first.
const UPLOADS_WAITING_MAX: usize = 1_024;
pub(crate) const UPLOADS_WAITING_OF_TENANT_MAX: usize = 64;

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
                if digest_of(&wasm) != digest {
                    return Err(unavailable(
                        "the bytes in the store are others: upload it again".into(),
                    ));
                }
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
pub fn digest_of(wasm: &[u8]) -> String {
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(wasm) {
        digest.push_str(&format!("{byte:02x}"));
    }
    digest
}
