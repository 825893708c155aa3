//! Traps in `describe`.

wit_bindgen::generate!({ path: "../../../wit", world: "rule" });

use exports::wasmalert::rules::rules::{Context, Guest, Outcome};
use wasmalert::rules::types::{ComponentError, Description};

struct Rule;

impl Guest for Rule {
    fn describe() -> Description {
        core::arch::wasm32::unreachable()
    }

    fn evaluate(_: Context) -> Result<Outcome, ComponentError> {
        core::arch::wasm32::unreachable()
    }
}

export!(Rule);
