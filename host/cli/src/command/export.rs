//! `export`: the audit log of all tenants, line by line as it comes.

use serde_json::Value;

use crate::Io;
use crate::args::Export;
use crate::client::Client;
use crate::error::Error;
use crate::text::json_line;

/// The longest line; an entry has a few hundred bytes, and a path that may be long.
const LINE_BYTES_MAX: usize = 1 << 20;

pub(crate) async fn export(client: &Client, export: &Export, io: &mut Io<'_>) -> Result<(), Error> {
    let Export::Audit { since, until } = export;
    let times = [("since", since), ("until", until)];
    let query: Vec<_> = times
        .into_iter()
        .filter_map(|(name, time)| Some((name, time.clone()?)))
        .collect();
    let mut response = client.stream(&["audit", "export"], &query).await?;
    let broke = |error: reqwest::Error| {
        let error = error.without_url();
        Error::Request(format!("the export broke off before its end: {error}"))
    };
    let mut rest = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(broke)? {
        rest.extend_from_slice(&piece);
        // What is after the last newline is the begin of a line.
        let whole = rest
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let lines: Vec<u8> = rest.drain(..whole).collect();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            print(line, io)?;
        }
        if rest.len() > LINE_BYTES_MAX {
            return Err(Error::Request("the server sent a line without an end".into()));
        }
    }
    match rest.is_empty() {
        true => Ok(io.out.flush()?),
        false => Err(Error::Request("the export ended within a line".into())),
    }
}

fn print(line: &[u8], io: &mut Io<'_>) -> Result<(), Error> {
    let entry: Value = serde_json::from_slice(line)
        .map_err(|error| Error::Request(format!("the server sent a line that is not JSON: {error}")))?;
    Ok(writeln!(io.out, "{}", json_line(&entry))?)
}
