//! What a caller may do.

use std::fmt;

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Look at everything of the tenant, and query its samples.
    Read,
    /// Change groups, sources, scrapes, receivers and secrets, write samples. Includes `read`.
    Write,
    /// Upload and delete modules. Includes `read`.
    Deploy,
    /// Keys and the audit log of the tenant. Includes all of the above.
    Admin,
    /// All tenants: the operator's alone.
    Operator,
}

impl Scope {
    /// Those that a key may have.
    pub(crate) const OF_KEYS: [Self; 4] = [Self::Read, Self::Write, Self::Deploy, Self::Admin];

    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Deploy => "deploy",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The scope with all that it includes.
    fn closure(self) -> u8 {
        match self {
            Self::Read => Self::Read.bit(),
            Self::Write | Self::Deploy => self.bit() | Self::Read.bit(),
            Self::Admin => Self::OF_KEYS.iter().fold(0, |bits, scope| bits | scope.bit()),
            Self::Operator => Self::Admin.closure() | self.bit(),
        }
    }
}

/// A set of scopes, with all that they include.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scopes(u8);

impl Scopes {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const OPERATOR: Self = Self(0b1_1111);

    /// Reads names; a name that is none of a key's scopes is given back.
    ///
    /// # Errors
    /// The first that is none.
    pub(crate) fn parse<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, &'n str> {
        let mut scopes = Self::NONE;
        for name in names {
            let scope = Scope::OF_KEYS.into_iter().find(|scope| scope.as_str() == name);
            scopes.0 |= scope.ok_or(name)?.closure();
        }
        Ok(scopes)
    }

    /// Those that are in one of the two.
    #[must_use]
    pub(crate) fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    #[must_use]
    pub(crate) fn allow(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    #[must_use]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are in it, the included ones too.
    pub(crate) fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::OF_KEYS
            .into_iter()
            .chain([Scope::Operator])
            .filter(move |scope| self.allow(*scope))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(","))
    }
}
