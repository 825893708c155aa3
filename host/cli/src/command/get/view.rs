//! How each answer looks as a table.

use serde_json::Value;

use crate::command::push::{trust, yes};
use crate::output;
use crate::table::Table;
use crate::text::{bytes, clean, count, digest, json, labels, number, plain, seconds};

/// A column's header, and its cell in a row.
type Column = (&'static str, fn(&Value) -> String);

/// A table of the items of a list; a word where it is empty.
fn list(items: &Value, columns: &[Column], width: Option<usize>) -> String {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return "none\n".to_owned();
    }
    let mut table = Table::new(columns.iter().map(|(header, _)| *header));
    for item in items {
        table.row(columns.iter().map(|(_, cell)| cell(item)));
    }
    table.render(width)
}

fn rule_name(item: &Value) -> String {
    [&item["namespace"], &item["group"], &item["rule"]]
        .map(plain)
        .join("/")
}

pub(super) fn modules(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("NAME", |module| plain(&module["name"])),
        ("VERSION", |module| plain(&module["version"])),
        ("WORLD", |module| plain(&module["world"])),
        ("SIZE", |module| bytes(&module["bytes"])),
        ("TRUST", |module| plain(&module["trust"])),
        ("CREATED", |module| plain(&module["created_at"])),
        ("ABOUT", |module| about(&module["description"]["doc"])),
    ];
    list(&answer["modules"], columns, width)
}

pub(super) fn module(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("VERSION", |version| plain(&version["version"])),
        ("PROMOTED", |version| yes(&version["promoted"])),
        ("WORLD", |version| plain(&version["world"])),
        ("DIGEST", |version| digest(&version["digest"])),
        ("SIZE", |version| bytes(&version["bytes"])),
        ("TRUST", |version| plain(&version["trust"])),
        ("FROM", |version| plain(&version["provenance"]["source"]["kind"])),
        ("BY", |version| plain(&version["provenance"]["uploaded_by"])),
        ("CREATED", |version| plain(&version["created_at"])),
        ("ABOUT", |version| about(&version["description"]["doc"])),
    ];
    list(&answer["versions"], columns, width)
}

/// One version, with all that is known of where it comes from.
pub(super) fn version(answer: &Value, _: Option<usize>) -> String {
    let provenance = &answer["provenance"];
    let (source, signature) = (&provenance["source"], &provenance["signature"]);
    let producers = provenance["producers"].as_array().map_or(&[][..], Vec::as_slice);
    let producer = |it: &Value| [&it["field"], &it["name"], &it["version"]].map(plain).join(" ");
    let producers: Vec<String> = producers
        .iter()
        .map(|it| producer(it).trim().to_owned())
        .collect();
    output::fields(&[
        ("name", plain(&answer["name"])),
        ("version", plain(&answer["version"])),
        ("digest", plain(&answer["digest"])),
        ("world", plain(&answer["world"])),
        ("size", bytes(&answer["bytes"])),
        ("created", plain(&answer["created_at"])),
        ("by", plain(&provenance["uploaded_by"])),
        ("from", plain(&source["kind"])),
        ("reference", plain(&source["reference"])),
        ("manifest", plain(&source["digest"])),
        ("trust", trust(answer)),
        ("signing key", plain(&signature["key_id"])),
        ("trusted comment", plain(&signature["trusted_comment"])),
        ("made with", producers.join(", ")),
        ("about", about(&answer["description"]["doc"])),
    ])
}

pub(super) fn signers(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("NAME", |signer| plain(&signer["name"])),
        ("KEY ID", |signer| plain(&signer["key_id"])),
        ("PUBLIC KEY", |signer| plain(&signer["public_key"])),
        ("UPDATED", |signer| plain(&signer["updated_at"])),
    ];
    list(&answer["signers"], columns, width)
}

pub(super) fn signatures(answer: &Value, _: Option<usize>) -> String {
    output::fields(&[
        ("policy", plain(&answer["policy"])),
        ("the operator's", plain(&answer["floor"])),
    ])
}

pub(super) fn usage(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("AT", |row| plain(&row["at"])),
        ("RULE", |row| match row["rule"] {
            Value::Null => "-".to_owned(),
            _ => rule_name(row),
        }),
        ("EVALUATIONS", |row| count(&row["used"]["evaluations"])),
        ("FAILED", |row| count(&row["used"]["failed"])),
        ("FUEL", |row| count(&row["used"]["fuel"])),
        ("CPU", |row| {
            let cpu_ns = row["used"]["cpu_ns"].as_u64().unwrap_or_default();
            format!("{:.3} s", cpu_ns as f64 / 1e9)
        }),
        ("QUERIES", |row| count(&row["used"]["queries"])),
        ("RESULTS", |row| bytes(&row["used"]["query_bytes"])),
        ("NOTIFICATIONS", |row| count(&row["used"]["notifications"])),
    ];
    list(&answer["usage"], columns, width)
}

/// Tenants and modules that are stopped, and why.
pub(super) fn quarantine(answer: &Value, width: Option<usize>) -> String {
    let held = |kind: &str, items: &Value, name: &str| {
        let items = items.as_array().cloned().unwrap_or_default().into_iter();
        let row = |item: Value| serde_json::json!({"kind": kind, "name": item[name], "reason": item["reason"], "since": item["since"]});
        items.map(row).collect::<Vec<_>>()
    };
    let mut rows = held("tenant", &answer["tenants"], "name");
    rows.extend(held("module", &answer["modules"], "digest"));
    let columns: &[Column] = &[
        ("WHAT", |row| plain(&row["kind"])),
        ("NAME", |row| plain(&row["name"])),
        ("SINCE", |row| plain(&row["since"])),
        ("REASON", |row| plain(&row["reason"])),
    ];
    list(&Value::from(rows), columns, width)
}

pub(super) fn pauses(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("PAUSED", |pause| {
            let names = ["namespace", "group", "rule"].map(|name| plain(&pause[name]));
            match names.iter().all(String::is_empty) {
                true => "all rules".to_owned(),
                false => names.join("/").trim_end_matches('/').to_owned(),
            }
        }),
        ("SINCE", |pause| plain(&pause["since"])),
        ("BY", |pause| plain(&pause["by"])),
        ("REASON", |pause| plain(&pause["reason"])),
    ];
    list(&answer["pauses"], columns, width)
}

/// The first line of prose of a page of Markdown.
fn about(doc: &Value) -> String {
    let lines = doc.as_str().unwrap_or_default().lines();
    let mut prose = lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    clean(prose.next().unwrap_or_default())
}

pub(super) fn sources(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("NAME", |source| plain(&source["name"])),
        ("KIND", |source| plain(&source["spec"]["kind"])),
        ("URL", |source| plain(&source["spec"]["url"])),
        ("REVISION", |source| plain(&source["revision"])),
        ("UPDATED", |source| plain(&source["updated_at"])),
    ];
    list(&answer["sources"], columns, width)
}

pub(super) fn scrapes(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("NAME", |scrape| plain(&scrape["name"])),
        ("TARGETS", |scrape| targets_of(scrape).len().to_string()),
        ("UP", |scrape| {
            targets_of(scrape)
                .iter()
                .filter(|target| target["up"] == true)
                .count()
                .to_string()
        }),
        ("REVISION", |scrape| plain(&scrape["revision"])),
        ("UPDATED", |scrape| plain(&scrape["updated_at"])),
    ];
    list(&answer["scrapes"], columns, width)
}

fn targets_of(scrape: &Value) -> &[Value] {
    scrape["targets"].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn targets(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("TARGET", |target| plain(&target["url"])),
        ("UP", |target| plain(&target["up"])),
        ("SAMPLES", |target| plain(&target["samples"])),
        ("ERROR", |target| plain(&target["error"])),
    ];
    let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let errors: String = errors
        .iter()
        .map(|error| format!("error: {}\n", plain(error)))
        .collect();
    errors + &list(&answer["targets"], columns, width)
}

pub(super) fn receivers(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("NAME", |receiver| plain(&receiver["name"])),
        ("MODULE", |receiver| plain(&receiver["spec"]["module"])),
        ("REVISION", |receiver| plain(&receiver["revision"])),
        ("UPDATED", |receiver| plain(&receiver["updated_at"])),
    ];
    list(&answer["receivers"], columns, width)
}

pub(super) fn secrets(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("NAME", |secret| plain(&secret["name"])),
        ("HOSTS", |secret| {
            let hosts = secret["hosts"].as_array().map_or(&[][..], Vec::as_slice);
            hosts.iter().map(plain).collect::<Vec<_>>().join(" ")
        }),
        ("UPDATED", |secret| plain(&secret["updated_at"])),
    ];
    list(&answer["secrets"], columns, width)
}

pub(super) fn keys(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("ID", |key| plain(&key["id"])),
        ("TITLE", |key| plain(&key["title"])),
        ("SCOPES", |key| words(&key["scopes"])),
        ("CREATED", |key| plain(&key["created_at"])),
        ("EXPIRES", |key| plain(&key["expires_at"])),
        ("LAST USED", |key| plain(&key["last_used_at"])),
    ];
    list(&answer["keys"], columns, width)
}

const AUDIT: [Column; 6] = [
    ("AT", |entry| plain(&entry["at"])),
    ("WHO", |entry| plain(&entry["actor"])),
    ("FROM", |entry| plain(&entry["address"])),
    ("METHOD", |entry| plain(&entry["method"])),
    ("STATUS", |entry| plain(&entry["status"])),
    ("PATH", |entry| plain(&entry["path"])),
];

pub(super) fn audit(answer: &Value, width: Option<usize>) -> String {
    list(&answer["entries"], &AUDIT, width)
}

pub(super) fn audit_of_all(answer: &Value, width: Option<usize>) -> String {
    let [at, others @ ..] = AUDIT;
    let tenant: Column = ("TENANT", |entry| plain(&entry["tenant"]));
    let columns: Vec<Column> = [at, tenant].into_iter().chain(others).collect();
    list(&answer["entries"], &columns, width)
}

pub(super) fn egress(answer: &Value, _: Option<usize>) -> String {
    let policy = &answer["policy"];
    let own = answer["own"] == true;
    let allow = policy["allow"].as_array().into_iter().flatten();
    let allow: Vec<String> = allow.flat_map(destinations).collect();
    let or_none = |words: String| {
        if words.is_empty() {
            "none".to_owned()
        } else {
            words
        }
    };
    let whose = if own {
        "the tenant's own"
    } else {
        "the server's default"
    };
    output::fields(&[
        ("policy", whose.to_owned()),
        ("allow", or_none(allow.join(" "))),
        ("private", or_none(words(&policy["private"]))),
    ])
}

/// A destination as `set egress` takes it, once for each of its ports.
fn destinations(destination: &Value) -> Vec<String> {
    let scheme = match destination["scheme"].as_str() {
        None | Some("any") => String::new(),
        Some(scheme) => format!("{}://", clean(scheme)),
    };
    let host = scheme + &plain(&destination["host"]);
    match destination["ports"].as_array() {
        None => vec![host],
        Some(ports) => ports
            .iter()
            .map(|port| format!("{host}:{}", plain(port)))
            .collect(),
    }
}

pub(super) fn limits(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("NAME", |limit| plain(&limit["name"])),
        ("USED", |limit| plain(&limit["used"])),
        ("ALLOWED", |limit| plain(&limit["allowed"])),
        ("ABOUT", |limit| plain(&limit["about"])),
    ];
    list(&answer["limits"], columns, width)
}

pub(super) fn tenants(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("NAME", |tenant| plain(&tenant["name"])),
        ("TITLE", |tenant| plain(&tenant["title"])),
        ("CREATED", |tenant| plain(&tenant["created_at"])),
    ];
    list(&answer["tenants"], columns, width)
}

pub(super) fn whoami(answer: &Value, _: Option<usize>) -> String {
    output::fields(&[
        ("tenant", plain(&answer["tenant"])),
        ("who", plain(&answer["actor"])),
        ("scopes", words(&answer["scopes"])),
    ])
}

/// A source or a receiver: what is known of it, then its spec as it was given.
pub(super) fn spec(answer: &Value, _: Option<usize>) -> String {
    let head = output::fields(&[
        ("name", plain(&answer["name"])),
        ("revision", plain(&answer["revision"])),
        ("updated", plain(&answer["updated_at"])),
    ]);
    match &answer["spec"] {
        Value::Null => json(answer) + "\n",
        spec => format!("{head}\n{}\n", json(spec)),
    }
}

pub(super) fn groups(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("NAMESPACE", |group| plain(&group["namespace"])),
        ("GROUP", |group| plain(&group["group"])),
        ("INTERVAL", |group| plain(&group["interval"])),
        ("RULES", |group| count(&group["rules"])),
        ("REVISION", |group| plain(&group["revision"])),
        ("UPDATED", |group| plain(&group["updated_at"])),
    ];
    list(&answer["groups"], columns, width)
}

pub(super) fn group(answer: &Value, width: Option<usize>) -> String {
    // The server may answer the spec beside what it knows of the group, or in it.
    let spec = if answer["spec"].is_object() {
        &answer["spec"]
    } else {
        answer
    };
    let head = output::fields(&[
        ("namespace", plain(&answer["namespace"])),
        ("group", plain(&answer["group"])),
        ("interval", plain(&spec["interval"])),
        ("revision", plain(&answer["revision"])),
        ("updated", plain(&answer["updated_at"])),
    ]);
    let columns: &[Column] = &[
        ("RULE", |rule| {
            ["alert", "name", "rule"]
                .map(|field| plain(&rule[field]))
                .concat()
        }),
        ("MODULE", |rule| plain(&rule["module"])),
        ("FOR", |rule| plain(&rule["for"])),
        ("SOURCE", |rule| plain(&rule["source"])),
        ("RECEIVERS", |rule| words(&rule["receivers"])),
        ("EXPR OR CONFIG", |rule| {
            plain(if rule["expr"].is_null() {
                &rule["config"]
            } else {
                &rule["expr"]
            })
        }),
    ];
    head + "\n" + &list(&spec["rules"], columns, width)
}

fn words(items: &Value) -> String {
    items.as_array().map_or_else(
        || plain(items),
        |items| items.iter().map(plain).collect::<Vec<_>>().join(", "),
    )
}

pub(super) fn rules(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("RULE", rule_name),
        ("MODULE", |rule| {
            let module = plain(&rule["module"]);
            match &rule["version"] {
                Value::Null => module,
                version => format!("{module}@{}", plain(version)),
            }
        }),
        ("STATE", |rule| plain(&rule["state"])),
        ("HEALTH", |rule| match (&rule["paused"], &rule["paused_until"]) {
            (Value::Null, Value::Null) => plain(&rule["health"]),
            _ => "paused".to_owned(),
        }),
        ("FIRING", |rule| plain(&rule["alerts"]["firing"])),
        ("PENDING", |rule| plain(&rule["alerts"]["pending"])),
        ("EVALUATED", |rule| plain(&rule["last_evaluation_at"])),
        ("TOOK", |rule| seconds(&rule["evaluation_seconds"])),
        ("MISSED", |rule| plain(&rule["missed"])),
        ("ERROR", |rule| error(&rule["error"])),
    ];
    list(&answer["rules"], columns, width)
}

fn error(error: &Value) -> String {
    match error {
        Value::Object(_) => format!("{}: {}", plain(&error["code"]), plain(&error["message"])),
        other => plain(other),
    }
}

pub(super) fn alerts(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("STATE", |alert| plain(&alert["state"])),
        ("RULE", rule_name),
        ("ACTIVE SINCE", |alert| plain(&alert["active_at"])),
        ("VALUE", |alert| plain(&alert["value"])),
        ("LABELS", |alert| labels(&alert["labels"])),
        ("SUMMARY", |alert| plain(&alert["annotations"]["summary"])),
    ];
    list(&answer["alerts"], columns, width)
}

pub(super) fn notifications(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("ID", |notification| plain(&notification["id"])),
        ("STATUS", |notification| plain(&notification["status"])),
        ("RECEIVER", |notification| plain(&notification["receiver"])),
        ("KIND", |notification| plain(&notification["kind"])),
        ("RULE", rule_name),
        ("ALERTS", |notification| plain(&notification["alerts"])),
        ("TRIES", |notification| plain(&notification["attempts"])),
        ("CREATED", |notification| plain(&notification["created_at"])),
        ("NEXT TRY", |notification| plain(&notification["next_attempt_at"])),
        ("LAST ERROR", |notification| error(&notification["last_error"])),
    ];
    list(&answer["notifications"], columns, width)
}

pub(super) fn evaluations(answer: &Value, width: Option<usize>) -> String {
    let columns: &[Column] = &[
        ("ID", |evaluation| plain(&evaluation["id"])),
        ("SLOT", |evaluation| plain(&evaluation["slot_at"])),
        ("TRIGGER", |evaluation| match &evaluation["trigger"] {
            Value::Object(trigger) => trigger.get("kind").map(plain).unwrap_or_default(),
            other => plain(other),
        }),
        ("STATUS", |evaluation| plain(&evaluation["status"])),
        ("FUEL", |evaluation| number(&evaluation["fuel"])),
        ("TOOK", |evaluation| seconds(&evaluation["wall_seconds"])),
        ("RUNS", |evaluation| plain(&evaluation["rounds"])),
        ("CODE", |evaluation| plain(&evaluation["error"]["code"])),
    ];
    list(&answer["evaluations"], columns, width)
}
