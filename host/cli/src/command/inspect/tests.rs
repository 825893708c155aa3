use super::*;

fn inspection() -> Inspection {
    Inspection {
        kind: wasmalert_sandbox::ModuleKind::Core,
        world: None,
        imports: vec!["wasmalert:rules/query@0.1.0".into()],
        exports: Vec::new(),
        wasm_bytes: 2_048,
        component_bytes: 4_096,
        functions: 3,
        code_bytes: 512,
        wasi_stub: false,
        minimum_memory_bytes: 17 << 16,
        warnings: vec!["has debug information".into()],
        producers: vec![Producer {
            field: "language".into(),
            name: "Rust".into(),
            version: String::new(),
        }],
        problems: vec!["missing export evaluate".into()],
    }
}

#[test]
fn the_report_has_everything_and_every_limit() {
    let report = report(&inspection(), None);
    let start = "kind:            core module\nworld:           none\nsize:            2.0 KiB\n\
                 minimum memory:  1.0 MiB\n\nImports:\n  wasmalert:rules/query@0.1.0\n\n\
                 Made with:\n  language Rust\n\n\
                 Warnings:\n  has debug information\n\nProblems:\n  missing export evaluate\n\nLimits";
    assert!(report.starts_with(start), "{report}");
    for info in Limits::TABLE {
        assert!(report.contains(&format!("\n{} ", info.name)), "{}", info.name);
    }
    assert!(report.contains("500,000,000  instructions"), "{report}");
}

#[test]
fn the_document_is_for_programs() {
    let document = document(&inspection());
    assert_eq!(document["world"], Value::Null);
    assert_eq!(document["problems"], json!(["missing export evaluate"]));
    assert_eq!(
        document["limits"].as_array().map(Vec::len),
        Some(Limits::TABLE.len())
    );
}
