//! What is refused, and in which words.

use wasmalert_sandbox::{CompileError, CompileLimits, ModuleKind, Producer, World, inspect};

use crate::fixture::*;

#[track_caller]
fn refused(wasm: &[u8]) -> CompileError {
    compile(wasm).expect_err("was accepted")
}

#[test]
fn a_module_without_its_world_is_given_one() {
    use wasmalert_sandbox::compile::{TextEncoding, carries_world, embed_world, is_component};
    let bare = wat::parse_str(rule_wat("", "")).unwrap();
    assert_eq!(compile(&bare).unwrap_err().code, "no_component_type");
    assert!(!carries_world(&bare) && !is_component(&bare));
    let whole = embed_world(&bare, World::Rule, TextEncoding::Utf8).unwrap();
    assert!(carries_world(&whole));
    assert_eq!(compile(&whole).unwrap().world, World::Rule);
    // It has what a rule has, and not what a notifier has.
    let other = embed_world(&bare, World::Notifier, TextEncoding::Utf8).unwrap();
    assert_eq!(compile(&other).unwrap_err().code, "world_mismatch");
    assert!(is_component(&wasmalert_sandbox::componentize(&whole).unwrap()));
}

#[test]
fn a_core_module_becomes_a_component() {
    let wasm = rule("", "");
    let compiled = compile(&wasm).unwrap();
    assert_eq!(compiled.world, World::Rule);
    assert_eq!(compiled.minimum_memory_bytes, 2 << 16);
    assert_eq!(compiled.warnings, [""; 0]);
    assert!(
        compiled
            .imports
            .contains(&"wasmalert:rules/query@0.1.0".to_owned())
    );
    let again = compile(&compiled.component).expect("the component is accepted as well");
    assert_eq!(again.artifact, compiled.artifact);
    let inspection = inspect(&wasm).unwrap();
    assert_eq!(
        (inspection.kind, inspection.world),
        (ModuleKind::Core, Some(World::Rule))
    );
    assert_eq!(inspect(&compiled.component).unwrap().kind, ModuleKind::Component);
    assert_eq!(inspection.exports, ["wasmalert:rules/rules@0.1.0"]);
}

#[test]
fn what_is_no_module() {
    assert_eq!(refused(b"").code, "empty_module");
    assert_eq!(refused(b"(module)").code, "not_wasm");
    assert_eq!(refused(b"\0asm").code, "invalid_wasm");
    assert_eq!(refused(b"\0asm\x01\0\0\0\xff\xff\xff").code, "invalid_wasm");
    assert_eq!(
        refused(&wat::parse_str("(module)").unwrap()).code,
        "no_component_type"
    );
    let small = CompileLimits {
        wasm_bytes: 100,
        ..CompileLimits::default()
    };
    assert_eq!(
        compile_within(&rule("", ""), &small).unwrap_err().code,
        "too_large"
    );
}

#[test]
fn no_input_crashes_the_worker() {
    let wasm = rule("", "");
    for at in (8..wasm.len()).step_by(wasm.len() / 40) {
        let mut broken = wasm.clone();
        broken[at] ^= 0xff;
        if let Err(error) = compile(&broken) {
            assert_ne!(error.code, "compile_crashed", "byte {at}: {error}");
        }
        assert_ne!(refused(&wasm[..at]).code, "compile_crashed", "cut at {at}");
    }
}

#[test]
fn types_that_no_world_has_are_refused_and_crash_nothing() {
    for types in ["(instance)", "(component)"] {
        let interface = format!("(instance (type $t {types}) (export \"t\" (type (eq $t))))");
        let text = format!("(component (import \"a:b/c\" {interface}))");
        let error = refused(&wat::parse_str(text).unwrap());
        assert_eq!(error.code, "invalid_wasm", "{types}: {error}");
        assert!(
            error.message.contains("no world of the contract"),
            "{types}: {error}"
        );
    }
}

#[test]
fn packages_that_need_each_other_in_a_circle_are_refused() {
    let text = r#"(component
        (import "a:a/first" (instance $first (type $e (enum "x")) (export "e" (type (eq $e)))))
        (alias export $first "e" (type $one))
        (import "b:b/second" (instance $second (alias outer 1 $one (type $e)) (export "e" (type (eq $e)))))
        (alias export $second "e" (type $two))
        (import "a:a/third" (instance (alias outer 1 $two (type $e)) (export "e" (type (eq $e))))))"#;
    let error = refused(&wat::parse_str(text).unwrap());
    assert_eq!(error.code, "too_complex", "{error}");
    assert!(error.message.contains("in a circle"), "{error}");
}

#[test]
fn a_component_of_neither_world() {
    let wasm = wat::parse_str("(component)").unwrap();
    let error = refused(&wasm);
    assert_eq!(error.code, "world_unknown");
    assert_eq!(
        error.message,
        "exports neither `wasmalert:rules/rules@0.1.0` (a rule) nor \
         `wasmalert:rules/notifications@0.1.0` (a notifier)"
    );
}

#[test]
fn a_type_that_differs_is_shown_with_both_types() {
    let change = |text: String| text.replace("interval-ms: u64", "interval-ms: s64");
    let error = refused(&embed_changed(&rule_wat("", ""), "rule", &change));
    assert_eq!(error.code, "world_mismatch");
    let [problem] = &error.problems[..] else {
        panic!("{:?}", error.problems)
    };
    assert!(problem.starts_with(
        "export `wasmalert:rules/rules@0.1.0`, function `evaluate`: `context`: expected `record { tenant: string,"
    ));
    assert!(
        problem.contains("interval-ms: u64") && problem.contains("interval-ms: s64"),
        "{problem}"
    );
}

#[test]
fn a_signature_that_differs_is_shown_with_both() {
    let change = |text: String| text.replace("keys: func(prefix: string)", "keys: func(start: string)");
    let error = refused(&embed_changed(&rule_wat("", ""), "rule", &change));
    assert_eq!(
        error.problems,
        ["import `wasmalert:rules/state@0.1.0`, function `keys`: expected \
          `func(prefix: string) -> list<string>`, found `func(start: string) -> list<string>`"]
    );
}

#[test]
fn every_import_and_export_that_is_wrong_is_named() {
    let change = |text: String| {
        text.replace("import metrics;", "import metrics; import secrets;")
            .replace(
                "interface metrics {",
                "interface secrets { read: func(); }\ninterface metrics {",
            )
            .replace(
                "describe: func() -> description;\n\n    /// Evaluates",
                "/// Evaluates",
            )
    };
    let wat = rule_wat("", "")
        .replacen(
            "(module",
            r#"(module (import "wasmalert:rules/secrets@0.1.0" "read" (func))"#,
            1,
        )
        .replace(r#"(export "wasmalert:rules/rules@0.1.0#describe") "#, "");
    let error = refused(&embed_changed(&wat, "rule", &change));
    assert_eq!(error.code, "world_mismatch");
    assert_eq!(
        error.problems,
        [
            "export `wasmalert:rules/rules@0.1.0` has no function `describe`",
            "import `wasmalert:rules/secrets@0.1.0` is not allowed",
        ]
    );
}

#[test]
fn wasi_is_not_allowed_and_the_message_says_what_to_do() {
    let change = |text: String| {
        let wasi = "\npackage wasi:clocks@0.2.0 { interface now { get: func(); } }";
        let imported = text.replace("import metrics;", "import metrics; import wasi:clocks/now@0.2.0;");
        if imported == text { text } else { imported + wasi }
    };
    let import = r#"(module (import "wasi:clocks/now@0.2.0" "get" (func))"#;
    let wat = rule_wat("", "").replacen("(module", import, 1);
    let error = refused(&embed_changed(&wat, "rule", &change));
    assert_eq!(error.code, "world_mismatch");
    let [problem] = &error.problems[..] else {
        panic!("{:?}", error.problems)
    };
    assert!(problem.starts_with("import `wasi:clocks/now@0.2.0` is not allowed: components get no WASI"));
}

#[test]
fn a_module_that_lacks_what_its_section_promises() {
    let wat = rule_wat("", "").replace("#evaluate", "#evaluated");
    let error = refused(&embed(&wat, "rule"));
    assert_eq!(error.code, "world_mismatch");
    assert!(error.message.contains("evaluate"), "{}", error.message);
}

#[test]
fn a_large_minimum_memory_is_warned_of_and_a_huge_one_refused() {
    let with_pages = |pages: u32| {
        let wat = rule_wat("", "").replace(
            r#"(export "memory") 2)"#,
            &format!(r#"(export "memory") {pages})"#),
        );
        embed(&wat, "rule")
    };
    let compiled = compile(&with_pages(17)).unwrap();
    assert_eq!(compiled.warnings.len(), 1);
    assert!(compiled.warnings[0].contains("-zstack-size=65536"));
    assert_eq!(refused(&with_pages(1_025)).code, "memory_too_large");
}

#[test]
fn too_much_to_compile() {
    let functions = "(func)".repeat(100_000);
    let error = refused(&rule(&functions, ""));
    assert_eq!(error.code, "too_complex");
    assert!(
        error.message.contains("functions: at most 65536"),
        "{}",
        error.message
    );
    let nested = format!("(func {} {})", "(block ".repeat(5_000), ")".repeat(5_000));
    assert_eq!(refused(&rule(&nested, "")).code, "too_complex");
}

#[test]
fn components_are_counted_beside_and_within_each_other() {
    let code_of = |inner: String| {
        let wasm = wat::parse_str(format!("(component {inner})")).unwrap();
        refused(&wasm).code
    };
    let beside = |count: usize| "(component (core module))".repeat(count);
    let within = |depth: usize| "(component ".repeat(depth) + &")".repeat(depth);
    for fits in [beside(64), within(8)] {
        assert_eq!(code_of(fits), "world_unknown");
    }
    for exceeds in [beside(65), within(9)] {
        assert_eq!(code_of(exceeds), "too_complex");
    }
}

/// Functions of that many operations each.
fn heavy(functions: usize, operations: usize) -> Vec<u8> {
    let add = "(local.set 0 (i64.mul (i64.add (local.get 0) (i64.const 7)) (local.get 1)))";
    let function = format!(
        "(func (param i64 i64) (result i64) {} (local.get 0))",
        add.repeat(operations)
    );
    rule(&function.repeat(functions), "")
}

#[test]
fn compiling_ends_at_each_of_its_limits() {
    let (wasm, limits) = (heavy(8_000, 100), CompileLimits::default());
    let wall = CompileLimits {
        wall_ms: 300,
        ..limits.clone()
    };
    let error = compile_within(&wasm, &wall).unwrap_err();
    assert_eq!(
        (error.code, &*error.message),
        ("compile_timeout", "compiling it takes longer than 300 ms")
    );
    let cpu = CompileLimits {
        cpu_seconds: 1,
        ..limits.clone()
    };
    let error = compile_within(&wasm, &cpu).unwrap_err();
    assert_eq!(
        (error.code, &*error.message),
        ("compile_timeout", "compiling it takes more than 1 s of CPU time")
    );
    let memory = CompileLimits {
        memory_bytes: 96 << 20,
        ..limits
    };
    assert_eq!(
        compile_within(&heavy(1, 60_000), &memory).unwrap_err().code,
        "compile_memory"
    );
}

#[test]
fn a_compiler_that_is_not_there_is_the_hosts_fault() {
    let exe = std::path::Path::new("/nonexistent/wasmalert");
    let error = wasmalert_sandbox::compile(exe, &rule("", ""), &CompileLimits::default()).unwrap_err();
    assert!(error.is_host());
    // A program that is no compiler says nothing that could be taken for an answer.
    let exe = std::path::Path::new("/bin/true");
    let error = wasmalert_sandbox::compile(exe, &rule("", ""), &CompileLimits::default()).unwrap_err();
    assert_eq!(error.code, "compile_crashed");
}

/// The bytes with a custom section `producers` at their end.
fn with_producers(wasm: &[u8], content: &[u8]) -> Vec<u8> {
    let name = b"\x09producers";
    let size = u8::try_from(name.len() + content.len()).expect("a short section");
    assert!(size < 128, "one byte of LEB128");
    [wasm, &[0, size], name, content].concat()
}

#[test]
fn a_module_says_what_it_was_made_with() {
    let one = |field: &str, name: &str, version: &str| {
        let text = |text: &str| {
            let length = u8::try_from(text.len()).expect("a short text");
            [&[length], text.as_bytes()].concat()
        };
        [&[1], &text(field)[..], &[1], &text(name), &text(version)].concat()
    };
    let module = rule("", "");
    let compiled = compile(&with_producers(&module, &one("language", "C\u{1b}[2J", "99\n1"))).unwrap();
    let found = Producer {
        field: "language".to_owned(),
        name: "C\\u{1b}[2J".to_owned(),
        version: "99 1".to_owned(),
    };
    assert!(compiled.producers.contains(&found), "{:?}", compiled.producers);
    let inspection = inspect(&with_producers(&module, &one("sdk", "x", ""))).unwrap();
    assert!(inspection.producers.iter().any(|producer| producer.name == "x"));
    // What cannot be read is left out, and is no reason to refuse.
    let component = compile(&module).unwrap().component;
    let broken = compile(&with_producers(&component, b"\xff\xff\xff\xff\x0f")).unwrap();
    assert_eq!(broken.producers, compile(&component).unwrap().producers);
}

#[test]
fn only_so_many_producers_are_kept() {
    let mut wasm = rule("", "");
    for number in 0..100_u8 {
        let content = [
            &b"\x01\x03sdk\x01\x02"[..],
            &[b'a' + number / 26, b'a' + number % 26],
            b"\x00",
        ]
        .concat();
        let size = u8::try_from(10 + content.len()).expect("a short section");
        wasm.extend([&[0, size], &b"\x09producers"[..], &content].concat());
    }
    assert_eq!(compile(&wasm).unwrap().producers.len(), 32);
}
