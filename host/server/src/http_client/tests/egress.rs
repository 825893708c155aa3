//! Requests of tenants that may not reach everything.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use reqwest::dns::{Addrs, Name, Resolving};
use serde_json::json;

use super::*;
use crate::egress::AddressKind;

fn policy(text: serde_json::Value) -> EgressPolicy {
    serde_json::from_value(text).expect("a policy")
}

fn public_only() -> EgressPolicy {
    policy(json!({"allow": [{"host": "*"}]}))
}

/// Answers each look-up with the next of its answers, and the last one for ever.
struct Names(Mutex<VecDeque<Vec<&'static str>>>);

impl Names {
    fn new(answers: &[&[&'static str]]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(
            answers.iter().map(|answer| answer.to_vec()).collect(),
        )))
    }

    fn left(&self) -> usize {
        self.0.lock().expect("not poisoned").len()
    }
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        let mut answers = self.0.lock().expect("not poisoned");
        let answer = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop_front().expect("has answers"),
        };
        // A port of the resolver's own would lead elsewhere than the URL says.
        let addresses = answer
            .into_iter()
            .map(|ip| SocketAddr::new(ip.parse::<IpAddr>().expect("an address"), 9));
        let addresses: Vec<SocketAddr> = addresses.collect();
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

fn tenant() -> TenantId {
    TenantId::new("tenant").expect("a name")
}

fn clients(policy: EgressPolicy, names: Arc<Names>) -> (HttpClient, Arc<Metrics>, Arc<Egress>) {
    let metrics = Arc::new(Metrics::new(true));
    let egress = Arc::new(Egress::new(policy));
    let clients = HttpClient::with_names(egress.clone(), metrics.clone(), names).expect("a client");
    (clients, metrics, egress)
}

async fn send_by(clients: &HttpClient, url: &str) -> Result<OutboundResponse, SendError> {
    let client = clients.of(&tenant()).expect("a client");
    client.send(request(url), &SendLimits::default()).await
}

#[track_caller]
fn check_denied(result: &Result<OutboundResponse, SendError>, says: &str, is_final: bool) {
    match result {
        Err(error @ SendError::Denied(denied)) => {
            assert_eq!(denied.to_string(), says);
            assert_eq!(error.is_final(), is_final, "{denied}");
        }
        other => panic!("{other:?} does not say {says:?}"),
    }
}

const LOOPBACK: &str = "egress: 127.0.0.1 is a loopback address, which this tenant's policy does not allow";
const NAME: &str =
    "egress: app.example stands for a loopback address, which this tenant's policy does not allow";

/// A server on loopback that counts who comes, and its port.
async fn counter() -> (u16, Arc<Mutex<Vec<String>>>) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = seen.clone();
    let handler = move |uri: axum::http::Uri| async move {
        noted.lock().expect("not poisoned").push(uri.path().to_owned());
        StatusCode::OK
    };
    let url = serve(Router::new().fallback(handler)).await;
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
    (port.expect("a port"), seen)
}

#[tokio::test]
async fn loopback_is_refused_unless_the_policy_opens_it() {
    let (port, seen) = counter().await;
    let (clients, metrics, egress) = clients(public_only(), Names::new(&[&[]]));
    let url = format!("http://127.0.0.1:{port}/");
    check_denied(&send_by(&clients, &url).await, LOOPBACK, true);
    for odd in ["2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "a:b@127.1"] {
        let refused = send_by(&clients, &format!("http://{odd}:{port}/")).await;
        assert!(
            matches!(refused, Err(SendError::Denied(Denied::Address { .. }))),
            "{odd}: {refused:?}"
        );
    }
    assert!(seen.lock().expect("not poisoned").is_empty(), "nobody came");
    let process = crate::telemetry::ProcessInfo::read(0);
    let shown = metrics.render(&process);
    assert!(
        shown.contains("wasmalert_egress_refused_total{tenant=\"tenant\"} 5\n"),
        "{shown}"
    );

    egress.set(
        tenant(),
        policy(json!({"allow": [{"host": "*"}], "private": ["127.0.0.0/8"]})),
    );
    assert_eq!(send_by(&clients, &url).await.expect("an answer").status, 200);
    egress.set(
        tenant(),
        policy(json!({"allow": [{"host": "*", "ports": [1]}], "private": ["127.0.0.0/8"]})),
    );
    let denied = send_by(&clients, &url).await.expect_err("is refused");
    assert!(
        matches!(denied, SendError::Denied(Denied::Destination { .. })),
        "{denied}"
    );
    egress.forget(&tenant());
    check_denied(&send_by(&clients, &url).await, LOOPBACK, true);
    assert_eq!(seen.lock().expect("not poisoned").len(), 1);
}

#[tokio::test]
async fn a_name_is_judged_by_every_address_it_stands_for() {
    let (port, seen) = counter().await;
    let url = format!("http://app.example:{port}/");
    let all = [
        vec!["127.0.0.1"],
        vec!["::ffff:127.0.0.1"],
        vec!["::1", "127.0.0.1"],
        vec!["64:ff9b::7f00:1"],
    ];
    for addresses in all {
        let (clients, ..) = clients(public_only(), Names::new(&[&addresses]));
        // The name's kind, never its address.
        check_denied(&send_by(&clients, &url).await, NAME, false);
    }
    let own = policy(json!({"allow": [{"host": "*.example"}], "private": ["127.0.0.1/32"]}));
    let (clients, ..) = clients(own, Names::new(&[&["10.0.0.1", "127.0.0.1", "::1"]]));
    assert_eq!(
        send_by(&clients, &url)
            .await
            .expect("the one that is allowed")
            .status,
        200
    );
    assert_eq!(seen.lock().expect("not poisoned").len(), 1);
}

#[tokio::test]
async fn the_address_that_was_judged_is_the_one_that_is_connected_to() {
    // The first look-up gives what may be reached, every later one what may not.
    let (port, seen) = counter().await;
    let own = policy(json!({"allow": [{"host": "*"}], "private": ["127.0.0.2/32"]}));
    let names = Names::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let (clients, ..) = clients(own, names.clone());
    let url = format!("http://app.example:{port}/");
    // Nobody listens there: had the name been looked up again, somebody would have answered.
    let first = send_by(&clients, &url).await;
    assert!(matches!(first, Err(SendError::Connect(_))), "{first:?}");
    assert_eq!(names.left(), 1, "one look-up for one connection");
    check_denied(&send_by(&clients, &url).await, NAME, false);
    assert!(seen.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_kept_connection_does_not_outlive_the_policy() {
    let (port, seen) = counter().await;
    let own = policy(json!({"allow": [{"host": "*"}], "private": ["127.0.0.1/32"]}));
    let names = Names::new(&[&["127.0.0.1"]]);
    let (clients, _, egress) = clients(public_only(), names);
    egress.set(tenant(), own);
    let url = format!("http://app.example:{port}/");
    send_by(&clients, &url).await.expect("an answer");
    egress.forget(&tenant());
    check_denied(&send_by(&clients, &url).await, NAME, false);
    assert_eq!(seen.lock().expect("not poisoned").len(), 1);
}

#[tokio::test]
async fn redirects_are_judged_again() {
    let (inner, seen) = counter().await;
    let (location, to) = (Arc::new(Mutex::new(String::new())), header::LOCATION);
    let answer = location.clone();
    let handler = move || async move {
        let location = answer.lock().expect("not poisoned").clone();
        (StatusCode::TEMPORARY_REDIRECT, [(to, location)])
    };
    let outer = serve(Router::new().fallback(handler)).await;
    let port = outer.rsplit(':').next().expect("a port").to_owned();
    let own = policy(json!({
        "allow": [{"host": "*.example"}, {"host": "127.0.0.1"}],
        "private": ["127.0.0.1/32"],
    }));
    let (clients, ..) = clients(own, Names::new(&[&["127.0.0.1"]]));
    let start = format!("http://app.example:{port}/start");
    for (target, says) in [
        (format!("http://127.0.0.2:{inner}/"), "http://127.0.0.2"),
        ("http://[::1]/".to_owned(), "http://[::1]"),
        (
            "http://169.254.169.254/latest".to_owned(),
            "http://169.254.169.254",
        ),
        ("http://other.test/".to_owned(), "http://other.test"),
    ] {
        location.lock().expect("not poisoned").clone_from(&target);
        match send_by(&clients, &start).await {
            Err(SendError::Denied(denied @ Denied::Destination { .. })) => {
                assert!(denied.to_string().contains(says), "{denied}");
            }
            other => panic!("{target}: {other:?}"),
        }
    }
    // The policy allows these: what keeps a request and its secrets is that they are elsewhere.
    for target in [
        format!("http://127.0.0.1:{inner}/"),
        format!("http://app.example:{inner}/"),
    ] {
        location.lock().expect("not poisoned").clone_from(&target);
        let broken = send_by(&clients, &start).await;
        let Err(SendError::Broken(reason)) = broken else {
            panic!("{target}: {broken:?}");
        };
        assert!(reason.contains("another host or port"), "{reason}");
    }
    assert!(seen.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_redirect_to_a_private_address_says_so() {
    let to_metadata = || async {
        let location = "http://169.254.169.254/latest/meta-data";
        (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)])
    };
    let url = serve(Router::new().fallback(to_metadata)).await;
    let own = policy(json!({"allow": [{"host": "*"}], "private": ["127.0.0.0/8"]}));
    match client_under(own)
        .send(request(&url), &SendLimits::default())
        .await
    {
        Err(SendError::Denied(Denied::Address { kind, .. })) => assert_eq!(kind, AddressKind::Metadata),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_systems_names_are_judged_too() {
    let (port, seen) = counter().await;
    let denied = client_under(public_only())
        .send(
            request(&format!("http://localhost:{port}/")),
            &SendLimits::default(),
        )
        .await;
    assert!(
        matches!(
            denied,
            Err(SendError::Denied(Denied::Name {
                kind: AddressKind::Loopback,
                ..
            }))
        ),
        "{denied:?}"
    );
    assert!(seen.lock().expect("not poisoned").is_empty());
    client()
        .send(
            request(&format!("http://localhost:{port}/")),
            &SendLimits::default(),
        )
        .await
        .expect("an answer");
}

#[tokio::test]
async fn headers_of_an_answer_are_bounded() {
    let many = |count: usize, bytes: usize| {
        move || async move {
            let mut headers = HeaderMap::new();
            for at in 0..count {
                let name = axum::http::HeaderName::try_from(format!("x-{at}")).expect("a name");
                headers.insert(name, "v".repeat(bytes).parse().expect("a value"));
            }
            headers
        }
    };
    let url = serve(Router::new().fallback(many(200, 1))).await;
    let refused = client().send(request(&url), &SendLimits::default()).await;
    assert!(matches!(refused, Err(SendError::Broken(_))), "{refused:?}");
    let url = serve(Router::new().fallback(many(60, 4_000))).await;
    let answer = client()
        .send(request(&url), &SendLimits::default())
        .await
        .expect("an answer");
    let bytes: usize = answer
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!((60_000..=64 << 10).contains(&bytes), "{bytes}");
}
