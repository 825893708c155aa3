//! Rule files of Prometheus, beside the real one that evaluates the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{
    Api, Exporter, PAGE_WITHIN, Prometheus, Server, TempDir, Webhook, eventually, workspace_root,
};

/// Templates with every function, over series with all kinds of values.
const RULES: &str = r#"
groups:
- name: printed
  interval: 1s
  rules:
  - {record: p1, expr: "sum( value )  by(kind ,job) > bool 1e3 or -(value)^2"}
  - {record: p2, expr: "rate(value{kind='big', job!=\"x\\\\n\"}[90s] offset 60m @ 0)"}
  - {record: p3, expr: "topk without(a) (5,value) * on() group_left() count(value offset -5m)"}
  - {record: p4, expr: "avg_over_time((value-value)[30m:60s]) # a comment"}
  - {record: p5, expr: "label_replace(value,'a','$1','kind','(.*)') / 1234567 + 0.00001"}
  - {record: p6, expr: "max_over_time(rate(value[5m])[1h:] @ end()) unless ignoring() time() * vector(inf)"}
  - {record: p7, expr: "count_values('v', {__name__=~\"val.*\"})"}
- name: values
  interval: 1s
  rules:
  - record: kind:value:sum
    expr: sum by (kind) (value)
    labels: {recorded: "yes"}
  - alert: Value
    expr: value
    labels:
      severity: page
      copied: '{{ $labels.kind }}-{{ .Labels.kind | toUpper }}'
      emptied: '{{ $labels.nope }}'
    annotations:
      plain: no template
      value: '{{ $value }} {{ .Value }} {{ $value | printf "%.3f" }} {{ printf "%v %g %e %8.2f|" $value $value $value $value }}'
      humanized: '{{ humanize $value }} {{ humanize1024 $value }} {{ humanizeDuration $value }} {{ humanizePercentage $value }}'
      stamped: '{{ humanizeTimestamp $value }}'
      labels: '{{ range $name, $text := $labels }}{{ $name }}={{ $text }};{{ end }}{{ $labels }}'
      server: '{{ $externalURL }} {{ externalURL }} {{ pathPrefix }} {{ $externalLabels.cluster }}{{ $externalLabels.nope }}'
      texts: '{{ title "aa bB c" }} {{ match "^a" $labels.kind }} {{ reReplaceAll "(.)a" "$1$1" "banana" }} {{ stripPort "a.b:1" }} {{ stripDomain "a.b:1" }}'
      links: '{{ graphLink "up == 0" }} {{ tableLink "a{b=\"c\"}" }} {{ urlquery "a b" }} {{ html "<a>" }} {{ js "it''s" }}'
      queried: '{{ with query "kind:value:sum" }}{{ . | first | label "recorded" }}{{ end }}{{ range query "value" | sortByLabel "kind" }} {{ .Labels.kind }}={{ .Value }}{{ end }}'
      per_series: '{{ with printf "value{kind=%q}" $labels.kind | query }}{{ . | first | value }}{{ with printf "sum(value{kind=%q}) or vector(0)" (index . 0).Labels.kind | query }} {{ . | first | value }}{{ end }}{{ end }}'
      nobody: '{{ range query "nothing_of_that_name" }}x{{ else }}nobody{{ end }}'
      defined: '{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" $labels.kind }}{{ with args 1 "b" }}{{ .arg0 }}{{ .arg1 }}{{ end }}'
      logic: '{{ if gt $value 100.0 }}many{{ else if eq $labels.kind "small" }}small{{ else }}few{{ end }}{{ and $labels.kind "y" }}{{ not $labels.nope }}'
      printed: '{{ print 1.5 2 "a" "b" 3.0 true }} {{ len $labels.kind }} {{ index $labels "kind" }} {{ slice $labels.kind 1 3 }} {{ printf "%q %5s|%-5s|%x %d%%" "a" "b" "c" "d" 5 }}'
      durations: '{{ parseDuration "1h30m" }} {{ 0 | toTime }}'
  - alert: Broken
    expr: vector(1)
    annotations:
      unknown: '{{ query "sum(" }}'
      first: '{{ query "nothing_of_that_name" | first }}'
"#;

const VALUES: [(&str, &str); 9] = [
    ("big", "1234567"),
    ("small", "0.00001234"),
    ("whole", "100"),
    ("minus", "-86461.5"),
    ("inf", "+Inf"),
    ("nan", "NaN"),
    ("huge", "1e21"),
    ("exact", "1048576"),
    ("zero", "0"),
];

const FAILED: &str = "<error expanding template:";

type Texts = BTreeMap<String, String>;
/// Labels and annotations of each alert.
type Alerts = BTreeMap<String, (Texts, Texts)>;

async fn alerts(api: &Api) -> Result<Alerts, String> {
    let answer = api.get("/api/v1/alerts").await?.json();
    let list = answer["data"]["alerts"].as_array();
    let list = list.ok_or_else(|| answer.to_string())?;
    let alerts = list.iter().map(|alert| {
        let texts = |name: &str| -> Texts { serde_json::from_value(alert[name].clone()).unwrap_or_default() };
        let mut labels = texts("labels");
        let key = ["alertname", "kind"].map(|name| labels.get(name).cloned().unwrap_or_default());
        for name in ["state", "value"] {
            labels.insert(format!("its {name}"), alert[name].to_string());
        }
        (key.join("/"), (labels, texts("annotations")))
    });
    Ok(alerts.collect())
}

/// The groups of `/api/v1/rules`, without alerts, times, and where the file is.
async fn rules(api: &Api) -> Result<Value, String> {
    let mut answer = api.get("/api/v1/rules").await?.json();
    for group in answer["data"]["groups"].as_array_mut().into_iter().flatten() {
        for name in ["evaluationTime", "lastEvaluation"] {
            assert!(!group[name].is_null(), "{name} of {group}");
            group[name] = Value::Null;
        }
        assert_ne!(group["file"], "", "{group}");
        group["file"] = Value::Null;
        for rule in group["rules"].as_array_mut().into_iter().flatten() {
            for name in ["evaluationTime", "lastEvaluation"] {
                assert!(!rule[name].is_null(), "{name} of {rule}");
                rule[name] = Value::Null;
            }
            if let Some(alerts) = rule["alerts"].as_array() {
                rule["alerts"] = alerts.len().into();
            }
            // Left out by the Prometheus of 2.42, written by that of 3.5.
            if rule["labels"].is_null() {
                rule["labels"] = json!({});
            }
        }
    }
    Ok(answer)
}

fn differences(wanted: &Alerts, got: &Alerts) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, (labels, texts)) in wanted {
        let Some((our_labels, our_texts)) = got.get(name) else {
            wrong.push(format!("{name} is not there"));
            continue;
        };
        if labels != our_labels {
            wrong.push(format!("{name}: labels\n  {labels:?}\n  {our_labels:?}"));
        }
        for (annotation, text) in texts {
            let ours = our_texts.get(annotation).map_or("none", String::as_str);
            // What is wrong with a template is said in other words.
            let same = match text.strip_prefix(FAILED) {
                Some(_) => ours.starts_with(FAILED),
                None => ours == text,
            };
            if !same {
                wrong.push(format!("{name}: {annotation}\n  {text}\n  {ours}"));
            }
        }
    }
    wrong
}

#[tokio::test]
async fn templates_are_expanded_as_prometheus_expands_them() {
    let exporter = Exporter::start();
    for (kind, value) in VALUES {
        let value = value.parse().expect("a number");
        exporter.set(&format!("value{{kind=\"{kind}\"}}"), value);
    }
    let prometheus = Prometheus::start_with_rules(&exporter, RULES).await;
    let webhook = Webhook::start();
    let settings = [
        ("WASMALERT_EXTERNAL_URL", "http://alerts.example/base"),
        ("WASMALERT_EXTERNAL_LABELS", "cluster=eu"),
    ];
    let server = Server::start_with(&settings).await;
    server.source(&prometheus.url()).await;
    server.receiver("default", "webhook", &webhook.url()).await;
    let dir = TempDir::new("rule-files");
    let file = dir.write("values.yml", RULES).display().to_string();
    assert_eq!(
        server.cli(&["import", &file]),
        "group values/printed  created\ngroup values/values  created\n"
    );

    let theirs = Api::new(&prometheus.url(), "");
    // The recorded series has to be there first for what asks for it.
    eventually("alerts are the same", PAGE_WITHIN, async || {
        let wanted = alerts(&theirs).await?;
        let got = alerts(server.api()).await?;
        if wanted.len() != VALUES.len() + 1 {
            return Err(format!("Prometheus has {} alerts", wanted.len()));
        }
        match differences(&wanted, &got) {
            wrong if wrong.is_empty() => Ok(()),
            wrong => Err(format!("Prometheus, then ours:\n{}", wrong.join("\n"))),
        }
    })
    .await;

    eventually("rules are the same", PAGE_WITHIN, async || {
        let (wanted, got) = (rules(&theirs).await?, rules(server.api()).await?);
        match wanted == got {
            true => Ok(()),
            false => Err(format!("Prometheus, then ours:\n{wanted:#}\n{got:#}")),
        }
    })
    .await;

    let told = eventually("the receiver called default is told", PAGE_WITHIN, async || {
        let captured = webhook.captured();
        let alerts = captured.iter().flat_map(|captured| captured.alerts().to_vec());
        let names: Vec<Value> = alerts.map(|alert| alert["labels"]["alertname"].clone()).collect();
        if names.contains(&json!("Broken")) {
            Ok(names)
        } else {
            Err(format!("{names:?}"))
        }
    })
    .await;
    assert!(told.contains(&json!("Value")), "{told:?}");
}

#[tokio::test]
async fn rules_are_listed_as_they_are_asked_for() {
    let server = Server::start().await;
    let api = server.api();
    for (namespace, group) in [("a", "one"), ("a", "two"), ("b/c d", "one")] {
        let alert = json!({"alert": "Up", "expr": "vector(1)", "for": "90s", "labels": {"severity": "page"}});
        let record = json!({"alert": "ignored", "expr": "vector(2)", "config": {"record": "two"}});
        let body = json!({"interval": "1s", "labels": {"of": group}, "rules": [alert, record]});
        let path = format!(
            "/v1/groups/{}/{group}",
            namespace.replace('/', "%2F").replace(' ', "%20")
        );
        api.put(&path, &body).await;
    }
    let list = async |query: &str| {
        let answer = api
            .get(&format!("/api/v1/rules?{query}"))
            .await
            .unwrap_or_else(|e| panic!("{e}"));
        (answer.status, answer.json())
    };
    let names = async |query: &str| -> Vec<String> {
        let (status, answer) = list(query).await;
        assert_eq!(status, 200, "{answer}");
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        groups
            .iter()
            .flat_map(|group| {
                let rules = group["rules"].as_array().cloned().unwrap_or_default();
                let of = format!("{}:{}", text(&group["file"]), text(&group["name"]));
                rules
                    .into_iter()
                    .map(move |rule| format!("{of}:{}", text(&rule["name"])))
            })
            .collect()
    };
    let all = [
        "a:one:Up",
        "a:one:two",
        "a:two:Up",
        "a:two:two",
        "b/c d:one:Up",
        "b/c d:one:two",
    ];
    assert_eq!(names("").await, all);
    assert_eq!(names("type=alert&file[]=a").await, ["a:one:Up", "a:two:Up"]);
    assert_eq!(names("type=record&rule_group[]=two").await, ["a:two:two"]);
    assert_eq!(
        names("rule_name[]=Up&rule_name[]=none&file[]=b/c%20d").await,
        ["b/c d:one:Up"]
    );
    assert_eq!(
        names("match[]={severity=%22page%22,of=%22two%22}").await,
        ["a:two:Up"]
    );
    assert_eq!(
        names("match[]={of=~%22t.*%22}&match[]={severity=%22none%22}").await,
        ["a:two:Up", "a:two:two"]
    );
    assert_eq!(names("rule_name[]=none").await, Vec::<String>::new());

    eventually("the alerts are pending", PAGE_WITHIN, async || {
        let (_, answer) = list("type=alert").await;
        let rule = &answer["data"]["groups"][0]["rules"][0];
        match (
            rule["state"].as_str(),
            rule["duration"].as_f64(),
            rule["alerts"].as_array(),
        ) {
            (Some("pending"), Some(90.0), Some(alerts)) if alerts.len() == 1 => Ok(()),
            _ => Err(rule.to_string()),
        }
    })
    .await;
    let (_, answer) = list("type=alert&exclude_alerts=true").await;
    assert_eq!(
        answer["data"]["groups"][0]["rules"][0]["alerts"],
        Value::Null,
        "{answer}"
    );

    // Page by page.
    let mut seen = Vec::new();
    let mut query = "group_limit=1".to_owned();
    for _ in 0..5 {
        seen.extend(names(&query).await);
        let (_, answer) = list(&query).await;
        let Some(token) = answer["data"]["groupNextToken"].as_str() else {
            break;
        };
        query = format!("group_limit=1&group_next_token={token}");
    }
    assert_eq!(seen, all);
    for wrong in [
        "type=nope",
        "exclude_alerts=perhaps",
        "group_limit=0",
        "group_limit=x",
        "group_next_token=ab",
        "group_limit=1&group_next_token=ab",
        "match[]=up(",
    ] {
        let (status, answer) = list(wrong).await;
        assert_eq!(
            (status, &answer["errorType"]),
            (400, &json!("bad_data")),
            "{wrong}: {answer}"
        );
    }
    let info = api
        .get("/api/v1/status/buildinfo")
        .await
        .unwrap_or_else(|e| panic!("{e}"))
        .json();
    assert_eq!(info["data"]["application"], "wasmalert", "{info}");
}

/// The rule files of `examples/rules`, or their tests.
fn examples(folder: &str) -> Vec<String> {
    yaml_files(&format!("examples/rules/{folder}"))
}

fn yaml_files(folder: &str) -> Vec<String> {
    let folder = workspace_root().join(folder);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = files.map(|file| file.expect("a file").path());
    let is_yaml = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "yml");
    let mut paths: Vec<String> = paths
        .filter(is_yaml)
        .map(|path| path.display().to_string())
        .collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn rule_files_of_many_exporters_are_imported_and_evaluated() {
    let server = Server::start().await;
    let (files, api) = (examples(""), server.api());
    assert!(files.len() >= 36, "{files:?}");
    // The tests below it are left out.
    let folder = workspace_root().join("examples/rules").display().to_string();
    let imported = server.cli(&["import", &folder]);
    assert!(
        imported.lines().all(|line| line.ends_with("  created")),
        "{imported}"
    );
    // As they are, but more often.
    let mut config = api.get("/v1/config").await.unwrap().json();
    let groups = config["groups"].as_array_mut().expect("groups");
    groups
        .iter_mut()
        .for_each(|group| group["spec"]["interval"] = json!("2s"));
    let change = json!({"put": {"groups": groups}}).to_string().into_bytes();
    let changed = api
        .ask(reqwest::Method::POST, "/v1/config", change)
        .await
        .unwrap();
    assert_eq!(changed.status, 200, "{changed}");
    eventually("each rule is evaluated", PAGE_WITHIN * 2, async || {
        let rules = api.rules().await?;
        let late: Vec<_> = rules
            .iter()
            .filter(|rule| rule.evaluations < 2 || rule.health != "ok")
            .collect();
        match late.is_empty() && rules.len() >= 290 {
            true => Ok(()),
            false => Err(format!("{} of {}: {:?}", late.len(), rules.len(), late.first())),
        }
    })
    .await;
}

#[test]
fn the_tests_of_these_rule_files_hold_in_prometheus_too() {
    let (mut rules, mut tests) = (examples(""), examples("tests"));
    let is_rules = |file: &String| file.ends_with(".rules.yml");
    let (of_rules, of_tests): (Vec<String>, Vec<String>) =
        yaml_files("tests/semantics").into_iter().partition(is_rules);
    rules.extend(of_rules);
    tests.extend(of_tests);
    assert!(tests.len() >= 70, "{}", tests.len());
    for (command, files) in [("check", rules), ("test", tests)] {
        let ran = std::process::Command::new("promtool")
            .args([command, "rules"])
            .args(&files)
            .output();
        let ran = ran.unwrap_or_else(|error| panic!("promtool, of the package prometheus: {error}"));
        let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{told}");
    }
}
