//! What a panic says, told to the author: WebAssembly itself only knows that it stopped.

use std::panic::{PanicHookInfo, set_hook};

/// From now on a panic is a line of the log at `error`, with its place, before it ends the run.
pub(crate) fn tell() {
    set_hook(Box::new(|panic| crate::log::error(message(panic))));
}

fn message(panic: &PanicHookInfo<'_>) -> String {
    let what = panic.payload_as_str().unwrap_or("without a message");
    match panic.location() {
        Some(place) => format!("panicked at {place}: {what}"),
        None => format!("panicked: {what}"),
    }
}
