//! `wasmalert run`: one evaluation against a real Prometheus, without a server.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Exporter, PAGE_WITHIN, Prometheus, eventually, release_dir, workspace_root};

/// Exit code, standard output and standard error.
async fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let rule = workspace_root().join("target/components/prometheus.wasm");
    let mut command = Command::new(release_dir().join("wasmalert"));
    command.arg("run").arg(rule).args(args);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("it is not cancelled").expect("the binary is built");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_evaluated_once_against_a_source() {
    let exporter = Exporter::start();
    exporter.set("load{host=\"a\"}", 7.0);
    exporter.set("load{host=\"b\"}", 1.0);
    let prometheus = Prometheus::start(&exporter).await;
    let source = prometheus.url();
    let args = [
        "--source",
        &source,
        "--config",
        r#"{"expr": "load > 5"}"#,
        "--output",
        "json",
    ];
    let found = eventually("the series is there", PAGE_WITHIN, async || {
        let (code, out, err) = run(&args).await;
        let document: Value =
            serde_json::from_str(&out).map_err(|error| format!("{error}: {code:?} {out} {err}"))?;
        match document["outcome"]["findings"].as_array().map(Vec::len) {
            Some(1) => Ok(document),
            _ => Err(format!("{code:?} {document}")),
        }
    })
    .await;
    assert_eq!(found["status"], "ok");
    assert_eq!(found["rounds"], 2);
    assert_eq!(found["outcome"]["findings"][0]["labels"]["host"], "a");
    assert_eq!(found["outcome"]["findings"][0]["value"], "7");
    assert_eq!(found["inputs"]["queries"][0]["series_count"], 1);

    let (code, out, _) = run(&args[..4]).await;
    assert_eq!(code, Some(0));
    for part in ["Asked\n", "load > 5", "Found\n", "value 7", "fuel"] {
        assert!(out.contains(part), "no {part:?} in {out}");
    }

    // What fails says what to do, and ends with 1; what is wrong on the command line ends with 2.
    let (code, out, _) = run(&["--source", &source, "--config", r#"{"expr": "load >"}"#]).await;
    assert!(
        code == Some(1) && out.contains("query_failed") && out.contains("What to do"),
        "{code:?} {out}"
    );
    let (code, out, _) = run(&["--config", r#"{"expr": "load"}"#]).await;
    assert!(
        code == Some(1) && out.contains("give it with --source default=URL"),
        "{code:?} {out}"
    );
    for wrong in [
        ["--config", "{expr"],
        ["--source", "ftp://example.com"],
        ["--at", "yesterday"],
        ["--interval", "0s"],
        ["--header", "no colon"],
    ] {
        let (code, _, err) = run(&wrong).await;
        assert!(
            code == Some(2) && err.contains(wrong[0].trim_start_matches("--")),
            "{wrong:?}: {code:?} {err}"
        );
    }
}
