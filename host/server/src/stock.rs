//! Stock modules: those that come with the program.
//!
//! A fresh store gets them all, and a newer program brings its own as new versions.
//! What a tenant has uploaded under such a name, or has deleted, is the tenant's
//! decision and stays. *Noted* are the digests that came with this program or an
//! earlier one.

#[cfg(test)]
mod tests;

use wasmalert_core::TenantId;

use crate::Host;
use crate::provenance::{ModuleSource, Provenance};
use crate::registry::{Upload, UploadError, digest_of, upload};
use crate::store::{ModuleRow, NewModule, PutModule, StockRow};

const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What to do with a stock module, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// No module has its name, or the newest one came with an earlier program.
    Upload,
    /// It is a version already, and the newest.
    Newest,
    /// It is a version already; what is newer stays in front.
    There,
    /// It was deleted.
    Deleted,
    /// The newest version is the tenant's own.
    Own,
    /// The newest version came with a newer program.
    Outdated,
}

/// Uploads the stock modules that the tenant is to have. One that fails is logged
/// and does not stop the others. The catalog is to be read anew after this.
pub(crate) async fn bring(host: &Host, tenant: &TenantId) {
    let noted = match host.store.list_stock(tenant).await {
        Ok(noted) => noted,
        Err(error) => return tracing::error!(%error, "stock modules cannot be compared"),
    };
    for (name, wasm) in &host.config.stock_components {
        if let Err(error) = bring_one(host, tenant, name, wasm, &noted).await {
            tracing::error!(name, %error, "a stock module was not taken");
        }
    }
}

async fn bring_one(
    host: &Host,
    tenant: &TenantId,
    name: &str,
    wasm: &[u8],
    noted: &[StockRow],
) -> Result<(), UploadError> {
    let stock = StockRow {
        name: name.to_owned(),
        digest: digest_of(wasm),
        program: PROGRAM.to_owned(),
    };
    let versions = host.store.module_versions(tenant, name).await?;
    let decision = decide(&stock, &versions, noted);
    match decision {
        Decision::Upload => {
            let put = match adopt(host, tenant, name, wasm, &stock.digest).await? {
                Some(put) => put,
                None => taken(host, tenant, name, wasm).await?,
            };
            tracing::info!(
                name,
                version = put.module.version,
                digest = stock.digest,
                "stock module uploaded"
            );
        }
        Decision::Newest => {}
        decision => {
            tracing::info!(
                name,
                digest = stock.digest,
                ?decision,
                "a stock module is left out"
            );
            return Ok(());
        }
    }
    Ok(host.store.put_stock(tenant, &stock).await?)
}

async fn taken(host: &Host, tenant: &TenantId, name: &str, wasm: &[u8]) -> Result<PutModule, UploadError> {
    let stock = Upload {
        name,
        wasm: wasm.to_vec(),
        by: None,
        source: ModuleSource::Stock,
        signature: None,
    };
    Ok(upload(host, tenant, stock).await?.put)
}

/// Takes over what is known of a stock module that another tenant has: what it is
/// follows from its bytes. None if nobody has it yet.
async fn adopt(
    host: &Host,
    tenant: &TenantId,
    name: &str,
    wasm: &[u8],
    digest: &str,
) -> Result<Option<PutModule>, UploadError> {
    let Some(known) = host.store.module_by_digest_of_all_tenants(digest).await? else {
        return Ok(None);
    };
    // Who brought it to the other tenant is that tenant's matter.
    let provenance = Provenance {
        source: Some(ModuleSource::Stock),
        producers: Provenance::parse(&known.provenance).producers,
        ..Provenance::default()
    };
    let module = NewModule {
        name: name.to_owned(),
        digest: known.digest,
        world: known.world,
        description: known.description,
        provenance: provenance.text(),
        wasm: wasm.to_vec(),
        compile_ms: known.compile_ms,
        created_ms: host.clock.now_ms(),
    };
    Ok(Some(host.store.put_module(tenant, &module).await?))
}

/// `versions` are those of the stock module's name, the newest first.
fn decide(stock: &StockRow, versions: &[ModuleRow], noted: &[StockRow]) -> Decision {
    let noted = || noted.iter().filter(|it| it.name == stock.name);
    let Some(newest) = versions.first() else {
        return if noted().next().is_none() {
            Decision::Upload
        } else {
            Decision::Deleted
        };
    };
    if newest.digest == stock.digest {
        return Decision::Newest;
    }
    if versions.iter().any(|version| version.digest == stock.digest) {
        return Decision::There;
    }
    if noted().any(|it| it.digest == stock.digest) {
        return Decision::Deleted;
    }
    match noted().find(|it| it.digest == newest.digest) {
        None => Decision::Own,
        Some(newest) if release(&newest.program) > release(&stock.program) => Decision::Outdated,
        Some(_) => Decision::Upload,
    }
}

/// The numbers of a version such as `0.1.0`; of others as many as there are.
fn release(program: &str) -> Vec<u64> {
    let numbers = program.split(['.', '-', '+']).map_while(|part| part.parse().ok());
    numbers.collect()
}
