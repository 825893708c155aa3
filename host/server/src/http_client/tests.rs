//! Requests against servers on loopback.

mod egress;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use tokio::net::TcpListener;

use super::*;
use crate::secrets::{SecretError, Secrets};

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn request(url: &str) -> OutboundRequest {
    OutboundRequest {
        method: "POST".to_owned(),
        url: url.to_owned(),
        ..OutboundRequest::default()
    }
}

async fn send(request: OutboundRequest) -> Result<OutboundResponse, SendError> {
    let limits = SendLimits {
        request_bytes: 1_000,
        ..SendLimits::default()
    };
    client().send(request, &limits).await
}

/// A client of a tenant that may reach everything.
fn client() -> TenantClient {
    client_under(EgressPolicy::unrestricted())
}

fn client_under(policy: EgressPolicy) -> TenantClient {
    let egress = Arc::new(Egress::new(policy));
    let client = HttpClient::new(egress, Arc::new(Metrics::new(true))).expect("a client");
    let tenant = TenantId::new("tenant").expect("a name");
    client.of(&tenant).expect("a client")
}

async fn check_refused(request: OutboundRequest, says: &str) {
    match send(request).await {
        Err(SendError::Refused(reason)) => assert!(reason.contains(says), "{reason:?} does not say {says:?}"),
        other => panic!("{other:?}"),
    }
}

/// Says what it got: the line of the request, the headers that start with `x-`, the body.
async fn echo() -> String {
    let handler = |method: axum::http::Method, uri: axum::http::Uri, headers: HeaderMap, body: Bytes| async move {
        let own: Vec<String> = headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-"))
            .map(|(name, value)| format!("{name}={}", value.to_str().expect("text")))
            .collect();
        let text = format!(
            "{method} {uri} {} {}",
            own.join(","),
            String::from_utf8_lossy(&body)
        );
        (StatusCode::IM_A_TEAPOT, [("x-answer", "yes")], text)
    };
    serve(Router::new().fallback(handler)).await
}

#[tokio::test]
async fn a_request_arrives_whole_and_its_answer_comes_back() {
    let url = echo().await;
    let headers = [("X-A", "1"), ("x-a", "2")]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .to_vec();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let request = OutboundRequest {
            method: method.to_owned(),
            url: format!("{url}/hook?a=b"),
            headers: headers.clone(),
            body: b"body".to_vec(),
        };
        let response = send(request).await.expect("an answer");
        assert_eq!(response.status, 418);
        assert_eq!(
            String::from_utf8_lossy(&response.body),
            format!("{method} /hook?a=b x-a=1,x-a=2 body")
        );
        assert!(
            response
                .headers
                .contains(&("x-answer".to_owned(), "yes".to_owned()))
        );
    }
}

#[tokio::test]
async fn secrets_are_put_in_and_redacted() {
    let url = echo().await;
    let secrets: Secrets = [("key".to_owned(), "s3cr3t".to_owned())].into_iter().collect();
    let with_key = OutboundRequest {
        headers: vec![("X-Key".to_owned(), "k {{secret:key}}".to_owned())],
        body: b"\xff{{secret:key}}".to_vec(),
        ..request(&format!("{url}/{{{{secret:key}}}}"))
    };
    let (filled, redactor) = with_key.with_secrets(&secrets).expect("is known");
    let response = send(filled).await.expect("an answer");
    let said = String::from_utf8_lossy(&response.body).into_owned();
    assert_eq!(said, "POST /s3cr3t x-key=k s3cr3t \u{fffd}s3cr3t");
    assert_eq!(redactor.redact(&said), "POST /*** x-key=k *** \u{fffd}***");

    let lines: Secrets = [("key".to_owned(), "a\r\nX-Other: b".to_owned())]
        .into_iter()
        .collect();
    let with_lines = OutboundRequest {
        headers: vec![("X-Key".to_owned(), "{{secret:key}}".to_owned())],
        ..request("http://a")
    };
    assert!(matches!(
        with_lines.with_secrets(&lines),
        Err(SecretError::Control { .. })
    ));
    assert!(matches!(
        with_lines.with_secrets(&Secrets::default()),
        Err(SecretError::Missing { .. })
    ));
    assert!(matches!(
        OutboundRequest::default().with_secrets(&secrets),
        Err(SecretError::Url(_))
    ));
}

#[test]
fn every_part_of_a_request_is_held_against_its_host() {
    let mut secrets = Secrets::default();
    let hosts = vec!["hooks.example.com:443".parse().expect("a host")];
    secrets.insert("key".to_owned(), Some("s3cr3t".to_owned()), hosts);
    let placeholder = || "{{secret:key}}".to_owned();
    let to = |host: &str| {
        let plain = || request(&format!("https://{host}/"));
        [
            request(&format!("https://{host}/{}", placeholder())),
            OutboundRequest {
                headers: vec![("x-key".to_owned(), placeholder())],
                ..plain()
            },
            OutboundRequest {
                body: placeholder().into_bytes(),
                ..plain()
            },
        ]
    };
    for request in to("hooks.example.com") {
        request.with_secrets(&secrets).expect("is bound to it");
    }
    for host in [
        "evil.example.com",
        "hooks.example.com:8443",
        "hooks.example.com@evil.org",
    ] {
        for request in to(host) {
            let refused = request.with_secrets(&secrets).map(drop);
            assert!(
                matches!(refused, Err(SecretError::NotBound { .. })),
                "{request:?}: {refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_may_not_be_sent() {
    for url in [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1",
        "data:,x",
    ] {
        check_refused(request(url), "http:// or https://").await;
    }
    check_refused(request("not a url"), "the URL").await;
    check_refused(request("http://"), "the URL").await;
    for method in ["CONNECT", "TRACE", "get", ""] {
        check_refused(
            OutboundRequest {
                method: method.to_owned(),
                ..request("http://a")
            },
            "the method",
        )
        .await;
    }
    let with = |name: &str, value: &str| OutboundRequest {
        headers: vec![(name.to_owned(), value.to_owned())],
        ..request("http://127.0.0.1:1/")
    };
    for name in [
        "Host",
        "connection",
        "Transfer-Encoding",
        "CONTENT-LENGTH",
        "Proxy-Authorization",
        "Upgrade",
        "TE",
    ] {
        check_refused(with(name, "x"), "is set by the host").await;
    }
    check_refused(with("X-A", "a\r\nHost: b"), "has a control character").await;
    check_refused(with("a b", "x"), "is not a header name").await;
    check_refused(with("", "x"), "is not a header name").await;
    check_refused(
        OutboundRequest {
            body: vec![0; 1_000],
            ..request("http://a")
        },
        "larger than 1000 bytes",
    )
    .await;
    let many = (0..65).map(|at| (format!("x-{at}"), String::new())).collect();
    check_refused(
        OutboundRequest {
            headers: many,
            ..request("http://a")
        },
        "more than 64 headers",
    )
    .await;
}

#[tokio::test]
async fn the_first_bytes_of_a_large_answer_are_kept() {
    let large = || async { vec![b'x'; 10 << 20] };
    let url = serve(Router::new().fallback(large)).await;
    let response = send(request(&url)).await.expect("an answer");
    assert_eq!(response.body.len(), 64 << 10);
}

#[tokio::test]
async fn time_covers_the_whole_exchange() {
    let never = || std::future::pending::<()>();
    let url = serve(Router::new().fallback(never)).await;
    let limits = SendLimits {
        time: Duration::from_millis(60),
        ..SendLimits::default()
    };
    let error = client()
        .send(request(&url), &limits)
        .await
        .expect_err("must fail");
    assert_eq!(error, SendError::Timeout(limits.time));
    assert_eq!(error.to_string(), "no answer within 60 ms");
}

#[tokio::test]
async fn nobody_listens_and_the_url_is_not_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "http://{}/hidden-path",
        listener.local_addr().expect("an address")
    );
    drop(listener);
    let error = send(request(&url)).await.expect_err("must fail");
    assert!(matches!(error, SendError::Connect(_)), "{error:?}");
    assert!(!error.to_string().contains("hidden-path"), "{error}");
}

#[tokio::test]
async fn a_redirect_that_would_change_the_method_is_an_answer() {
    let found = || async { (StatusCode::FOUND, [(header::LOCATION, "/landed")]).into_response() };
    let url = serve(Router::new().fallback(found)).await;
    assert_eq!(send(request(&url)).await.expect("an answer").status, 302);
}

#[test]
fn a_bounded_text_ends_at_a_character() {
    assert_eq!(bounded("äöü", 6), "äöü");
    assert_eq!(bounded("äöü", 3), "ä…");
}
