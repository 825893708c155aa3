//! What a tenant may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use reqwest::Url;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::address::{AddressKind, Cidr, judged_by, kind};
use super::host::{HostPattern, HostPort, host_of};

/// Destinations that a policy lists at most.
const DESTINATIONS_MAX: usize = 256;
/// Private networks that a policy lists at most.
const NETWORKS_MAX: usize = 256;
/// Ports that a destination lists at most.
const PORTS_MAX: usize = 64;

/// What the server may reach for a tenant. Nothing is allowed that is not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EgressPolicy {
    /// Where requests may go, at most 256.
    pub allow: Vec<Destination>,
    /// Networks that may be reached although they are private, loopback or the like,
    /// such as `10.1.0.0/16`; at most 256, none by default.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["10.1.0.0/16"]))]
    pub private: Vec<Cidr>,
}

/// URLs by scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Default `any`.
    #[serde(default)]
    pub scheme: Scheme,
    /// A host, `*.` and a name for all below it, or `*`.
    #[schema(value_type = String, example = "*.example.com")]
    pub host: HostPattern,
    /// At most 64; every port where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<u16>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    #[default]
    Any,
    Http,
    Https,
}

impl Scheme {
    fn matches(self, scheme: &str) -> bool {
        match self {
            Self::Any => matches!(scheme, "http" | "https"),
            Self::Http => scheme == "http",
            Self::Https => scheme == "https",
        }
    }
}

/// Why a request may not go where it was to go. Names neither a path nor a credential,
/// nor the address that a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("egress: {destination} is not among the destinations that this tenant's policy allows")]
    Destination { destination: String },
    #[error("egress: {address} is {kind}, which this tenant's policy does not allow")]
    Address { address: IpAddr, kind: AddressKind },
    #[error("egress: {name} stands for {kind}, which this tenant's policy does not allow")]
    Name { name: String, kind: AddressKind },
}

impl Denied {
    /// Whether the same request would be refused again under the same policy: what a
    /// name stands for may change, the rest does not.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Name { .. })
    }
}

impl EgressPolicy {
    /// Everything, private networks included.
    #[must_use]
    pub fn unrestricted() -> Self {
        Self {
            allow: vec![Destination::ANY],
            private: vec![Cidr::V4, Cidr::V6],
        }
    }

    /// No request at all.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            allow: Vec::new(),
            private: Vec::new(),
        }
    }

    /// Checks the bounds of its lists.
    ///
    /// # Errors
    /// Everything that is wrong, each as `field: what is wrong`.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let mut errors = Vec::new();
        if self.allow.len() > DESTINATIONS_MAX {
            errors.push(format!("allow: more than {DESTINATIONS_MAX} destinations"));
        }
        if self.private.len() > NETWORKS_MAX {
            errors.push(format!("private: more than {NETWORKS_MAX} networks"));
        }
        for (at, destination) in self.allow.iter().enumerate() {
            let ports = destination.ports.as_deref();
            if ports.is_some_and(|ports| ports.is_empty() || ports.len() > PORTS_MAX || ports.contains(&0)) {
                errors.push(format!(
                    "allow[{at}].ports: give 1 to {PORTS_MAX} ports from 1 to 65535, or leave it out for all"
                ));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Judges all that a URL says by itself: scheme, host, port, and the address where
    /// its host is one.
    ///
    /// # Errors
    /// Why a request may not go there.
    pub fn check_url(&self, url: &Url) -> Result<(), Denied> {
        if !self.allow.iter().any(|destination| destination.matches(url)) {
            let port = url.port().map_or(String::new(), |port| format!(":{port}"));
            let host = host_of(url).unwrap_or_default();
            let destination = format!("{}://{host}{port}", url.scheme());
            return Err(Denied::Destination { destination });
        }
        let Some(address) = host_of(url).and_then(literal) else {
            return Ok(());
        };
        self.check_address(address)
            .map_err(|kind| Denied::Address { address, kind })
    }

    /// Judges an address that a request would go to.
    ///
    /// # Errors
    /// What kind of address it is.
    pub fn check_address(&self, address: IpAddr) -> Result<(), AddressKind> {
        let is_listed = |address| self.private.iter().any(|network| network.contains(address));
        if is_listed(address) {
            return Ok(());
        }
        let refused = judged_by(address)
            .into_iter()
            .filter(|address| !is_listed(*address))
            .find_map(kind);
        refused.map_or(Ok(()), Err)
    }
}

/// The address that a URL's host is, unless it is a name. The parser of URLs has made the
/// usual form of every other spelling.
fn literal(host: &str) -> Option<IpAddr> {
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match v6 {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

impl Destination {
    /// Every URL.
    pub const ANY: Self = Self {
        scheme: Scheme::Any,
        host: HostPattern::Any,
        ports: None,
    };

    fn matches(&self, url: &Url) -> bool {
        let port_matches = match (&self.ports, url.port_or_known_default()) {
            (None, _) => true,
            (Some(ports), Some(port)) => ports.contains(&port),
            (Some(_), None) => false,
        };
        self.scheme.matches(url.scheme()) && port_matches && self.host.matches(url)
    }
}

/// As the settings have it: `*`, `hooks.example.com`, `https://*.example.com:8443`.
impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = match text.split_once("://") {
            None => (Scheme::Any, text),
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(_) => return Err(format!("{text:?} starts neither with http:// nor with https://")),
        };
        let HostPort { host, port } = rest.parse()?;
        Ok(Self {
            scheme,
            host,
            ports: port.map(|port| vec![port]),
        })
    }
}
