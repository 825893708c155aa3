//! What goes to a source.

use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use super::*;

#[tokio::test]
async fn posts_a_form_below_the_url() {
    let (url, mut seen) = recorder(|_| UP.into_response()).await;
    let source = source(
        &format!("{url}/prometheus/?dedup=true"),
        &json!({"timeout": "1m30s"}),
    );
    let (engine, _) = engine(&QueryConfig::default());
    let frame = engine
        .fetch(&tenant("t"), &source, &instant("up{a=\"b&c\"} + 1"))
        .await
        .expect("a frame");
    assert_eq!(frame.all_values(), [2.0]);
    let seen = seen.recv().await.expect("a request");
    assert_eq!(seen.method, Method::POST);
    assert_eq!(seen.uri, "/prometheus/api/v1/query?dedup=true");
    assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(seen.header("accept-encoding"), "gzip");
    assert!(seen.header("user-agent").starts_with("wasmalert/"), "{seen:?}");
    assert_eq!(seen.param("query"), Some("up%7Ba%3D%22b%26c%22%7D+%2B+1"));
    assert_eq!(seen.param("time"), Some("1700000000.123"));
    assert_eq!(seen.param("timeout"), Some("90.000"));
}

#[tokio::test]
async fn a_range_query_goes_to_query_range() {
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    let (url, mut seen) = recorder(move |_| matrix.into_response()).await;
    let (engine, _) = engine(&QueryConfig::default());
    let time = QueryTime::Range {
        start_ms: -1_500,
        end_ms: 60_000,
        step_ms: 250,
    };
    let query = Query {
        time,
        ..instant("up")
    };
    assert!(
        engine
            .fetch(&tenant("t"), &plain(&url), &query)
            .await
            .expect("a frame")
            .is_empty()
    );
    let seen = seen.recv().await.expect("a request");
    assert_eq!(seen.uri.path(), "/api/v1/query_range");
    assert_eq!(seen.param("start"), Some("-1.500"));
    assert_eq!(seen.param("end"), Some("60.000"));
    assert_eq!(seen.param("step"), Some("0.250"));
    assert_eq!(seen.param("time"), None);
}

#[tokio::test]
async fn falls_back_to_get_and_remembers() {
    let answer = |seen: &Seen| match seen.method {
        Method::GET => UP.into_response(),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    let (url, mut seen) = recorder(answer).await;
    let (engine, _) = engine(&QueryConfig::default());
    let source = plain(&format!("{url}/x?dedup=true"));
    for expr in ["a", "b c"] {
        engine
            .fetch(&tenant("t"), &source, &instant(expr))
            .await
            .expect("a frame");
    }
    let seen: Vec<Seen> = std::iter::from_fn(|| seen.try_recv().ok()).collect();
    let methods: Vec<&str> = seen.iter().map(|seen| seen.method.as_str()).collect();
    assert_eq!(methods, ["POST", "GET", "GET"]);
    assert_eq!(seen[2].param("query"), Some("b+c"));
    assert_eq!(seen[2].param("dedup"), Some("true"));
    assert_eq!(seen[2].param("time"), Some("1700000000.123"));
}

#[tokio::test]
async fn credentials_and_secrets_arrive() {
    let (url, mut seen) = recorder(|_| UP.into_response()).await;
    let settings = json!({
        "headers": {"X-Scope-OrgID": "team-1", "X-Key": "k={{secret:token}}"},
        "bearer_token": "{{secret:token}}",
    });
    ask(&source(&format!("{url}/{{{{secret:path}}}}"), &settings))
        .await
        .expect("a frame");
    let bearer = seen.recv().await.expect("a request");
    assert_eq!(bearer.uri.path(), "/prefix/api/v1/query");
    assert_eq!(bearer.header("x-scope-orgid"), "team-1");
    assert_eq!(bearer.header("x-key"), "k=s3cr3t");
    assert_eq!(bearer.header("authorization"), "Bearer s3cr3t");

    let settings = json!({"basic_auth": {"username": "u", "password": "{{secret:token}}"}});
    ask(&source(&url, &settings)).await.expect("a frame");
    let basic = seen.recv().await.expect("a request");
    assert_eq!(basic.header("authorization"), "Basic dTpzM2NyM3Q=");
}

#[tokio::test]
async fn a_missing_secret_fails_the_query_and_is_named() {
    let (url, mut seen) = recorder(|_| UP.into_response()).await;
    let result = ask(&source(&url, &json!({"bearer_token": "{{secret:gone}}"}))).await;
    check_error(&result, QueryErrorCode::Failed, "no secret \"gone\"");
    assert!(seen.try_recv().is_err(), "nothing is sent");
}

#[tokio::test]
async fn what_a_server_says_is_redacted() {
    let error = r#"{"status":"error","errorType":"bad_data","error":"no such token: s3cr3t (literal)"}"#;
    let (url, _seen) = recorder(move |_| (StatusCode::BAD_REQUEST, error).into_response()).await;
    let settings = json!({"basic_auth": {"username": "{{secret:token}}", "password": "literal"}});
    let result = ask(&source(&url, &settings)).await;
    check_error(
        &result,
        QueryErrorCode::Failed,
        "bad_data: no such token: *** (***)",
    );
}

#[tokio::test]
async fn connections_are_reused() {
    use axum::extract::ConnectInfo;
    use std::net::SocketAddr;

    let (sender, mut peers) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |ConnectInfo(peer): ConnectInfo<SocketAddr>| {
        let _sent = sender.send(peer);
        async { UP }
    };
    let router = Router::new()
        .fallback(handler)
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let (engine, _) = engine(&QueryConfig::default());
    let source = plain(&url);
    for expr in ["a", "b", "c"] {
        engine
            .fetch(&tenant("t"), &source, &instant(expr))
            .await
            .expect("a frame");
    }
    let first = peers.try_recv().expect("a request");
    assert_eq!([peers.try_recv(), peers.try_recv()], [Ok(first), Ok(first)]);
}

#[tokio::test]
async fn a_tenant_that_may_not_reach_a_source_gets_a_code_of_its_own() {
    let (url, mut seen) = recorder(|_| UP.into_response()).await;
    let (engine, metrics) = guarded_engine();
    for name in ["t", "u"] {
        let result = engine.fetch(&tenant(name), &plain(&url), &instant("up")).await;
        let says = "egress: 127.0.0.1 is a loopback address, which this tenant's policy does not allow";
        check_error(&result, QueryErrorCode::EgressDenied, says);
    }
    assert!(seen.try_recv().is_err(), "nobody came");
    // The operator's own tenant may.
    let operator = tenant(TenantId::DEFAULT);
    let result = engine.fetch(&operator, &plain(&url), &instant("up")).await;
    assert_eq!(result.expect("a frame").len(), 1);
    let refused = QueryOutcome {
        kind: SourceKind::Prometheus,
        error: Some(QueryErrorCode::EgressDenied),
    };
    assert_eq!(metrics.query_seconds.with(refused).count(), 2);
}

#[tokio::test]
async fn credentials_that_come_back_are_not_shown_in_any_spelling() {
    let (url, _seen) = recorder(|seen| {
        let message = format!("not for {}", seen.header("authorization"));
        let body = json!({"status": "error", "errorType": "execution", "error": message});
        body.to_string().into_response()
    })
    .await;
    for settings in [
        json!({"basic_auth": {"username": "me", "password": "{{secret:token}}"}}),
        json!({"basic_auth": {"username": "me", "password": "hunter2hunter2"}}),
    ] {
        check_error(
            &ask(&source(&url, &settings)).await,
            QueryErrorCode::Failed,
            "not for Basic ***",
        );
    }
}

#[tokio::test]
async fn credentials_go_to_the_hosts_they_are_bound_to() {
    let (url, mut seen) = recorder(|_| UP.into_response()).await;
    let bound = |hosts: &[&str], settings: serde_json::Value| {
        let mut spec = json!({"kind": "prometheus", "url": url});
        let settings = settings.as_object().cloned().unwrap_or_default();
        spec.as_object_mut().expect("an object").extend(settings);
        let hosts = hosts.iter().map(|host| host.parse().expect("a host")).collect();
        let mut secrets = Secrets::default();
        secrets.insert("token".to_owned(), Some("s3cr3t".to_owned()), hosts);
        let spec = serde_json::from_value(spec).expect("a spec");
        Source::new("prom", 1, spec, Arc::new(secrets)).expect("a source")
    };
    for settings in [
        json!({"bearer_token": "{{secret:token}}"}),
        json!({"basic_auth": {"username": "u", "password": "{{secret:token}}"}}),
        json!({"basic_auth": {"username": "{{secret:token}}", "password": "p"}}),
        json!({"headers": {"x-key": "{{secret:token}}"}}),
        json!({"url": format!("{url}/{{{{secret:token}}}}/")}),
    ] {
        let elsewhere = bound(&["prometheus.example", "127.0.0.1:1"], settings.clone());
        let says = "the secret \"token\" is not bound to 127.0.0.1:";
        check_error(&ask(&elsewhere).await, QueryErrorCode::Failed, says);
        assert!(seen.try_recv().is_err(), "nobody came");
        let here = bound(&["prometheus.example", "127.0.0.1"], settings);
        ask(&here).await.expect("a frame");
        seen.try_recv().expect("a request");
    }
}
