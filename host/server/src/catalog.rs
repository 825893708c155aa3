//! What tenants have configured, in memory: modules, sources, receivers and
//! secrets. Read at every evaluation; read anew from the store after a change.

mod modules;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;
use wasmalert_core::TenantId;
use wasmalert_core::evaluation::Description;
use wasmalert_core::spec::{DEFAULT_RECEIVER, DEFAULT_SOURCE, RuleSpec};
use wasmalert_ingest::relabel::Rule;
use wasmalert_sandbox::World;

pub(crate) use self::modules::{ModuleRef, NoModule, Trust, Trusted};
use crate::provenance::Provenance;
use crate::query::{EmbeddedSpec, Source, SourceSpec, Sources};
use crate::secrets::keyring::Keyring;
use crate::secrets::{Secrets, at_rest};
use crate::signing::{SignaturePolicy, Signer, Signers};
use crate::store::{ModuleRow, SOURCES, SignerRow, Store, StoreError};

/// One version of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModuleInfo {
    pub version: u32,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    pub world: World,
    pub description: Description,
    /// The public key whose signature it carries.
    pub signed_by: Option<String>,
}

impl ModuleInfo {
    /// Whether a notifier asks for firing alerts again and again.
    #[must_use]
    pub(crate) fn wants_resend(&self) -> bool {
        self.description
            .extras
            .iter()
            .any(|(name, value)| name == "resend" && value == "true")
    }
}

/// What a component says of itself, as the API shows it and the store keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DescriptionBody {
    pub name: String,
    pub doc: String,
    /// JSON Schema of the configuration; null accepts anything.
    #[schema(value_type = Option<Object>)]
    pub config_schema: Option<serde_json::Value>,
    /// Queries asked at every slot.
    pub queries: Vec<String>,
    pub extras: BTreeMap<String, String>,
}

impl DescriptionBody {
    /// # Errors
    /// The JSON Schema is not JSON.
    pub(crate) fn new(description: &Description) -> Result<Self, serde_json::Error> {
        let schema = description.config_schema.trim();
        Ok(Self {
            name: description.name.clone(),
            doc: description.doc.clone(),
            config_schema: if schema.is_empty() {
                None
            } else {
                Some(serde_json::from_str(schema)?)
            },
            queries: description.queries.clone(),
            extras: description.extras.iter().cloned().collect(),
        })
    }

    #[must_use]
    pub(crate) fn into_description(self) -> Description {
        Description {
            name: self.name,
            doc: self.doc,
            config_schema: self
                .config_schema
                .map(|schema| schema.to_string())
                .unwrap_or_default(),
            queries: self.queries,
            extras: self.extras.into_iter().collect(),
        }
    }
}

/// Reads a module's row; none when it does not hold together.
fn module_info(row: &ModuleRow) -> Option<ModuleInfo> {
    let description: DescriptionBody = serde_json::from_str(&row.description).ok()?;
    Some(ModuleInfo {
        version: row.version,
        digest: row.digest.clone(),
        world: World::parse(&row.world)?,
        description: description.into_description(),
        signed_by: Provenance::parse(&row.provenance)
            .signature
            .map(|signature| signature.public_key),
    })
}

/// Where notifications go: a notifier with its configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiverSpec {
    /// Name of a notifier module.
    #[schema(example = "alertmanager")]
    pub module: String,
    /// Version of the module; without it the promoted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Pins the module: `sha256:` and 64 hexadecimal digits that its bytes must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The notifier's own configuration. `{{secret:NAME}}` stands for a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, example = json!({"url": "http://127.0.0.1:9093"}))]
    pub config: Option<serde_json::Value>,
    /// Rules that change the labels of alerts or drop alerts before the notifier gets them, as those of a scrape do;
    /// those of the server are among the labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, example = json!([{"label_drop": "replica"}]))]
    pub relabel: Vec<Rule>,
}

impl ReceiverSpec {
    /// The configuration as a JSON text.
    #[must_use]
    pub(crate) fn config_text(&self) -> String {
        self.config
            .as_ref()
            .map_or_else(|| "{}".to_owned(), serde_json::Value::to_string)
    }
}

/// What one tenant has configured.
#[derive(Debug, Clone, Default)]
pub(crate) struct TenantCatalog {
    pub sources: Sources,
    pub receivers: BTreeMap<String, Arc<ReceiverSpec>>,
    pub secrets: Arc<Secrets>,
    /// What is asked of modules that are uploaded or put to use.
    pub trust: Trust,
    modules: BTreeMap<String, Versions>,
}

/// The versions of a module.
#[derive(Debug, Clone, Default)]
struct Versions {
    /// That of whoever names none.
    promoted: u32,
    by_number: BTreeMap<u32, Arc<ModuleInfo>>,
}

impl TenantCatalog {
    /// Whether a version of any module has that digest.
    #[must_use]
    pub(crate) fn has_code(&self, digest: &str) -> bool {
        let mut versions = self.modules.values().flat_map(|module| module.by_number.values());
        versions.any(|module| module.digest == digest)
    }

    /// Makes a version that of whoever names none.
    pub(crate) fn promote(&mut self, name: &str, version: u32) {
        if let Some(versions) = self.modules.get_mut(name) {
            versions.promoted = version;
        }
    }

    /// Names of the receivers that a rule tells: its own, or the one called `default` where there is one.
    pub(crate) fn receivers_of<'r>(&self, rule: &'r RuleSpec) -> impl Iterator<Item = &'r str> {
        let is_default = rule.receivers.is_empty() && self.receivers.contains_key(DEFAULT_RECEIVER);
        let default = is_default.then_some(DEFAULT_RECEIVER);
        rule.receivers.iter().map(String::as_str).chain(default)
    }

    /// The receiver's notifier.
    ///
    /// # Errors
    /// There is none, or it has other bytes than those it is pinned to.
    pub(crate) fn notifier(&self, receiver: &ReceiverSpec) -> Result<Arc<ModuleInfo>, NoModule> {
        self.find(receiver.into())
    }
}

/// The catalogs of all tenants.
pub(crate) struct Catalog {
    keyring: Keyring,
    /// The policy of signatures that no tenant goes below.
    floor: SignaturePolicy,
    of: RwLock<HashMap<TenantId, Arc<TenantCatalog>>>,
    /// Held while one is read anew, so that what was read later is not overwritten by
    /// what was read earlier.
    reload: Mutex<()>,
}

impl Catalog {
    /// Knows no tenant yet, and opens secrets with these keys.
    #[must_use]
    pub(crate) fn new(keyring: Keyring, floor: SignaturePolicy) -> Self {
        Self {
            keyring,
            floor,
            of: RwLock::default(),
            reload: Mutex::default(),
        }
    }

    /// What secrets are sealed and opened with.
    #[must_use]
    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The policy of signatures that no tenant goes below.
    #[must_use]
    pub(crate) fn floor(&self) -> SignaturePolicy {
        self.floor
    }

    /// What a tenant has configured; nothing for a tenant that is not known, such as one that
    /// was deleted while a call of its was under way.
    #[must_use]
    pub(crate) fn of(&self, tenant: &TenantId) -> Arc<TenantCatalog> {
        let catalogs = self.of.read().unwrap_or_else(PoisonError::into_inner);
        catalogs.get(tenant).cloned().unwrap_or_else(|| {
            let trust = Trust {
                policy: SignaturePolicy::Require,
                ..Trust::default()
            };
            Arc::new(TenantCatalog {
                trust,
                ..TenantCatalog::default()
            })
        })
    }

    /// Drops what a tenant has configured.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut catalogs = self.of.write().unwrap_or_else(PoisonError::into_inner);
        catalogs.remove(tenant);
    }

    /// Reads a tenant's configuration from the store. A row that cannot be used
    /// is left out and logged, so that one bad row does not stop the rest.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn reload(&self, store: &Store, tenant: &TenantId) -> Result<(), StoreError> {
        let _reload = self.reload.lock().await;
        let secrets = Arc::new(at_rest::read(store, &self.keyring, tenant).await?);
        let mut catalog = TenantCatalog {
            secrets: secrets.clone(),
            trust: self.trust(store, tenant).await?,
            ..TenantCatalog::default()
        };
        for row in store.all_module_versions(tenant).await? {
            let versions = catalog.modules.entry(row.name.clone()).or_default();
            if row.promoted {
                versions.promoted = row.version;
            }
            let Some(module) = module_info(&row) else {
                tracing::error!(%tenant, module = row.name, row.version, "a stored module cannot be used");
                continue;
            };
            versions.by_number.insert(module.version, Arc::new(module));
        }
        // Where no source has this name, it is the embedded one.
        let embedded = SourceSpec::Embedded(EmbeddedSpec::default());
        if let Ok(source) = Source::new(DEFAULT_SOURCE, 0, embedded, secrets.clone()) {
            catalog.sources.insert(Arc::new(source));
        }
        for row in store.list_specs(&SOURCES, tenant).await? {
            let source = serde_json::from_str(&row.spec).map_err(|error| vec![error.to_string()]);
            let revision = row.revision.unsigned_abs();
            match source.and_then(|spec| Source::new(&row.name, revision, spec, secrets.clone())) {
                Ok(source) => catalog.sources.insert(Arc::new(source)),
                Err(errors) => {
                    tracing::error!(%tenant, source = row.name, ?errors, "a stored source cannot be used")
                }
            }
        }
        for row in store.list_receivers(tenant).await? {
            match serde_json::from_str::<ReceiverSpec>(&row.spec) {
                Ok(spec) => drop(catalog.receivers.insert(row.name, Arc::new(spec))),
                Err(error) => {
                    tracing::error!(%tenant, receiver = row.name, %error, "a stored receiver cannot be used")
                }
            }
        }
        let mut catalogs = self.of.write().unwrap_or_else(PoisonError::into_inner);
        catalogs.insert(tenant.clone(), Arc::new(catalog));
        Ok(())
    }

    /// What a tenant asks of its modules. A policy that cannot be read is the strictest.
    async fn trust(&self, store: &Store, tenant: &TenantId) -> Result<Trust, StoreError> {
        let own = store.signature_policy(tenant).await?;
        let own = own.map_or(SignaturePolicy::Off, |text| {
            text.parse().unwrap_or_else(|()| {
                tracing::error!(%tenant, text, "a stored policy of signatures cannot be read: they are required");
                SignaturePolicy::Require
            })
        });
        let signer = |row: SignerRow| {
            let parsed = Signer::parse(&row.name, &row.public_key);
            let failed =
                |why| tracing::error!(%tenant, signer = row.name, why, "a stored signer cannot be used");
            parsed.map_err(failed).ok()
        };
        let signers: Signers = store
            .list_signers(tenant)
            .await?
            .into_iter()
            .filter_map(signer)
            .collect();
        let stock = store.list_stock(tenant).await?;
        Ok(Trust {
            policy: own.max(self.floor),
            signers: Arc::new(signers),
            stock: stock.into_iter().map(|row| row.digest).collect(),
        })
    }
}
