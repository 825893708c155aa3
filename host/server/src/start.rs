//! Starts a server and stops it again.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wasmalert_core::TenantId;
use wasmalert_core::limits::Limits;
use wasmalert_core::spec::External;
use wasmalert_sandbox::{Artifacts, Sandbox, SandboxConfig, SandboxError};

use crate::access::token::{self, Token};
use crate::access::{Access, Audit, Tenants, tenants};
use crate::api::TlsListener;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::egress::Egress;
use crate::embedded::Embedded;
use crate::fair::{Crew, Lanes, Turns};
use crate::groups::GroupBody;
use crate::http_client::{HttpClient, HttpClientError};
use crate::lock::{DirLock, LockError};
use crate::notify::{Wakes, deliver_forever};
use crate::pauses::Pauses;
use crate::quarantine::{self, Quarantine};
use crate::query::{QueryConfig, QueryEngine};
use crate::registry::Registry;
use crate::remote_write::RemoteWrite;
use crate::scheduler::{Newsline, Scheduler};
use crate::schema::SchemaChecker;
use crate::scrape::Scrapes;
use crate::secrets::at_rest;
use crate::secrets::keyring::{KeyError, Keyring};
use crate::store::{OutboxStatus, Store, StoreError};
use crate::telemetry::{Metrics, TenantMetrics};
use crate::tls::{self, Tls, TlsError};
use crate::usage::Ledger;
use crate::{Host, access, api, embedded, groups, remote_write, scrape, usage};

/// Instances of the pool for each thread, of which there are as many again for long runs:
/// one that runs, and room for those that are being dropped.
const INSTANCES_PER_THREAD: u32 = 4;
/// Stack of a thread besides what guests may use.
const HOST_STACK_BYTES: usize = 2 << 20;
/// Old rows are removed so often.
const PRUNE_EVERY: Duration = Duration::from_secs(10);
/// Rows removed at a time.
const PRUNE_ROWS_MAX: u32 = 10_000;
/// What rules have used is shown by rule for two days, then by tenant.
const RULE_USAGE_KEPT_MS: i64 = 2 * 86_400_000;
/// Rows of usage that are folded at a time.
const FOLDED_ROWS_MAX: u32 = 1_000;
/// Time for what is still to be sent by remote write, when the server stops.
const FLUSH_WITHIN: Duration = Duration::from_secs(3);
/// Dead notifications kept.
const DEAD_KEPT_MAX: u32 = 10_000;
/// Delivered notifications kept.
const DELIVERED_KEPT_MAX: u32 = 10_000;

/// Why a server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the data directory {dir}: {source}")]
    DataDir { dir: String, source: std::io::Error },
    #[error(
        "another server uses the data directory {dir}: stop it, or give this one a directory of its own \
         with --data-dir"
    )]
    InUse { dir: String },
    #[error("cannot listen on {listen}: {source}; choose another address with --listen")]
    Listen {
        listen: std::net::SocketAddr,
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Http(#[from] HttpClientError),
    #[error(transparent)]
    SecretsKey(#[from] KeyError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("this program cannot find its own file: {0}")]
    Program(std::io::Error),
    #[error("the name of the default tenant is not allowed: {0}")]
    Tenant(wasmalert_core::id::NameError),
    #[error("the API stopped: {0}")]
    Serve(std::io::Error),
}

/// Runs a server until it is told to stop by an interrupt or a termination.
///
/// # Errors
/// Says why it did not start, and what to do.
pub async fn run(config: Config) -> Result<(), StartError> {
    init_log(&config);
    let data_dir = |source| StartError::DataDir {
        dir: config.data_dir.display().to_string(),
        source,
    };
    std::fs::create_dir_all(&config.data_dir).map_err(data_dir)?;
    let _lock = DirLock::take(&config.data_dir).map_err(|error| match error {
        LockError::InUse => StartError::InUse {
            dir: config.data_dir.display().to_string(),
        },
        LockError::Io(source) => data_dir(source),
    })?;
    let token = api_token(&config).map_err(data_dir)?;
    let access = Access::new(token, &config);
    let (audit, audit_queue) = Audit::new();
    let tls = config.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|source| StartError::Listen {
        listen: config.listen,
        source,
    })?;
    let address = listener.local_addr().map_err(StartError::Serve)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let own_url = format!("{scheme}://{address}");

    let (newsline, news) = mpsc::unbounded_channel();
    let (remote_write, to_send) = RemoteWrite::new();
    let host = host(config, &own_url, (newsline.clone(), remote_write), access, audit);
    let host = Arc::new(host.await?);
    let tenant = TenantId::new(TenantId::DEFAULT).map_err(StartError::Tenant)?;
    tenants::restore(&host, &tenant).await?;
    quarantine::restore(&host).await?;
    restore(&host).await?;
    host.start_scrapes().await?;

    let mut tasks = JoinSet::new();
    let sending = tokio::spawn(remote_write::send_forever(host.clone(), to_send));
    tasks.spawn(Scheduler::new(host.clone(), newsline, news).run());
    tasks.spawn(deliver_forever(host.clone()));
    tasks.spawn(prune_forever(host.clone()));
    tasks.spawn(access::touch_forever(host.clone()));
    tasks.spawn(access::fetch_keys_forever(host.clone(), tenant));
    tasks.spawn(access::write_forever(host.clone(), audit_queue));
    tasks.spawn(embedded::keep_forever(host.clone()));
    tasks.spawn(usage::write_forever(host.clone()));
    tasks.spawn(scrape::watch_files_forever(host.clone()));
    say(&format!(
        "wasmalert {} listening on {own_url}",
        env!("CARGO_PKG_VERSION")
    ));
    let app = api::router(host.clone());
    let served = match tls {
        None => api::serve(listener, app, told_to_stop()).await,
        Some(tls) => {
            tasks.spawn(tls::reload_forever(tls.clone(), host.metrics.clone()));
            let listener = TlsListener::new(listener, tls, host.metrics.clone());
            let listener = listener.map_err(StartError::Serve)?;
            api::serve(listener, app, told_to_stop()).await
        }
    };
    served.map_err(StartError::Serve)?;

    tasks.shutdown().await;
    remote_write::flush(&host, FLUSH_WITHIN).await;
    sending.abort();
    embedded::save(&host, Duration::ZERO).await;
    host.access.keys().touch(&host.store).await;
    usage::write(&host).await;
    host.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// Tells the person who started the server.
fn say(line: &str) {
    // A terminal that is gone does not stop a server.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn init_log(config: &Config) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // It is set already where a program starts several servers.
    let _ = if config.log_json {
        log.json().try_init()
    } else {
        log.try_init()
    };
}

fn api_token(config: &Config) -> std::io::Result<Token> {
    if let Some(token) = &config.token {
        return Ok(Token::new(token));
    }
    let (text, made) = token::read_or_make(&config.data_dir)?;
    if made {
        let path = config.data_dir.join(token::FILE_NAME);
        say(&format!(
            "the API's token, shown this once and kept in {}:\n  {text}",
            path.display()
        ));
    }
    Ok(Token::new(&text))
}

async fn host(
    config: Config,
    own_url: &str,
    (newsline, remote_write): (Newsline, RemoteWrite),
    access: Access,
    audit: Audit,
) -> Result<Host, StartError> {
    let metrics = Arc::new(Metrics::new(config.tenant_label));
    let clock = Clock;
    let threads = match config.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let keyring = Keyring::load(&config.secrets_key, &config.data_dir)?;
    let store = Store::open(&config.data_dir).await?;
    at_rest::seal_anew(&store, &keyring).await?;
    let sandbox = Sandbox::new(&SandboxConfig {
        instances: (threads as u32).saturating_mul(INSTANCES_PER_THREAD),
        memory_bytes_max: config.limits.memory_bytes,
        stack_bytes: config.limits.stack_bytes,
        ..SandboxConfig::default()
    })?;
    let artifacts =
        Artifacts::open(&config.data_dir.join("cwasm")).map_err(|source| StartError::DataDir {
            dir: config.data_dir.display().to_string(),
            source,
        })?;
    let program = std::env::current_exe().map_err(StartError::Program)?;
    let egress = Arc::new(Egress::new(config.egress.clone()));
    egress.restore(&store).await?;
    let http = HttpClient::new(egress, metrics.clone())?;
    let samples = config.samples.clone();
    let waiting_max = config.evaluation_queue;
    let sandboxes = Lanes::start(&Crew {
        name: "sandbox",
        threads,
        waiting_max,
        stack_bytes: HOST_STACK_BYTES + usize::try_from(config.limits.stack_bytes).unwrap_or(usize::MAX / 2),
        nice: 0,
        prepare: Sandbox::prepare_thread,
    });
    let samplers = Arc::new(Lanes::start(&Crew {
        name: "samples",
        threads,
        waiting_max,
        stack_bytes: HOST_STACK_BYTES,
        nice: 0,
        prepare: || {},
    }));
    let ledger = Arc::new(Ledger::default());
    let dir = config.data_dir.join("samples");
    let embedded = Arc::new(Embedded::new(samples, dir, samplers.clone(), ledger.clone()));
    embedded::restore(&embedded);
    let queries = QueryConfig {
        cache_bytes: config.query_cache_bytes,
        requests_max: config.query_concurrency,
        ..QueryConfig::default()
    };
    Ok(Host {
        clock,
        started_at_ms: clock.now_ms(),
        external: External {
            url: config.external_url.clone().unwrap_or_else(|| own_url.to_owned()),
            labels: config.external_labels.clone(),
        },
        access,
        tenants: Tenants::new(config.quotas.clone(), config.limits.clone()),
        audit,
        quarantine: Quarantine::default(),
        pauses: Pauses::default(),
        catalog: Catalog::new(keyring, config.signatures),
        sandboxes,
        evaluations: Turns::new(config.groups_at_once, usize::MAX),
        deliveries: Turns::new(config.delivery_concurrency, usize::MAX),
        registry: Registry::new(
            &config,
            program.clone(),
            sandbox,
            artifacts,
            store.clone(),
            metrics.clone(),
        ),
        schemas: SchemaChecker::new(program),
        store,
        queries: QueryEngine::new(
            http.clone(),
            embedded.clone(),
            samplers.clone(),
            &queries,
            metrics.clone(),
        ),
        http,
        embedded,
        remote_write,
        samplers,
        scrapes: Scrapes::new(config.targets_dir.clone()),
        groups: crate::live::LiveGroups::default(),
        logs: crate::logs::LogHub::default(),
        tenant_metrics: TenantMetrics::new(config.tenant_metric_series, metrics.clone()),
        ledger,
        metrics,
        outboxes: Wakes::default(),
        newsline,
        counting: tokio::sync::Mutex::default(),
        configuring: tokio::sync::Mutex::default(),
        config,
    })
}

/// Takes up where the last run of the server ended.
async fn restore(host: &Host) -> Result<(), StoreError> {
    for row in host.store.groups_of_all_tenants().await? {
        let row = match row {
            Ok(row) if host.tenants.is_there(&row.key.tenant) => row,
            Ok(row) => {
                tracing::error!(group = %row.key, "a stored group is of no tenant");
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "a stored group cannot be read");
                continue;
            }
        };
        let body: Result<GroupBody, _> = serde_json::from_str(&row.spec);
        let spec = body
            .map_err(|error| vec![error.to_string()])
            .and_then(|body| body.to_spec(&Limits::highest()));
        match spec {
            Ok(spec) => {
                if let Err(error) = groups::start(host, &row.key, spec, row.revision).await {
                    tracing::error!(group = %row.key, %error, "a stored group cannot be started");
                }
            }
            Err(errors) => tracing::error!(group = %row.key, ?errors, "a stored group cannot be started"),
        }
    }
    Ok(())
}

/// Removes what need not be kept any longer.
async fn prune_forever(host: Arc<Host>) {
    loop {
        tokio::time::sleep(PRUNE_EVERY).await;
        if let Err(error) = prune(&host).await {
            tracing::error!(%error, "old rows could not be removed");
        }
    }
}

async fn prune(host: &Host) -> Result<(), StoreError> {
    let now_ms = host.clock.now_ms();
    let (store, config) = (&host.store, &host.config);
    let before_ms = now_ms.saturating_sub(config.keep_evaluations_for_ms);
    store
        .prune_evaluations_of_all_tenants(before_ms, PRUNE_ROWS_MAX)
        .await?;
    let before_ms = now_ms.saturating_sub(config.keep_delivered_for_ms);
    let delivered = OutboxStatus::Delivered;
    store
        .prune_outbox_of_all_tenants(delivered, before_ms, DELIVERED_KEPT_MAX, PRUNE_ROWS_MAX)
        .await?;
    let before_ms = now_ms.saturating_sub(config.keep_audit_for_ms);
    store
        .prune_audit_of_all_tenants(before_ms, PRUNE_ROWS_MAX)
        .await?;
    let before_ms = now_ms.saturating_sub(RULE_USAGE_KEPT_MS);
    store
        .fold_usage_of_all_tenants(before_ms, FOLDED_ROWS_MAX)
        .await?;
    let before_ms = now_ms.saturating_sub(config.keep_usage_for_ms);
    store
        .prune_usage_of_all_tenants(before_ms, PRUNE_ROWS_MAX)
        .await?;
    // Dead notifications have no age: people look at them when they do.
    store
        .prune_outbox_of_all_tenants(OutboxStatus::Dead, i64::MIN, DEAD_KEPT_MAX, PRUNE_ROWS_MAX)
        .await?;
    Ok(())
}
