//! Patterns of hosts, as people write them.
//!
//! Patterns and hosts are compared as the parser of URLs spells them: in lower case,
//! with names in their ASCII form, addresses in their one usual form, and without the
//! dot that may end a name.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The longest host, in bytes, as the domain name system has it.
const HOST_BYTES_MAX: usize = 253;

/// Hosts by name or address: exactly one, all below a name (`*.example.com`), or all (`*`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    Any,
    /// The name with a dot before it.
    Below(String),
    Exactly(String),
}

impl HostPattern {
    /// Whether the host of a URL is meant.
    #[must_use]
    pub fn matches(&self, url: &Url) -> bool {
        let Some(host) = host_of(url) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::Below(end) => host.len() > end.len() && host.ends_with(end.as_str()),
            Self::Exactly(exact) => host == exact,
        }
    }
}

/// A URL's host without the dot that may end it.
pub(super) fn host_of(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    Some(host.strip_suffix('.').unwrap_or(host))
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let wrong = || format!("{text:?} is not a host, `*.` and a name, or `*`");
        let (name, is_below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let host = normal(name).ok_or_else(wrong)?;
        let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
        match (is_below, is_address) {
            (true, true) => Err(wrong()),
            (true, false) => Ok(Self::Below(format!(".{host}"))),
            (false, _) => Ok(Self::Exactly(host)),
        }
    }
}

/// A host as a URL spells it; none where the text is not just a host.
fn normal(text: &str) -> Option<String> {
    let bracketed;
    let text = if text.parse::<Ipv6Addr>().is_ok() {
        bracketed = format!("[{text}]");
        &bracketed
    } else {
        text
    };
    let is_v6 = text.starts_with('[') && text.ends_with(']');
    let odd = |c: char| "/?#@\\*%".contains(c) || c.is_whitespace() || c.is_control() || (c == ':' && !is_v6);
    if text.is_empty() || text.len() > HOST_BYTES_MAX || text.contains(odd) {
        return None;
    }
    let url = Url::parse(&format!("http://{text}/")).ok()?;
    host_of(&url).filter(|host| !host.is_empty()).map(str::to_owned)
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(end) => write!(f, "*{end}"),
            Self::Exactly(host) => f.write_str(host),
        }
    }
}

/// Hosts, and one port of them or all: `hooks.example.com`, `10.0.0.5:9090`,
/// `[fd00::1]:443`, `*.example.com`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPort {
    pub host: HostPattern,
    /// None for every port.
    pub port: Option<u16>,
}

impl HostPort {
    /// Every host at every port.
    pub const ANY: Self = Self {
        host: HostPattern::Any,
        port: None,
    };

    /// Whether a URL goes there.
    #[must_use]
    pub fn matches(&self, url: &Url) -> bool {
        let port_matches = self.port.is_none() || self.port == url.port_or_known_default();
        port_matches && self.host.matches(url)
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let with_port = match text.rsplit_once(':') {
            // The colon of an address without a port.
            Some(_) if text.ends_with(']') || text.parse::<Ipv6Addr>().is_ok() => None,
            split => split,
        };
        let Some((host, port)) = with_port else {
            return Ok(Self {
                host: text.parse()?,
                port: None,
            });
        };
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| is_number && *port > 0);
        let port = port.ok_or_else(|| format!("{text:?} does not end with a port from 1 to 65535"))?;
        Ok(Self {
            host: host.parse()?,
            port: Some(port),
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => self.host.fmt(f),
        }
    }
}

macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    )+};
}

as_text!(HostPattern, HostPort);
