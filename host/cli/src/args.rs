//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use wasmalert_author::Language;
use wasmalert_core::evaluation::LogLevel;
use wasmalert_sandbox::World;
use wasmalert_server::egress::{Cidr, Destination};

use crate::command::apply::{Apply, Mode, Takes};
use crate::command::get::Kind;
use crate::command::serve::Flags;
use crate::document::Unsaid;
use crate::output::Format;

const EXAMPLES: &str = "\
Examples:
  wasmalert serve                         start a server on 127.0.0.1:8080
  wasmalert new disk --lang typescript    make a project for a rule
  wasmalert build                         build its component
  wasmalert dev                           build and test it again at each change
  wasmalert run build/disk.wasm --source http://127.0.0.1:9090
  wasmalert inspect rule.wasm             what a component is and needs, without a server
  wasmalert test alerts_test.yml          run the tests of rules, without a server
  wasmalert check alerts.yml              what is wrong with rule files
  wasmalert push rule.wasm                upload it; the same bytes give the same version
  wasmalert pull REGISTRY/REPOSITORY:TAG  have the server fetch it from an OCI registry
  wasmalert apply -f alerts/              set up sources, receivers and groups from files
  wasmalert diff -f alerts/               what that would change
  wasmalert history                       who has changed what, to be undone by `rollback`
  wasmalert get rules                     how every rule is doing
  wasmalert get alerts --state firing     what is wrong right now
  wasmalert get evaluations prod/node/Down
  wasmalert explain EVALUATION            why a rule said what it said
  wasmalert logs -f                       what rules and deliveries log, as it happens

The token is taken from --token, WASMALERT_TOKEN, or the file `token` in the data
directory (WASMALERT_DATA_DIR, else ./wasmalert-data).

Exit codes: 0 it worked, 1 the request failed, 2 the command line or a file is wrong.";

/// An alerting engine you program: rules are WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "wasmalert", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Talking to a server")]
pub(crate) struct Global {
    /// Where the server is.
    #[arg(
        long,
        global = true,
        env = "WASMALERT_URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) url: String,
    /// The bearer token.
    #[arg(long, global = true, env = "WASMALERT_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The tenant that the operator's token acts for [default: default].
    #[arg(long, global = true, env = "WASMALERT_TENANT")]
    pub(crate) tenant: Option<String>,
    /// File with the authorities to trust for https, in PEM, instead of the system's.
    #[arg(long, global = true, env = "WASMALERT_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// File with the certificate to show to a server that asks for one, in PEM.
    #[arg(long, global = true, env = "WASMALERT_CLIENT_CERT", value_name = "FILE")]
    pub(crate) client_cert: Option<PathBuf>,
    /// File with the private key of that certificate, in PEM.
    #[arg(long, global = true, env = "WASMALERT_CLIENT_KEY", value_name = "FILE")]
    pub(crate) client_key: Option<PathBuf>,
    /// Tables for people, or JSON for programs; JUnit XML of `test`.
    #[arg(long, global = true, value_enum, default_value = "table", value_name = "FORM")]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server.
    Serve(Flags),
    /// Compile a component under limits. The server starts this by itself.
    #[command(hide = true)]
    CompileWorker,
    /// Make a project: a rule or a notifier in a language of your choice, with tests.
    #[command(after_help = crate::command::project::NEW_EXAMPLES)]
    New {
        /// The folder to make, whose name is that of the component.
        #[arg(value_name = "NAME")]
        dir: PathBuf,
        /// What it is written in.
        #[arg(long = "lang", value_name = "LANGUAGE", value_parser = language())]
        language: Language,
        /// What it is.
        #[arg(long, value_name = "KIND", value_parser = kind(), default_value = "rule")]
        kind: World,
    },
    /// Build the component of a project.
    #[command(after_help = crate::command::project::BUILD_HELP)]
    Build {
        /// The project's folder.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Build, test and preview a project whenever one of its files changes.
    #[command(after_help = crate::command::dev::HELP)]
    Dev(Dev),
    /// Evaluate a rule once, now, against a source. Needs no server.
    #[command(after_help = crate::command::run::HELP)]
    Run(Run),
    /// Upload a component: a rule or a notifier.
    #[command(after_help = PUSH_EXAMPLES)]
    Push(Push),
    /// Make a version of a module the one that rules and receivers which name none run.
    #[command(after_help = PROMOTE_EXAMPLES)]
    Promote {
        /// The module.
        name: String,
        /// The version, as `get modules NAME` shows it; an older one undoes what came after it.
        version: u32,
    },
    /// Have the server fetch a component from an OCI registry.
    #[command(after_help = PULL_EXAMPLES)]
    Pull(Pull),
    /// Say whose signatures of modules are trusted, and whether there must be one.
    #[command(subcommand, after_help = crate::command::signer::HOW)]
    Signer(Signer),
    /// Show what a component is, what it imports and which limits will hold. Needs no server.
    Inspect {
        /// The component, or a core module that carries its component type.
        file: PathBuf,
    },
    /// Run the tests of rules in simulated time. Needs no server.
    #[command(after_help = crate::command::test::FORMAT)]
    Test {
        /// Test files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Only the tests whose names this regular expression matches.
        #[arg(long, value_name = "REGEX")]
        run: Option<String>,
    },
    /// Tell what is wrong with rule files, test files and settings. Needs no server.
    #[command(after_help = crate::command::check::FORMAT)]
    Check {
        /// Files of rules, documents, tests or settings, or folders with .yaml, .yml and .json files.
        #[arg(required = true, value_name = "FILE|DIR")]
        files: Vec<PathBuf>,
    },
    /// Set up what files describe: modules, secrets, sources, scrapes, receivers and groups.
    #[command(after_help = crate::command::apply::FORMAT)]
    Apply {
        /// A .yaml, .yml or .json file, a folder of them, or - for standard input. May be repeated.
        #[arg(short, long = "file", required = true, value_name = "FILE|DIR|-")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        change: Change,
    },
    /// Set up the groups of Prometheus' rule files.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import {
        /// Rule files, PrometheusRule resources, folders of them, or - for standard input.
        #[arg(required = true, value_name = "FILE|DIR|-")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        change: Change,
    },
    /// Show what `apply` of files would change, line by line.
    #[command(after_help = "Example:\n  wasmalert diff -f alerts/ --prune")]
    Diff {
        /// As `apply` takes them. May be repeated.
        #[arg(short, long = "file", required = true, value_name = "FILE|DIR|-")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        unsaid: OfRuleFiles,
        /// With what --prune of `apply` would delete.
        #[arg(long)]
        prune: bool,
        /// Exit with 1 where anything differs.
        #[arg(long)]
        exit_code: bool,
    },
    /// Show who has changed the configuration, when, from where and how.
    #[command(
        after_help = "Examples:\n  wasmalert history                       the last changes\n  wasmalert history 12                    one of them, line by line"
    )]
    History {
        /// One change, line by line.
        revision: Option<i64>,
        /// Changes at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Go back to what the configuration was at a revision, as a change of its own.
    #[command(
        after_help = "Sources, scrapes, receivers, groups and promoted versions go back. Secrets, the code of modules and the\nstate of rules that were deleted do not.\n\nExamples:\n  wasmalert history\n  wasmalert rollback 12 --dry-run"
    )]
    Rollback {
        /// Everything that was changed after it becomes what it was then.
        revision: i64,
        /// Only show what would change.
        #[arg(long)]
        dry_run: bool,
    },
    /// List what is there, or show one thing.
    #[command(subcommand)]
    Get(Kind),
    /// Delete something.
    #[command(subcommand)]
    Delete(Target),
    /// Make a tenant, or a key of the API.
    #[command(subcommand)]
    Create(Create),
    /// Set where requests for a tenant may go.
    #[command(subcommand)]
    Set(Set),
    /// Write out what is kept, as JSON lines.
    #[command(subcommand)]
    Export(Export),
    /// Stop a tenant, or a module whoever has it, without losing anything. For the operator.
    #[command(subcommand, after_help = QUARANTINE_EXAMPLES)]
    Quarantine(Quarantine),
    /// Let a tenant or a module go on that is in quarantine. For the operator.
    #[command(subcommand)]
    Release(Release),
    /// Pause a rule, a group, a namespace, or all rules of the tenant.
    #[command(after_help = PAUSE_EXAMPLES)]
    Pause {
        /// NAMESPACE[/GROUP[/RULE]], or apart where a name has a slash in it [default: all rules of the tenant].
        #[arg(num_args = 0..=3, value_name = "NAMESPACE/GROUP/RULE")]
        name: Vec<String>,
        /// For people.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// End a pause.
    #[command(after_help = PAUSE_EXAMPLES)]
    Resume {
        /// As it was given to `pause`.
        #[arg(num_args = 0..=3, value_name = "NAMESPACE/GROUP/RULE")]
        name: Vec<String>,
    },
    /// Exchange a key of the API for a new one.
    Rotate {
        /// As `get keys` shows it.
        key: String,
        /// How long the old key is good for yet.
        #[arg(long, value_name = "DURATION", default_value = "0s")]
        overlap: String,
    },
    /// Keep secrets that receivers and sources use.
    #[command(subcommand)]
    Secret(Secret),
    /// Try a notification again.
    Retry {
        /// As `get notifications` shows it.
        notification: String,
    },
    /// Print what rules, notifiers and deliveries log.
    Logs(Logs),
    /// Tell what happened in one evaluation, and why.
    Explain {
        /// As `get evaluations` shows it.
        evaluation: String,
    },
}

const IMPORT_EXAMPLES: &str = "\
Rules are taken over as they are, and evaluated by the module `prometheus`: groups, interval,
query_offset, limit, labels; alert, record, expr, for, keep_firing_for, labels and annotations with
their templates. Everything is read first: when anything is wrong every error is shown with its file
and line, and nothing is sent. What is there already under the same namespace and name is replaced,
and rules of the same name keep their alerts. `wasmalert apply` takes such files too.

Examples:
  wasmalert import rules/ --source prom --receiver am
  wasmalert import rules/ --source prom --restore-for-state    alerts that wait go on waiting from where they are
  wasmalert import node.yml --namespace prod
  kubectl get prometheusrules -A -o yaml | wasmalert import -";

const PUSH_EXAMPLES: &str = "\
The first version of a module is what rules and receivers run that name none. A later one waits until
it is promoted: with --promote, or by `wasmalert promote`.

Examples:
  wasmalert push rule.wasm
  wasmalert push rule.wasm --promote
  wasmalert push rule.wasm --name disk --signature rule.wasm.minisig
  wasmalert signer --help                 how modules are signed";

const PROMOTE_EXAMPLES: &str = "\
Rules keep their alerts, state and timers. Those that name a version stay with it.

Examples:
  wasmalert get modules disk
  wasmalert promote disk 2";

const PULL_EXAMPLES: &str = "\
The request goes out from the server, where the tenant's policy of egress allows.

Examples:
  wasmalert pull registry.example.com/rules/disk:1.2
  wasmalert pull registry.example.com/rules/disk@sha256:0123… --signature disk.wasm.minisig
  wasmalert secret set registry --host registry.example.com < password.txt
  wasmalert pull registry.example.com/rules/disk:1.2 --username ci --password-secret registry";

const PAUSE_EXAMPLES: &str = "\
What is paused is not evaluated. Its alerts, state and timers stay as they are, and receivers hear nothing:
one that forgets what it does not hear again, such as Alertmanager, takes firing alerts for resolved after a while.

Examples:
  wasmalert pause prod/node/Down --reason 'the sensor is being replaced'
  wasmalert pause prod
  wasmalert get pauses
  wasmalert resume prod/node/Down";

const QUARANTINE_EXAMPLES: &str = "\
Examples:
  wasmalert quarantine tenant acme --reason 'floods its receivers; write to ops@example.com'
  wasmalert quarantine module sha256:0123… --reason 'mines coins'
  wasmalert get quarantine
  wasmalert release tenant acme";

#[derive(Debug, Subcommand)]
pub(crate) enum Quarantine {
    /// Nothing of it is evaluated, scraped or delivered any more, and its keys are refused.
    Tenant {
        name: String,
        /// The tenant and its receivers read it.
        #[arg(long)]
        reason: String,
    },
    /// Its rules fail and keep their alerts, its notifications wait, its bytes are refused.
    Module {
        /// As `get modules NAME` shows it.
        #[arg(value_name = "sha256:DIGEST")]
        digest: String,
        /// Tenants who have it, and their receivers, read it.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Release {
    /// With everything as it was left.
    Tenant { name: String },
    /// By its digest.
    Module {
        #[arg(value_name = "sha256:DIGEST")]
        digest: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// The project's folder.
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
    /// What the preview asks: the base URL of anything that serves the Prometheus API. May be repeated.
    #[arg(long = "source", value_name = "[NAME=]URL")]
    pub(crate) sources: Vec<String>,
    /// Sent with every request to a source. May be repeated.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// Once, and not again at the next change.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The component, or a core module that carries its component type.
    pub(crate) file: PathBuf,
    /// Where queries go: the base URL of anything that serves the Prometheus API. May be repeated.
    #[arg(long = "source", value_name = "[NAME=]URL")]
    pub(crate) sources: Vec<String>,
    /// Sent with every request to a source. May be repeated.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// The rule's configuration as JSON, or the file that has it.
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}")]
    pub(crate) config: String,
    /// The slot: a time such as 2026-01-31T00:00:00Z, or so long ago, such as 1h [default: now].
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// The group's interval.
    #[arg(long, value_name = "DURATION", default_value = "1m")]
    pub(crate) interval: String,
    /// A label of the rule. May be repeated.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) labels: Vec<(String, String)>,
}

/// How files are applied.
#[derive(Debug, Args)]
pub(crate) struct Change {
    #[command(flatten)]
    unsaid: OfRuleFiles,
    /// Delete what the files do not describe, of the kinds that they have.
    #[arg(long)]
    prune: bool,
    /// Check everything and tell what would change; nothing changes.
    #[arg(long)]
    dry_run: bool,
}

impl Change {
    pub(crate) fn wanted<'a>(&self, files: &'a [PathBuf], takes: Takes) -> Apply<'a> {
        Apply {
            files,
            unsaid: (&self.unsaid).into(),
            takes,
            prune: self.prune,
            mode: if self.dry_run { Mode::DryRun } else { Mode::Apply },
        }
    }
}

/// What rule files of Prometheus do not say.
#[derive(Debug, Args)]
pub(crate) struct OfRuleFiles {
    /// The namespace of groups of Prometheus' rule files [default: the file's name, or that of the resource].
    #[arg(long)]
    pub(crate) namespace: Option<String>,
    /// The source that rules of Prometheus' rule files ask [default: the one called default].
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// A receiver of what they tell [default: the one called default]. May be repeated.
    #[arg(long = "receiver", value_name = "NAME")]
    pub(crate) receivers: Vec<String>,
    /// Alerts of Prometheus' rule files go on since when their source has them (ALERTS_FOR_STATE): once, at the first
    /// evaluation of each rule.
    #[arg(long)]
    pub(crate) restore_for_state: bool,
}

impl From<&OfRuleFiles> for Unsaid {
    fn from(given: &OfRuleFiles) -> Self {
        Self {
            namespace: given.namespace.clone(),
            source: given.source.clone(),
            receivers: given.receivers.clone(),
            restore_for_state: given.restore_for_state,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The component, or a core module that carries its component type.
    pub(crate) file: PathBuf,
    /// What to call it [default: the file's name without .wasm].
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Its signature, as `minisign -Sm FILE` makes it.
    #[arg(long, value_name = "FILE.minisig")]
    pub(crate) signature: Option<PathBuf>,
    /// Have rules and receivers that name no version run it, from their next slot on.
    #[arg(long)]
    pub(crate) promote: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST.
    pub(crate) reference: String,
    /// What to call it [default: the last part of the repository's name].
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The digest that the manifest must have.
    #[arg(long, value_name = "sha256:DIGEST")]
    pub(crate) digest: Option<String>,
    /// Who asks; with --password-secret.
    #[arg(long, requires = "password_secret")]
    pub(crate) username: Option<String>,
    /// Name of the secret that is the password; it must be bound to the registry's hosts.
    #[arg(long, value_name = "NAME", requires = "username")]
    pub(crate) password_secret: Option<String>,
    /// Talk http to the registry, not https.
    #[arg(long)]
    pub(crate) plain_http: bool,
    /// Have rules and receivers that name no version run it, from their next slot on.
    #[arg(long)]
    pub(crate) promote: bool,
    /// The module's signature, as `minisign -Sm FILE` makes it.
    #[arg(long, value_name = "FILE.minisig")]
    pub(crate) signature: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Signer {
    /// Trust the signatures of a key.
    #[command(after_help = "Example:\n  wasmalert signer set release release.pub")]
    Set {
        name: String,
        /// The public key, as `minisign -G` makes it.
        #[arg(value_name = "FILE.pub")]
        file: PathBuf,
    },
    /// Say what becomes of modules without the signature of a signer.
    #[command(after_help = "off takes them, warn takes them with a warning, require refuses them.")]
    Policy {
        #[arg(value_parser = ["off", "warn", "require"])]
        policy: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Target {
    /// A module with all its versions, or one of them.
    Module {
        name: String,
        /// Only this version.
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// A source of query results.
    Source { name: String },
    /// What is scraped into the embedded source.
    Scrape { name: String },
    /// A receiver of notifications.
    Receiver { name: String },
    /// A secret.
    Secret { name: String },
    /// A key that signs modules: it is not trusted any more.
    Signer { name: String },
    /// A key of the API.
    Key {
        /// As `get keys` shows it.
        id: String,
    },
    /// A tenant with all that it has. For the operator.
    Tenant { name: String },
    /// A tenant's own policy of where requests may go; the server's default holds then.
    /// For the operator.
    Egress {
        /// The tenant.
        name: String,
    },
    /// A group with its rules and their alerts.
    Group {
        /// NAMESPACE/GROUP, or the two apart where a name has a slash in it.
        #[arg(required = true, num_args = 1..=2, value_name = "NAMESPACE/GROUP")]
        name: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Create {
    /// A tenant, with the stock modules and nothing else; or all that is configured of one. For the operator.
    #[command(
        after_help = "Example:\n  wasmalert create tenant acme --title 'ACME Inc.' --quota rules=100 --limit fuel=50000000\n  wasmalert --tenant acme create key --scope admin"
    )]
    Tenant {
        name: String,
        /// For people.
        #[arg(long, default_value = "")]
        title: String,
        /// What it may have, by the names of `get limits`. May be repeated.
        #[arg(long = "quota", value_name = "NAME=NUMBER", value_parser = quota)]
        quotas: Vec<(String, u64)>,
        /// What one evaluation of its rules may use, by the names of docs/limits.md, where that is
        /// less than the server's limit. May be repeated.
        #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = quota)]
        limits: Vec<(String, u64)>,
        /// How much more processor time it gets than a tenant of weight 1.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        weight: u32,
    },
    /// A key of the API. It is printed, this once.
    Key {
        /// What the key may do. May be repeated; write and deploy include read, admin all.
        #[arg(long = "scope", required = true, value_parser = ["read", "write", "deploy", "admin"])]
        scopes: Vec<String>,
        /// What it is for.
        #[arg(long, default_value = "")]
        title: String,
        /// When it ends, such as 90d; without it, when it is deleted.
        #[arg(long, value_name = "DURATION")]
        expires_in: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Set {
    /// Where requests for a tenant may go, from its next one on. For the operator.
    #[command(
        after_help = "Example:\n  wasmalert set egress acme --allow 'https://*.example.com:443' --allow prometheus.corp --private 10.1.0.0/16"
    )]
    Egress {
        /// The tenant.
        name: String,
        /// A host, *.NAME or *, with http:// or https:// before it and a port behind it where
        /// that matters. May be repeated; all others are refused.
        #[arg(long, value_name = "DESTINATION", required_unless_present = "nothing")]
        allow: Vec<Destination>,
        /// A private, loopback or other special network that may be reached. May be repeated.
        #[arg(long, value_name = "NETWORK")]
        private: Vec<Cidr>,
        /// No request at all.
        #[arg(long, conflicts_with_all = ["allow", "private"])]
        nothing: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// The audit log of all tenants, and calls that were turned away; the oldest first. For the operator.
    #[command(after_help = "Example:\n  wasmalert export audit --since 7d > audit.jsonl")]
    Audit {
        /// A time such as 2026-01-31T00:00:00Z, or so long ago, such as 7d [default: all there is].
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Up to that time, itself not included [default: now].
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Set a secret to what standard input holds, without a newline at its end.
    #[command(
        after_help = "Example:\n  wasmalert secret set slack-url --host hooks.slack.com < slack-url.txt"
    )]
    Set {
        name: String,
        /// Where it may be sent: NAME, *.NAME or an address, with a port or for all ports.
        /// Repeat it for more; without it, anywhere.
        #[arg(long = "host")]
        hosts: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Go on printing as more is logged; reconnects when the server went away.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only of this namespace.
    #[arg(long)]
    pub(crate) namespace: Option<String>,
    /// Only of this group.
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Only of this rule.
    #[arg(long)]
    pub(crate) rule: Option<String>,
    /// Only of this level and above.
    #[arg(long, value_parser = PossibleValuesParser::new(LogLevel::ALL.map(LogLevel::as_str)))]
    pub(crate) level: Option<String>,
}

/// Reads `NAME=VALUE`.
fn label(given: &str) -> Result<(String, String), String> {
    let (name, value) = given.split_once('=').ok_or("it is not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn language() -> impl TypedValueParser<Value = Language> {
    let ids = PossibleValuesParser::new(Language::ALL.map(Language::id));
    ids.try_map(|id| Language::parse(&id).ok_or("there is no such language"))
}

fn kind() -> impl TypedValueParser<Value = World> {
    let kinds = PossibleValuesParser::new(World::ALL.map(World::as_str));
    kinds.try_map(|kind| World::parse(&kind).ok_or("there is no such kind"))
}

/// Reads `NAME=NUMBER`.
fn quota(given: &str) -> Result<(String, u64), String> {
    let (name, number) = given.split_once('=').ok_or("it is not NAME=NUMBER")?;
    let number = number
        .parse()
        .map_err(|_| format!("{number:?} is not a whole number"))?;
    Ok((name.to_owned(), number))
}

/// Splits `NAMESPACE[/GROUP[/RULE]]`, or takes the names apart as they were given, each with what it names.
pub(crate) fn scope(given: &[String]) -> Result<Vec<(&'static str, &str)>, crate::error::Error> {
    let parts: Vec<&str> = match given {
        [joined] => joined.split('/').collect(),
        apart => apart.iter().map(String::as_str).collect(),
    };
    if parts.len() > 3 || parts.contains(&"") {
        return Err(crate::error::Error::Usage(format!(
            "{:?} is not NAMESPACE[/GROUP[/RULE]]; where a name has a slash in it, give them apart",
            given.join(" ")
        )));
    }
    Ok(["namespace", "group", "rule"].into_iter().zip(parts).collect())
}

/// Splits `NAMESPACE/GROUP[/RULE]` into its `N` names, or takes them apart as
/// they were given.
pub(crate) fn names<const N: usize>(given: &[String]) -> Result<[&str; N], crate::error::Error> {
    let parts: Vec<&str> = match given {
        [joined] => joined.split('/').collect(),
        apart => apart.iter().map(String::as_str).collect(),
    };
    parts.try_into().map_err(|_| {
        let form = ["NAMESPACE", "GROUP", "RULE"][..N].join("/");
        let apart = ["NAMESPACE", "GROUP", "RULE"][..N].join(" ");
        crate::error::Error::Usage(format!(
            "{:?} is not {form}; where a name has a slash in it, give them apart: {apart}",
            given.join(" ")
        ))
    })
}
