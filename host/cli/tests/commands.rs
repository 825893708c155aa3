//! Whole commands against a server of the test's own, over loopback.

mod fake;
mod modules;

use fake::{Fake, Ran, folder, run};
use serde_json::{Value, json};

#[test]
fn push_prints_what_became_of_the_module() {
    let dir = folder("push", &[("my-rule.wasm", "\0asm bytes")]);
    let server = Fake::start(|request| {
        assert_eq!(request.line, "POST /v1/modules/my-rule");
        assert_eq!(request.body, b"\0asm bytes");
        assert_eq!(request.header("authorization"), "Bearer t0ken");
        assert_eq!(request.header("content-type"), "application/wasm");
        let description = json!({"name": "my-rule", "doc": "Fires.\nOften."});
        fake::ok(
            json!({"name": "my-rule", "version": 3, "digest": "sha256:ab", "world": "rule",
            "bytes": 150_000, "compile_ms": 1234, "description": description}),
        )
    });
    let file = dir.path("my-rule.wasm");
    let Ran { code, out, err } = run(&server, &["push", &file]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "name:         my-rule\nversion:      3\ndigest:       sha256:ab\nworld:        rule\n\
         size:         146.4 KiB\ncompiled in:  1,234 ms\nabout:        Fires.\\nOften.\n"
    );
    let ran = run(&server, &["push", &file, "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["version"], 3);
}

#[test]
fn a_version_is_promoted_with_the_push_or_after_it() {
    let dir = folder("promote", &[("disk.wasm", "\0asm")]);
    let module = |promoted: bool| json!({"name": "disk", "version": 2, "digest": "d", "promoted": promoted});
    let server = Fake::start(move |request| match request.line.as_str() {
        "POST /v1/modules/disk" => fake::ok(module(false)),
        "POST /v1/modules/disk?promote=true" => fake::ok(module(true)),
        "PUT /v1/modules/disk/promoted" => {
            assert_eq!(request.json(), json!({"version": 2}));
            fake::ok(module(true))
        }
        other => panic!("unexpected {other}"),
    });
    let file = dir.path("disk.wasm");
    let Ran { code, out, err } = run(&server, &["push", &file]);
    assert_eq!(code, 0);
    assert!(out.contains("promoted:  no\n"), "{out}");
    assert!(err.ends_with("\n  wasmalert promote disk 2\n"), "{err}");
    for args in [&["push", &file, "--promote"][..], &["promote", "disk", "2"]] {
        let Ran { code, out, err } = run(&server, args);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("promoted:  yes\n"), "{out}");
    }
}

#[test]
fn a_wrong_world_lists_each_problem() {
    let dir = folder("world", &[("r.wasm", "\0asm")]);
    let server = Fake::start(|_| {
        fake::problem(
            422,
            json!({"code": "world_mismatch", "detail": "the module fits no world",
                "problems": ["missing export evaluate", "import wasi:sockets is not allowed\u{1b}[31m"]}),
        )
    });
    let ran = run(&server, &["push", &dir.path("r.wasm")]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.err,
        "error: the module fits no world (world_mismatch)\n  - missing export evaluate\n  \
         - import wasi:sockets is not allowed\\u{1b}[31m\n"
    );
}

#[test]
fn get_alerts_filters_and_prints_a_table() {
    let server = Fake::start(|request| {
        assert_eq!(request.line, "GET /v1/alerts?namespace=prod&state=firing");
        fake::ok(
            json!({"alerts": [{"namespace": "prod", "group": "node", "rule": "Down", "state": "firing",
            "labels": {"instance": "a:1", "severity": "page"}, "annotations": {"summary": "\u{1b}[2Jgone"},
            "value": "1", "active_at": "2026-01-01T00:00:00Z"}]}),
        )
    });
    let ran = run(
        &server,
        &["get", "alerts", "--state", "firing", "--namespace", "prod"],
    );
    assert_eq!(
        ran.out,
        "STATE   RULE            ACTIVE SINCE          VALUE  LABELS                             SUMMARY\n\
         firing  prod/node/Down  2026-01-01T00:00:00Z  1      {instance=\"a:1\", severity=\"page\"}  \\u{1b}[2Jgone\n"
    );
}

#[test]
fn every_list_reads_its_own_fields() {
    for (args, line, answer, row) in [
        (
            "modules",
            "GET /v1/modules",
            json!({"modules": [{"name": "m", "version": 2, "world": "rule", "bytes": 10, "created_at": "T",
                "trust": "stock", "description": {"doc": "D"}}]}),
            "m     2        rule   10 B  stock  T        D",
        ),
        (
            "module m",
            "GET /v1/modules/m",
            json!({"name": "m", "versions": [{"version": 2, "world": "rule", "digest": "sha256:0123456789abcdef",
                "promoted": true, "bytes": 10, "created_at": "T", "trust": "unsigned",
                "provenance": {"uploaded_by": "key a", "source": {"kind": "oci"}},
                "description": {"doc": "# M\n\nD\nmore"}}]}),
            "2        yes       rule   sha256:0123456789ab  10 B  unsigned  oci   key a  T        D",
        ),
        (
            "sources",
            "GET /v1/sources",
            json!({"sources": [{"name": "p", "revision": 1, "updated_at": "T",
                "spec": {"kind": "prometheus", "url": "http://x"}}]}),
            "p     prometheus  http://x  1         T",
        ),
        (
            "receivers",
            "GET /v1/receivers",
            json!({"receivers": [{"name": "am", "revision": 1, "updated_at": "T", "spec": {"module": "slack"}}]}),
            "am    slack   1         T",
        ),
        (
            "secrets",
            "GET /v1/secrets",
            json!({"secrets": [{"name": "s", "hosts": ["a.example", "*.b"], "updated_at": "T"}]}),
            "s     a.example *.b  T",
        ),
        (
            "groups",
            "GET /v1/groups",
            json!({"groups": [{"namespace": "prod", "group": "node", "revision": 4, "updated_at": "T",
                "interval": "15s", "rules": [1, 2]}]}),
            "prod       node   15s       2      4         T",
        ),
        (
            "rules --group node",
            "GET /v1/rules?group=node",
            json!({"rules": [{"namespace": "prod", "group": "node", "rule": "Down", "module": "prometheus",
                "version": 1, "state": "firing", "health": "err", "error": {"code": "trap", "message": "boom"},
                "last_evaluation_at": "T", "evaluation_seconds": 0.002, "missed": 7,
                "alerts": {"pending": 1, "firing": 2, "resolved": 3}}]}),
            "prod/node/Down  prometheus@1  firing  err     2       1        T          2.0 ms  7       trap: boom",
        ),
        (
            "notifications --status dead --limit 5",
            "GET /v1/notifications?limit=5&status=dead",
            json!({"notifications": [{"id": 9, "receiver": "am", "namespace": "prod", "group": "node",
                "rule": "Down", "kind": "firing", "status": "dead", "attempts": 12, "created_at": "T",
                "next_attempt_at": null, "last_error": "refused", "alerts": 3}], "next": null}),
            "9   dead    am        firing  prod/node/Down  3       12     T                  refused",
        ),
        (
            "evaluations a/b c/d e",
            "GET /v1/rules/a%2Fb/c%2Fd/e/evaluations?limit=50",
            json!({"evaluations": [{"id": 5, "slot_at": "T", "trigger": "interval", "status": "err",
                "error": {"code": "fuel_exceeded", "message": "over"}, "fuel": 500_000_000, "wall_seconds": 0.25, "rounds": 2}]}),
            "5   T     interval  err     500,000,000  250.0 ms  2     fuel_exceeded",
        ),
    ] {
        let server = Fake::start(move |request| {
            assert_eq!(request.line, line);
            fake::ok(answer.clone())
        });
        let mut words = vec!["get"];
        words.extend(args.split(' '));
        let ran = run(&server, &words);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args}");
        assert_eq!(ran.out.lines().nth(1), Some(row), "{args}:\n{}", ran.out);
    }
}

#[test]
fn one_group_shows_its_rules() {
    let server = Fake::start(|request| {
        assert_eq!(request.line, "GET /v1/groups/prod/node");
        fake::ok(
            json!({"namespace": "prod", "group": "node", "revision": 2, "interval": "15s", "rules": [
            {"alert": "Down", "module": "prometheus", "expr": "up == 0", "for": "1m", "source": "prom",
             "receivers": ["am", "slack"]},
            {"name": "Slow", "module": "hysteresis", "config": {"above": 5}}]}),
        )
    });
    let ran = run(&server, &["get", "group", "prod/node"]);
    assert_eq!(
        ran.out,
        "namespace:  prod\ngroup:      node\ninterval:   15s\nrevision:   2\n\n\
         RULE  MODULE      FOR  SOURCE  RECEIVERS  EXPR OR CONFIG\n\
         Down  prometheus  1m   prom    am, slack  up == 0\n\
         Slow  hysteresis                          {\"above\":5}\n"
    );
}

#[test]
fn a_further_page_is_announced() {
    let server = Fake::start(|_| fake::ok(json!({"notifications": [], "next": 41})));
    let ran = run(&server, &["get", "notifications", "--before", "90"]);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("none\n", "more with --before 41\n")
    );
}

#[test]
fn json_output_is_what_the_server_said() {
    let answer = json!({"rules": [], "later": {"field": [1.5, "x"]}});
    let sent = answer.clone();
    let server = Fake::start(move |_| fake::ok(sent.clone()));
    let ran = run(&server, &["get", "rules", "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), answer);
}

const DOCUMENTS: &str = "\
group: {namespace: demo/a, name: host, spec: {interval: 15s, rules: [{alert: Down, expr: up == 0}]}}
---
receiver: {name: am, spec: {module: alertmanager}}
---
source: {name: prom, spec: {kind: prometheus, url: 'http://x'}}
---
secret: {name: hook, from_file: hook.txt, hosts: ['10.0.0.5:9090', '*.example.com']}
---
module: {name: mine, file: mine.wasm}
---
module: {name: theirs, file: mine.wasm}
";

#[test]
fn apply_sends_all_at_once_and_tells_what_changed() {
    let files = [
        ("all.yaml", DOCUMENTS),
        ("hook.txt", "hush\n"),
        ("mine.wasm", "\0asm"),
    ];
    let dir = folder("apply", &files);
    let digest = "sha256:cd5d4935a48c0672cb06407bb443bc0087aff947c6b864bac886982c73b3027f";
    let server = Fake::start(move |request| match request.line.as_str() {
        "GET /v1/modules/mine" => fake::ok(json!({"name": "mine", "versions": [
            {"version": 1, "digest": "sha256:0"}, {"version": 2, "digest": digest, "promoted": true}]})),
        "GET /v1/modules/theirs" => fake::problem(404, json!({"code": "not_found"})),
        "POST /v1/modules/theirs" => fake::ok(json!({"name": "theirs", "version": 1})),
        "PUT /v1/secrets/hook" => {
            let hosts = ["10.0.0.5:9090", "*.example.com"];
            assert_eq!(request.json(), json!({"value": "hush", "hosts": hosts}));
            fake::empty()
        }
        line @ ("POST /v1/config" | "POST /v1/config?dry_run=true") => {
            let rules = json!([{"alert": "Down", "expr": "up == 0"}]);
            let put = json!({
                "groups": [{"namespace": "demo/a", "name": "host", "spec": {"interval": "15s", "rules": rules}}],
                "modules": [{"name": "mine", "version": 2}, {"name": "theirs", "version": 1}],
                "receivers": [{"name": "am", "spec": {"module": "alertmanager"}}],
                "sources": [{"name": "prom", "spec": {"kind": "prometheus", "url": "http://x"}}],
            });
            assert_eq!(
                request.json(),
                json!({"put": put, "prune": ["group", "receiver", "source"]})
            );
            // What was found good is what is changed.
            let expected = if line.ends_with("config") { "\"7\"" } else { "" };
            assert_eq!(request.header("if-match"), expected);
            fake::ok(json!({"revision": 7, "changes": [
                {"kind": "receiver", "name": "am", "action": "changed"},
                {"kind": "group", "namespace": "demo/a", "name": "host", "action": "created"},
                {"kind": "group", "namespace": "old", "name": "g", "action": "deleted"}]}))
        }
        other => panic!("unexpected {other}"),
    });
    let ran = run(&server, &["apply", "--prune", "-f", &dir.path("")]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.out,
        "module mine  unchanged (version 2)\nmodule theirs  created (version 1)\nsecret hook  set\n\
         source prom  unchanged\nreceiver am  changed\ngroup demo/a/host  created\ngroup old/g  deleted\n"
    );
}

#[test]
fn a_dry_run_and_a_diff_change_nothing() {
    let documents = "\
module: {name: new, file: new.wasm}
---
group: {namespace: ns, name: new, spec: {rules: [{alert: A, module: new}]}}
---
group: {namespace: ns, name: g, spec: {rules: [{alert: B, expr: up}]}}
";
    let dir = folder("dry", &[("all.yaml", documents), ("new.wasm", "\0asm")]);
    let server = Fake::start(|request| match request.line.as_str() {
        "GET /v1/modules/new" => fake::problem(404, json!({"code": "not_found"})),
        "POST /v1/config?dry_run=true" => {
            let rules = json!([{"alert": "B", "expr": "up"}]);
            let group = json!({"namespace": "ns", "name": "g", "spec": {"rules": rules}});
            assert_eq!(request.json(), json!({"put": {"groups": [group]}}));
            let before = json!({"interval": "15s", "rules": [{"alert": "B", "expr": "down\u{7}"}]});
            let after = json!({"interval": "15s", "rules": rules});
            fake::ok(json!({"revision": 7, "changes": [
                {"kind": "group", "namespace": "ns", "name": "g", "action": "changed", "before": before, "after": after},
                {"kind": "source", "name": "s", "action": "changed", "before": {"a": "***"}, "after": {"a": "***"}},
                {"kind": "receiver", "name": "r", "action": "deleted", "before": {"module": "webhook"}, "after": null}]}))
        }
        other => panic!("unexpected {other}"),
    });
    let ran = run(&server, &["apply", "--dry-run", "-f", &dir.path("")]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.out,
        "module new  created (dry run)\ngroup ns/new  not checked: its module is not there yet (dry run)\n\
         group ns/g  changed (dry run)\nreceiver r  deleted (dry run)\n"
    );
    let ran = run(&server, &["diff", "-f", &dir.path("")]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.ends_with(
            "all.yaml:3: group ns/new needs a module that is not there yet: it is not compared\n\
             module new: a new version would be uploaded and promoted\n"
        ),
        "{}",
        ran.err
    );
    let shown = "\
--- group ns/g
+++ group ns/g
@@ -1,4 +1,4 @@
 interval: 15s
 rules:
 - alert: B
-  expr: \"down\\a\"
+  expr: up
--- source s
+++ source s
  (only what is secret differs)
--- receiver r
+++ /dev/null
@@ -1 +0,0 @@
-module: webhook
";
    assert_eq!(ran.out, shown);
    let ran = run(&server, &["diff", "--exit-code", "-f", &dir.path("")]);
    assert_eq!(ran.code, 1);
}

#[test]
fn rules_are_paused_and_go_on() {
    let server = Fake::start(|request| match request.line.as_str() {
        "PUT /v1/pauses" => {
            let body = request.json();
            assert!(
                body == json!({"reason": "why", "namespace": "a", "group": "b", "rule": "c"})
                    || body == json!({"reason": "", "namespace": "a/b", "group": "c"})
                    || body == json!({"reason": ""}),
                "{body}"
            );
            fake::empty()
        }
        "DELETE /v1/pauses?namespace=a&group=b" | "DELETE /v1/pauses" => fake::empty(),
        "GET /v1/pauses" => fake::ok(json!({"pauses": [
            {"namespace": null, "group": null, "rule": null, "reason": "", "by": "operator", "since": "then"},
            {"namespace": "a", "group": "b", "rule": null, "reason": "why", "by": "key 1", "since": "now"}]})),
        other => panic!("unexpected {other}"),
    });
    for (args, told) in [
        ("pause a/b/c --reason why", "rule a/b/c  paused\n"),
        ("pause a/b c", "group a/b/c  paused\n"),
        ("pause", "all rules  paused\n"),
        ("resume a/b", "group a/b  resumed\n"),
        ("resume", "all rules  resumed\n"),
        (
            "get pauses",
            "PAUSED     SINCE  BY        REASON\nall rules  then   operator\na/b        now    key 1     why\n",
        ),
    ] {
        let ran = run(&server, &args.split(' ').collect::<Vec<_>>());
        assert_eq!((ran.code, ran.out.as_str()), (0, told), "{args}: {}", ran.err);
    }
    assert_eq!(run(&server, &["pause", "a/b/c/d"]).code, 2);
}

#[test]
fn history_and_rollback() {
    let changes = json!([{"kind": "group", "namespace": "ns", "name": "g", "action": "changed",
        "before": {"rules": []}, "after": {"interval": "1m", "rules": []}}]);
    let one = json!({"revision": 9, "at": "2026-01-31T00:00:00.000Z", "actor": "key 0123", "address": "10.0.0.1",
        "call": "PUT /v1/groups/ns/g", "changes_total": 5, "changes": changes});
    let server = Fake::start(move |request| match request.line.as_str() {
        "GET /v1/config/history?limit=50" => fake::ok(json!({"changes": [one], "next": null})),
        "GET /v1/config/history/9" => fake::ok(one.clone()),
        "POST /v1/config/rollback?dry_run=true" | "POST /v1/config/rollback" => {
            assert_eq!(request.json(), json!({"revision": 8}));
            fake::ok(json!({"revision": 10, "changes": changes}))
        }
        other => panic!("unexpected {other}"),
    });
    let ran = run(&server, &["history"]);
    assert_eq!(
        ran.out,
        "REVISION  AT                        BY        FROM      CHANGES\n\
         9         2026-01-31T00:00:00.000Z  key 0123  10.0.0.1  group ns/g changed, 4 more\n"
    );
    let diff = "--- group ns/g\n+++ group ns/g\n@@ -1 +1,2 @@\n+interval: 1m\n rules: []\n";
    let ran = run(&server, &["history", "9"]);
    assert!(
        ran.out.contains("call:      PUT /v1/groups/ns/g\n") && ran.out.ends_with(diff),
        "{}",
        ran.out
    );
    let ran = run(&server, &["rollback", "8", "--dry-run"]);
    assert_eq!(
        ran.out,
        format!("{diff}nothing was changed: this was a dry run\n")
    );
    let ran = run(&server, &["rollback", "8"]);
    assert_eq!(ran.out, format!("{diff}this is revision 10\n"));
}

#[test]
fn import_takes_rule_files_and_nothing_else() {
    let rules =
        "groups:\n- name: g\n  interval: 30s\n  rules: [{alert: A, expr: up, labels: {a: '{{ $value }}'}}]\n";
    let server = Fake::start(|request| {
        assert_eq!(request.line, "POST /v1/config");
        let rule = json!({"alert": "A", "expr": "up", "labels": {"a": "{{ $value }}"}, "source": "prom",
            "receivers": ["am", "slack"]});
        let spec = json!({"interval": "30s", "rules": [rule]});
        let group = json!({"namespace": "prod/eu", "name": "g", "spec": spec});
        assert_eq!(request.json(), json!({"put": {"groups": [group]}}));
        let change = json!({"kind": "group", "namespace": "prod/eu", "name": "g", "action": "created"});
        fake::ok(json!({"revision": 1, "changes": [change]}))
    });
    let args = "import - --namespace prod/eu --source prom --receiver am --receiver slack";
    let args: Vec<&str> = args.split(' ').collect();
    let ran = fake::run_with(&server, &args, rules);
    assert_eq!(
        (ran.code, &*ran.out),
        (0, "group prod/eu/g  created\n"),
        "{ran:?}"
    );

    let server = Fake::start(|request| panic!("unexpected {}", request.line));
    let ran = fake::run_with(
        &server,
        &args,
        &format!("{rules}---\nsource: {{name: s, spec: {{}}}}\n"),
    );
    assert_eq!(ran.code, 2);
    assert!(
        ran.err
            .contains("<stdin>:6: source s is no rule file of Prometheus"),
        "{}",
        ran.err
    );
}

#[test]
fn apply_sends_nothing_when_anything_is_wrong() {
    let server = Fake::start(|request| panic!("unexpected {}", request.line));
    let ran = fake::run_with(
        &server,
        &["apply", "-f", "-"],
        "source: {name: ok, spec: {}}\n---\nsource: {name: 'a b', spec: {}}\n---\ngroup: {}\n",
    );
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    let lines: Vec<_> = ran.err.lines().collect();
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(
        lines[0].starts_with("error: <stdin>:3: source.name: \"a b\""),
        "{lines:#?}"
    );
    assert_eq!(lines[4], "4 errors; nothing was sent");
}

#[test]
fn what_the_server_refuses_is_told_with_its_place() {
    let server = Fake::start(|request| match request.line.as_str() {
        "POST /v1/config" => fake::problem(
            422,
            json!({"code": "invalid", "detail": "the configuration is not valid",
                "problems": ["source bad: url: is missing", "something else"]}),
        ),
        other => panic!("unexpected {other}"),
    });
    let documents = "- source: {name: good, spec: {}}\n- source: {name: bad, spec: {}}\n";
    let ran = fake::run_with(&server, &["apply", "-f", "-"], documents);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(
        ran.err,
        "error: the configuration is not valid (invalid)\n  - <stdin>:2: source bad: url: is missing\n  - something else\n"
    );
}

#[test]
fn small_changes_reach_their_address() {
    for (args, line, out) in [
        ("delete module m", "DELETE /v1/modules/m", "module m  deleted\n"),
        (
            "delete module m --version 3",
            "DELETE /v1/modules/m/versions/3",
            "module m/versions/3  deleted\n",
        ),
        ("delete source s", "DELETE /v1/sources/s", "source s  deleted\n"),
        (
            "delete receiver r",
            "DELETE /v1/receivers/r",
            "receiver r  deleted\n",
        ),
        ("delete signer s", "DELETE /v1/signers/s", "signer s  deleted\n"),
        ("delete secret s", "DELETE /v1/secrets/s", "secret s  deleted\n"),
        (
            "delete group a/b c",
            "DELETE /v1/groups/a%2Fb/c",
            "group a/b/c  deleted\n",
        ),
        (
            "retry 17",
            "POST /v1/notifications/17/retry",
            "notification 17  will be tried again\n",
        ),
    ] {
        let server = Fake::start(move |request| {
            assert_eq!(request.line, line);
            fake::empty()
        });
        let ran = run(&server, &args.split(' ').collect::<Vec<_>>());
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.as_str()),
            (0, out, ""),
            "{args}"
        );
    }
}

#[test]
fn a_secret_comes_from_standard_input() {
    let server = Fake::start(|request| {
        assert_eq!(request.line, "PUT /v1/secrets/hook");
        assert_eq!(request.json(), json!({"value": " two\nlines"}));
        fake::empty()
    });
    let ran = fake::run_with(&server, &["secret", "set", "hook"], " two\nlines\n");
    assert_eq!((ran.code, ran.out.as_str()), (0, "secret hook  set\n"));
    let bound = Fake::start(|request| {
        assert_eq!(
            request.json(),
            json!({"value": "x", "hosts": ["a.example", "*.b.example:443"]})
        );
        fake::empty()
    });
    let hosts = [
        "secret",
        "set",
        "hook",
        "--host",
        "a.example",
        "--host",
        "*.b.example:443",
    ];
    assert_eq!(fake::run_with(&bound, &hosts, "x").code, 0);
    let empty = fake::run_with(&server, &["secret", "set", "hook"], "\n");
    assert_eq!(
        (empty.code, empty.err.as_str()),
        (2, "error: the secret on standard input is empty\n")
    );
}

#[test]
fn logs_print_what_is_there_and_stop() {
    let server = Fake::start(|request| {
        assert_eq!(
            request.line,
            "GET /v1/logs?follow=false&namespace=prod&level=warn"
        );
        let entry = json!({"time": "T", "level": "warn", "namespace": "prod", "group": "node", "rule": "Down",
            "message": "odd\u{1b}[2J", "fields": {"n": "1"}, "code": "trap"});
        fake::events(&format!(": hi\n\ndata: {entry}\n\ndata: garbage\u{1b}\n\n"))
    });
    let ran = run(&server, &["logs", "--namespace", "prod", "--level", "warn"]);
    assert_eq!(ran.out, "T WARN  prod/node/Down odd\\u{1b}[2J n=1 (trap)\n");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (0, "not a log entry: garbage\\u{1b}\n")
    );
}

#[test]
fn following_reconnects_and_prints_nothing_twice() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let server = Fake::start(move |request| {
        assert_eq!(request.line, "GET /v1/logs?follow=true");
        let entry =
            |n: u32| format!("id: {n}\ndata: {{\"time\":\"T\",\"level\":\"info\",\"message\":\"{n}\"}}\n\n");
        match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => fake::events(&(entry(1) + &entry(2) + &entry(2))),
            1 => {
                assert_eq!(request.header("last-event-id"), "2");
                fake::events(&(entry(2) + &entry(3)))
            }
            _ => fake::problem(401, json!({"code": "unauthorized", "detail": "no"})),
        }
    });
    let ran = run(&server, &["logs", "-f"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.out, "T INFO   1\nT INFO   2\nT INFO   2\nT INFO   3\n");
    assert_eq!(
        ran.err
            .matches("the server closed the stream; connecting again in 500 ms\n")
            .count(),
        2
    );
}

#[test]
fn explain_tells_the_whole_story() {
    let evaluation: Value = serde_json::from_str(include_str!("evaluation.json")).unwrap();
    let server = Fake::start(move |request| {
        assert_eq!(request.line, "GET /v1/evaluations/01J");
        fake::ok(evaluation.clone())
    });
    let ran = run(&server, &["explain", "01J"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, include_str!("explain.txt"));
}

#[test]
fn explain_says_what_to_do_about_an_error() {
    let server = Fake::start(|_| {
        fake::ok(
            json!({"id": 1, "namespace": "n", "group": "g", "rule": "r", "status": "err",
            "error": {"code": "rounds_exceeded", "message": "over the limit rounds of 8 runs"}}),
        )
    });
    let out = run(&server, &["explain", "1"]).out;
    assert!(
        out.contains("\nError\n  rounds_exceeded: over the limit rounds of 8 runs\n"),
        "{out}"
    );
    assert!(
        out.contains("  Alerts, state and timers stayed as they were.\n"),
        "{out}"
    );
    assert!(
        out.contains("  What to do: use less of rounds (Runs until a rule has all"),
        "{out}"
    );
}

#[test]
fn no_server_says_how_to_start_one() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ran = fake::run_at(&format!("http://{free}"), &["get", "rules"], "");
    assert_eq!(ran.code, 1);
    assert!(
        ran.err
            .starts_with(&format!("error: cannot reach http://{free}/: ")),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("wasmalert serve"), "{}", ran.err);
}

#[test]
fn an_answer_that_is_no_json_and_a_redirect_fail() {
    let server = Fake::start(|_| (200, "text/html", "<html>".into()));
    assert!(run(&server, &["get", "rules"]).err.contains("not JSON"));
    let server = Fake::start(|request| {
        assert_eq!(request.line, "GET /v1/rules");
        (302, "text/html", "elsewhere".into())
    });
    let ran = run(&server, &["get", "rules"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "error: the server answered 302: elsewhere\n")
    );
}

#[test]
fn egress_is_shown_set_and_deleted() {
    let server = Fake::start(|request| match request.line.as_str() {
        "GET /v1/tenants/acme/egress" => fake::ok(json!({"own": true, "policy": {
            "allow": [{"scheme": "https", "host": "*.example.com", "ports": [443, 8443]},
                      {"scheme": "any", "host": "prometheus.corp"}],
            "private": ["10.1.0.0/16"]}})),
        "GET /v1/tenants/none/egress" => {
            fake::ok(json!({"own": false, "policy": {"allow": [], "private": []}}))
        }
        "PUT /v1/tenants/acme/egress" => {
            let expected = json!({
                "allow": [{"scheme": "https", "host": "*.example.com", "ports": [443]},
                          {"scheme": "any", "host": "10.1.2.3"}],
                "private": ["10.1.0.0/16", "fd00::/8"]});
            assert_eq!(request.json(), expected);
            fake::empty()
        }
        "PUT /v1/tenants/none/egress" => {
            assert_eq!(request.json(), json!({"allow": [], "private": []}));
            fake::empty()
        }
        "DELETE /v1/tenants/acme/egress" => fake::empty(),
        other => panic!("unexpected {other}"),
    });
    let ran = |args: &str| {
        let ran = run(&server, &args.split(' ').collect::<Vec<_>>());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args}");
        ran.out
    };
    assert_eq!(
        ran("get egress acme"),
        "policy:   the tenant's own\nallow:    https://*.example.com:443 https://*.example.com:8443 \
         prometheus.corp\nprivate:  10.1.0.0/16\n"
    );
    assert_eq!(
        ran("get egress none"),
        "policy:   the server's default\nallow:    none\nprivate:  none\n"
    );
    let set = "set egress acme --allow https://*.example.com:443 --allow 10.1.2.3 --private 10.1.0.0/16 \
               --private fd00::/8";
    assert_eq!(ran(set), "egress acme  set\n");
    assert_eq!(ran("set egress none --nothing"), "egress none  set\n");
    assert_eq!(ran("delete egress acme"), "egress acme  deleted\n");
}

#[test]
fn the_audit_log_of_all_is_shown_and_exported() {
    let entry = json!({"tenant": "acme", "id": "1", "at": "T", "actor": "oidc \u{202e}jane", "address": "::1",
        "method": "PUT", "path": "/v1/sources/a", "status": 201});
    let shown = entry.clone();
    let server = Fake::start(move |request| match request.line.as_str() {
        "GET /v1/audit/all?limit=50&turned_away=false" => fake::ok(json!({"entries": [shown], "next": null})),
        "GET /v1/audit/all?limit=50&turned_away=true" => fake::ok(json!({"entries": [], "next": null})),
        "GET /v1/audit/export?since=7d" => (200, "application/x-ndjson", format!("{shown}\n{shown}\n")),
        "GET /v1/audit/export?until=1d" => (200, "application/x-ndjson", format!("{shown}\n{{\"id\"")),
        "GET /v1/audit/export" => fake::problem(403, json!({"code": "forbidden", "detail": "not you"})),
        other => panic!("unexpected {other}"),
    });
    let ran = |args: &str| run(&server, &args.split(' ').collect::<Vec<_>>());
    assert_eq!(
        ran("get audit --all-tenants").out,
        "AT  TENANT  WHO                FROM  METHOD  STATUS  PATH\n\
         T   acme    oidc \\u{202e}jane  ::1   PUT     201     /v1/sources/a\n"
    );
    assert_eq!(ran("get audit --turned-away").out, "none\n");
    let exported = ran("export audit --since 7d");
    assert_eq!(exported.code, 0, "{exported:?}");
    let lines: Vec<Value> = exported
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, [entry.clone(), entry]);
    assert!(!exported.out.contains('\u{202e}'), "{exported:?}");
    let cut = ran("export audit --until 1d");
    assert_eq!((cut.code, cut.out.lines().count()), (1, 1), "{cut:?}");
    assert!(cut.err.contains("ended within a line"), "{cut:?}");
    assert_eq!(ran("export audit").code, 1);
}

#[test]
fn a_wrong_command_line_is_2() {
    let server = Fake::start(|request| panic!("unexpected {}", request.line));
    for args in [
        "get",
        "get nonsense",
        "get alerts --state odd",
        "get group a/b/c",
        "delete group ab",
        "logs --level loud",
        "apply",
        "push /none.wasm",
        "push /none/a\u{20}b.wasm",
        "get source ..",
        "get egress",
        "set egress acme",
        "set egress acme --private 10.0.0.0/8",
        "set egress acme --allow ftp://a",
        "set egress acme --allow a --private 10.0.0.1/8",
        "set egress acme --allow a --nothing",
        "get rules --client-cert /none.pem",
        "get rules --ca-file /none.pem",
        "compile-worker",
    ] {
        let ran = run(&server, &args.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 2, "{args}: {}", ran.err);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{args}");
    }
    assert_eq!(fake::run_at("nonsense", &["get", "rules"], "").code, 2);
}

#[test]
fn help_teaches() {
    let help = |args: &[&str]| fake::run_at("http://x", args, "").out;
    assert!(help(&["--help"]).contains("wasmalert push rule.wasm"));
    assert!(!help(&["--help"]).contains("compile-worker"));
    assert!(help(&["apply", "--help"]).contains("namespace: prod"));
    let serve = help(&["serve", "--help"]);
    for setting in wasmalert_server::config::SETTINGS.iter() {
        let flag = format!("--{} <VALUE>", setting.name.replace('_', "-"));
        assert_eq!(serve.matches(&flag).count(), 1, "{flag}\n{serve}");
        assert!(serve.contains(setting.env), "{}\n{serve}", setting.env);
    }
    assert!(
        !serve.contains(" --ca-file") && !serve.contains(" --client-key"),
        "{serve}"
    );
    assert!(help(&["get", "rules", "--help"]).contains("--ca-file <FILE>"));
    assert!(help(&["--version"]).starts_with("wasmalert 0."));
}

#[test]
fn serve_reports_every_wrong_setting_at_once() {
    let ran = fake::run_at(
        "http://x",
        &["serve", "--listen", "nowhere", "--limit-fuel", "many"],
        "",
    );
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("--listen: `nowhere`") && ran.err.contains("--limit-fuel: `many`"),
        "{}",
        ran.err
    );
}

#[test]
fn inspect_refuses_what_is_no_component_without_a_server() {
    let dir = folder("inspect", &[("text.wasm", "hello")]);
    let ran = fake::run_at("http://x", &["inspect", &dir.path("text.wasm")], "");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("error: "), "{}", ran.err);
}
