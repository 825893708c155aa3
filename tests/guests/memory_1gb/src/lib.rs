//! A well-behaved rule that declares 1 GB of memory to begin with; see build.rs.

wit_bindgen::generate!({ path: "../../../wit", world: "rule" });

use exports::wasmalert::rules::rules::{Context, Guest, Outcome};
use wasmalert::rules::types::{ComponentError, Description};

struct Rule;

impl Guest for Rule {
    fn describe() -> Description {
        Description {
            name: "memory_1gb".into(),
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
