//! Prints what the notifier `webhook` sends: `pager [ADDRESS]`, 127.0.0.1:8082
//! without it. One line for each alert, on standard output.

use std::io::{self, Write as _};

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use example_shop::pages::Webhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let router = Router::new().route("/", post(print));
    axum::serve(example_shop::listen("127.0.0.1:8082").await?, router).await
}

/// An answer of 500 has the webhook sent again.
async fn print(Json(webhook): Json<Webhook>) -> StatusCode {
    let mut out = io::stdout().lock();
    let mut printed = webhook.alerts.iter().map(|alert| writeln!(out, "{alert}"));
    match printed.try_for_each(|line| line) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
