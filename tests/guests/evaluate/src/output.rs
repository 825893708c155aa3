//! Outcomes that are too much, or that do not hold together.

use crate::exports::wasmalert::rules::rules::{Finding, Outcome, RecordedSample, SeriesRef};
use crate::{empty_finding, label};

pub fn findings(findings: Vec<Finding>) -> Outcome {
    Outcome {
        findings,
        samples: Vec::new(),
        extras: Vec::new(),
    }
}

pub fn finding(number: u32) -> Finding {
    Finding {
        labels: vec![label("number", &number.to_string())],
        ..empty_finding()
    }
}

pub fn samples(count: u32) -> Outcome {
    let sample = |number: u32| RecordedSample {
        series: None,
        labels: vec![label("__name__", "s"), label("number", &number.to_string())],
        value: 1.0,
    };
    Outcome {
        findings: Vec::new(),
        samples: (0..count).map(sample).collect(),
        extras: Vec::new(),
    }
}

pub fn with_labels(count: u32) -> Outcome {
    let labels = (0..count)
        .map(|number| label(&format!("l{number}"), "v"))
        .collect();
    findings(vec![Finding {
        labels,
        ..empty_finding()
    }])
}

pub fn with_annotations(count: u32) -> Outcome {
    let annotations = (0..count)
        .map(|number| label(&format!("a{number}"), "v"))
        .collect();
    findings(vec![Finding {
        annotations,
        ..empty_finding()
    }])
}

pub fn with_label(name: &str, value: &str) -> Outcome {
    findings(vec![Finding {
        labels: vec![label(name, value)],
        ..empty_finding()
    }])
}

pub fn with_annotation(name: &str, value: &str) -> Outcome {
    findings(vec![Finding {
        annotations: vec![label(name, value)],
        ..empty_finding()
    }])
}

/// 100 times the same megabyte: it fits in the guest, but not through the
/// boundary.
pub fn oversized() -> Outcome {
    let text = "x".repeat(1 << 20).leak();
    let alias = || {
        // Never freed: the host refuses the outcome before the guest may clean up.
        unsafe { String::from_raw_parts(text.as_ptr().cast_mut(), text.len(), text.len()) }
    };
    let annotated = |number: u32| Finding {
        annotations: vec![crate::Label {
            name: number.to_string(),
            value: alias(),
        }],
        ..finding(number)
    };
    findings((0..100).map(annotated).collect())
}

pub fn unknown_frame() -> Outcome {
    findings(vec![Finding {
        series: Some(SeriesRef {
            frame: 4_000_000_000,
            series: 0,
        }),
        ..empty_finding()
    }])
}
