//! The metrics that rules emit.

use std::sync::Arc;

use wasmalert_core::evaluation::{MetricChange, MetricUpdate};
use wasmalert_core::{GroupKey, Labels, RuleKey, TenantId};

use super::super::*;
use super::reader::read;
use MetricChange::{Count, Gauge, Observe};

fn rule(tenant: &str, rule: &str) -> RuleKey {
    let tenant = TenantId::new(tenant).expect("a name");
    let group = GroupKey {
        tenant,
        namespace: "ns \"x\"".into(),
        group: "g\\".into(),
    };
    RuleKey {
        group,
        rule: rule.into(),
    }
}

fn update(name: &str, labels: &[(&str, &str)], change: MetricChange) -> MetricUpdate {
    let labels: Labels = labels.iter().copied().collect();
    MetricUpdate {
        name: name.to_owned(),
        labels,
        change,
    }
}

fn metrics(series_max: usize) -> (TenantMetrics, Arc<Metrics>) {
    let host = Arc::new(Metrics::new(true));
    (TenantMetrics::new(series_max, host.clone()), host)
}

fn render(metrics: &TenantMetrics, tenant: &str) -> String {
    let text = metrics.render(&TenantId::new(tenant).expect("a name"));
    read(&text);
    text
}

fn dropped(metrics: &Metrics, reason: DropReason) -> u64 {
    metrics
        .rule_metric_updates_dropped
        .with(&TenantId::new("t").expect("a name"), reason)
        .get()
}

#[test]
fn golden() {
    let (metrics, _) = metrics(TENANT_SERIES_MAX_DEFAULT);
    metrics.apply(
        &rule("t", "r1"),
        &[
            update("zeta_total", &[("path", "a\n\"b\"")], Count(1.0)),
            update("zeta_total", &[("path", "a\n\"b\"")], Count(1.5)),
            update("level", &[], Gauge(1.0)),
            update("level", &[], Gauge(f64::NEG_INFINITY)),
            update(
                "took_seconds",
                &[("le", "mine"), ("rule", "mine")],
                Observe(0.005),
            ),
            update("took_seconds", &[("le", "mine"), ("rule", "mine")], Observe(60.0)),
        ],
    );
    metrics.apply(&rule("t", "r2"), &[update("level", &[("a", "b")], Gauge(1e6))]);
    let expected = r#"# HELP level Emitted by rules.
# TYPE level gauge
level{namespace="ns \"x\"",group="g\\",rule="r1"} -Inf
level{namespace="ns \"x\"",group="g\\",rule="r2",a="b"} 1e+06
# HELP took_seconds Emitted by rules.
# TYPE took_seconds histogram
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="0.005"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="0.01"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="0.025"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="0.05"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="0.1"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="0.25"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="0.5"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="1"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="2.5"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="5"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="10"} 1
took_seconds_bucket{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine",le="+Inf"} 2
took_seconds_sum{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine"} 60.005
took_seconds_count{namespace="ns \"x\"",group="g\\",rule="r1",exported_le="mine",exported_rule="mine"} 2
# HELP wasmalert_rule_metric_updates_dropped_total Updates of rules' own metrics that were dropped.
# TYPE wasmalert_rule_metric_updates_dropped_total counter
wasmalert_rule_metric_updates_dropped_total{reason="kind_conflict"} 0
wasmalert_rule_metric_updates_dropped_total{reason="series_limit"} 0
wasmalert_rule_metric_updates_dropped_total{reason="bad_value"} 0
wasmalert_rule_metric_updates_dropped_total{reason="reserved_name"} 0
# HELP zeta_total Emitted by rules.
# TYPE zeta_total counter
zeta_total{namespace="ns \"x\"",group="g\\",rule="r1",path="a\n\"b\""} 2.5
"#;
    assert_eq!(render(&metrics, "t"), expected);
}

#[test]
fn tenants_are_apart() {
    let (metrics, _) = metrics(10);
    metrics.apply(&rule("t", "r"), &[update("a", &[], Gauge(1.0))]);
    metrics.apply(&rule("u", "r"), &[update("a", &[], Count(7.0))]);
    assert!(render(&metrics, "t").contains("} 1\n"));
    assert!(render(&metrics, "u").contains("} 7\n"));
    assert_eq!(render(&metrics, "nobody"), "");
    metrics.forget_tenant(&TenantId::new("t").expect("a name"));
    assert_eq!(render(&metrics, "t"), "");
}

#[test]
fn a_name_has_one_kind_until_nobody_uses_it() {
    let (metrics, host) = metrics(100);
    let (r1, r2) = (rule("t", "r1"), rule("t", "r2"));
    metrics.apply(&r1, &[update("a", &[], Count(1.0))]);
    metrics.apply(&r2, &[update("a", &[], Gauge(5.0)), update("b", &[], Gauge(1.0))]);
    assert_eq!(dropped(&host, DropReason::KindConflict), 1);
    let text = render(&metrics, "t");
    assert!(
        text.contains("# TYPE a counter\n") && text.contains("# TYPE b gauge\n"),
        "{text}"
    );
    assert!(text.contains("wasmalert_rule_metric_updates_dropped_total{reason=\"kind_conflict\"} 1\n"));
    metrics.forget_rule(&r1);
    metrics.apply(&r2, &[update("a", &[], Gauge(5.0))]);
    assert!(render(&metrics, "t").contains("# TYPE a gauge\n"));
}

#[test]
fn a_histograms_lines_clash_with_no_other_name() {
    let (metrics, host) = metrics(100);
    let r = rule("t", "r");
    metrics.apply(
        &r,
        &[update("a", &[], Observe(1.0)), update("a_count", &[], Count(1.0))],
    );
    metrics.apply(
        &r,
        &[update("b_sum", &[], Gauge(1.0)), update("b", &[], Observe(1.0))],
    );
    assert_eq!(dropped(&host, DropReason::KindConflict), 2);
    let text = render(&metrics, "t");
    assert!(
        !text.contains("# TYPE a_count") && !text.contains("# TYPE b histogram"),
        "{text}"
    );
}

#[test]
fn a_tenant_has_a_bounded_number_of_series() {
    let (metrics, host) = metrics(16);
    let (r1, r2) = (rule("t", "r1"), rule("t", "r2"));
    metrics.apply(
        &r1,
        &[update("h", &[], Observe(1.0)), update("a", &[], Gauge(1.0))],
    );
    let over = [
        ("x", Gauge(1.0)),
        ("y", Gauge(1.0)),
        ("a", Gauge(3.0)),
        ("h2", Observe(1.0)),
    ];
    let over = over.map(|(label, change)| match change {
        Observe(_) => update(label, &[], change),
        _ => update("a", &[("l", label)], change),
    });
    metrics.apply(&r2, &over);
    metrics.apply(
        &r1,
        &[update("a", &[], Gauge(9.0)), update("h", &[], Observe(1.0))],
    );
    assert_eq!(dropped(&host, DropReason::SeriesLimit), 3);
    let text = render(&metrics, "t");
    assert!(
        text.contains("rule=\"r1\"} 9\n"),
        "series that exist go on: {text}"
    );
    assert!(text.contains("l=\"x\"") && !text.contains("l=\"y\""), "{text}");
    metrics.forget_rule(&r1);
    metrics.apply(&r2, &[update("h2", &[], Observe(1.0))]);
    assert!(render(&metrics, "t").contains("h2_count"), "room is free again");
    assert_eq!(dropped(&host, DropReason::SeriesLimit), 3);
}

#[test]
fn counters_never_shrink_and_the_hosts_name_is_its_own() {
    let (metrics, host) = metrics(100);
    let values = [-1.0, f64::NAN, f64::INFINITY, 2.0];
    let updates: Vec<_> = values.iter().map(|by| update("c", &[], Count(*by))).collect();
    metrics.apply(&rule("t", "r"), &updates);
    let own = "wasmalert_rule_metric_updates_dropped_total";
    metrics.apply(&rule("t", "r"), &[update(own, &[], Count(1.0))]);
    assert_eq!(dropped(&host, DropReason::BadValue), 3);
    assert_eq!(dropped(&host, DropReason::ReservedName), 1);
    assert!(render(&metrics, "t").contains("rule=\"r\"} 2\n"));
}

#[test]
fn a_label_that_must_be_renamed_takes_no_name_in_use() {
    let (metrics, _) = metrics(100);
    let labels = [("group", "1"), ("exported_group", "2"), ("le", "3")];
    metrics.apply(&rule("t", "r"), &[update("a", &labels, Gauge(1.0))]);
    let text = render(&metrics, "t");
    assert!(
        text.contains("exported_group=\"2\",exported_exported_group=\"1\",le=\"3\"} 1\n"),
        "{text}"
    );
}
