//! Sequences of scrapes and what they append.

use proptest::prelude::*;

use super::*;
use crate::limits::LabelLimits;
use crate::relabel::{RenameRule, Rule, SeriesRule};
use crate::target::TargetGroup;

const PLAIN: Option<&str> = Some("text/plain; version=0.0.4");

fn target(job: &Job) -> Target {
    let group = TargetGroup {
        targets: vec!["db:9100".into()],
        labels: [("env".to_owned(), "prod".to_owned())].into(),
    };
    job.targets(&[group]).unwrap().remove(0)
}

fn job() -> Job {
    Job {
        name: "node".into(),
        ..Job::default()
    }
}

/// A target, its state, and a clock that goes on 10 s a scrape.
struct Scene {
    scraped: Scraped,
    start_ms: i64,
}

impl Scene {
    fn new(rules: Rules) -> Self {
        let target = target(&rules.job);
        Self {
            scraped: Scraped::new(&target, Arc::new(rules)),
            start_ms: 0,
        }
    }

    fn plain() -> Self {
        Self::new(Rules {
            job: job(),
            ..Rules::default()
        })
    }

    fn accept(&mut self, answer: Result<Answer<'_>, String>) -> (Report, Vec<Sample>) {
        self.start_ms += 10_000;
        let timing = Timing {
            start_ms: self.start_ms,
            duration_seconds: 0.25,
        };
        let mut batch = Vec::new();
        let report = self.scraped.accept(answer, timing, &mut batch);
        (report, batch)
    }

    /// What a scrape appends: the samples of the target, and those about it.
    fn scrape(&mut self, body: &str) -> (String, String) {
        let (_, batch) = self.accept(Ok(Answer {
            content_type: PLAIN,
            body: body.as_bytes(),
        }));
        self.shown(&batch)
    }

    fn fail(&mut self) -> (String, String) {
        let (_, batch) = self.accept(Err("connection refused".into()));
        self.shown(&batch)
    }

    fn report(&mut self, body: &str) -> Report {
        self.accept(Ok(Answer {
            content_type: PLAIN,
            body: body.as_bytes(),
        }))
        .0
    }

    fn shown(&self, batch: &[Sample]) -> (String, String) {
        let (own, exposed) = batch.split_at(batch.len() - 5);
        let own = own
            .iter()
            .map(|sample| show(sample, self.start_ms))
            .collect::<Vec<_>>();
        let about: Vec<String> = exposed.iter().map(|sample| sample.value.to_string()).collect();
        (own.join("; "), about.join(" "))
    }
}

/// A sample without the labels that every series of the target has.
fn show(sample: &Sample, now_ms: i64) -> String {
    let mut labels = (*sample.labels).clone();
    assert_eq!(labels.get("env"), Some("prod"));
    let name = labels.get("__name__").unwrap_or_default().to_owned();
    for (label, value) in [
        ("__name__", &*name),
        ("job", "node"),
        ("instance", "db:9100"),
        ("env", "prod"),
    ] {
        if labels.get(label) == Some(value) {
            labels.set(label, "");
        }
    }
    let labels = if labels.is_empty() {
        String::new()
    } else {
        labels.to_string()
    };
    let value = if sample.is_stale() {
        "stale".to_owned()
    } else {
        sample.value.to_string()
    };
    let time = if sample.timestamp_ms == now_ms {
        String::new()
    } else {
        format!("@{}", sample.timestamp_ms)
    };
    format!("{name}{labels} {value}{time}")
}

#[track_caller]
fn check((samples, about): (String, String), expected: &str, expected_about: &str) {
    assert_eq!((&*samples, &*about), (expected, expected_about));
}

#[test]
fn vanished_series_become_stale_once() {
    let mut scene = Scene::plain();
    // up, duration, scraped, after relabelling, added
    check(
        scene.scrape("a 1\nb 2\nc{x=\"1\"} 3\n"),
        "a 1; b 2; c{x=\"1\"} 3",
        "1 0.25 3 3 3",
    );
    check(
        scene.scrape("a 1\nb 2\nc{x=\"1\"} 4\n"),
        "a 1; b 2; c{x=\"1\"} 4",
        "1 0.25 3 3 0",
    );
    check(
        scene.scrape("c{x=\"1\"} 5\na 1\n"),
        "c{x=\"1\"} 5; a 1; b stale",
        "1 0.25 2 2 0",
    );
    check(
        scene.scrape("a 1\nd 9\n"),
        "a 1; d 9; c{x=\"1\"} stale",
        "1 0.25 2 2 1",
    );
    check(scene.scrape("a 1\nb 3\nd 9\n"), "a 1; b 3; d 9", "1 0.25 3 3 0");
    check(scene.scrape(""), "a stale; b stale; d stale", "1 0.25 0 0 0");
    check(scene.scrape(""), "", "1 0.25 0 0 0");
}

#[test]
fn a_failed_scrape_ends_all_series() {
    let mut scene = Scene::plain();
    check(scene.fail(), "", "0 0.25 0 0 0");
    check(scene.scrape("a 1\nb 2\n"), "a 1; b 2", "1 0.25 2 2 2");
    check(scene.fail(), "a stale; b stale", "0 0.25 0 0 0");
    check(scene.fail(), "", "0 0.25 0 0 0");
    check(scene.scrape("a 1\nb 2\n"), "a 1; b 2", "1 0.25 2 2 0");
}

#[test]
fn a_bad_line_applies_nothing() {
    let mut scene = Scene::plain();
    check(scene.scrape("a 1\nb 2\n"), "a 1; b 2", "1 0.25 2 2 2");
    check(
        scene.scrape("a 1\nnew 5\nb oops\n"),
        "a stale; b stale",
        "0 0.25 2 2 1",
    );
    check(scene.scrape("a 1\nnew 5\n"), "a 1; new 5", "1 0.25 2 2 1");
    let report = scene.report("a 1\nb oops\n");
    let error = "line 2, column 3: expected a value (a number), found `oops`";
    assert_eq!(
        report.error.map(|error| error.to_string()).as_deref(),
        Some(error)
    );
    assert_eq!(report.series_ended, 2);
}

#[test]
fn the_same_series_in_other_words_is_no_other_series() {
    let mut scene = Scene::plain();
    scene.scrape("a{x=\"1\",y=\"2\"} 1\n");
    check(
        scene.scrape("a{y=\"2\", x=\"1\"} 2\n"),
        "a{x=\"1\", y=\"2\"} 2",
        "1 0.25 1 1 0",
    );
    check(
        scene.scrape("a {x=\"1\",y=\"2\"} 3\n"),
        "a{x=\"1\", y=\"2\"} 3",
        "1 0.25 1 1 0",
    );
}

#[test]
fn the_first_of_equal_series_counts() {
    let mut scene = Scene::plain();
    let report = scene.report("a 1\na 2\na{x=\"\"} 3\nb 1\n");
    assert_eq!(
        (
            report.error,
            report.duplicates,
            report.samples_kept,
            report.series_added
        ),
        (None, 2, 4, 2)
    );
    check(scene.scrape("a 1\na 2\nb 1\n"), "a 1; b 1", "1 0.25 3 3 0");
    check(
        scene.scrape("a 1\na 2 77\na 3 78\n"),
        "a 1; a 2@77; a 3@78; b stale",
        "1 0.25 3 3 0",
    );
}

#[test]
fn series_with_their_own_times_get_no_stale_markers() {
    let mut scene = Scene::plain();
    check(scene.scrape("a 1 500\nb 2\n"), "a 1@500; b 2", "1 0.25 2 2 2");
    check(scene.scrape(""), "b stale", "1 0.25 0 0 0");

    // From now on with times of its own: as far as tracking goes, it is gone.
    let mut scene = Scene::plain();
    scene.scrape("a 1\n");
    check(scene.scrape("a 2 500\n"), "a 2@500; a stale", "1 0.25 1 1 0");
    check(scene.scrape("a 3 600\n"), "a 3@600", "1 0.25 1 1 0");

    let tracking = Job {
        track_timestamps_staleness: true,
        ..job()
    };
    let mut scene = Scene::new(Rules {
        job: tracking,
        ..Rules::default()
    });
    check(scene.scrape("a 1 500\n"), "a 1@500", "1 0.25 1 1 1");
    check(scene.scrape(""), "a stale", "1 0.25 0 0 0");

    let ignoring = Job {
        honor_timestamps: false,
        ..job()
    };
    let mut scene = Scene::new(Rules {
        job: ignoring,
        ..Rules::default()
    });
    check(scene.scrape("a 1 500\na 2 600\n"), "a 1", "1 0.25 2 2 1");
    check(scene.scrape(""), "a stale", "1 0.25 0 0 0");
}

#[test]
fn a_targets_end_ends_its_series_and_our_own() {
    let mut scene = Scene::plain();
    let mut batch = Vec::new();
    assert_eq!(scene.scraped.end(5_000, &mut batch), 0, "never scraped");
    scene.scrape("a 1\nb 2 300\n");
    assert_eq!(scene.scraped.end(25_000, &mut batch), 6);
    assert!(
        batch
            .iter()
            .all(|sample| sample.is_stale() && sample.timestamp_ms == 25_000)
    );
    let names: Vec<&str> = batch
        .iter()
        .filter_map(|sample| sample.labels.get("__name__"))
        .collect();
    let about = [
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    ];
    assert_eq!(names, [&["a"][..], &about].concat());
    assert!(
        batch
            .iter()
            .all(|sample| sample.labels.get("job") == Some("node"))
    );
    assert_eq!(scene.scraped.end(35_000, &mut batch), 0, "once");
}

#[test]
fn labels_that_both_have() {
    let body = "a{job=\"x\",instance=\"y\",exported_job=\"z\"} 1\n";
    let mut scene = Scene::plain();
    let expected = "a{exported_exported_job=\"x\", exported_instance=\"y\", exported_job=\"z\"} 1";
    check(scene.scrape(body), expected, "1 0.25 1 1 1");
    let honoring = Job {
        honor_labels: true,
        ..job()
    };
    let mut scene = Scene::new(Rules {
        job: honoring,
        ..Rules::default()
    });
    check(
        scene.scrape(body),
        "a{exported_job=\"z\", instance=\"y\", job=\"x\"} 1",
        "1 0.25 1 1 1",
    );
}

fn relabelling(rules: &[Rule]) -> Rules {
    Rules {
        job: job(),
        relabel: Relabel::new(rules).unwrap(),
        ..Rules::default()
    }
}

#[test]
fn relabelling_drops_and_renames() {
    let drop = Rule::DropSeries(SeriesRule {
        label: "__name__".into(),
        regex: "go_.*".into(),
    });
    let rename = Rule::LabelRename(RenameRule {
        from: "x".into(),
        to: "y".into(),
    });
    let mut scene = Scene::new(relabelling(&[drop, rename]));
    for added in [2, 0] {
        let about = format!("1 0.25 3 2 {added}");
        check(
            scene.scrape("go_gc 1\na{x=\"1\"} 2\nb 3\n"),
            "a{y=\"1\"} 2; b 3",
            &about,
        );
    }
    // Two texts that relabelling makes one series of.
    let mut scene = Scene::new(relabelling(&[Rule::LabelDrop("x".into())]));
    check(
        scene.scrape("a{x=\"1\"} 1\na{x=\"2\"} 2\n"),
        "a 1",
        "1 0.25 2 2 1",
    );
    check(scene.scrape("a{x=\"2\"} 2\n"), "a 2", "1 0.25 1 1 0");
}

#[test]
fn what_is_over_a_limit_fails_the_scrape() {
    let labels = LabelLimits {
        labels_per_series: 5,
        label_name_bytes: 8,
        label_value_bytes: 8,
    };
    let limits = ScrapeLimits {
        body_bytes: 60,
        samples_per_scrape: 2,
        labels,
    };
    let drop = Rule::DropSeries(SeriesRule {
        label: "__name__".into(),
        regex: "drop.*".into(),
    });
    let mut scene = Scene::new(Rules {
        limits,
        ..relabelling(&[drop])
    });
    for (body, expected) in [
        ("a 1\nb 2\ndrop1 1\ndrop2 2\n", None),
        (
            "a 1\nb 2\nc 3\n",
            Some("samples_per_scrape exceeded: 3 samples after relabelling, at most 2 are allowed"),
        ),
        ("a{b=\"1\"} 1\n", None),
        (
            "a{b=\"1\",c=\"2\"} 1\n",
            Some("labels_per_series exceeded: 6 labels, at most 5 are allowed (metric a)"),
        ),
        ("a{b2345678=\"1\"} 1\n", None),
        (
            "a{b23456789=\"1\"} 1\n",
            Some("label_name_bytes exceeded: 9 bytes, at most 8 are allowed (metric a, label b23456789)"),
        ),
        ("a{b=\"12345678\"} 1\n", None),
        (
            "a{b=\"123456789\"} 1\n",
            Some("label_value_bytes exceeded: 9 bytes, at most 8 are allowed (metric a, label b)"),
        ),
        (
            "# 34567890123456789012345678901234567890123456789012345678901",
            Some("body_bytes exceeded: 61 bytes, at most 60 are allowed"),
        ),
    ] {
        let report = scene.report(body);
        assert_eq!(
            report.error.map(|error| error.to_string()).as_deref(),
            expected,
            "{body}"
        );
    }
    check(scene.scrape("a 1\nb 2\n"), "a 1; b 2", "1 0.25 2 2 0");
    check(
        scene.scrape("a 1\nb 2\nc 3\nd 4\n"),
        "a stale; b stale",
        "0 0.25 4 4 0",
    );
}

#[test]
fn an_answer_of_another_kind_fails_the_scrape() {
    let mut scene = Scene::plain();
    let html = Answer {
        content_type: Some("text/html"),
        body: b"<html>",
    };
    let (report, batch) = scene.accept(Ok(html));
    assert!(
        matches!(report.error, Some(ScrapeError::ContentType(_))),
        "{report:?}"
    );
    assert_eq!(batch.len(), 5);
    let openmetrics = Answer {
        content_type: Some("application/openmetrics-text"),
        body: b"a 1\n# EOF\n",
    };
    assert_eq!(scene.accept(Ok(openmetrics)).0.error, None);
}

#[test]
fn what_is_gone_for_long_is_let_go() {
    let mut scene = Scene::plain();
    for scrape in 0..1_000 {
        let body: String = (0..20)
            .map(|n| format!("a{{pod=\"{}\"}} 1\nb{n} 1\n", scrape * 20 + n))
            .collect();
        let (report, batch) = scene.accept(Ok(Answer {
            content_type: PLAIN,
            body: body.as_bytes(),
        }));
        let (added, ended) = if scrape == 0 { (40, 0) } else { (20, 20) };
        assert_eq!(
            (report.error, report.series_added, report.series_ended),
            (None, added, ended)
        );
        assert_eq!(
            batch.iter().filter(|sample| sample.is_stale()).count() as u64,
            ended
        );
        assert!(
            scene
                .scraped
                .cache
                .sizes()
                .iter()
                .all(|size| *size <= 2 * 40 + 100 + 40)
        );
    }
    // Scrapes that fail in ever other words leave nothing behind.
    let before = scene.scraped.cache.sizes();
    for scrape in 0..100 {
        assert!(scene.report(&format!("c{scrape} 1\noops\n")).error.is_some());
    }
    assert_eq!(scene.scraped.cache.sizes(), before);
}

proptest! {
    /// Against a model: sets of series, compared from scrape to scrape.
    #[test]
    fn stale_markers_are_what_was_and_is_not(
        scrapes in prop::collection::vec(prop::option::of(prop::collection::vec(0..300_u32, 0..150)), 1..12),
    ) {
        let mut scene = Scene::plain();
        let mut before = std::collections::BTreeSet::new();
        for scrape in scrapes {
            let body: String = scrape.iter().flatten().map(|n| format!("a{{n=\"{n}\"}} {n}\n")).collect();
            let body = if scrape.is_some() { body } else { "a 1\noops".to_owned() };
            let now: std::collections::BTreeSet<u32> = scrape.into_iter().flatten().collect();
            let (report, batch) = scene.accept(Ok(Answer { content_type: PLAIN, body: body.as_bytes() }));
            let of = |stale: bool| -> Vec<u32> {
                let samples = batch.iter().filter(|sample| sample.is_stale() == stale);
                let mut found: Vec<u32> = samples
                    .filter_map(|sample| sample.labels.get("n")?.parse().ok())
                    .collect();
                found.sort_unstable();
                found
            };
            prop_assert_eq!(of(false), now.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(of(true), before.difference(&now).copied().collect::<Vec<_>>());
            prop_assert_eq!(report.series_ended as usize, before.difference(&now).count());
            for sample in batch.iter().filter(|sample| !sample.is_stale() && sample.labels.get("n").is_some()) {
                let n = sample.value.to_string();
                prop_assert_eq!(sample.labels.get("n"), Some(&*n));
            }
            before = now;
        }
    }
}
