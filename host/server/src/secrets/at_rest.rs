//! Secrets between the store and the host: sealed on the way in, opened on the way out.

use std::io;

use wasmalert_core::TenantId;

use super::Secrets;
use super::keyring::{Keyring, Sealed, SealedFor};
use crate::egress::HostPort;
use crate::store::{SealedSecret, Store, StoreError};

/// Seals a secret for the store.
///
/// # Errors
/// The system has no source of chance.
pub(crate) fn seal(
    keyring: &Keyring,
    tenant: &TenantId,
    name: &str,
    value: &str,
    hosts: &[HostPort],
) -> Result<SealedSecret, StoreError> {
    let hosts = serde_json::to_string(hosts).map_err(|error| not_sealed(io::Error::other(error)))?;
    sealed(keyring, tenant, name.to_owned(), value, hosts)
}

fn sealed(
    keyring: &Keyring,
    tenant: &TenantId,
    name: String,
    value: &str,
    hosts: String,
) -> Result<SealedSecret, StoreError> {
    let sealed_for = SealedFor {
        tenant,
        name: &name,
        hosts: &hosts,
    };
    let Sealed { key_id, content } = keyring.seal(sealed_for, value).map_err(not_sealed)?;
    Ok(SealedSecret {
        name,
        hosts,
        key_id,
        content,
    })
}

fn not_sealed(source: io::Error) -> StoreError {
    StoreError::Io {
        file: "a secret".to_owned(),
        source,
    }
}

/// The value of a stored secret, or why there is none.
fn open(keyring: &Keyring, tenant: &TenantId, row: &SealedSecret) -> Result<String, String> {
    if row.is_plain() {
        return Err("it is plain text, which is only taken at a start".to_owned());
    }
    let sealed_for = SealedFor {
        tenant,
        name: &row.name,
        hosts: &row.hosts,
    };
    let sealed = Sealed {
        key_id: row.key_id.clone(),
        content: row.content.clone(),
    };
    keyring
        .open(sealed_for, &sealed)
        .map_err(|error| error.to_string())
}

/// A tenant's secrets, opened. One that does not open, or whose hosts cannot be read, has
/// no value, so that requests which ask for it fail and no others.
///
/// # Errors
/// The store failed.
pub(crate) async fn read(store: &Store, keyring: &Keyring, tenant: &TenantId) -> Result<Secrets, StoreError> {
    let mut secrets = Secrets::default();
    for row in store.sealed_secrets(tenant).await? {
        let hosts: Result<Vec<HostPort>, _> = serde_json::from_str(&row.hosts);
        let hosts = hosts.map_err(|error| format!("its hosts: {error}"));
        let opened = hosts.and_then(|hosts| Ok((open(keyring, tenant, &row)?, hosts)));
        if let Err(reason) = &opened {
            tracing::error!(%tenant, secret = row.name, reason, "a stored secret cannot be opened");
        }
        let (value, hosts) = opened.ok().unzip();
        secrets.insert(row.name, value, hosts.unwrap_or_default());
    }
    Ok(secrets)
}

/// Seals what is plain text, or sealed under another key than the first, and takes what
/// was plain text out of the file.
///
/// # Errors
/// The store failed, or the system has no source of chance.
pub(crate) async fn seal_anew(store: &Store, keyring: &Keyring) -> Result<(), StoreError> {
    let mut anew = Vec::new();
    for (tenant, row) in store.sealed_secrets_of_all_tenants().await? {
        if row.key_id == keyring.first_id() {
            continue;
        }
        let value = match row.is_plain() {
            true => row.content,
            // Told of when the tenant's secrets are read.
            false => match open(keyring, &tenant, &row) {
                Ok(value) => value,
                Err(_) => continue,
            },
        };
        let row = sealed(keyring, &tenant, row.name, &value, row.hosts)?;
        anew.push((tenant, row));
    }
    if !anew.is_empty() {
        store.replace_sealed_secrets(&anew).await?;
        tracing::info!(secrets = anew.len(), "sealed under the first key");
    }
    // Nothing that the server needs: it is tried again at the next start.
    if let Err(error) = store.scrub_plain_secrets().await {
        tracing::error!(%error, "the database may still hold secrets as plain text in unused pages");
    }
    Ok(())
}
