//! Proxies that are believed: about who calls, and where a call comes from.

use std::net::{IpAddr, SocketAddr};

use super::Scopes;
use crate::config::ProxyConfig;

/// Addresses of a chain of proxies that are looked at.
const HOPS_MAX: usize = 16;

/// Which proxies are believed, and what callers may do whom they bring.
pub(crate) struct Proxies(ProxyConfig);

impl Proxies {
    #[must_use]
    pub(crate) fn new(config: ProxyConfig) -> Self {
        Self(config)
    }

    pub(super) fn scopes(&self) -> Scopes {
        self.0.scopes
    }

    /// Whether what comes from there is believed.
    #[must_use]
    pub(crate) fn trust(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.networks.iter().any(|network| network.contains(peer))
    }

    /// Where a call comes from: the peer, unless that is believed; then the last address
    /// of X-Forwarded-For that is not believed itself. Each proxy adds to its end where
    /// it got the call from, so what stands before that is the caller's own word.
    ///
    /// `forwarded` are the values of the header, in order.
    #[must_use]
    pub(crate) fn client<'v>(
        &self,
        peer: IpAddr,
        forwarded: impl DoubleEndedIterator<Item = &'v str>,
    ) -> IpAddr {
        let mut nearest = peer.to_canonical();
        let mut hops = forwarded.rev().flat_map(|value| value.rsplit(',')).take(HOPS_MAX);
        while self.trust(nearest)
            && let Some(next) = hops.next().and_then(address)
        {
            nearest = next;
        }
        nearest
    }
}

/// An address, which some proxies write with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.or_else(with_port).map(|address| address.to_canonical())
}
