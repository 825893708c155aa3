//! Sources that misbehave.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::*;

const MIB: usize = 1 << 20;

async fn ask_for(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> QueryResult {
    let (url, _seen) = recorder(move |_| answer()).await;
    ask(&source(&url, &json!({"max_response_bytes": MIB}))).await
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("into memory");
    encoder.finish().expect("into memory")
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    check_error(
        &ask(&plain(&url)).await,
        QueryErrorCode::Unavailable,
        "no connection: Connection refused",
    );
}

#[tokio::test]
async fn a_slow_answer_times_out() {
    let never = || async {
        std::future::pending::<()>().await;
    };
    let url = serve(Router::new().fallback(never)).await;
    let result = ask(&source(&url, &json!({"timeout": "60ms"}))).await;
    check_error(&result, QueryErrorCode::Timeout, "no result within 60 ms");
}

#[tokio::test]
async fn a_body_that_stalls_times_out() {
    let stalls = || async {
        let chunks = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{\"status\":"))]);
        Body::from_stream(chunks.chain(stream::pending()))
    };
    let url = serve(Router::new().fallback(stalls)).await;
    let result = ask(&source(&url, &json!({"timeout": "60ms"}))).await;
    check_error(&result, QueryErrorCode::Timeout, "no result within 60 ms");
}

#[tokio::test]
async fn a_hundred_megabytes_end_early() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let answer = move || {
        let sent = counted.clone();
        let chunks = stream::iter(0..100).map(move |_| {
            sent.fetch_add(MIB, Relaxed);
            Ok::<_, std::io::Error>(Bytes::from(vec![b' '; MIB]))
        });
        Body::from_stream(chunks).into_response()
    };
    check_error(
        &ask_for(answer).await,
        QueryErrorCode::TooLarge,
        "larger than 1048576 bytes",
    );
    let sent = sent.load(Relaxed);
    assert!(sent < 30 * MIB, "{sent} bytes were sent before the host hung up");
}

#[tokio::test]
async fn an_announced_size_is_refused_unread() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 100 * MIB);
    let url = serve_raw(head.into_bytes()).await;
    check_error(
        &ask(&source(&url, &json!({"max_response_bytes": MIB}))).await,
        QueryErrorCode::TooLarge,
        "larger",
    );
}

#[tokio::test]
async fn a_gzip_bomb_ends_early() {
    let bomb = gzipped(&vec![b' '; 64 * MIB]);
    assert!(
        bomb.len() < MIB,
        "{} bytes would be refused as they are",
        bomb.len()
    );
    let bomb = Bytes::from(bomb);
    let answer = move || ([(header::CONTENT_ENCODING, "gzip")], bomb.clone()).into_response();
    check_error(
        &ask_for(answer).await,
        QueryErrorCode::TooLarge,
        "larger than 1048576 bytes",
    );
}

#[tokio::test]
async fn gzip_and_chunks_are_read() {
    let answer = || ([(header::CONTENT_ENCODING, "gzip")], gzipped(UP.as_bytes())).into_response();
    assert_eq!(ask_for(answer).await.expect("a frame").all_values(), [2.0]);
    let chunked = || {
        let bytes = UP
            .as_bytes()
            .chunks(7)
            .map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk)));
        Body::from_stream(stream::iter(bytes)).into_response()
    };
    assert_eq!(ask_for(chunked).await.expect("a frame").all_values(), [2.0]);
}

#[tokio::test]
async fn a_large_answer_is_parsed() {
    let item = r#"{"metric":{"pod":"api-0123456789"},"value":[1,"2"]}"#;
    let body = format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#,
        vec![item; 10_000].join(",")
    );
    assert!(body.len() > 256 << 10 && body.len() < MIB);
    let result = ask_for(move || body.clone().into_response()).await;
    assert_eq!(result.expect("a frame").len(), 10_000);
}

#[tokio::test]
async fn answers_that_break_off() {
    let url = serve_raw(format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{UP}").into_bytes()).await;
    check_error(
        &ask(&plain(&url)).await,
        QueryErrorCode::Unavailable,
        "the answer broke off",
    );
    let url = serve_raw(Vec::new()).await;
    check_error(
        &ask(&plain(&url)).await,
        QueryErrorCode::Unavailable,
        "the connection failed",
    );
    let url = serve_raw(b"220 mail.example ESMTP\r\n\r\n".to_vec()).await;
    check_error(
        &ask(&plain(&url)).await,
        QueryErrorCode::Unavailable,
        "the connection failed",
    );
    let mut cut = gzipped(UP.as_bytes());
    cut.truncate(30);
    let answer = move || ([(header::CONTENT_ENCODING, "gzip")], cut.clone()).into_response();
    check_error(
        &ask_for(answer).await,
        QueryErrorCode::Unavailable,
        "the answer broke off",
    );
    let answer = || ([(header::CONTENT_ENCODING, "gzip")], UP).into_response();
    check_error(
        &ask_for(answer).await,
        QueryErrorCode::BadResponse,
        "the answer broke off",
    );
}

#[tokio::test]
async fn garbage_is_a_bad_response_that_says_where() {
    let html = || ([(header::CONTENT_TYPE, "text/html")], "<html>hello</html>").into_response();
    check_error(
        &ask_for(html).await,
        QueryErrorCode::BadResponse,
        "at byte 1, near \"<html>hello</html>\"",
    );
    let data = || (StatusCode::INTERNAL_SERVER_ERROR, UP).into_response();
    check_error(
        &ask_for(data).await,
        QueryErrorCode::BadResponse,
        "HTTP status 500",
    );
    let empty = || StatusCode::NO_CONTENT.into_response();
    check_error(&ask_for(empty).await, QueryErrorCode::BadResponse, "EOF");
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let odd = || ([(header::CONTENT_TYPE, "text/html")], UP).into_response();
    assert_eq!(ask_for(odd).await.expect("a frame").len(), 1);
}

#[tokio::test]
async fn status_codes_without_json() {
    use QueryErrorCode::{Failed, Unavailable};
    for (status, code, says) in [
        (StatusCode::SERVICE_UNAVAILABLE, Unavailable, "HTTP status 503"),
        (StatusCode::BAD_GATEWAY, Unavailable, "HTTP status 502"),
        (StatusCode::TOO_MANY_REQUESTS, Unavailable, "HTTP status 429"),
        (StatusCode::UNAUTHORIZED, Failed, "check the source's credentials"),
        (StatusCode::NOT_FOUND, Failed, "check the source's url"),
    ] {
        check_error(
            &ask_for(move || (status, "busy").into_response()).await,
            code,
            says,
        );
    }
}

#[tokio::test]
async fn errors_in_json() {
    use QueryErrorCode::{Failed, Timeout, Unavailable};
    for (status, kind, code) in [
        (StatusCode::BAD_REQUEST, "bad_data", Failed),
        (StatusCode::UNPROCESSABLE_ENTITY, "execution", Failed),
        (StatusCode::SERVICE_UNAVAILABLE, "timeout", Timeout),
        (StatusCode::SERVICE_UNAVAILABLE, "canceled", Unavailable),
        (StatusCode::OK, "internal", Failed),
    ] {
        let answer = move || {
            let body = json!({"status": "error", "errorType": kind, "error": "what is wrong"});
            (status, body.to_string()).into_response()
        };
        check_error(&ask_for(answer).await, code, &format!("{kind}: what is wrong"));
    }
}

#[tokio::test]
async fn redirects() {
    let to = |status: StatusCode, location: &str| {
        let location = location.to_owned();
        move |seen: &Seen| match seen.uri.path() {
            "/landed" if seen.body.contains("query=up") => UP.into_response(),
            _ => (status, [(header::LOCATION, location.clone())]).into_response(),
        }
    };
    let (url, _seen) = recorder(to(StatusCode::PERMANENT_REDIRECT, "/landed")).await;
    assert_eq!(ask(&plain(&url)).await.expect("a frame").len(), 1);

    let (url, mut seen) = recorder(to(StatusCode::TEMPORARY_REDIRECT, "/again")).await;
    check_error(
        &ask(&plain(&url)).await,
        QueryErrorCode::BadResponse,
        "redirected more than 5 times",
    );
    assert_eq!(std::iter::from_fn(|| seen.try_recv().ok()).count(), 6);

    let (url, mut elsewhere) = recorder(|_| UP.into_response()).await;
    let other_name = url.replace("127.0.0.1", "localhost");
    let (url, _seen) = recorder(to(StatusCode::TEMPORARY_REDIRECT, &other_name)).await;
    check_error(
        &ask(&plain(&url)).await,
        QueryErrorCode::BadResponse,
        "another host",
    );
    assert!(elsewhere.try_recv().is_err(), "credentials stay here");

    let (url, _seen) = recorder(to(StatusCode::FOUND, "/landed")).await;
    check_error(
        &ask(&plain(&url)).await,
        QueryErrorCode::BadResponse,
        "check the source's url",
    );
}
