//! The HTTP API: routes, who may call them, and how errors look.

mod alerts;
mod evaluations;
mod groups;
mod logs;
mod modules;
mod notifications;
mod problem;
mod prometheus;
mod receivers;
mod request;
mod rules;
mod scrapes;
mod secrets;
mod sources;
mod system;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use tokio::net::TcpListener;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wasmalert_core::TenantId;

use self::problem::Problem;
use crate::Host;
use crate::token::Token;

/// Open connections get so long to end when the server stops.
const GRACE: Duration = Duration::from_secs(5);
/// The longest text of an error that is not our own.
const DETAIL_BYTES_MAX: usize = 512;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "wasmalert",
        description = "An alerting engine you program. Every call under /v1 carries `Authorization: Bearer TOKEN`; \
                       errors are problem+json with a stable `code`."
    ),
    components(schemas(Problem)),
    modifiers(&BearerToken),
    security(("bearer" = []))
)]
struct Document;

struct BearerToken;

impl utoipa::Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", scheme);
    }
}

/// Calls that carry the token.
fn tenant_routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(modules::list))
        .routes(routes!(
            modules::upload_module,
            modules::versions,
            modules::delete_all
        ))
        .routes(routes!(modules::version, modules::delete_version))
        .routes(routes!(modules::wasm))
        .routes(routes!(sources::list))
        .routes(routes!(sources::put, sources::get, sources::delete))
        .routes(routes!(scrapes::list))
        .routes(routes!(scrapes::put, scrapes::get, scrapes::delete))
        .routes(routes!(receivers::list))
        .routes(routes!(receivers::put, receivers::get, receivers::delete))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::put, secrets::delete))
        .routes(routes!(groups::list))
        .routes(routes!(groups::put, groups::get, groups::delete))
        .routes(routes!(rules::list))
        .routes(routes!(alerts::list))
        .routes(routes!(evaluations::list))
        .routes(routes!(evaluations::get))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::retry))
        .routes(routes!(logs::follow))
        .routes(routes!(system::rule_metrics))
        .routes(routes!(prometheus::query, prometheus::post_query))
        .routes(routes!(prometheus::query_range, prometheus::post_query_range))
        .routes(routes!(prometheus::series, prometheus::post_series))
        .routes(routes!(prometheus::labels, prometheus::post_labels))
        .routes(routes!(prometheus::label_values))
        .routes(routes!(prometheus::write))
}

/// Calls that anybody may make.
fn open_routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(system::healthy))
        .routes(routes!(system::ready))
        .routes(routes!(system::metrics))
        .routes(routes!(system::document))
}

/// The OpenAPI document of the API.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = tenant_routes().to_openapi();
    document.merge(open_routes().to_openapi());
    document
}

/// What the middleware checks calls with.
struct Door {
    token: Token,
    tenant: TenantId,
}

pub(crate) fn router(host: Arc<Host>, token: Token, tenant: TenantId) -> Router {
    let door = Arc::new(Door { token, tenant });
    let (tenants, _) = tenant_routes().split_for_parts();
    let (open, _) = open_routes().split_for_parts();
    tenants
        .route_layer(middleware::from_fn_with_state(door, check_token))
        .merge(open)
        .fallback(async || Problem::not_found("such path; see /openapi.json"))
        .layer(DefaultBodyLimit::max(request::BODY_BYTES_MAX))
        .layer(middleware::map_response(as_problem))
        .with_state(host)
}

/// Answers calls until `stop` comes to an end.
///
/// # Errors
/// As the listener does.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        tracing::info!("stopping");
        // Nobody hears it only when serving has ended.
        let _ = stopping.send(true);
    });
    tokio::select! {
        served = serving.into_future() => served,
        // Followers of the log never end by themselves.
        () = async {
            let _ = stopped.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(GRACE).await;
        } => Ok(()),
    }
}

async fn check_token(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    if !bearer(request.headers()).is_some_and(|token| door.token.is(token)) {
        let detail = "the header `Authorization: Bearer TOKEN` is missing or its token is wrong";
        let mut response = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).into_response();
        let scheme = header::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        return response;
    }
    request.extensions_mut().insert(door.tenant.clone());
    next.run(request).await
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Marks an error that has a shape of its own.
#[derive(Clone, Copy)]
struct AsItIs;

/// Errors of the framework look like ours.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let ours = content_type.is_some_and(|kind| kind == problem::CONTENT_TYPE)
        || response.extensions().get::<AsItIs>().is_some();
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let body = axum::body::to_bytes(response.into_body(), DETAIL_BYTES_MAX)
        .await
        .unwrap_or_default();
    let detail = match std::str::from_utf8(&body) {
        Ok(text) if !text.is_empty() => text.to_owned(),
        _ => status
            .canonical_reason()
            .unwrap_or("the request failed")
            .to_owned(),
    };
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        status if status.is_client_error() => "bad_request",
        _ => "server_error",
    };
    Problem::new(status, code, detail).into_response()
}

/// The tenant that the caller's token stands for.
type Caller = Extension<TenantId>;
