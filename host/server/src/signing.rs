//! Signatures of modules, made with minisign.
//!
//! A *signer* is a public key that a tenant trusts, by a name. A *signature* is the text
//! of a `.minisig` file: the signature of a module's bytes, a *trusted comment*, and the
//! global signature over both. A tenant's *policy* says what becomes of an upload that
//! carries none; the operator's *floor* is the policy that no tenant goes below.

#[cfg(test)]
mod tests;

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minisign_verify::{Error as MinisignError, PublicKey, Signature};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use wasmalert_sandbox::clip;

use crate::provenance::SignedBy;

/// Signers that a tenant may have.
pub(crate) const SIGNERS_MAX: usize = 64;
/// The longest text of a public key: a `.pub` file has about 120 bytes.
pub(crate) const PUBLIC_KEY_BYTES_MAX: usize = 1_024;
/// The longest text of a signature: a `.minisig` file has about 350 bytes.
pub(crate) const SIGNATURE_BYTES_MAX: usize = 4_096;
/// Algorithm, key id and key.
const KEY_BYTES: usize = 42;
/// Algorithm, key id and signature.
const SIGNATURE_BYTES: usize = 74;

/// What becomes of uploads without a good signature, from the loosest to the strictest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignaturePolicy {
    /// They are taken.
    #[default]
    Off,
    /// They are taken, and the answer warns.
    Warn,
    /// They are refused.
    Require,
}

impl SignaturePolicy {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Require => "require",
        }
    }
}

impl FromStr for SignaturePolicy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Off, Self::Warn, Self::Require];
        all.into_iter().find(|policy| policy.as_str() == text).ok_or(())
    }
}

/// Why an upload is refused for its signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureError {
    #[error(
        "the module carries no signature, and the policy is `require`: sign it with `minisign -Sm FILE.wasm` and \
         push it with `--signature FILE.wasm.minisig`"
    )]
    Missing,
    #[error("the signature is not good: {0}")]
    Invalid(String),
    #[error(
        "the signature is of the key {key_id}, which is none of this tenant's signers, and the policy is \
         `require`: sign with a key that is, or have an admin trust this one (`wasmalert signer set`)"
    )]
    Unknown { key_id: String },
}

impl SignatureError {
    /// Stable, for programs.
    #[must_use]
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Invalid(_) => "signature_invalid",
            Self::Unknown { .. } => "signer_unknown",
        }
    }
}

/// What a signature came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) signed_by: Option<SignedBy>,
    /// Why nobody is known to have signed it.
    pub(crate) warning: Option<String>,
}

/// A public key that a tenant trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signer {
    pub(crate) name: String,
    /// As `minisign` prints it: at most 16 hexadecimal digits.
    pub(crate) key_id: String,
    /// The key alone, in base64, as the second line of a `.pub` file.
    pub(crate) public_key: String,
    key: PublicKey,
}

impl Signer {
    /// Reads a `.pub` file, or the line of it that holds the key.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, String> {
        const WANTED: &str =
            "is not a public key of minisign: give the file `minisign.pub`, or its second line";
        if text.len() > PUBLIC_KEY_BYTES_MAX {
            return Err(format!("is longer than {PUBLIC_KEY_BYTES_MAX} bytes"));
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines.rfind(|line| !line.starts_with("untrusted comment:"));
        let line = line.ok_or(WANTED)?;
        let bytes = BASE64.decode(line).ok().filter(|bytes| bytes.len() == KEY_BYTES);
        let bytes = bytes.ok_or(WANTED)?;
        Ok(Self {
            name: name.to_owned(),
            key_id: key_id(&bytes),
            public_key: line.to_owned(),
            key: PublicKey::from_base64(line).map_err(|_| WANTED)?,
        })
    }
}

/// The id in the bytes of a key or of a signature, behind the two of the algorithm: a
/// number, which `minisign` prints without zeros before it.
fn key_id(bytes: &[u8]) -> String {
    let id = bytes.iter().skip(2).take(8).rev();
    let id = id.fold(0_u64, |id, byte| id << 8 | u64::from(*byte));
    format!("{id:X}")
}

/// The signers of a tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signers(Vec<Signer>);

impl FromIterator<Signer> for Signers {
    fn from_iter<I: IntoIterator<Item = Signer>>(signers: I) -> Self {
        Self(signers.into_iter().collect())
    }
}

impl Signers {
    /// Whether a public key is that of a signer.
    #[must_use]
    pub(crate) fn trust(&self, public_key: &str) -> bool {
        self.0.iter().any(|signer| signer.public_key == public_key)
    }

    /// Judges an upload. A signature that is there must be good under every policy, where
    /// its key is known; what is missing or of somebody unknown the policy judges.
    ///
    /// # Errors
    /// The upload is to be refused.
    pub(crate) fn judge(
        &self,
        policy: SignaturePolicy,
        wasm: &[u8],
        signature: Option<&str>,
    ) -> Result<Verdict, SignatureError> {
        let error = match signature.map(|text| self.verify(wasm, text)) {
            Some(Ok(signed_by)) => {
                return Ok(Verdict {
                    signed_by: Some(signed_by),
                    warning: None,
                });
            }
            Some(Err(error @ SignatureError::Invalid(_))) => return Err(error),
            Some(Err(error)) => error,
            None => SignatureError::Missing,
        };
        let warning = match (policy, &error) {
            (SignaturePolicy::Require, _) => return Err(error),
            // Somebody took the trouble to sign: tell that it came to nothing.
            (_, SignatureError::Unknown { key_id }) => Some(format!(
                "unsigned: the signature is of the key {key_id}, which is none of this tenant's signers"
            )),
            (SignaturePolicy::Warn, _) => Some(
                "unsigned: the module carries no signature; sign it with `minisign -Sm FILE.wasm`".to_owned(),
            ),
            (SignaturePolicy::Off, _) => None,
        };
        Ok(Verdict {
            signed_by: None,
            warning,
        })
    }

    fn verify(&self, wasm: &[u8], text: &str) -> Result<SignedBy, SignatureError> {
        let invalid = |why: &str| SignatureError::Invalid(why.to_owned());
        let unreadable =
            || invalid("it is not the text of a .minisig file, as `minisign -Sm FILE.wasm` makes it");
        if text.len() > SIGNATURE_BYTES_MAX {
            return Err(SignatureError::Invalid(format!(
                "it is longer than {SIGNATURE_BYTES_MAX} bytes"
            )));
        }
        let signature = Signature::decode(text).map_err(|_| unreadable())?;
        let line = text.lines().nth(1).and_then(|line| BASE64.decode(line).ok());
        let bytes = line.filter(|bytes| bytes.len() == SIGNATURE_BYTES);
        let key_id = key_id(&bytes.ok_or_else(unreadable)?);
        // Ids are chosen by whoever makes a key: two signers may have the same.
        let mut signers = self.0.iter().filter(|signer| signer.key_id == key_id).peekable();
        if signers.peek().is_none() {
            return Err(SignatureError::Unknown { key_id });
        }
        let mut failed = MinisignError::InvalidSignature;
        for signer in signers {
            match signer.key.verify(wasm, &signature, false) {
                Ok(()) => {
                    return Ok(SignedBy {
                        signer: signer.name.clone(),
                        key_id,
                        public_key: signer.public_key.clone(),
                        trusted_comment: clip(signature.trusted_comment()),
                    });
                }
                Err(error) => failed = error,
            }
        }
        Err(invalid(match failed {
            MinisignError::UnexpectedAlgorithm => {
                "it is of the legacy form: sign without `-l`, with minisign 0.10 or newer"
            }
            _ => "it does not fit the module's bytes, or its trusted comment was changed",
        }))
    }
}
