//! Why an evaluation failed.
//!
//! A fault never changes an alert: state stays as it was, and the rule's health
//! turns to `err` with the fault's code and message.

#[cfg(test)]
mod tests;

use crate::limits::{Limit, Limits};
use crate::query::QueryErrorCode;
use crate::quota::{Quota, Quotas};
use crate::usage;

/// A failed evaluation, compilation or notification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct Fault {
    pub code: FaultCode,
    /// What is wrong and what to do, for people.
    pub message: String,
}

impl Fault {
    #[must_use]
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// A tenant has used up what a quota allows.
    #[must_use]
    pub fn over_quota(quota: Quota, used: u64, allowed: u64) -> Self {
        let message = format!("{}: {used} of {allowed} are used", quota.name());
        Self::new(FaultCode::Quota(quota), message)
    }

    /// Something wanted more than a limit allows.
    #[must_use]
    pub fn beyond(limit: Limit, wanted: u64, allowed: u64) -> Self {
        let mut fault = Self::over(limit, allowed);
        fault.message += &format!(": {wanted} wanted");
        fault
    }

    /// Something has used up what a limit allows.
    #[must_use]
    pub fn over(limit: Limit, allowed: u64) -> Self {
        let info = Limits::TABLE.iter().find(|info| info.limit == limit);
        let unit = info.map_or("", |info| info.unit);
        let message = format!("over the limit {} of {allowed} {unit}", limit.name());
        Self::new(FaultCode::Limit(limit), message)
    }
}

/// The stable code of a fault, as the API, the log and metrics show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultCode {
    /// Over a limit; the code is the limit's name and `_exceeded`.
    Limit(Limit),
    /// The tenant has no room under a quota; the code is the quota's name and `_exceeded`.
    Quota(Quota),
    /// A query failed that the rule had not allowed to fail.
    Query(QueryErrorCode),
    /// The component trapped: a panic, an access out of bounds, a division by zero.
    Trap,
    /// The component called an import with arguments that are not allowed, or
    /// passed what cannot be read, such as a text that is not UTF-8.
    BadCall,
    /// The component answered something that does not hold together, such as a
    /// finding about a frame it never got.
    BadOutcome,
    /// The component returned an error of its own.
    ComponentError,
    /// Two findings ended up with the same labels.
    DuplicateLabels,
    /// More alerts or samples than the limit of the rule's group.
    GroupLimit,
    /// The module is missing, or cannot be compiled or loaded.
    ModuleUnavailable,
    /// The operator has stopped the module.
    Quarantined,
    /// The host had no room for this evaluation in time. Not the rule's fault.
    Overloaded,
    /// The host failed. Not the rule's fault.
    HostError,
}

impl FaultCode {
    /// Every code there is: those of limits and queries, then the others.
    pub fn all() -> impl Iterator<Item = Self> {
        let of_limits = Limits::TABLE.iter().map(|info| Self::Limit(info.limit));
        let of_quotas = Quotas::TABLE
            .iter()
            .filter_map(|info| usage::fault_of(info.quota));
        let of_queries = QueryErrorCode::ALL.into_iter().map(Self::Query);
        let others = [
            Self::Trap,
            Self::BadCall,
            Self::BadOutcome,
            Self::ComponentError,
            Self::DuplicateLabels,
            Self::GroupLimit,
            Self::ModuleUnavailable,
            Self::Quarantined,
            Self::Overloaded,
            Self::HostError,
        ];
        of_limits.chain(of_quotas).chain(of_queries).chain(others)
    }

    /// The fault of that code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::all().find(|fault| fault.as_str() == code)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limit(limit) => limit.code(),
            Self::Quota(quota) => quota.code(),
            Self::Query(code) => code.as_str(),
            Self::Trap => "trap",
            Self::BadCall => "bad_call",
            Self::BadOutcome => "bad_outcome",
            Self::ComponentError => "component_error",
            Self::DuplicateLabels => "duplicate_labels",
            Self::GroupLimit => "limit_exceeded",
            Self::ModuleUnavailable => "module_unavailable",
            Self::Quarantined => "quarantined",
            Self::Overloaded => "overloaded",
            Self::HostError => "host_error",
        }
    }

    /// Whether the fault lies with the host and not with the tenant's component
    /// or source.
    #[must_use]
    pub fn is_host(self) -> bool {
        matches!(self, Self::Overloaded | Self::HostError)
    }
}
