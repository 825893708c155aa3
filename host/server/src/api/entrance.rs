//! The door: who calls is found out before anything else, and what they change is
//! written to the audit log.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::Host;
use crate::access::{Authorization, Caller, Entry, Knock, Proxies, Refusal, Scope, TENANT_HEADER};
use crate::store::Origin;

const FORWARDED_HEADER: &str = "x-forwarded-for";

/// Which calls of callers who were let in go on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnRecord {
    /// None: they look, or bring samples, many times a second.
    Never,
    /// Those that may change something.
    Changes,
}

/// Lets callers in who may make this call.
pub(super) async fn enter(
    State((host, scope, on_record)): State<(Arc<Host>, Scope, OnRecord)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let knock = knock(host.access.proxies(), peer.ip(), request.headers());
    let address = knock.address;
    let door = (&host.store, &host.tenants, host.clock);
    let caller = match host.access.admit(door, knock).await {
        Ok(caller) => caller,
        Err(refusal) => return turn_away(&host, refusal, address, &request),
    };
    if !caller.scopes.allow(scope) {
        let refused = entry(&caller, address, &request);
        host.audit.note(Entry {
            status: StatusCode::FORBIDDEN.as_u16(),
            ..refused
        });
        let detail = format!(
            "this needs the scope `{}`; the caller has {}",
            scope.as_str(),
            caller.scopes
        );
        return Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).into_response();
    }
    if let Some(hold) = host.quarantine.of_tenant(&caller.tenant)
        && !caller.scopes.allow(Scope::Operator)
    {
        let refused = entry(&caller, address, &request);
        host.audit.note(Entry {
            status: StatusCode::FORBIDDEN.as_u16(),
            ..refused
        });
        let detail = format!("the server's operator has stopped this tenant: {}", hold.reason);
        return Problem::new(StatusCode::FORBIDDEN, "quarantined", detail).into_response();
    }
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_change = on_record == OnRecord::Changes && !looks;
    let change = is_change.then(|| entry(&caller, address, &request));
    let origin = Origin {
        actor: caller.actor.to_string(),
        address: address.to_string(),
        call: format!("{} {}", request.method(), request.uri().path()),
    };
    request.extensions_mut().insert(origin);
    request.extensions_mut().insert(caller.tenant.clone());
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    if let Some(change) = change {
        let status = response.status().as_u16();
        host.audit.write(Entry { status, ..change }).await;
    }
    response
}

/// What is known of a call before it is answered.
fn entry(caller: &Caller, address: IpAddr, request: &Request) -> Entry {
    Entry {
        tenant: Some(caller.tenant.clone()),
        actor: caller.actor.to_string(),
        address,
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        status: 0,
    }
}

fn turn_away(host: &Host, refusal: Refusal, address: IpAddr, request: &Request) -> Response {
    let problem = match refusal {
        Refusal::Store(error) => return Problem::from(error).into_response(),
        Refusal::NoTenant(name) => Problem::not_found(format!("tenant {name}: make it first")),
        Refusal::Unknown => {
            let detail = "the header `Authorization: Bearer TOKEN` is missing, or its token is not good";
            Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        }
        Refusal::TooMany { retry_after } => {
            let detail = format!("too many calls: come back in {retry_after} s");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_calls", detail);
            let mut response = problem.into_response();
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, retry_after.into());
            return response;
        }
    };
    host.audit.note(Entry {
        tenant: None,
        actor: "nobody".to_owned(),
        address,
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        status: problem.status,
    });
    let mut response = problem.into_response();
    let scheme = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    response
}

/// What the headers of a call say of who makes it.
fn knock<'h>(proxies: &Proxies, peer: IpAddr, headers: &'h HeaderMap) -> Knock<'h> {
    let forwarded = headers.get_all(FORWARDED_HEADER).iter();
    let forwarded = forwarded.map(|value| value.to_str().unwrap_or_default());
    Knock {
        address: proxies.client(peer, forwarded),
        by_proxy: proxies.trust(peer),
        authorization: match only(headers, header::AUTHORIZATION.as_str()) {
            None => Authorization::Absent,
            Some(value) => bearer(value).map_or(Authorization::Other, Authorization::Bearer),
        },
        tenant: only(headers, TENANT_HEADER),
    }
}

/// The value of a header, none without one. One that comes twice, or is no text, is
/// empty: which of them a proxy has looked at is not known.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().unwrap_or_default();
    Some(if values.next().is_none() { first } else { "" })
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
