//! Never returns from `describe`.

wit_bindgen::generate!({ path: "../../../wit", world: "rule" });

use exports::wasmalert::rules::rules::{Context, Guest, Outcome};
use wasmalert::rules::types::{ComponentError, Description};

struct Rule;

impl Guest for Rule {
    #[expect(clippy::empty_loop, reason = "not returning is the point")]
    fn describe() -> Description {
        loop {}
    }

    fn evaluate(_: Context) -> Result<Outcome, ComponentError> {
        core::arch::wasm32::unreachable()
    }
}

export!(Rule);
