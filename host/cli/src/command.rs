//! The commands, one file each.

mod access;
pub(crate) mod apply;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod dev;
pub(crate) mod diff;
mod explain;
mod export;
pub(crate) mod get;
mod inspect;
mod logs;
pub(crate) mod project;
mod pull;
mod push;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod signer;
pub(crate) mod test;

use std::path::{Path, PathBuf};
use std::{fs, io};

use wasmalert_rulefile::read_at_most;

use self::apply::{Apply, Mode, Takes};
use crate::Io;
use crate::args::{Cli, Command, Global};
use crate::client::{Client, Trust};
use crate::error::Error;
use crate::output::Format;

/// The largest component that is read from a file.
const WASM_BYTES_MAX: u64 = 256 << 20;
/// The largest file of minisign that is read.
const MINISIGN_BYTES_MAX: u64 = 4_096;
/// The longest token that is read from a file.
const TOKEN_BYTES_MAX: u64 = 4_096;
/// The largest file of certificates.
const PEM_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn run(cli: Cli, io: &mut Io<'_>) -> Result<(), Error> {
    let format = cli.global.output;
    if format == Format::Junit && !matches!(cli.command, Command::Test { .. }) {
        return Err(Error::Usage("--output junit is for `wasmalert test`".into()));
    }
    match &cli.command {
        Command::Serve(flags) => return serve::serve(flags, io),
        Command::New { dir, language, kind } => return project::new(dir, *language, *kind, format, io),
        Command::Dev(wanted) => return dev::dev(wanted, io),
        Command::Run(wanted) => return run::run(wanted, format, io),
        Command::Build { dir } => return project::build(dir, format, io),
        Command::Inspect { file } => return inspect::inspect(file, format, io),
        Command::Test { files, run } => return test::test(files, run.as_deref(), format, io),
        Command::Check { files } => return check::check(files, io),
        Command::CompileWorker => {
            return Err(Error::Usage(
                "compile-worker is started by the server, as the first argument".into(),
            ));
        }
        _ => {}
    }
    let client = connect(&cli.global)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Push(push) => push::push(&client, &push, format, io).await,
            Command::Promote { name, version } => push::promote(&client, &name, version, format, io).await,
            Command::Pull(pull) => pull::pull(&client, &pull, format, io).await,
            Command::Signer(signer) => signer::signer(&client, &signer, format, io).await,
            Command::Apply { files, change } => {
                apply::apply(&client, change.wanted(&files, Takes::Documents), format, io).await
            }
            Command::Import { files, change } => {
                apply::apply(&client, change.wanted(&files, Takes::RuleFiles), format, io).await
            }
            Command::Diff {
                files,
                unsaid,
                prune,
                exit_code,
            } => {
                let wanted = Apply {
                    files: &files,
                    unsaid: (&unsaid).into(),
                    takes: Takes::Documents,
                    prune,
                    mode: Mode::Diff { exit_code },
                };
                apply::apply(&client, wanted, format, io).await
            }
            Command::History { revision, limit } => {
                diff::history(&client, (revision, limit), format, io).await
            }
            Command::Rollback { revision, dry_run } => {
                diff::rollback(&client, (revision, dry_run), format, io).await
            }
            Command::Get(kind) => get::get(&client, &kind, format, io).await,
            Command::Delete(target) => change::delete(&client, &target, format, io).await,
            Command::Create(create) => access::create(&client, &create, format, io).await,
            Command::Set(set) => access::set(&client, &set, format, io).await,
            Command::Export(wanted) => export::export(&client, &wanted, io).await,
            Command::Quarantine(what) => access::quarantine(&client, &what, format, io).await,
            Command::Release(what) => access::release(&client, &what, format, io).await,
            Command::Pause { name, reason } => change::pause(&client, &name, &reason, format, io).await,
            Command::Resume { name } => change::resume(&client, &name, format, io).await,
            Command::Rotate { key, overlap } => access::rotate(&client, &key, &overlap, format, io).await,
            Command::Secret(secret) => change::secret(&client, &secret, format, io).await,
            Command::Retry { notification } => change::retry(&client, &notification, format, io).await,
            Command::Logs(logs) => logs::logs(&client, &logs, format, io).await,
            Command::Explain { evaluation } => explain::explain(&client, &evaluation, format, io).await,
            Command::Serve(_)
            | Command::New { .. }
            | Command::Build { .. }
            | Command::Dev(_)
            | Command::Run(_)
            | Command::Inspect { .. }
            | Command::Test { .. }
            | Command::Check { .. }
            | Command::CompileWorker => Ok(()),
        }
    })
}

fn connect(global: &Global) -> Result<Client, Error> {
    let token = match global.token.as_ref().filter(|token| !token.is_empty()) {
        Some(token) => Some(token.clone()),
        None => token_in(&data_dir())?,
    };
    Client::new(
        &global.url,
        token.as_deref(),
        global.tenant.as_deref(),
        &trust(global)?,
    )
}

/// What the files say of whom to trust, and who we are.
fn trust(global: &Global) -> Result<Trust, Error> {
    let file = |path: &Option<PathBuf>| -> Result<Option<Vec<u8>>, Error> {
        let wrong = |path: &Path, error| Error::Usage(format!("{}: {error}", path.display()));
        let path = path.as_deref().filter(|path| !path.as_os_str().is_empty());
        path.map(|path| read(path, PEM_BYTES_MAX).map_err(|error| wrong(path, error)))
            .transpose()
    };
    let client = match (file(&global.client_cert)?, file(&global.client_key)?) {
        (None, None) => None,
        (Some(cert), Some(key)) => Some((cert, key)),
        _ => {
            let both = "--client-cert and --client-key go together: give both or none";
            return Err(Error::Usage(both.into()));
        }
    };
    Ok(Trust {
        authorities: file(&global.ca_file)?,
        client,
    })
}

fn data_dir() -> PathBuf {
    std::env::var_os("WASMALERT_DATA_DIR").map_or_else(|| PathBuf::from("wasmalert-data"), PathBuf::from)
}

/// The token that a server made and keeps in its data directory, if there is one.
fn token_in(data_dir: &Path) -> Result<Option<String>, Error> {
    let path = data_dir.join("token");
    match read(&path, TOKEN_BYTES_MAX) {
        Ok(token) => Ok(Some(String::from_utf8_lossy(&token).trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let path = path.display();
            Err(Error::Usage(format!(
                "{path}: {error}; give the token with --token or WASMALERT_TOKEN"
            )))
        }
    }
}

fn read_wasm(path: &Path) -> Result<Vec<u8>, Error> {
    read(path, WASM_BYTES_MAX).map_err(|error| Error::Usage(format!("{}: {error}", path.display())))
}

/// The text of a public key or a signature.
///
/// # Errors
/// Names the file and says what is wrong.
pub(crate) fn read_minisign(path: &Path) -> Result<String, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let bytes = read(path, MINISIGN_BYTES_MAX).map_err(|error| wrong(&error))?;
    String::from_utf8(bytes).map_err(|_| wrong(&"is not a file of minisign"))
}

/// The text of the signature that an option names.
fn read_signature(path: Option<&Path>) -> Result<Option<String>, Error> {
    path.map(read_minisign).transpose().map_err(Error::Usage)
}

/// Reads a whole file of at most `bytes_max`.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    read_at_most(fs::File::open(path)?, bytes_max)
}

#[cfg(test)]
mod tests;
