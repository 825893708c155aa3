//! The HTTP API: routes, who may call them, and how errors look.

mod access;
mod alerts;
mod audit;
mod config;
mod describe;
mod egress;
mod entrance;
mod evaluations;
mod groups;
mod keys;
mod limits;
mod listener;
mod logs;
mod modules;
mod notifications;
mod pauses;
mod problem;
mod prometheus;
mod pull;
mod quarantine;
mod receivers;
mod request;
mod ruler;
mod rules;
mod scrapes;
mod secrets;
mod signers;
mod sources;
mod system;
mod tenants;
mod usage;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::serve::{Listener, ListenerExt};
use axum::{Extension, Router};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wasmalert_core::TenantId;

use self::entrance::OnRecord;
pub use self::evaluations::Unkept;
pub(crate) use self::listener::TlsListener;
use self::problem::Problem;
use crate::Host;
use crate::access::Scope;
use crate::store::Origin;

/// Under which Mimir has the API of Prometheus, and clients of Mimir look for it.
const PROMETHEUS_PREFIX: &str = "/prometheus";
/// Open connections get so long to end when the server stops.
const GRACE: Duration = Duration::from_secs(5);
/// The longest text of an error that is not our own.
const DETAIL_BYTES_MAX: usize = 512;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "wasmalert",
        description = "An alerting engine you program. Every call under /v1 carries `Authorization: Bearer TOKEN`; \
                       errors are problem+json with a stable `code`. The token is a key of a tenant, one of the OIDC \
                       issuer that the operator has named, or the operator's, which acts for the tenant of the \
                       header `X-Scope-OrgID`, or for `default`."
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

type Routes = OpenApiRouter<Arc<Host>>;

/// Calls that look.
fn read_routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(access::whoami))
        .routes(routes!(limits::list))
        .routes(routes!(usage::list))
        .routes(routes!(modules::list))
        .routes(routes!(modules::versions))
        .routes(routes!(modules::version))
        .routes(routes!(modules::wasm))
        .routes(routes!(signers::policy))
        .routes(routes!(sources::list))
        .routes(routes!(sources::get))
        .routes(routes!(scrapes::list))
        .routes(routes!(scrapes::get))
        .routes(routes!(receivers::list))
        .routes(routes!(receivers::get))
        .routes(routes!(secrets::list))
        .routes(routes!(config::get))
        .routes(routes!(config::history))
        .routes(routes!(config::one_change))
        .routes(routes!(ruler::list))
        .routes(routes!(ruler::list_namespace))
        .routes(routes!(ruler::get))
        .routes(routes!(groups::list))
        .routes(routes!(groups::get))
        .routes(routes!(rules::list))
        .routes(routes!(pauses::list))
        .routes(routes!(alerts::list))
        .routes(routes!(evaluations::list))
        .routes(routes!(evaluations::get))
        .routes(routes!(notifications::list))
        .routes(routes!(logs::follow))
        .routes(routes!(system::rule_metrics))
        .merge(prometheus_routes())
}

/// Calls of Prometheus that look, which have a second prefix.
fn prometheus_routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(prometheus::query, prometheus::post_query))
        .routes(routes!(prometheus::query_range, prometheus::post_query_range))
        .routes(routes!(prometheus::series, prometheus::post_series))
        .routes(routes!(prometheus::labels, prometheus::post_labels))
        .routes(routes!(prometheus::label_values))
        .routes(routes!(prometheus::list_rules))
        .routes(routes!(prometheus::list_alerts))
        .routes(routes!(prometheus::build_info))
}

/// Calls that change what is evaluated and told.
fn write_routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(sources::put, sources::delete))
        .routes(routes!(scrapes::put, scrapes::delete))
        .routes(routes!(receivers::put, receivers::delete))
        .routes(routes!(secrets::put, secrets::delete))
        .routes(routes!(groups::put, groups::delete))
        .routes(routes!(ruler::post, ruler::delete_namespace))
        .routes(routes!(ruler::delete))
        .routes(routes!(config::change))
        .routes(routes!(config::roll_back))
        .routes(routes!(pauses::put, pauses::delete))
        .routes(routes!(notifications::retry))
}

/// Calls that bring samples.
fn sample_routes() -> Routes {
    OpenApiRouter::new().routes(routes!(prometheus::write))
}

/// Calls that bring code, or take it away.
fn deploy_routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(modules::upload_module, modules::delete_all))
        .routes(routes!(modules::delete_version))
        .routes(routes!(modules::put_promoted))
        .routes(routes!(pull::pull_module))
}

/// Calls about who may do what in a tenant.
fn admin_routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::delete))
        .routes(routes!(keys::rotate))
        .routes(routes!(audit::own))
        .routes(routes!(signers::list))
        .routes(routes!(signers::put, signers::delete))
        .routes(routes!(signers::put_policy))
}

/// Calls about tenants.
fn operator_routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(tenants::list))
        .routes(routes!(tenants::get, tenants::put, tenants::delete))
        .routes(routes!(egress::get, egress::put, egress::delete))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::hold_tenant, quarantine::release_tenant))
        .routes(routes!(quarantine::hold_module, quarantine::release_module))
        .routes(routes!(audit::all))
        .routes(routes!(audit::export))
}

const GATES: [Gate; 6] = [
    Gate::new(Scope::Read, OnRecord::Never, read_routes),
    Gate::new(Scope::Write, OnRecord::Never, sample_routes),
    Gate::new(Scope::Write, OnRecord::Changes, write_routes),
    Gate::new(Scope::Deploy, OnRecord::Changes, deploy_routes),
    Gate::new(Scope::Admin, OnRecord::Changes, admin_routes),
    Gate::new(Scope::Operator, OnRecord::Changes, operator_routes),
];

/// Calls that need one scope.
struct Gate {
    scope: Scope,
    on_record: OnRecord,
    routes: fn() -> Routes,
}

impl Gate {
    const fn new(scope: Scope, on_record: OnRecord, routes: fn() -> Routes) -> Self {
        Self {
            scope,
            on_record,
            routes,
        }
    }
}

/// Calls that anybody may make.
fn open_routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(system::healthy))
        .routes(routes!(system::ready))
        .routes(routes!(system::metrics))
        .routes(routes!(system::document))
}

/// The OpenAPI document of the API. The scope that a call needs is in its `security`.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for Gate { scope, routes, .. } in GATES {
        let mut scoped = routes().to_openapi();
        let need = SecurityRequirement::new("bearer", [scope.as_str()]);
        for item in scoped.paths.paths.values_mut() {
            let calls = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for call in calls.into_iter().flatten() {
                call.security = Some(vec![need.clone()]);
                describe::behind_the_door(call);
            }
        }
        document.merge(scoped);
    }
    document.merge(open_routes().to_openapi());
    describe::complete(&mut document);
    document
}

pub(crate) fn router(host: Arc<Host>) -> Router {
    let again = |routes: Routes| Router::new().nest(PROMETHEUS_PREFIX, routes.split_for_parts().0);
    let mut app = Router::new();
    for gate in GATES {
        let (routes, _) = (gate.routes)().split_for_parts();
        let routes = match (gate.scope, gate.on_record) {
            (Scope::Read, _) => routes
                .merge(again(prometheus_routes()))
                .merge(ruler::reads(&host.config.ruler_prefix)),
            (Scope::Write, OnRecord::Never) => routes.merge(again(sample_routes())),
            (Scope::Write, OnRecord::Changes) => routes.merge(ruler::writes(&host.config.ruler_prefix)),
            _ => routes,
        };
        let door = (host.clone(), gate.scope, gate.on_record);
        let door = middleware::from_fn_with_state(door, entrance::enter);
        app = app.merge(routes.route_layer(door));
    }
    let (open, _) = open_routes().split_for_parts();
    app.merge(open)
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
    listener: impl Listener<Addr = SocketAddr>,
    app: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    // Nothing is done to connections: so the address of any listener's is known.
    let listener = listener.tap_io(|_| ());
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
/// Who the caller is, and what the call.
type By = Extension<Origin>;
