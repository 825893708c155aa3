//! The host's own metrics.

use wasmalert_core::TenantId;
use wasmalert_core::fault::FaultCode;
use wasmalert_core::limits::Limit;
use wasmalert_core::query::QueryErrorCode;

use super::super::*;
use super::reader::{Read, read};
use crate::query::SourceKind;

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a name")
}

fn process() -> ProcessInfo {
    ProcessInfo {
        version: "1.2.3",
        started_at_ms: 1_700_000_000_500,
        resident_memory_bytes: 4_096,
    }
}

fn value(family: &Read, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labels = labels
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    family.samples.get(&(name.to_owned(), labels)).copied()
}

/// One of everything.
fn exercised(by_tenant: bool) -> Metrics {
    let metrics = Metrics::new(by_tenant);
    for name in ["a", "b"] {
        let t = tenant(name);
        metrics.evaluations.inc(&t, EvaluationStatus::Ok);
        metrics.slots_missed.add(&t, (), 3);
        metrics.faults.inc(&t, FaultCode::Limit(Limit::Fuel));
        metrics.evaluation_seconds.observe(&t, (), 0.000_03);
        metrics.evaluation_fuel.observe(&t, (), 2e9);
        metrics.deliveries.inc(&t, DeliveryResult::Retry);
    }
    metrics.scheduler_lag_seconds.observe(0.001);
    metrics.query_cache_bytes.set(1e6);
    let error = Some(QueryErrorCode::Timeout);
    metrics
        .query_seconds
        .with(QueryOutcome {
            kind: SourceKind::Prometheus,
            error,
        })
        .observe(10.5);
    metrics.compile_seconds.with(CompileResult::Refused).observe(0.2);
    metrics.alerts.replace([
        (tenant("a"), AlertState::Firing, 2.0),
        (tenant("b"), AlertState::Firing, 5.0),
    ]);
    metrics
}

#[test]
fn everything_is_well_formed_and_follows_the_naming_rules() {
    let families = read(&exercised(true).render(&process()));
    assert!(families.len() >= 29, "{}", families.len());
    for (name, family) in &families {
        assert!(
            name.starts_with("wasmalert_") || name.starts_with("process_"),
            "{name}"
        );
        assert_eq!(family.kind == "counter", name.ends_with("_total"), "{name}");
        assert!(family.help.ends_with('.'), "{name}: {}", family.help);
    }
}

#[test]
fn series_carry_their_labels() {
    let families = read(&exercised(true).render(&process()));
    let check = |family: &str, suffix: &str, labels: &[(&str, &str)], expected: f64| {
        assert_eq!(
            value(&families[family], &format!("{family}{suffix}"), labels),
            Some(expected),
            "{family}"
        );
    };
    check(
        "wasmalert_evaluations_total",
        "",
        &[("tenant", "a"), ("status", "ok")],
        1.0,
    );
    check(
        "wasmalert_faults_total",
        "",
        &[("tenant", "b"), ("code", "fuel_exceeded")],
        1.0,
    );
    check("wasmalert_slots_missed_total", "", &[("tenant", "b")], 3.0);
    check(
        "wasmalert_evaluation_fuel",
        "_bucket",
        &[("tenant", "a"), ("le", "1e+09")],
        0.0,
    );
    check(
        "wasmalert_evaluation_fuel",
        "_bucket",
        &[("tenant", "a"), ("le", "+Inf")],
        1.0,
    );
    check("wasmalert_evaluation_fuel", "_sum", &[("tenant", "a")], 2e9);
    check(
        "wasmalert_evaluation_seconds",
        "_bucket",
        &[("tenant", "a"), ("le", "5e-05")],
        1.0,
    );
    check(
        "wasmalert_scheduler_lag_seconds",
        "_bucket",
        &[("le", "0.001")],
        1.0,
    );
    check(
        "wasmalert_alerts",
        "",
        &[("tenant", "b"), ("state", "firing")],
        5.0,
    );
    check(
        "wasmalert_query_seconds",
        "_count",
        &[("kind", "prometheus"), ("result", "query_timeout")],
        1.0,
    );
    check(
        "wasmalert_compile_seconds",
        "_count",
        &[("result", "refused")],
        1.0,
    );
    check("wasmalert_build_info", "", &[("version", "1.2.3")], 1.0);
    check("process_start_time_seconds", "", &[], 1_700_000_000.5);
    check("process_resident_memory_bytes", "", &[], 4_096.0);
}

#[test]
fn tenants_can_be_left_out() {
    let text = exercised(false).render(&process());
    assert!(!text.contains("tenant="), "{text}");
    let families = read(&text);
    let evaluations = &families["wasmalert_evaluations_total"];
    assert_eq!(
        value(evaluations, "wasmalert_evaluations_total", &[("status", "ok")]),
        Some(2.0)
    );
    assert_eq!(
        value(
            &families["wasmalert_alerts"],
            "wasmalert_alerts",
            &[("state", "firing")]
        ),
        Some(7.0)
    );
}

#[test]
fn replaced_gauges_forget_what_is_gone_and_so_do_tenants() {
    let metrics = exercised(true);
    metrics.alerts.replace([(tenant("b"), AlertState::Pending, 1.0)]);
    metrics.forget_tenant(&tenant("a"));
    let text = metrics.render(&process());
    assert!(!text.contains("tenant=\"a\""), "{text}");
    assert!(text.contains("wasmalert_alerts{tenant=\"b\",state=\"pending\"} 1\n"));
    assert!(!text.contains("state=\"firing\""));
}

#[test]
fn too_many_tenants_share_a_series() {
    let metrics = Metrics::new(true);
    for at in 0..20_010 {
        metrics.slots_missed.inc(&tenant(&format!("t{at}")), ());
    }
    let families = read(&metrics.render(&process()));
    let missed = &families["wasmalert_slots_missed_total"];
    assert_eq!(missed.samples.len(), 20_001);
    assert_eq!(
        value(missed, "wasmalert_slots_missed_total", &[("tenant", "_other")]),
        Some(10.0)
    );
}

#[test]
fn the_process_is_read() {
    let info = ProcessInfo::read(5);
    assert!(info.resident_memory_bytes > 1 << 20, "{info:?}");
    assert_eq!(
        super::super::host::resident_bytes("VmPeak:\t 9 kB\nVmRSS:\t   1234 kB\n"),
        1_263_616
    );
    assert_eq!(super::super::host::resident_bytes("VmRSS: lots"), 0);
}
