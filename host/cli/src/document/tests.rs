use serde_json::json;

use super::*;

/// A folder of files that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("wasmalert-cli-{name}-{}", std::process::id()));
        for (file, content) in files {
            let file = path.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
        Self(path)
    }

    fn load(&self) -> Result<Vec<Document>, Vec<String>> {
        let prefix = format!("{}/", self.0.display());
        load(
            std::slice::from_ref(&self.0),
            &mut std::io::empty(),
            &Unsaid::default(),
        )
        .map_err(|errors| {
            errors
                .into_iter()
                .map(|error| error.replace(&prefix, ""))
                .collect()
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn stdin(text: &str) -> Result<Vec<Document>, Vec<String>> {
    load(&[PathBuf::from("-")], &mut text.as_bytes(), &Unsaid::default())
}

fn errors(text: &str) -> Vec<String> {
    stdin(text).expect_err("should be refused")
}

#[test]
fn documents_one_after_another_and_lists_are_the_same() {
    let yaml = "# sources\nsource:\n  name: prom\n  spec: {kind: prometheus, url: 'http://127.0.0.1:9090'}\n\
                ---\nreceiver: {name: am, spec: {module: alertmanager}}\n";
    let json = r#"[{"source": {"name": "prom", "spec": {"kind": "prometheus", "url": "http://127.0.0.1:9090"}}},
{"receiver": {"name": "am", "spec": {"module": "alertmanager"}}}]"#;
    let wanted = |text| {
        stdin(text)
            .unwrap()
            .into_iter()
            .map(|d| d.wanted)
            .collect::<Vec<_>>()
    };
    assert_eq!(wanted(yaml), wanted(json));
    let Wanted::Source { name, spec } = &wanted(yaml)[0] else {
        panic!("no source")
    };
    assert_eq!(name, "prom");
    assert_eq!(
        Value::Object(spec.clone()),
        json!({"kind": "prometheus", "url": "http://127.0.0.1:9090"})
    );
}

#[test]
fn places_are_the_lines_documents_begin_at() {
    let documents = stdin(
        "- source: {name: a, spec: {}}\n- source: {name: b, spec: {}}\n---\n\nsource: {name: c, spec: {}}\n",
    );
    let places: Vec<_> = documents.unwrap().into_iter().map(|d| d.place).collect();
    assert_eq!(places, ["<stdin>:1", "<stdin>:2", "<stdin>:5"]);
}

#[test]
fn what_others_refer_to_is_sent_first() {
    let folder = Folder::new(
        "order",
        &[
            (
                "a.yaml",
                "group: {namespace: demo, name: host, spec: {interval: 15s, rules: []}}\n",
            ),
            ("b/receiver.yml", "receiver: {name: am, spec: {}}\n"),
            ("b/source.json", r#"{"source": {"name": "prom", "spec": {}}}"#),
            (
                "c.yaml",
                "secret: {name: s, from_file: s.txt, hosts: ['10.0.0.5:9090', '*.example.com']}\n---\nmodule: {name: m, file: wasm/m.wasm, signature: wasm/m.wasm.minisig}\n",
            ),
            ("s.txt", "hush\r\n"),
            ("wasm/m.wasm", "\0asm rest"),
            ("wasm/m.wasm.minisig", "signed"),
            (".hidden.yaml", "nonsense: {}"),
            ("notes.md", "nonsense: {}"),
        ],
    );
    let documents = folder.load().unwrap();
    let names: Vec<_> = documents.iter().map(|d| d.wanted.to_string()).collect();
    assert_eq!(
        names,
        [
            "module m",
            "secret s",
            "source prom",
            "receiver am",
            "group demo/host"
        ]
    );
    assert_eq!(
        documents[0].wanted,
        Wanted::Module {
            name: "m".into(),
            file: folder.0.join("wasm/m.wasm"),
            signature: Some("signed".into())
        }
    );
    assert_eq!(
        documents[1].wanted,
        Wanted::Secret {
            name: "s".into(),
            value: SecretValue("hush".into()),
            hosts: Some(vec!["10.0.0.5:9090".into(), "*.example.com".into()])
        }
    );
    assert!(
        !format!("{documents:?}").contains("hush"),
        "a secret is in the debug output"
    );
}

#[test]
fn every_error_of_every_file_comes_at_once() {
    let folder = Folder::new(
        "errors",
        &[
            (
                "a.yaml",
                "source: {name: 'a b', spec: 5}\n---\nfoo: {}\n---\n\
                 group:\n  namespace: demo\n  nam: host\n  spec: {interval: 15s}\n---\nsource: {name: ok, spec: {}}\n",
            ),
            (
                "b.json",
                "[{\"source\": {\"name\": \"ok\", \"spec\": {}}},\n 7,\n {\"a\": 1, \"b\": 2}]",
            ),
            ("c.yaml", "a: [1\nb: 2\n"),
            (
                "d.yaml",
                "module: {name: m, file: none.wasm}\n---\nmodule: {name: t, file: e.txt}\n---\nsecret: {name: s}\n",
            ),
            ("e.txt", "text"),
        ],
    );
    let errors = folder.load().expect_err("should be refused");
    let starts = [
        "a.yaml:1: source.name: \"a b\" may only have",
        "a.yaml:1: source.spec: expected fields, not a number",
        "a.yaml:3: unknown kind \"foo\": expected one of module,",
        "a.yaml:5: group.name: is missing",
        "a.yaml:5: group.spec.rules: expected a list of rules",
        "a.yaml:5: group.nam: unknown field",
        "b.json:2: expected a document such as `source: {…}`, not a number",
        "b.json:3: expected exactly one of module,",
        "c.yaml:2: ",
        "d.yaml:1: module.file: none.wasm: No such file",
        "d.yaml:3: module.file: e.txt: is not a WebAssembly file",
        "d.yaml:5: secret: give exactly one of from_env and from_file",
        "b.json:1: source ok is already at ",
    ];
    for (error, start) in errors.iter().zip(starts) {
        assert!(error.starts_with(start), "{error}\nshould start with\n{start}");
    }
    assert_eq!(errors.len(), starts.len(), "{errors:#?}");
}

#[test]
fn a_name_that_yaml_takes_for_a_number_says_to_quote_it() {
    assert_eq!(
        errors("source: {name: 7, spec: {}}"),
        ["<stdin>:1: source.name: expected a text, not a number; put it in quotes"]
    );
}

#[test]
fn yes_and_on_stay_texts() {
    let documents = stdin("source: {name: yes, spec: {a: on, b: 'true', c: true, d: 15s}}").unwrap();
    let Wanted::Source { name, spec } = &documents[0].wanted else {
        panic!("no source")
    };
    assert_eq!(name, "yes");
    assert_eq!(
        Value::Object(spec.clone()),
        json!({"a": "on", "b": "true", "c": true, "d": "15s"})
    );
}

#[test]
fn keys_that_come_twice_and_alias_bombs_are_refused() {
    assert!(
        errors("source: {name: a, name: b, spec: {}}")[0].contains("duplicate"),
        "twice"
    );
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(", "));
    }
    assert_eq!(errors(&bomb).len(), 1);
}

#[test]
fn a_missing_variable_is_named() {
    let wrong = errors("secret: {name: s, from_env: WASMALERT_CLI_TEST_NOT_SET}");
    assert_eq!(
        wrong,
        ["<stdin>:1: secret: the environment variable WASMALERT_CLI_TEST_NOT_SET is not set, or not UTF-8"]
    );
}

#[test]
fn nothing_at_all_is_an_error() {
    assert!(errors("# nothing\n")[0].starts_with("no documents found"));
    assert!(
        load(
            &[PathBuf::from("none.yaml")],
            &mut std::io::empty(),
            &Unsaid::default()
        )
        .unwrap_err()[0]
            .contains("No such file")
    );
    assert!(
        load(
            &[PathBuf::from("x.toml")],
            &mut std::io::empty(),
            &Unsaid::default()
        )
        .unwrap_err()[0]
            .contains("expected a .yaml")
    );
}

const RULE_FILE: &str = "\
groups:
  - name: node
    interval: 30s
    query_offset: 5s
    limit: 7
    labels: {team: core}
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: Down
        expr: up == 0
        for: 1m30s
        keep_firing_for: 5m
        labels: {severity: page, zone: '{{ $labels.zone }}'}
        annotations: {summary: '{{ $labels.instance }} is down'}
";

#[test]
fn the_groups_of_rule_files_are_documents() {
    let folder = Folder::new("rule-files", &[("node.rules.yml", RULE_FILE)]);
    let unsaid = Unsaid {
        namespace: None,
        source: Some("prom".to_owned()),
        receivers: vec!["am".to_owned()],
        ..Unsaid::default()
    };
    let documents = load(std::slice::from_ref(&folder.0), &mut std::io::empty(), &unsaid).unwrap();
    let [document] = &documents[..] else {
        panic!("{documents:?}");
    };
    assert!(
        document.is_of_prometheus && document.place.ends_with("node.rules.yml:2"),
        "{document:?}"
    );
    let Wanted::Group {
        namespace,
        name,
        spec,
    } = &document.wanted
    else {
        panic!("{document:?}");
    };
    assert_eq!((&**namespace, &**name), ("node.rules", "node"));
    let of_both = json!({"source": "prom", "receivers": ["am"]});
    let mut rules = [
        json!({"alert": "job:up:sum", "expr": "sum by (job) (up)", "config": {"record": "job:up:sum"}}),
        json!({"alert": "Down", "expr": "up == 0", "for": "1m30s", "keep_firing_for": "5m",
            "labels": {"severity": "page", "zone": "{{ $labels.zone }}"},
            "annotations": {"summary": "{{ $labels.instance }} is down"}}),
    ];
    for rule in &mut rules {
        for (name, value) in of_both.as_object().unwrap() {
            rule[name] = value.clone();
        }
    }
    assert_eq!(
        Value::Object(spec.clone()),
        json!({"interval": "30s", "query_offset": "5s", "limit": 7, "labels": {"team": "core"}, "rules": rules})
    );
}

#[test]
fn resources_of_the_operator_are_rule_files_and_so_are_lists_of_them() {
    let resource = |name: &str| {
        format!(
            "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {{name: {name}, namespace: prod, \
             labels: {{a: b}}}}\nspec:\n  groups:\n  - name: g\n    rules: [{{alert: A, expr: up}}]\nstatus: {{}}\n"
        )
    };
    let indented = |text: String| text.replace('\n', "\n  ");
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n",
        indented(resource("one")).trim_end(),
        indented(resource("two")).trim_end()
    );
    for (text, names) in [
        (
            format!("{}---\n{}", resource("one"), resource("two")),
            ["prod/one", "prod/two"],
        ),
        (list, ["prod/one", "prod/two"]),
    ] {
        let documents = load(&[PathBuf::from("-")], &mut text.as_bytes(), &Unsaid::default());
        let documents = documents.unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
        let namespaces: Vec<&str> = documents
            .iter()
            .map(|document| match &document.wanted {
                Wanted::Group { namespace, .. } => namespace.as_str(),
                _ => panic!("{document:?}"),
            })
            .collect();
        assert_eq!(namespaces, names);
    }
}

#[test]
fn everything_that_is_wrong_with_a_rule_file_is_told_with_its_line() {
    let text = "groups:\n- name: g\n  nope: 1\n  rules:\n  - alert: A\n    expr: up ==\n  - alert: B\n  - record: r\n    \
                expr: up\n    for: 1m\n---\nkind: PrometheusRule\nspec: {}\n";
    let errors = load(&[PathBuf::from("-")], &mut text.as_bytes(), &Unsaid::default()).unwrap_err();
    let lines: Vec<&str> = errors
        .iter()
        .filter_map(|error| error.split(':').nth(1))
        .collect();
    assert_eq!(lines, ["3", "6", "7", "10", "12"], "{errors:#?}");
}
