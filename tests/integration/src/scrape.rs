//! Scraping into the embedded source: a real exporter, one that fails, restarts,
//! and a page without any Prometheus.

use serde_json::{Value, json};

use crate::harness::{Alertmanager, Exporter, PAGE_WITHIN, Server, TempDir, eventually};

async fn query(server: &Server, expr: &str) -> Result<Vec<Value>, String> {
    let url = reqwest::Url::parse_with_params("http://x/api/v1/query", [("query", expr)]).expect("a path");
    let answer = server
        .api()
        .get(&format!("/api/v1/query?{}", url.query().unwrap_or_default()))
        .await?;
    answer.ok()?;
    let found = &answer.json()["data"]["result"];
    found.as_array().cloned().ok_or_else(|| answer.to_string())
}

async fn value(server: &Server, expr: &str) -> Result<String, String> {
    match &query(server, expr).await?[..] {
        [one] => Ok(one["value"][1].as_str().unwrap_or_default().to_owned()),
        found => Err(format!("{expr}: {found:?}")),
    }
}

async fn scrape(server: &Server, name: &str, targets: &[String], more: Value) {
    let mut spec = json!({"targets": targets, "interval": "1s"});
    let more = more.as_object().cloned().unwrap_or_default();
    spec.as_object_mut().expect("an object").extend(more);
    server.api().put(&format!("/v1/scrapes/{name}"), &spec).await;
}

#[tokio::test]
async fn a_page_needs_no_prometheus() {
    let (exporter, alertmanager) = (Exporter::start(), Alertmanager::start().await);
    exporter.set("load{host=\"a\",pid=\"7\"}", 0.0);
    let server = Server::start().await;
    let relabel = json!({"relabel": [{"label_drop": "pid"}], "labels": {"env": "test"}});
    scrape(&server, "node", &[exporter.address()], relabel).await;
    server.receiver("am", "alertmanager", &alertmanager.url()).await;
    let rule = json!([{"alert": "Busy", "expr": "load > 5", "receivers": ["am"]}]);
    server.group("load", rule).await;
    eventually("the exporter is scraped", PAGE_WITHIN, async || {
        value(&server, "load").await
    })
    .await;
    exporter.set("load{host=\"a\",pid=\"7\"}", 9.0);
    let page = eventually("Alertmanager has it", PAGE_WITHIN, async || {
        let alerts = alertmanager.active("Busy").await?;
        alerts.into_iter().next().ok_or_else(|| "no alert".to_owned())
    })
    .await;
    let labels = json!({
        "alertname": "Busy", "env": "test", "host": "a", "instance": exporter.address(), "job": "node"
    });
    assert_eq!(page["labels"], labels);
    let metrics = server.api().get("/metrics").await.unwrap().text();
    for series in [
        "wasmalert_scrapes_total{tenant=\"default\",result=\"up\"}",
        "wasmalert_samples_series{tenant=\"default\"}",
        "wasmalert_samples_held{tenant=\"default\"}",
        "wasmalert_samples_bytes{tenant=\"default\"}",
        "wasmalert_samples_taken_total{tenant=\"default\"}",
    ] {
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(series)?.trim().parse::<f64>().ok());
        assert!(
            value.is_some_and(|value| value > 0.0),
            "{series}: {value:?}\n{metrics}"
        );
    }
}

#[tokio::test]
async fn what_is_down_is_down_and_its_series_end() {
    let exporter = Exporter::start();
    exporter.set("answer", 42.0);
    let server = Server::start().await;
    // Nobody listens on port 1.
    let targets = [exporter.address(), "127.0.0.1:1".to_owned()];
    scrape(&server, "both", &targets, json!({})).await;
    eventually("one is up and one is down", PAGE_WITHIN, async || {
        let up = value(&server, "sum(up) + 10 * count(up)").await?;
        if up == "21" { Ok(()) } else { Err(up) }
    })
    .await;
    assert_eq!(value(&server, "answer").await.unwrap(), "42");
    let shown = server.api().get("/v1/scrapes/both").await.unwrap().json();
    let errors: Vec<&Value> = shown["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| &target["error"])
        .collect();
    assert_eq!(
        errors.iter().filter(|error| error.is_string()).count(),
        1,
        "{shown}"
    );
    assert!(server.cli(&["get", "scrapes", "both"]).contains("127.0.0.1:1"));
    // A line that is none fails the whole scrape.
    exporter.set("no{line", 1.0);
    eventually("nothing of a broken page counts", PAGE_WITHIN, async || {
        let (up, answer) = (value(&server, "sum(up)").await?, query(&server, "answer").await?);
        if up == "0" && answer.is_empty() {
            Ok(())
        } else {
            Err(format!("{up} {answer:?}"))
        }
    })
    .await;
    let gone = server.api().delete("/v1/scrapes/both").await.unwrap();
    assert_eq!(gone.status, 204, "{gone}");
    eventually("its series are gone at once", PAGE_WITHIN, async || {
        let up = query(&server, "up").await?;
        if up.is_empty() {
            Ok(())
        } else {
            Err(format!("{up:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn a_target_that_stays_goes_on_over_changes_and_restarts() {
    let exporter = Exporter::start();
    let mut server = Server::start().await;
    scrape(&server, "node", &[exporter.address()], json!({})).await;
    eventually("it is scraped", PAGE_WITHIN, async || value(&server, "up").await).await;
    scrape(
        &server,
        "node",
        &[exporter.address(), "127.0.0.1:1".to_owned()],
        json!({}),
    )
    .await;
    assert_eq!(
        value(&server, "up == 1").await.unwrap(),
        "1",
        "a change leaves no gap"
    );
    server.stop();
    server.restart().await;
    eventually("it is scraped after the restart too", PAGE_WITHIN, async || {
        let again = value(&server, "count_over_time(up{instance!=\"127.0.0.1:1\"}[5s])").await?;
        if again == "0" { Err(again) } else { Ok(()) }
    })
    .await;
    let shown = server.api().get("/v1/scrapes/node").await.unwrap().json();
    assert_eq!(shown["targets"].as_array().map(Vec::len), Some(2), "{shown}");
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let exporter = Exporter::guarded("Bearer hush-hush-token");
    exporter.set("answer", 42.0);
    let server = Server::start().await;
    let with_token = |token: &str| json!({"bearer_token": token});
    scrape(
        &server,
        "node",
        &[exporter.address()],
        with_token("{{secret:node}}"),
    )
    .await;
    let error_of = async |what: &str| {
        eventually(what, PAGE_WITHIN, async || {
            let shown = server.api().get("/v1/scrapes/node").await?.json();
            let error = shown["targets"][0]["error"].as_str().map(str::to_owned);
            error
                .filter(|error| error.contains(what))
                .ok_or_else(|| shown.to_string())
        })
        .await
    };
    error_of("there is no secret \"node\"").await;
    server
        .api()
        .put("/v1/secrets/node", &json!({"value": "another-token"}))
        .await;
    error_of("401").await;
    server
        .api()
        .put("/v1/secrets/node", &json!({"value": "hush-hush-token"}))
        .await;
    eventually("it is scraped", PAGE_WITHIN, async || {
        value(&server, "answer").await
    })
    .await;
    // A token in the settings themselves is not shown, a placeholder is.
    let shown = async || server.api().get("/v1/scrapes/node").await.unwrap().json();
    assert_eq!(shown().await["spec"]["bearer_token"], "{{secret:node}}");
    scrape(
        &server,
        "node",
        &[exporter.address()],
        with_token("hush-hush-token"),
    )
    .await;
    assert_eq!(shown().await["spec"]["bearer_token"], "***");
    assert!(!server.log().contains("hush"), "{}", server.log());
}

#[tokio::test]
async fn target_files_are_followed() {
    let (first, second) = (Exporter::start(), Exporter::start());
    first.set("load", 1.0);
    second.set("load", 2.0);
    let dir = TempDir::new("targets");
    std::fs::create_dir(dir.path().join("default")).expect("a folder");
    let file = |targets: &[&Exporter]| {
        let targets: Vec<String> = targets.iter().map(|target| target.address()).collect();
        dir.write(
            "default/node.json",
            &json!([{"targets": targets, "labels": {"from": "file"}}]).to_string(),
        );
    };
    file(&[&first]);
    let targets_dir = dir.path().display().to_string();
    let server = Server::start_with(&[("WASMALERT_TARGETS_DIR", &targets_dir)]).await;
    scrape(&server, "node", &[], json!({"files": ["*.json"]})).await;
    let sum_is = async |wanted: &str| {
        eventually("the load is what the targets have", PAGE_WITHIN, async || {
            let sum = value(&server, "sum(load{from=\"file\"})").await?;
            if sum == wanted { Ok(()) } else { Err(sum) }
        })
        .await;
    };
    sum_is("1").await;
    file(&[&first, &second]);
    sum_is("3").await;
    dir.write("default/node.json", "[{\"targets\": ");
    let errors = eventually("the damage is shown", PAGE_WITHIN, async || {
        let shown = server.api().get("/v1/scrapes/node").await?.json();
        let error = shown["errors"][0].as_str().map(str::to_owned);
        error.ok_or_else(|| shown.to_string())
    })
    .await;
    assert!(
        errors.starts_with("node.json: the target file is not a list"),
        "{errors}"
    );
    assert!(
        server
            .cli(&["get", "scrapes", "node"])
            .contains("node.json: the target file")
    );
    assert_eq!(
        value(&server, "count(up)").await.unwrap(),
        "2",
        "its targets stay"
    );
    file(&[&second]);
    // The series of the one that is gone end at once.
    sum_is("2").await;
}

#[tokio::test]
async fn what_cannot_be_scraped_is_refused() {
    let server = Server::start().await;
    for (spec, field) in [
        (json!({"targets": ["a b"]}), "targets"),
        (json!({"targets": ["a:1"], "interval": "1ms"}), "interval"),
        (
            json!({"targets": ["a:1"], "interval": "5s", "timeout": "6s"}),
            "timeout",
        ),
        (json!({"targets": ["a:1"], "scheme": "file"}), "targets"),
        (json!({}), "targets"),
        (
            json!({"targets": ["a:1"], "fallback_scrape_protocol": "text"}),
            "fallback_scrape_protocol",
        ),
        (json!({"files": ["../secret.json"]}), "files"),
        (
            json!({"targets": ["a:1"], "bearer_token": "a", "basic_auth": {"username": "u", "password": "p"}}),
            "bearer_token",
        ),
        (
            json!({"targets": ["a:1"], "relabel": [{"label_drop": "("}]}),
            "relabel",
        ),
    ] {
        let body = spec.to_string().into_bytes();
        let answer = server
            .api()
            .ask(reqwest::Method::PUT, "/v1/scrapes/bad", body)
            .await
            .unwrap();
        assert_eq!(answer.problem(422), "invalid", "{answer}");
        let problem = answer.json()["problems"][0]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(problem.starts_with(field), "{answer}");
    }
    let none = server.api().get("/v1/scrapes").await.unwrap();
    assert_eq!(none.json(), json!({"scrapes": []}));
}
