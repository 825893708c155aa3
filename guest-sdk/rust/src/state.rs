//! Bytes under keys that outlive the evaluation; private to the rule, or to the
//! notifier's receiver. Reads see this run's own writes; writes are kept only if
//! the run succeeds.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::host::state as host;

/// The bytes under a key.
#[must_use]
pub fn get(key: &str) -> Option<Vec<u8>> {
    host::get(key)
}

/// Sets the bytes under a key. Traps over the limits on keys and bytes.
pub fn set(key: &str, value: &[u8]) {
    host::set(key, value);
}

/// Removes a key; nothing happens where there is none.
pub fn delete(key: &str) {
    host::delete(key);
}

/// The keys that start with a prefix, sorted.
#[must_use]
pub fn keys(prefix: &str) -> Vec<String> {
    host::keys(prefix)
}

/// The value under a key that [`save`] has put there.
///
/// # Errors
/// The bytes are not JSON, or do not fit the type.
pub fn load<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Error> {
    let Some(bytes) = get(key) else { return Ok(None) };
    let value = serde_json::from_slice(&bytes);
    value
        .map(Some)
        .map_err(|error| Error::new(Error::BAD_JSON, format!("the state under {key:?}: {error}")))
}

/// Sets the value under a key, as JSON.
///
/// # Errors
/// The value has no JSON form, such as a map whose keys are not texts.
pub fn save<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<(), Error> {
    set(key, &serde_json::to_vec(value)?);
    Ok(())
}
