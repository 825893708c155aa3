//! Finding modules, and whether they may be put to use.
//!
//! A rule or receiver *names* a module, with or without a version, and *pins* it where it
//! gives the digest of its bytes as well.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use wasmalert_core::spec::RuleSpec;

use super::{ModuleInfo, ReceiverSpec, TenantCatalog};
use crate::signing::{SignaturePolicy, Signers};
use crate::store::ModuleUse;

/// A module as a rule or a receiver names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModuleRef<'n> {
    pub name: &'n str,
    /// None for the promoted one, or for whichever has the pinned bytes.
    pub version: Option<u32>,
    pub digest: Option<&'n str>,
}

impl<'n> From<&'n RuleSpec> for ModuleRef<'n> {
    fn from(rule: &'n RuleSpec) -> Self {
        Self {
            name: &rule.module,
            version: rule.version,
            digest: rule.digest.as_deref(),
        }
    }
}

impl<'n> From<&'n ReceiverSpec> for ModuleRef<'n> {
    fn from(receiver: &'n ReceiverSpec) -> Self {
        Self {
            name: &receiver.module,
            version: receiver.version,
            digest: receiver.digest.as_deref(),
        }
    }
}

/// Why a module that is named cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoModule {
    #[error("there is no module {name}: upload it")]
    Name { name: String },
    #[error("there is no module {name} version {version}: upload it")]
    Version { name: String, version: u32 },
    #[error("the module {name} version {version} is {found}, and not the {wanted} that it is pinned to")]
    OtherBytes {
        name: String,
        version: u32,
        found: String,
        wanted: String,
    },
    #[error("no version of the module {name} is the {wanted} that it is pinned to: upload those bytes")]
    NoBytes { name: String, wanted: String },
}

/// What a tenant asks of its modules.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust {
    /// The tenant's own, or the operator's floor where that is stricter.
    pub policy: SignaturePolicy,
    pub signers: Arc<Signers>,
    /// Digests of what came with the program.
    pub stock: BTreeSet<String>,
}

impl Trust {
    /// Whether a version is signed as of now.
    #[must_use]
    pub(crate) fn of(&self, digest: &str, signed_by: Option<&str>) -> Trusted {
        match signed_by {
            Some(key) if self.signers.trust(key) => Trusted::Signed,
            _ if self.stock.contains(digest) => Trusted::Stock,
            Some(_) => Trusted::SignerGone,
            None => Trusted::Unsigned,
        }
    }
}

/// Whether somebody vouches for a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trusted {
    /// One of the tenant's signers.
    Signed,
    /// It came with the program.
    Stock,
    /// Who signed it is no signer any more.
    SignerGone,
    /// Nobody.
    Unsigned,
}

impl TenantCatalog {
    /// The module that is named: of a name alone the promoted version, of pinned bytes the
    /// version that has them.
    ///
    /// # Errors
    /// There is none, or it has other bytes.
    pub(crate) fn find(&self, wanted: ModuleRef<'_>) -> Result<Arc<ModuleInfo>, NoModule> {
        let name = || wanted.name.to_owned();
        let missing = || match wanted.version {
            Some(version) => NoModule::Version {
                name: name(),
                version,
            },
            None => NoModule::Name { name: name() },
        };
        let versions = self.modules.get(wanted.name).ok_or_else(missing)?;
        let found = match (wanted.version, wanted.digest) {
            (Some(version), _) => versions.by_number.get(&version).ok_or_else(missing)?,
            (None, None) => versions.by_number.get(&versions.promoted).ok_or_else(missing)?,
            (None, Some(digest)) => {
                let mut newest_first = versions.by_number.values().rev();
                let found = newest_first.find(|module| module.digest == digest);
                found.ok_or_else(|| NoModule::NoBytes {
                    name: name(),
                    wanted: digest.to_owned(),
                })?
            }
        };
        match wanted.digest {
            Some(digest) if found.digest != digest => Err(NoModule::OtherBytes {
                name: name(),
                version: found.version,
                found: found.digest.clone(),
                wanted: digest.to_owned(),
            }),
            _ => Ok(found.clone()),
        }
    }

    /// What a rule or receiver uses, which cannot be deleted: with pinned bytes the version
    /// that has them.
    #[must_use]
    pub(crate) fn used(&self, wanted: ModuleRef<'_>) -> ModuleUse {
        let pinned = wanted.digest.and_then(|_| self.find(wanted).ok());
        ModuleUse {
            name: wanted.name.to_owned(),
            version: pinned.map(|module| module.version).or(wanted.version),
        }
    }

    /// Whether a version may be put to use under the policy of signatures.
    ///
    /// # Errors
    /// Says why not, and what to do.
    pub(crate) fn check_trust(&self, name: &str, module: &ModuleInfo) -> Result<(), String> {
        if self.trust.policy < SignaturePolicy::Require {
            return Ok(());
        }
        let why = match self.trust.of(&module.digest, module.signed_by.as_deref()) {
            Trusted::Signed | Trusted::Stock => return Ok(()),
            Trusted::SignerGone => "is signed with a key that is none of this tenant's signers any more",
            Trusted::Unsigned => "is not signed",
        };
        Err(format!(
            "{name} version {} {why}, and the policy is `require`: upload the same bytes again with a signature of \
             a signer",
            module.version
        ))
    }
}
