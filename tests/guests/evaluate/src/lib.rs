//! Does at evaluation what its configuration says: `{"do": "CODE"}` or
//! `{"do": "CODE:VARIANT"}`, where `CODE` is the fault it must end with.
//!
//! A few behave well: `ok`, `count`, `timer` and `metrics`.
//!
//! Each of the others stays just over its own limit and far below the others, but for those
//! that have no end.

wit_bindgen::generate!({ path: "../../../wit", world: "rule" });

mod abuse;
mod keep;
mod output;

use exports::wasmalert::rules::rules::{Context, Finding, Guest, Outcome};
use wasmalert::rules::types::{ComponentError, Description, Label};

struct Hostile;

impl Guest for Hostile {
    fn describe() -> Description {
        Description {
            name: "hostile".into(),
            doc: "Misbehaves as its configuration says.".into(),
            config_schema: String::new(),
            queries: Vec::new(),
            extras: Vec::new(),
        }
    }

    fn evaluate(context: Context) -> Result<Outcome, ComponentError> {
        // {"do": "NAME"}: the fourth piece between quotes.
        let name = context.config.split('"').nth(3).unwrap_or_default();
        act(name, &context)
    }
}

export!(Hostile);

fn act(name: &str, context: &Context) -> Result<Outcome, ComponentError> {
    match name {
        "ok" => return Ok(output::findings(vec![output::finding(1)])),
        "count" => return Ok(output::findings(vec![keep::count()])),
        "timer" => return Ok(output::findings(keep::timer(context))),
        "metrics" => keep::metrics(),
        "component_error" => {
            return Err(ComponentError {
                code: "on_purpose".into(),
                message: "failed on purpose".into(),
                extras: Vec::new(),
            });
        }
        "findings_exceeded" => return Ok(output::findings((0..20_001).map(output::finding).collect())),
        "samples_exceeded" => return Ok(output::samples(20_001)),
        "finding_labels_exceeded" => return Ok(output::with_labels(65)),
        "finding_labels_exceeded:annotations" => return Ok(output::with_annotations(65)),
        "label_bytes_exceeded:name" => return Ok(output::with_label(&"n".repeat(2_049), "v")),
        "label_bytes_exceeded:value" => return Ok(output::with_label("n", &"v".repeat(2_049))),
        "annotation_bytes_exceeded" => return Ok(output::with_annotation("n", &"v".repeat(16_385))),
        "boundary_bytes_exceeded:outcome" => return Ok(output::oversized()),
        "duplicate_labels" => {
            return Ok(output::findings(vec![output::finding(1), output::finding(1)]));
        }
        "bad_outcome:frame" => return Ok(output::unknown_frame()),
        "bad_outcome:label_name" => return Ok(output::with_label("", "no name")),
        "bad_call:outcome_utf8" => return Ok(output::with_label("n", &abuse::invalid_utf8())),
        _ => abuse::act(name, context),
    }
    Ok(output::findings(Vec::new()))
}

fn label(name: &str, value: &str) -> Label {
    Label {
        name: name.into(),
        value: value.into(),
    }
}

fn empty_finding() -> Finding {
    Finding {
        series: None,
        labels: Vec::new(),
        value: 0.0,
        annotations: Vec::new(),
        extras: Vec::new(),
    }
}
