//! Stock modules: those that come with the program.
//!
//! A fresh store gets them all, and a newer program brings and promotes its own as new versions.
//! What a tenant has uploaded under such a name, or has deleted, is the tenant's
//! decision and stays. *Noted* are the digests that came with this program or an
//! earlier one.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use wasmalert_core::TenantId;

use crate::Host;
use crate::catalog::DescriptionBody;
use crate::config::StockModule;
use crate::provenance::{ModuleSource, ProducedBy, Provenance};
use crate::registry::digest_of;
use crate::store::{ModuleRow, NewModule, StockRow, StoreError};

const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What to do with a stock module, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// No module has its name, or the promoted version came with an earlier program.
    Upload,
    /// It is a version already, and promoted.
    Promoted,
    /// It is a version already; another one stays promoted.
    There,
    /// It was deleted.
    Deleted,
    /// The promoted version is the tenant's own.
    Own,
    /// The promoted version came with a newer program.
    Outdated,
}

/// What a stock module says of itself.
#[derive(Debug, Deserialize)]
struct About {
    world: String,
    description: DescriptionBody,
    producers: Vec<ProducedBy>,
}

/// Why a stock module was not brought.
#[derive(Debug, thiserror::Error)]
enum StockError {
    #[error("what is known of it cannot be read: {0}")]
    About(#[from] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores the stock modules that the tenant is to have; they are compiled when they are first used. One that
/// fails is logged and does not stop the others. The catalog is to be read anew after this.
pub(crate) async fn bring(host: &Host, tenant: &TenantId) {
    let noted = match host.store.list_stock(tenant).await {
        Ok(noted) => noted,
        Err(error) => return tracing::error!(%error, "stock modules cannot be compared"),
    };
    for module in host.config.stock {
        if let Err(error) = bring_one(host, tenant, module, &noted).await {
            tracing::error!(name = module.name, %error, "a stock module was not taken");
        }
    }
}

async fn bring_one(
    host: &Host,
    tenant: &TenantId,
    module: &StockModule,
    noted: &[StockRow],
) -> Result<(), StockError> {
    let name = module.name;
    let stock = StockRow {
        name: name.to_owned(),
        digest: digest_of(module.wasm),
        program: PROGRAM.to_owned(),
    };
    let versions = host.store.module_versions(tenant, name).await?;
    let decision = decide(&stock, &versions, noted);
    match decision {
        Decision::Upload => {
            let new = of_program(module, &stock.digest, host.clock.now_ms())?;
            let version = host.store.put_module(tenant, &new).await?.module.version;
            host.store.promote_module(tenant, name, version).await?;
            tracing::info!(name, version, digest = stock.digest, "stock module stored");
        }
        Decision::Promoted => {}
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

fn of_program(module: &StockModule, digest: &str, now_ms: i64) -> Result<NewModule, serde_json::Error> {
    let about: About = serde_json::from_str(module.about)?;
    let provenance = Provenance {
        source: Some(ModuleSource::Stock),
        producers: about.producers,
        ..Provenance::default()
    };
    Ok(NewModule {
        name: module.name.to_owned(),
        digest: digest.to_owned(),
        world: about.world,
        description: serde_json::to_string(&about.description)?,
        provenance: provenance.text(),
        wasm: module.wasm.to_vec(),
        compile_ms: 0,
        created_ms: now_ms,
    })
}

/// `versions` are those of the stock module's name.
fn decide(stock: &StockRow, versions: &[ModuleRow], noted: &[StockRow]) -> Decision {
    let noted = || noted.iter().filter(|it| it.name == stock.name);
    let promoted = versions.iter().find(|version| version.promoted);
    let Some(promoted) = promoted else {
        return if noted().next().is_none() {
            Decision::Upload
        } else {
            Decision::Deleted
        };
    };
    if promoted.digest == stock.digest {
        return Decision::Promoted;
    }
    if versions.iter().any(|version| version.digest == stock.digest) {
        return Decision::There;
    }
    if noted().any(|it| it.digest == stock.digest) {
        return Decision::Deleted;
    }
    match noted().find(|it| it.digest == promoted.digest) {
        None => Decision::Own,
        Some(promoted) if release(&promoted.program) > release(&stock.program) => Decision::Outdated,
        Some(_) => Decision::Upload,
    }
}

/// The numbers of a version such as `0.1.0`; of others as many as there are.
fn release(program: &str) -> Vec<u64> {
    let numbers = program.split(['.', '-', '+']).map_while(|part| part.parse().ok());
    numbers.collect()
}
