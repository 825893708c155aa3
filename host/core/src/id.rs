//! Names of tenants, groups and rules.

use std::fmt;
use std::sync::Arc;

/// The longest name of a tenant, module, source, receiver or secret, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// The longest name of a namespace, group or rule, in bytes.
pub const TITLE_BYTES_MAX: usize = 256;

/// A name that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("is empty")]
    Empty,
    #[error("is longer than {max} bytes")]
    TooLong { max: usize },
    #[error("may only have letters, digits, '_', '-' and '.', and starts with a letter or digit")]
    Charset,
    #[error("has a control character")]
    Control,
}

/// Checks the name of a tenant, module, source, receiver or secret: 1 to
/// [`NAME_BYTES_MAX`] of `[A-Za-z0-9_.-]`, starting with a letter or digit.
///
/// # Errors
/// Says which of these does not hold.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let first = name.bytes().next().ok_or(NameError::Empty)?;
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { max: NAME_BYTES_MAX });
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !first.is_ascii_alphanumeric() || !name.bytes().all(allowed) {
        return Err(NameError::Charset);
    }
    Ok(())
}

/// Checks the name of a namespace, group or rule: 1 to [`TITLE_BYTES_MAX`] bytes
/// of UTF-8 without control characters.
///
/// # Errors
/// Says which of these does not hold.
pub fn check_title(title: &str) -> Result<(), NameError> {
    if title.is_empty() {
        return Err(NameError::Empty);
    }
    if title.len() > TITLE_BYTES_MAX {
        return Err(NameError::TooLong { max: TITLE_BYTES_MAX });
    }
    if title.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    Ok(())
}

/// The tenant that everything belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The only tenant of an installation that has not set up any.
    pub const DEFAULT: &'static str = "default";

    /// Checks and wraps a tenant's name.
    ///
    /// # Errors
    /// As [`check_name`].
    pub fn new(name: &str) -> Result<Self, NameError> {
        check_name(name)?;
        Ok(Self(name.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group within its tenant. Prometheus' rule file name is a namespace here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupKey {
    pub tenant: TenantId,
    pub namespace: Arc<str>,
    pub group: Arc<str>,
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.tenant, self.namespace, self.group)
    }
}

/// A rule within its group.
///
/// `rule` is the rule's name; when several rules of a group share a name, the
/// second and later ones are `name#2`, `name#3`, in the order of the group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RuleKey {
    pub group: GroupKey,
    pub rule: Arc<str>,
}

impl RuleKey {
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.group.tenant
    }
}

impl fmt::Display for RuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.rule)
    }
}
