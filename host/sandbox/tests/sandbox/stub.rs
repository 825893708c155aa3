//! Core modules that import WASI 0.1 get the stub.

use wasmalert_core::limits::Limits;

use crate::fixture::*;

/// Adds imports of `wasi_snapshot_preview1` to a rule.
fn with_wasi(imports: &str, body: &str) -> Vec<u8> {
    let wat = rule_wat("", body).replacen("(module", &format!("(module {imports}"), 1);
    embed(&wat, "rule")
}

#[test]
fn a_module_that_imports_wasi_runs_and_sees_nothing_of_the_host() {
    let imports = r#"
      (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))"#;
    // Each unexpected answer traps.
    let body = "
      (i64.store (i32.const 8192) (i64.const 77))
      (if (call $clock (i32.const 0) (i64.const 0) (i32.const 8192)) (then unreachable))
      (if (i64.ne (i64.load (i32.const 8192)) (i64.const 0)) (then unreachable))
      (if (call $random (i32.const 8192) (i32.const 8)) (then unreachable))
      (if (i64.eqz (i64.load (i32.const 8192))) (then unreachable))
      (if (call $environ (i32.const 8192) (i32.const 8196)) (then unreachable))
      (if (i32.load (i32.const 8192)) (then unreachable))
      (i32.store (i32.const 8200) (i32.const 4128)) (i32.store (i32.const 8204) (i32.const 5))
      (if (call $write (i32.const 1) (i32.const 8200) (i32.const 1) (i32.const 8192)) (then unreachable))
      (if (i32.ne (i32.load (i32.const 8192)) (i32.const 5)) (then unreachable))
      (if (i32.ne (call $prestat (i32.const 3) (i32.const 8192)) (i32.const 8)) (then unreachable))";
    let wasm = with_wasi(imports, body);
    let inspection = wasmalert_sandbox::inspect(&wasm).unwrap();
    assert!(inspection.wasi_stub && inspection.problems.is_empty());
    assert!(
        inspection
            .imports
            .iter()
            .all(|import| import.starts_with("wasmalert:rules/"))
    );
    done(evaluate(&wasm, &Limits::default()));
}

#[test]
fn leaving_the_process_traps() {
    let imports = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;
    let evaluation = evaluate(
        &with_wasi(imports, "(call $exit (i32.const 0))"),
        &Limits::default(),
    );
    assert_eq!(fault(evaluation).code.as_str(), "trap");
}
