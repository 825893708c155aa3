//! A well-behaved rule with a function `spin` beside it that never returns. The
//! tests make `spin` the start function, so instantiating the module hangs.

wit_bindgen::generate!({ path: "../../../wit", world: "rule" });

use exports::wasmalert::rules::rules::{Context, Guest, Outcome};
use wasmalert::rules::types::{ComponentError, Description};

struct Rule;

impl Guest for Rule {
    fn describe() -> Description {
        Description {
            name: "start_loop".into(),
            doc: String::new(),
            config_schema: String::new(),
            queries: Vec::new(),
            extras: Vec::new(),
        }
    }

    fn evaluate(_: Context) -> Result<Outcome, ComponentError> {
        Ok(Outcome {
            findings: Vec::new(),
            samples: Vec::new(),
            extras: Vec::new(),
        })
    }
}

export!(Rule);

/// Never returns.
#[unsafe(no_mangle)]
#[expect(clippy::empty_loop, reason = "not returning is the point")]
pub extern "C" fn spin() {
    loop {}
}
