//! `signer`: whose signatures of modules are trusted, and whether there must be one.

use serde_json::json;
use wasmalert_core::id::check_name;

use super::change::done;
use crate::Io;
use crate::args::Signer;
use crate::client::Client;
use crate::error::Error;
use crate::output::Format;
use crate::text::plain;

pub(crate) const HOW: &str = "\
How modules are signed, with the program `minisign`:
  minisign -G -p release.pub -s release.key     make a pair of keys, once; keep release.key to yourself
  wasmalert signer set release release.pub      trust its signatures
  minisign -Sm rule.wasm -s release.key         sign; makes rule.wasm.minisig
  wasmalert push rule.wasm --signature rule.wasm.minisig
  wasmalert signer policy require               from now on, nothing else is taken or put to use

See also: wasmalert get signers, wasmalert get signatures, wasmalert delete signer NAME";

pub(crate) async fn signer(
    client: &Client,
    signer: &Signer,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    match signer {
        Signer::Set { name, file } => {
            check_name(name).map_err(|error| Error::Usage(format!("the signer's name {name:?} {error}")))?;
            let public_key = super::read_minisign(file).map_err(Error::Usage)?;
            let (_, answer) = client
                .put(&["signers", name], &json!({ "public_key": public_key }))
                .await?;
            let line = format!("signer {name}  trusted (key {})", plain(&answer["key_id"]));
            done(io, format, &answer, &line)
        }
        Signer::Policy { policy } => {
            let (_, answer) = client.put(&["signatures"], &json!({ "policy": policy })).await?;
            done(io, format, &answer, &format!("signatures  {policy}"))
        }
    }
}
