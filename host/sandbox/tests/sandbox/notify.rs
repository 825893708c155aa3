//! Notifiers.

use std::sync::Arc;

use wasmalert_core::evaluation::State;
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_sandbox::{
    AlertStatus, DispositionKind, HttpRequest, HttpResponse, NotifyAlert, NotifyBatch, World,
};

use crate::fixture::*;

/// Asks for one POST to `u` and says `kind` of every answer. `interpret` answers at
/// 2048 as `notify` does.
fn notifier(kind: &str) -> Vec<u8> {
    embed(&notifier_wat("", "", kind), "notifier")
}

/// The notifier's text, with `body` at the start of `notify` and of `interpret`.
pub(crate) fn notifier_wat(items: &str, body: &str, kind: &str) -> String {
    format!(
        r#"(module
  (import "wasmalert:rules/state@0.1.0" "set" (func $state_set (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 16384))
  (data (i32.const 4096) "u")
  (data (i32.const 4112) "POST")
  (data (i32.const 4128) "{kind}")
  (func (export "cabi_realloc") (param $old i32) (param i32 i32) (param $size i32) (result i32)
    (local.set $old (global.get $heap))
    (global.set $heap
      (i32.and (i32.add (i32.add (global.get $heap) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (local.get $old))
  {items}
  (func (export "wasmalert:rules/notifications@0.1.0#describe") (result i32) (i32.const 1024))
  (func (export "wasmalert:rules/notifications@0.1.0#notify") (param i32) (result i32)
    {body}
    (call $state_set (i32.const 4096) (i32.const 1) (i32.const 4112) (i32.const 4))
    (i32.store (i32.const 2052) (i32.const 8192)) (i32.store (i32.const 2056) (i32.const 1))
    (i32.store (i32.const 8192) (i32.const 4112)) (i32.store (i32.const 8196) (i32.const 4))
    (i32.store (i32.const 8200) (i32.const 4096)) (i32.store (i32.const 8204) (i32.const 1))
    (i32.const 2048))
  (func (export "wasmalert:rules/notifications@0.1.0#interpret")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    {body}
    (i32.store (i32.const 2048) (i32.const 4128)) (i32.store (i32.const 2052) (i32.const {len}))
    (i32.store (i32.const 2056) (i32.const 1)) (i64.store (i32.const 2064) (i64.const 5000))
    (i32.const 2048))
)"#,
        len = kind.len()
    )
}

pub(crate) fn batch() -> NotifyBatch {
    NotifyBatch {
        tenant: "acme".into(),
        receiver: "hook".into(),
        namespace: "file.yml".into(),
        group: "group".into(),
        rule: "rule".into(),
        config: "{}".into(),
        now_ms: NOW_MS,
        idempotency_key: "key".into(),
        external_url: String::new(),
        alerts: vec![NotifyAlert {
            status: AlertStatus::Firing,
            labels: [("alertname", "Down")].into_iter().collect(),
            annotations: vec![("summary".into(), "down".into())],
            value: 1.0,
            starts_at_ms: NOW_MS,
            ends_at_ms: NOW_MS,
            generator_url: String::new(),
            fingerprint: "0123456789abcdef".into(),
        }],
    }
}

#[test]
fn a_batch_becomes_requests_and_state() {
    let component = load(&sandbox(), &notifier("retry"));
    assert_eq!(component.world(), World::Notifier);
    let run = component.notify(&batch(), &Arc::new(State::new()), &Limits::default());
    assert!(run.cost.boundary_bytes > 0 && run.cost.host_calls == 1);
    let (requests, effects) = run.result.unwrap();
    let expected = HttpRequest {
        method: "POST".into(),
        url: "u".into(),
        headers: Vec::new(),
        body: Vec::new(),
        extras: Vec::new(),
    };
    assert_eq!(requests, [expected]);
    assert_eq!(
        effects.state_after(&State::new()),
        State::from([("u".into(), b"POST".to_vec())])
    );
    let mut limits = Limits::default();
    limits.set(Limit::Requests, 0);
    let run = component.notify(&batch(), &Arc::new(State::new()), &limits);
    assert_eq!(run.result.unwrap_err().code.as_str(), "requests_exceeded");
}

#[test]
fn an_answer_is_one_of_three() {
    let sandbox = sandbox();
    let interpret = |kind: &str| {
        let response = HttpResponse {
            status: 429,
            headers: Vec::new(),
            body: b"slow down".to_vec(),
        };
        let state = Arc::new(State::new());
        load(&sandbox, &notifier(kind))
            .interpret("{}", 0, &response, &state, &Limits::default())
            .result
    };
    let kind = |kind: &str| interpret(kind).unwrap().0.kind;
    assert_eq!(kind("delivered"), DispositionKind::Delivered);
    assert_eq!(
        kind("retry"),
        DispositionKind::Retry {
            after_ms: Some(5_000)
        }
    );
    assert_eq!(kind("failed"), DispositionKind::Failed);
    assert_eq!(interpret("maybe").unwrap_err().code.as_str(), "bad_outcome");
}

#[test]
fn the_wrong_world_is_a_fault() {
    let sandbox = sandbox();
    let run = load(&sandbox, &rule("", "")).notify(&batch(), &Arc::default(), &Limits::default());
    assert_eq!(run.result.unwrap_err().code.as_str(), "module_unavailable");
}
