//! `serve`: settings from a file, the environment and flags; then the server.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, FromArgMatches, value_parser};
use wasmalert_server::config::{SETTINGS, Setting, StockModule};

use crate::Io;
use crate::error::Error;
use crate::output::Format;

/// The components built into this binary, by name.
pub(crate) static STOCK: &[StockModule] = include!(concat!(env!("OUT_DIR"), "/stock.rs"));

const HELP: &str = "\
Each setting is taken from its flag, else its environment variable, else the file,
else its default. Every setting that is wrong is reported at once.

Examples:
  wasmalert serve
  wasmalert serve --listen 0.0.0.0:8080 --data-dir /var/lib/wasmalert
  wasmalert serve --config wasmalert.toml";

/// The flags of `serve`: one for each of the server's settings.
#[derive(Debug)]
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    /// What was given on the command line, by the setting's name.
    pub(crate) values: BTreeMap<String, String>,
}

impl Args for Flags {
    fn augment_args(command: clap::Command) -> clap::Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("File with settings, in TOML");
        // They talk to a server and mean nothing here: these hide them from the help.
        let url = Arg::new("url").long("url").hide(true);
        let file = |id: &'static str| Arg::new(id).hide(true).value_parser(value_parser!(PathBuf));
        let ca_file = file("ca_file").long("ca-file");
        let client_cert = file("client_cert").long("client-cert");
        let client_key = file("client_key").long("client-key");
        let output = Arg::new("output")
            .long("output")
            .value_parser(value_parser!(Format))
            .hide(true);
        command
            .after_help(HELP)
            .args([config, url, output, ca_file, client_cert, client_key])
            .args(SETTINGS.iter().map(flag))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// The flag of a setting. Where a global flag has its name, such as `--token`,
/// this one takes its place.
fn flag(setting: &Setting) -> Arg {
    let heading = match setting.name.split_once('_') {
        Some(("limit", _)) => "Limits of one evaluation",
        Some(("quota", _)) => "What a tenant may have",
        _ => "Settings",
    };
    Arg::new(setting.name)
        .long(setting.name.replace('_', "-"))
        .value_name("VALUE")
        .help_heading(heading)
        .help(help(setting))
}

fn help(setting: &Setting) -> String {
    let mut help = format!("{} [env: {}]", setting.doc.trim(), setting.env);
    if !setting.default.is_empty() {
        help += &format!(" [default: {}]", setting.default);
    }
    if !setting.unit.is_empty() {
        help += &format!(" [{}]", setting.unit);
    }
    help
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        // The server reads the environment itself: only what was typed counts here.
        let typed = |name| matches.value_source(name) == Some(ValueSource::CommandLine);
        let values = SETTINGS
            .iter()
            .filter(|setting| typed(setting.name))
            .filter_map(|setting| Some((setting.name, matches.get_one::<String>(setting.name)?)))
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        Ok(Self {
            config: matches.get_one::<PathBuf>("config").cloned(),
            values,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(crate) fn serve(flags: &Flags, io: &mut Io<'_>) -> Result<(), Error> {
    let loaded = wasmalert_server::config::load(flags.config.as_deref(), &environment, &flags.values);
    let mut config = loaded.map_err(|errors| Error::Usage(format!("settings are wrong:\n{errors}")))?;
    config.stock = STOCK;
    io.out.flush()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(wasmalert_server::run(config));
    ended.map_err(|error| Error::Failed(error.to_string()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server's config decides which variables are read"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests;
