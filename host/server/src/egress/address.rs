//! Addresses that are not simply part of the internet, and networks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why an address is not simply part of the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    Unspecified,
    Loopback,
    Private,
    LinkLocal,
    SiteLocal,
    UniqueLocal,
    /// Where clouds hand out the credentials of a machine.
    Metadata,
    CarrierGradeNat,
    Multicast,
    Broadcast,
    Benchmarking,
    Documentation,
    Reserved,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::SiteLocal => "a site-local address",
            Self::UniqueLocal => "a unique local address",
            Self::Metadata => "a metadata service's address",
            Self::CarrierGradeNat => "a carrier-grade NAT address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "a broadcast address",
            Self::Benchmarking => "a benchmarking address",
            Self::Documentation => "a documentation address",
            Self::Reserved => "a reserved address",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Cidr {
    Cidr {
        address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        prefix,
    }
}

const fn v6(a: u16, b: u16, c: u16, last: u16, prefix: u8) -> Cidr {
    Cidr {
        address: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, last)),
        prefix,
    }
}

/// The first that contains an address says what it is.
const NOT_PUBLIC: &[(Cidr, AddressKind)] = &[
    (v4(0, 0, 0, 0, 32), AddressKind::Unspecified),
    (v4(0, 0, 0, 0, 8), AddressKind::Reserved),
    (v4(10, 0, 0, 0, 8), AddressKind::Private),
    (v4(100, 100, 100, 200, 32), AddressKind::Metadata),
    (v4(100, 64, 0, 0, 10), AddressKind::CarrierGradeNat),
    (v4(127, 0, 0, 0, 8), AddressKind::Loopback),
    // Azure's, which answers its own machines alone.
    (v4(168, 63, 129, 16, 32), AddressKind::Metadata),
    (v4(169, 254, 169, 254, 32), AddressKind::Metadata),
    (v4(169, 254, 0, 0, 16), AddressKind::LinkLocal),
    (v4(172, 16, 0, 0, 12), AddressKind::Private),
    (v4(192, 0, 0, 192, 32), AddressKind::Metadata),
    (v4(192, 0, 0, 0, 24), AddressKind::Reserved),
    (v4(192, 0, 2, 0, 24), AddressKind::Documentation),
    (v4(192, 88, 99, 0, 24), AddressKind::Reserved),
    (v4(192, 168, 0, 0, 16), AddressKind::Private),
    (v4(198, 18, 0, 0, 15), AddressKind::Benchmarking),
    (v4(198, 51, 100, 0, 24), AddressKind::Documentation),
    (v4(203, 0, 113, 0, 24), AddressKind::Documentation),
    (v4(224, 0, 0, 0, 4), AddressKind::Multicast),
    (v4(255, 255, 255, 255, 32), AddressKind::Broadcast),
    (v4(240, 0, 0, 0, 4), AddressKind::Reserved),
    (v6(0, 0, 0, 0, 128), AddressKind::Unspecified),
    (v6(0, 0, 0, 1, 128), AddressKind::Loopback),
    (v6(0x2001, 2, 0, 0, 48), AddressKind::Benchmarking),
    (v6(0x2001, 0xdb8, 0, 0, 32), AddressKind::Documentation),
    // Assignments for protocols, not for hosts.
    (v6(0x2001, 0, 0, 0, 23), AddressKind::Reserved),
    (v6(0x3fff, 0, 0, 0, 20), AddressKind::Documentation),
    (v6(0xfd00, 0xec2, 0, 0x254, 128), AddressKind::Metadata),
    (v6(0xfc00, 0, 0, 0, 7), AddressKind::UniqueLocal),
    (v6(0xfe80, 0, 0, 0, 10), AddressKind::LinkLocal),
    (v6(0xfec0, 0, 0, 0, 10), AddressKind::SiteLocal),
    (v6(0xff00, 0, 0, 0, 8), AddressKind::Multicast),
];

/// All that is given to hosts of the internet.
const PUBLIC_V6: Cidr = v6(0x2000, 0, 0, 0, 3);

/// What an address is, unless it is simply part of the internet. An address that
/// carries another is taken as it is: see [`judged_by`].
pub(super) fn kind(address: IpAddr) -> Option<AddressKind> {
    let listed = NOT_PUBLIC.iter().find(|(network, _)| network.contains(address));
    let elsewhere = || address.is_ipv6() && !PUBLIC_V6.contains(address);
    match listed {
        Some((_, kind)) => Some(*kind),
        None => elsewhere().then_some(AddressKind::Reserved),
    }
}

/// The addresses that an address is judged by, at most two: those that it carries where
/// a router or the system takes them out of it, otherwise itself.
pub(super) fn judged_by(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address else {
        return vec![address];
    };
    let of = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => vec![address],
        // IPv4-compatible, IPv4-mapped, IPv4-translated, NAT64.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => vec![of(high, low)],
        // 6to4.
        [0x2002, high, low, ..] => vec![of(high, low)],
        // Teredo: its server, and the client with each bit turned.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            vec![of(high, low), of(!client_high, !client_low)]
        }
        // ISATAP.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => vec![address, of(high, low)],
        _ => vec![address],
    }
}

/// A network of either family, written as `10.0.0.0/8` or `fd00::/8`; an address alone
/// is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// All of IPv4.
    pub const V4: Self = v4(0, 0, 0, 0, 0);
    /// All of IPv6.
    pub const V6: Self = v6(0, 0, 0, 0, 0);

    /// Whether an address of the same family lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let same_bits = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            _ => return false,
        };
        same_bits >= u32::from(self.prefix)
    }

    fn bits(address: IpAddr) -> u8 {
        if address.is_ipv4() { 32 } else { 128 }
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is not a network such as 10.0.0.0/8 or fd00::/8");
        let (address, prefix) = text.split_once('/').unzip();
        let address: IpAddr = address.unwrap_or(text).parse().map_err(|_| wrong())?;
        let bits = Self::bits(address);
        let prefix: u8 = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| wrong())?,
            None => bits,
        };
        let set = match address {
            IpAddr::V4(address) => 32 - address.to_bits().trailing_zeros(),
            IpAddr::V6(address) => 128 - address.to_bits().trailing_zeros(),
        };
        if prefix > bits {
            return Err(wrong());
        }
        if set > u32::from(prefix) {
            return Err(format!("{text:?} has bits set beyond its first {prefix}"));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(network: Cidr) -> Self {
        network.to_string()
    }
}
