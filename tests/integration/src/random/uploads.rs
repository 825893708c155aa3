//! Random components beside a good rule: each is refused with a code, or runs and ends with one.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::json;

use super::components::{self, Upload};
use super::{Codes, GROWTH_BYTES_MAX, Plan, assert_no_panic, is_clear};
use crate::harness::shapes::Module;
use crate::harness::{Api, PAGE_WITHIN, Server, eventually, guest};
use crate::hostile::collect;

/// Uploads of a plain run.
const UPLOADS: u64 = 60;
/// Uploads that run at a time.
const BATCH: u64 = 10;
/// Of the uploads, one in so many has to get as far as to be evaluated.
const EVALUATED_ONE_IN: u64 = 6;

#[tokio::test]
async fn each_ends_with_a_code_and_the_neighbour_goes_on() {
    let (plan, codes) = (Plan::new(UPLOADS), Codes::read());
    let server = Server::start_with(&[
        // On a busy machine the usual deadline would come before the fuel is used up.
        ("WASMALERT_LIMIT_DEADLINE_MS", "20000"),
        ("WASMALERT_LIMIT_FUEL", "20000000"),
    ])
    .await;
    server.api().push("guest", guest("evaluate")).await;
    let good = json!([{"alert": "Neighbour", "module": "guest", "config": {"do": "ok"}}]);
    server.group("neighbour", good).await;
    eventually("the neighbour fires", PAGE_WITHIN, async || {
        server.api().alert("Neighbour").await
    })
    .await;
    let (mut done, mut ends) = (0, BTreeMap::<String, u64>::new());
    let (mut slots, mut before_bytes) = (BTreeSet::new(), None);
    while plan.goes_on(done) {
        let runs = (done..done + BATCH).map(|number| one(&server, &codes, plan.seed, number));
        for end in join_all(runs).await {
            *ends.entry(end).or_default() += 1;
        }
        done += BATCH;
        let seen = slots.len();
        eventually("the neighbour is evaluated on", PAGE_WITHIN, async || {
            collect(&server, &mut slots).await;
            (slots.len() > seen).then_some(()).ok_or("not yet")
        })
        .await;
        assert_no_panic(&server);
        before_bytes.get_or_insert_with(|| server.resident_bytes());
    }
    eprintln!("{done} uploads: {ends:#?}");
    let evaluated: u64 = ends
        .iter()
        .filter(|(end, _)| end.starts_with("evaluated"))
        .map(|(_, count)| count)
        .sum();
    assert!(
        evaluated >= done / EVALUATED_ONE_IN,
        "{evaluated} of {done} were evaluated"
    );
    server
        .grows_by_less_than(before_bytes.unwrap_or_default(), GROWTH_BYTES_MAX)
        .await;
}

/// Uploads one, evaluates it, takes it away again, and tells how it ended.
async fn one(server: &Server, codes: &Codes, seed: u64, number: u64) -> String {
    let Upload {
        kind,
        wasm,
        expr,
        config,
    } = components::upload(seed, number);
    let what = format!("{kind}, seed {seed}, number {number}");
    let name = format!("random-{number}");
    let answer = server.api().upload(&name, wasm).await;
    if !(200..300).contains(&answer.status) {
        let code = answer.problem(422);
        let problem = answer.json();
        let listed = problem["problems"].as_array().cloned().unwrap_or_default();
        let texts = listed.iter().chain([&problem["detail"]]);
        let are_clear = texts.into_iter().all(|text| text.as_str().is_some_and(is_clear));
        // A compiler that crashes is the answer to a component, and a finding all the same.
        let is_end = codes.allow(&code) && code != "compile_crashed";
        assert!(is_end && are_clear, "{what}: {answer}");
        return format!("{kind} refused: {code}");
    }
    let module: Module =
        serde_json::from_value(answer.json()).unwrap_or_else(|e| panic!("{what}: {e} in {answer}"));
    let mut rule = json!({"alert": name, "module": name, "config": config});
    if let Some(expr) = expr {
        rule["expr"] = json!(expr);
    }
    let group = json!({"interval": "1s", "rules": [rule]})
        .to_string()
        .into_bytes();
    let path = format!("/v1/groups/test/{name}");
    let put = server.api().ask(reqwest::Method::PUT, &path, group).await;
    let put = put.unwrap_or_else(|e| panic!("{what}: {e}"));
    let end = if put.status == 201 {
        let end = evaluated(server, codes, &name, &what).await;
        delete(server.api(), &path).await;
        end
    } else {
        // A notifier, or a schema that has changed.
        format!("of world {}: {}", module.world, put.problem(422))
    };
    delete(server.api(), &format!("/v1/modules/{name}")).await;
    end
}

/// Waits for the first evaluation.
async fn evaluated(server: &Server, codes: &Codes, name: &str, what: &str) -> String {
    let rule = eventually(&format!("evaluated: {what}"), PAGE_WITHIN, async || {
        let rule = server.api().rule("test", name, name).await?;
        if rule.health == "unknown" {
            Err(format!("{rule:?}"))
        } else {
            Ok(rule)
        }
    })
    .await;
    if let Some(fault) = &rule.error {
        assert!(codes.allow(&fault.code), "{what}: {rule:?}");
        assert!(is_clear(&fault.message), "{what}: {rule:?}");
    }
    assert_eq!(rule.health == "err", rule.error.is_some(), "{what}: {rule:?}");
    format!(
        "evaluated: {}",
        rule.error.map_or("ok".to_owned(), |fault| fault.code)
    )
}

async fn delete(api: &Api, path: &str) {
    let deleted = api.delete(path).await.and_then(|answer| answer.ok());
    deleted.unwrap_or_else(|e| panic!("{e}"));
}
