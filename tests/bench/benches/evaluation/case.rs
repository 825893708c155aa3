//! What is evaluated: a stock component, its configuration, and the series it gets.

pub(crate) const EXPR: &str = "up == 0";
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
pub(crate) const INTERVAL_MS: i64 = 15_000;

/// One of the series is beyond this.
const THRESHOLD: f64 = 90.0;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) component: &'static str,
    pub(crate) config: &'static str,
    /// The value of each series.
    pub(crate) value: fn(usize) -> f64,
    /// Whether every series is a finding, or just the first.
    all_fire: bool,
}

pub(crate) const CASES: [Case; 2] = [
    Case {
        name: "all_fire",
        component: "prometheus",
        config: r#"{"expr": "up == 0"}"#,
        value: |_| 0.0,
        all_fire: true,
    },
    Case {
        name: "one_fires",
        component: "hysteresis",
        config: r#"{"expr": "up == 0", "fire_above": 90, "resolve_below": 80}"#,
        value: |series| {
            if series == 0 {
                THRESHOLD + 1.0
            } else {
                series as f64 % THRESHOLD
            }
        },
        all_fire: false,
    },
];

impl Case {
    pub(crate) fn findings(&self, series: usize) -> usize {
        if self.all_fire { series } else { 1 }
    }
}

/// Six labels, as a node exporter's series have them.
pub(crate) fn series_labels(at: usize) -> [(&'static str, String); 6] {
    [
        ("__name__", "up".into()),
        ("cluster", "eu-1".into()),
        ("instance", format!("10.0.{}.{}:9100", at / 256, at % 256)),
        ("job", "node".into()),
        ("namespace", format!("team-{}", at % 20)),
        ("pod", format!("node-exporter-{at:05}")),
    ]
}
