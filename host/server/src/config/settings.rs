//! The table of settings: names, defaults, units and what they are for.

use std::sync::LazyLock;

use wasmalert_core::limits::Limits;
use wasmalert_core::quota::Quotas;

/// One setting, as `--help` and the docs show it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub name: &'static str,
    /// Name of the environment variable.
    pub env: &'static str,
    /// As it would be written; empty when there is none.
    pub default: &'static str,
    pub unit: &'static str,
    pub doc: &'static str,
}

const PLAIN: &[(&str, &str, &str, &str)] = &[
    (
        "listen",
        "127.0.0.1:8080",
        "address:port",
        "Where the API listens; port 0 takes a free one",
    ),
    ("data_dir", "wasmalert-data", "path", "Where everything is kept"),
    (
        "token",
        "",
        "text",
        "Bearer token of the API, at least 16 characters; without it one is made at the first start, printed \
         once and kept in the data directory",
    ),
    (
        "external_url",
        "",
        "URL",
        "Where people reach this server, for links in notifications; http://LISTEN, or https://LISTEN with TLS, \
         without it",
    ),
    (
        "external_labels",
        "",
        "NAME=VALUE, …",
        "Labels of this installation, such as cluster=eu: receivers get them with every alert that has none of that \
         name, and templates know them as $externalLabels",
    ),
    (
        "ruler_prefix",
        "/ruler",
        "path",
        "Before /api/v1/rules, where cortextool finds the ruler's configuration; there is no such path without it, \
         since /api/v1/rules is Prometheus'",
    ),
    (
        "stock_components",
        "true",
        "true or false",
        "Upload the stock components that are missing, and newer versions of them",
    ),
    (
        "threads",
        "0",
        "threads",
        "Threads that evaluate; 0 takes one for each core",
    ),
    (
        "evaluation_queue",
        "16384",
        "runs",
        "Runs that may wait for a thread; more fail as overloaded",
    ),
    (
        "groups_at_once",
        "1024",
        "groups",
        "Groups that are evaluated at the same time",
    ),
    (
        "component_cache_bytes",
        "536870912",
        "bytes",
        "Loaded components kept in memory, by size of code",
    ),
    (
        "query_cache_bytes",
        "268435456",
        "bytes",
        "Query results kept for rules that ask the same",
    ),
    (
        "query_concurrency",
        "1024",
        "queries",
        "Queries under way at the same time",
    ),
    (
        "retention",
        "15d",
        "duration",
        "How long the embedded source keeps samples; 0 keeps all, and takes samples of any age",
    ),
    (
        "out_of_order",
        "10m",
        "duration",
        "How much older than the newest of its series a sample may be; any age where retention is 0",
    ),
    (
        "targets_dir",
        "",
        "path",
        "Folder with a folder for each tenant, where scrapes find their target files; none are read without it",
    ),
    (
        "compile_memory_bytes",
        "2147483648",
        "bytes",
        "Address space of the compiler's process",
    ),
    (
        "compile_cpu_seconds",
        "60",
        "seconds",
        "CPU time of the compiler's process",
    ),
    (
        "compile_wall",
        "60s",
        "duration",
        "Wall time of the compiler's process",
    ),
    (
        "module_bytes",
        "33554432",
        "bytes",
        "The largest module that is taken",
    ),
    (
        "resend_delay",
        "1m",
        "duration",
        "How often a firing alert is sent again to receivers that ask for it",
    ),
    (
        "resolved_retention",
        "15m",
        "duration",
        "How long a resolved alert stays visible",
    ),
    (
        "pause_after",
        "5",
        "evaluations",
        "A rule that has gone over a limit so many times in a row is paused, for a minute at first; 0 never pauses",
    ),
    (
        "pause_max",
        "1h",
        "duration",
        "The longest pause; each is twice as long as the one before",
    ),
    (
        "keep_evaluations",
        "50",
        "evaluations",
        "Journals kept for each rule",
    ),
    (
        "keep_evaluations_for",
        "1d",
        "duration",
        "Journals older than this are removed",
    ),
    (
        "journal_bytes",
        "262144",
        "bytes",
        "The largest journal that is kept whole; larger ones lose samples",
    ),
    (
        "delivery_concurrency",
        "256",
        "notifications",
        "Notifications under way at the same time",
    ),
    (
        "delivery_timeout",
        "10s",
        "duration",
        "Wall time of one request of a notification",
    ),
    (
        "delivery_max_age",
        "1d",
        "duration",
        "An undelivered notification older than this is dead",
    ),
    (
        "keep_delivered_for",
        "1d",
        "duration",
        "Delivered notifications are listed this long",
    ),
    (
        "egress_allow",
        "*",
        "destinations",
        "Where requests for tenants may go, separated by commas, each a host, *.NAME or *, with http:// or \
         https:// before it and a port behind it where that matters; a tenant's own policy takes its place",
    ),
    (
        "egress_private",
        "",
        "networks",
        "Private, loopback and other special networks that tenants may reach, such as 10.1.0.0/16, separated by \
         commas; the tenant default may reach all",
    ),
    (
        "signatures",
        "off",
        "off, warn or require",
        "What becomes of uploaded modules without the signature of a signer: they are taken, taken with a warning, or \
         refused; a tenant may be stricter and not looser",
    ),
    (
        "secrets_key_file",
        "",
        "path",
        "File with the keys that secrets are stored under, one a line, 32 bytes in base64: the first seals, all \
         open; without it one is made in the data directory",
    ),
    (
        "secrets_key",
        "",
        "text",
        "The same keys, separated by commas, instead of a file; give it in the environment, where other users do \
         not see it",
    ),
    (
        "tenant_metric_series",
        "10000",
        "series",
        "Series of rules' own metrics kept for each tenant",
    ),
    (
        "tenant_label",
        "true",
        "true or false",
        "Whether the host's own metrics carry the tenant",
    ),
    (
        "key_calls_per_second",
        "100",
        "calls",
        "Calls of the API that one key may make in a second; ten seconds' worth may come at once",
    ),
    (
        "tls_cert_file",
        "",
        "path",
        "File with the server's certificate and those between it and its authority, in PEM: the API speaks TLS \
         then, and no HTTP without; read again when it changes",
    ),
    (
        "tls_key_file",
        "",
        "path",
        "File with the private key of the certificate, in PEM; read again when it changes",
    ),
    (
        "tls_client_ca_file",
        "",
        "path",
        "File with the authorities, in PEM, that have signed the certificates of clients; without it none are \
         asked for; read again when it changes",
    ),
    (
        "tls_client_required",
        "true",
        "true or false",
        "Whether, where tls_client_ca_file is set, a client without a certificate is refused",
    ),
    (
        "oidc_issuer",
        "",
        "URL",
        "Issuer of OpenID Connect whose tokens are taken beside keys, as their claim iss has it; https, but on \
         loopback",
    ),
    (
        "oidc_audience",
        "",
        "text",
        "What the claim aud of a token has to be or to have among others",
    ),
    (
        "oidc_jwks_url",
        "",
        "URL",
        "Where the issuer's keys are; without it the issuer tells, at /.well-known/openid-configuration",
    ),
    (
        "oidc_tenant_claim",
        "tenant",
        "claim",
        "The claim that names the tenant; dots lead into a claim within others",
    ),
    (
        "oidc_role_claim",
        "roles",
        "claim",
        "The claim with the caller's roles: a list of texts, or a text with spaces; dots lead into a claim within \
         others",
    ),
    (
        "oidc_roles",
        "",
        "roles",
        "What roles may do: ROLE=SCOPE, separated by commas, where SCOPE is read, write, deploy or admin; who has \
         none of them is turned away",
    ),
    (
        "oidc_operator_role",
        "",
        "role",
        "The role that makes a caller the operator, for all tenants; without it no token does",
    ),
    (
        "proxy_networks",
        "",
        "networks",
        "Networks of proxies that are believed, such as 10.1.0.0/16, separated by commas: X-Scope-OrgID names the \
         tenant of a call without Authorization, and X-Forwarded-For says where a call comes from",
    ),
    (
        "proxy_scopes",
        "read,write,deploy",
        "scopes",
        "What calls may do that such a proxy brings without Authorization",
    ),
    (
        "keep_audit_for",
        "365d",
        "duration",
        "Entries of the audit log older than this are removed",
    ),
    (
        "keep_usage_for",
        "400d",
        "duration",
        "What tenants have used is kept this long; by rule for two days",
    ),
    (
        "log",
        "info",
        "filter",
        "What is logged: error, warn, info, debug, or a filter such as wasmalert_server=debug",
    ),
    ("log_format", "text", "text or json", "How it is logged"),
];

/// Every setting there is: the plain ones, then `limit_…` for each limit and `quota_…` for each quota.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let plain = PLAIN.iter().map(|&(name, default, unit, doc)| Setting {
        name,
        env: leak(format!("WASMALERT_{}", name.to_uppercase())),
        default,
        unit,
        doc,
    });
    let limits = Limits::TABLE.iter().map(|info| Setting {
        name: leak(format!("limit_{}", info.name)),
        env: leak(format!("WASMALERT_LIMIT_{}", info.name.to_uppercase())),
        default: leak(info.default.to_string()),
        unit: info.unit,
        doc: info.doc.trim(),
    });
    let quotas = Quotas::TABLE.iter().map(|info| Setting {
        name: leak(format!("quota_{}", info.name)),
        env: leak(format!("WASMALERT_QUOTA_{}", info.name.to_uppercase())),
        default: leak(info.default.to_string()),
        unit: info.unit,
        doc: info.doc.trim(),
    });
    plain.chain(limits).chain(quotas).collect()
});

/// Makes a text of the table of settings live as long as the table: for ever.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
