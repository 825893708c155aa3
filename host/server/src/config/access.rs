//! Settings of who may call: an issuer of tokens, proxies that vouch for callers, TLS.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use reqwest::Url;

use super::Reader;
use crate::access::Scopes;
use crate::egress::Cidr;

/// The issuer whose tokens are taken, and what they say.
#[derive(Debug, Clone)]
pub(crate) struct OidcConfig {
    /// As tokens have it, letter for letter.
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// Where its keys are; without it the issuer tells.
    pub(crate) jwks_url: Option<Url>,
    pub(crate) tenant_claim: String,
    pub(crate) role_claim: String,
    pub(crate) roles: BTreeMap<String, Scopes>,
    /// Whoever has this role may do what the operator may.
    pub(crate) operator_role: Option<String>,
}

impl OidcConfig {
    /// Where the issuer describes itself.
    ///
    /// # Errors
    /// The issuer is no URL.
    pub(crate) fn discovery_url(&self) -> Result<Url, String> {
        let issuer = self.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        Url::parse(&url).map_err(|error| format!("{url}: {error}"))
    }
}

/// Proxies that are believed about whom they let through.
#[derive(Debug, Clone)]
pub(crate) struct ProxyConfig {
    /// Where they are; nobody is believed where this is empty.
    pub(crate) networks: Vec<Cidr>,
    /// What callers may do whom they bring without a token.
    pub(crate) scopes: Scopes,
}

/// The files of TLS.
#[derive(Debug, Clone)]
pub(crate) struct TlsConfig {
    pub(crate) cert_file: PathBuf,
    pub(crate) key_file: PathBuf,
    /// Who has signed the certificates that clients show.
    pub(crate) client_ca_file: Option<PathBuf>,
    /// Whether a client needs one.
    pub(crate) client_required: bool,
}

/// Whether nobody on the way can read along or answer instead.
pub(crate) fn is_guarded(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = || {
        let address = host.parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(),
        _ => false,
    }
}

const GUARDED: &str =
    "a URL that starts with https:// (http:// on loopback alone), without user, query and fragment";

impl Reader {
    pub(super) fn oidc(&mut self) -> Option<OidcConfig> {
        let (issuer, place) = self.text("oidc_issuer");
        if issuer.is_empty() {
            for name in [
                "oidc_audience",
                "oidc_jwks_url",
                "oidc_roles",
                "oidc_operator_role",
            ] {
                let (value, place) = self.text(name);
                if !value.is_empty() {
                    self.errors
                        .push(format!("{place}: there is no issuer: set oidc_issuer too"));
                }
            }
            return None;
        }
        self.guarded_url(&issuer, &place);
        let jwks_url = self.text("oidc_jwks_url");
        let jwks_url = Some(jwks_url).filter(|(url, _)| !url.is_empty());
        let jwks_url = jwks_url.and_then(|(url, place)| self.guarded_url(&url, &place));
        let roles = self.oidc_roles();
        let operator_role = Some(self.text("oidc_operator_role").0).filter(|role| !role.is_empty());
        if roles.is_empty() && operator_role.is_none() {
            self.errors.push(
                "oidc_roles: it is empty: say what roles may do, such as viewer=read,editor=write".into(),
            );
        }
        Some(OidcConfig {
            issuer,
            audience: self.needed("oidc_audience"),
            jwks_url,
            tenant_claim: self.needed("oidc_tenant_claim"),
            role_claim: self.needed("oidc_role_claim"),
            roles,
            operator_role,
        })
    }

    fn needed(&mut self, name: &str) -> String {
        let (value, place) = self.text(name);
        if value.is_empty() {
            self.errors
                .push(format!("{place}: it is empty, and oidc_issuer is set"));
        }
        value
    }

    fn guarded_url(&mut self, text: &str, place: &str) -> Option<Url> {
        let bare = |url: &Url| {
            let has_user = !url.username().is_empty() || url.password().is_some();
            url.query().is_none() && url.fragment().is_none() && !has_user
        };
        let url = Url::parse(text).ok().filter(|url| is_guarded(url) && bare(url));
        if url.is_none() {
            self.wrong(place, text, GUARDED);
        }
        url
    }

    /// `ROLE=SCOPE`, separated by commas; a role may come several times.
    fn oidc_roles(&mut self) -> BTreeMap<String, Scopes> {
        let (value, place) = self.text("oidc_roles");
        let mut roles = BTreeMap::new();
        for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let read = part
                .rsplit_once('=')
                .and_then(|(role, scope)| Some((role.trim(), Scopes::parse([scope.trim()]).ok()?)));
            match read.filter(|(role, _)| !role.is_empty()) {
                Some((role, scopes)) => {
                    let all = roles.entry(role.to_owned()).or_insert(Scopes::NONE);
                    *all = all.with(scopes);
                }
                None => self.wrong(&place, part, "ROLE=read, ROLE=write, ROLE=deploy or ROLE=admin"),
            }
        }
        roles
    }

    pub(super) fn proxy(&mut self) -> ProxyConfig {
        let (value, place) = self.text("proxy_scopes");
        let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
        let scopes = Scopes::parse(names).unwrap_or_else(|_| {
            self.wrong(&place, &value, "some of read, write, deploy and admin");
            Scopes::NONE
        });
        ProxyConfig {
            networks: self.list("proxy_networks"),
            scopes,
        }
    }

    pub(super) fn tls(&mut self) -> Option<TlsConfig> {
        let path = |name| {
            let (path, place) = self.text(name);
            (!path.is_empty()).then(|| (PathBuf::from(path), place))
        };
        let [cert, key, client_ca] = ["tls_cert_file", "tls_key_file", "tls_client_ca_file"].map(path);
        let client_required = self.parsed("tls_client_required", "true or false");
        match (cert, key) {
            (Some((cert_file, _)), Some((key_file, _))) => Some(TlsConfig {
                cert_file,
                key_file,
                client_ca_file: client_ca.map(|(path, _)| path),
                client_required,
            }),
            (None, None) => {
                if let Some((_, place)) = client_ca {
                    self.errors
                        .push(format!("{place}: set tls_cert_file and tls_key_file too"));
                }
                None
            }
            (Some((_, place)), None) => {
                self.errors.push(format!("{place}: set tls_key_file too"));
                None
            }
            (None, Some((_, place))) => {
                self.errors.push(format!("{place}: set tls_cert_file too"));
                None
            }
        }
    }
}
