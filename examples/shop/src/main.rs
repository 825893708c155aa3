//! A web shop with metrics: `shop [ADDRESS]`, 127.0.0.1:8081 without it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use example_shop::metrics::TEXT_FORMAT;
use example_shop::shop::Shop;

/// The shop, and since when it is open.
struct Open {
    shop: Mutex<Shop>,
    since: Instant,
}

#[tokio::main(flavor = "current_thread")]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the time; the shop gets it as an argument"
)]
async fn main() -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let open = Arc::new(Open {
        shop: Mutex::new(Shop::new(now)),
        since: Instant::now(),
    });
    let router = Router::new().route("/metrics", get(metrics)).with_state(open);
    axum::serve(example_shop::listen("127.0.0.1:8081").await?, router).await
}

async fn metrics(State(open): State<Arc<Open>>) -> impl IntoResponse {
    let mut shop = open.shop.lock().unwrap_or_else(PoisonError::into_inner);
    shop.advance_to(open.since.elapsed());
    ([(CONTENT_TYPE, TEXT_FORMAT)], shop.page())
}
