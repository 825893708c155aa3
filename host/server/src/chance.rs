//! Chance: for jitter, tokens, keys and nonces.

/// A number from 0 to below 1; 0 where the system has no chance to give.
#[must_use]
pub(crate) fn jitter() -> f64 {
    const STEPS: u64 = 1 << 53;
    (getrandom::u64().unwrap_or_default() >> 11) as f64 / STEPS as f64
}

/// Bytes that cannot be foretold, for keys and nonces.
///
/// # Errors
/// The system has no source of chance.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// 256 bits that cannot be foretold, as 64 hexadecimal digits.
///
/// # Errors
/// The system has no source of chance.
pub(crate) fn token() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
