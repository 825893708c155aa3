//! Target lists and what is scraped.

use proptest::prelude::*;

use super::*;

fn job() -> Job {
    Job {
        name: "node".into(),
        ..Job::default()
    }
}

fn targets(job: &Job, json: &str) -> Result<Vec<String>, Vec<String>> {
    let groups = parse_file(json.as_bytes()).map_err(|error| vec![error.to_string()])?;
    match job.targets(&groups) {
        Ok(targets) => Ok(targets
            .iter()
            .map(|target| format!("{} {}", target.url, target.labels))
            .collect()),
        Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn targets_of_a_file() {
    let json = r#"[
        {"targets": ["b:9100", "a:9100", "b:9100"], "labels": {"env": "prod", "__meta_rack": "7", "none": ""}},
        {"targets": ["[::1]:80"], "labels": {"job": "other", "instance": "me"}},
        {"labels": {"x": "y"}},
        {"targets": []}
    ]"#;
    let expected = [
        r#"http://[::1]:80/metrics {instance="me", job="other"}"#,
        r#"http://a:9100/metrics {env="prod", instance="a:9100", job="node"}"#,
        r#"http://b:9100/metrics {env="prod", instance="b:9100", job="node"}"#,
    ];
    assert_eq!(targets(&job(), json).unwrap(), expected);
    assert_eq!(targets(&job(), "[]").unwrap(), [""; 0]);
}

#[test]
fn urls_are_encoded_and_groups_overrule_jobs() {
    let params = [
        (
            "match[]".to_owned(),
            vec!["{a=\"ü\"}".to_owned(), "b c".to_owned()],
        ),
        ("module".to_owned(), vec!["http_2xx".to_owned()]),
    ];
    let job = Job {
        scheme: "https".into(),
        metrics_path: "stats/a b?".into(),
        params: params.into(),
        ..job()
    };
    let json = r#"[{"targets": ["x"]}, {"targets": ["y"], "labels":
        {"__scheme__": "http", "__metrics_path__": "/m", "__param_module": "icmp", "__param_new": "1&2"}}]"#;
    let urls: Vec<String> = targets(&job, json).unwrap();
    let urls: Vec<&str> = urls.iter().filter_map(|line| line.split(' ').next()).collect();
    let matches = "match%5B%5D=%7Ba%3D%22%C3%BC%22%7D&match%5B%5D=b%20c";
    let expected = [
        format!("http://y/m?{matches}&module=icmp&new=1%262"),
        format!("https://x/stats/a%20b%3F?{matches}&module=http_2xx"),
    ];
    assert_eq!(urls, expected);
}

#[test]
fn every_target_that_is_wrong_is_named() {
    let json = r#"[{"targets": ["", "http://a:1", "a b", "user@a", "ok"]},
        {"targets": ["s"], "labels": {"__scheme__": "ftp"}},
        {"targets": ["i"], "labels": {"__scrape_interval__": "5s"}}, {"targets": ["n"], "labels": {"": "x"}}]"#;
    let expected = [
        "target `` of job `node`: the address is empty, expected host:port",
        "target `http://a:1` of job `node`: expected host:port, without scheme and path; `/` may not be in it",
        "target `a b` of job `node`: expected host:port, without scheme and path; ` ` may not be in it",
        "target `user@a` of job `node`: expected host:port, without scheme and path; `@` may not be in it",
        "target `s` of job `node`: the scheme is `ftp`, expected http or https",
        "target `i` of job `node`: the label __scrape_interval__ is not supported: set it for the job",
        "target `n` of job `node`: a label has no name",
    ];
    assert_eq!(targets(&job(), json).unwrap_err(), expected);
    for json in ["{}", "[{\"target\": []}]", "[{\"targets\": [[1]]}]", "[", ""] {
        let error = targets(&job(), json).unwrap_err();
        assert!(
            error[0].starts_with("the target file is not a list of") && error[0].contains("line 1"),
            "{error:?}"
        );
    }
}

#[test]
fn a_file_may_be_yaml() {
    let yaml = "# ours\n- targets: ['a:1', b:2]\n  labels:\n    rack: 7\n";
    let json = r#"[{"targets": ["a:1", "b:2"], "labels": {"rack": "7"}}]"#;
    assert_eq!(parse_file(yaml.as_bytes()), parse_file(json.as_bytes()));
    assert_eq!(parse_file(yaml.as_bytes()).unwrap()[0].labels["rack"], "7");
    // Aliases do not make a small file large.
    let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, at| {
        let before = at - 1;
        text + &format!("a{at}: &a{at} [*a{before}, *a{before}]\n")
    });
    assert!(parse_file(bomb.as_bytes()).is_err());
}

#[test]
fn targets_are_bounded() {
    let group = |count| TargetGroup {
        targets: vec!["a".into(); count],
        ..TargetGroup::default()
    };
    assert_eq!(job().targets(&[group(TARGETS_MAX)]).unwrap().len(), 1);
    let errors = job().targets(&[group(TARGETS_MAX), group(1)]).unwrap_err();
    assert_eq!(
        errors,
        [TargetError::TooMany {
            job: "node".into(),
            found: 10_001
        }]
    );
    let long = TargetGroup {
        targets: vec!["a".repeat(ADDRESS_BYTES_MAX + 1)],
        ..TargetGroup::default()
    };
    assert!(job().targets(&[long]).is_err());
    let found = FILE_BYTES_MAX + 1;
    assert_eq!(
        parse_file(&vec![b' '; found]),
        Err(TargetError::FileBytes { found })
    );
}

#[test]
fn offsets_spread_targets_and_stay() {
    let group = TargetGroup {
        targets: (0..1_000).map(|n| format!("host{n}:9100")).collect(),
        ..TargetGroup::default()
    };
    let targets = job().targets(&[group]).unwrap();
    let mut tenths = [0; 10];
    for target in &targets {
        let offset_ms = target.offset_ms(10_000);
        assert_eq!(offset_ms, target.clone().offset_ms(10_000));
        tenths[usize::try_from(offset_ms / 1_000).unwrap()] += 1;
    }
    assert!(
        tenths.iter().all(|count| (60..=140).contains(count)),
        "{tenths:?}"
    );
    let mut other = targets[0].clone();
    other.labels.set("env", "test");
    assert_ne!(other.offset_ms(i64::MAX), targets[0].offset_ms(i64::MAX));
}

proptest! {
    #[test]
    fn no_target_file_panics(json in "[\\[\\]{}\":,targetslb\\\\ué\\PC]{0,80}", address in "\\PC{0,20}", value in "\\PC{0,10}") {
        drop(parse_file(json.as_bytes()));
        let labels = [("__metrics_path__".to_owned(), value.clone()), ("__param_a".to_owned(), value)].into();
        if let Ok(targets) = job().targets(&[TargetGroup { targets: vec![address], labels }]) {
            let rest = targets[0].url.strip_prefix("http://").unwrap();
            let path = &rest[rest.find('/').unwrap()..];
            prop_assert!(path.is_ascii() && !path.contains(['#', ' ', '"']) && path.matches('?').count() == 1);
        }
    }
}
