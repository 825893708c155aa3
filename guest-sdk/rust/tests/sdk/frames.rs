//! Queries and the columns of frames.

use wasmalert::prelude::*;
use wasmalert::testing::{Asked, FakeHost, When, frame};

const UP: &[(&str, f64)] = &[
    (r#"up{host="a", dc="eu"}"#, 1.0),
    (r#"up{host="b"}"#, 0.0),
    (r#"up{host="c", dc="eu", quote="\"\\"}"#, f64::NAN),
];

/// Evaluates a function as a rule.
macro_rules! rule {
    ($host:expr, |$context:ident, $outcome:ident| $body:block) => {{
        struct Tested;
        impl Rule for Tested {
            type Config = ();
            fn describe() -> Description {
                Description::default()
            }
            fn evaluate($context: &Context, (): ()) -> Result<Outcome, Error> {
                let mut $outcome = Outcome::new();
                let _ = $context;
                $body
                Ok($outcome)
            }
        }
        $host.evaluate::<Tested>()
    }};
}

#[test]
fn columns_of_an_instant_result() {
    let mut host = FakeHost::new();
    host.instant("up", UP);
    let evaluation = rule!(host, |context, outcome| {
        let up = query("up")?;
        assert_eq!((up.len(), up.is_empty(), up.id()), (3, false, 0));
        assert_eq!(up.values()[..2], [1.0, 0.0]);
        assert!(up.values()[2].is_nan());
        assert_eq!(up.timestamps_ms(), [context.now_ms; 3]);
        assert_eq!(up.values_packed()[..8], 1.0_f64.to_le_bytes());
        assert_eq!(up.timestamps_ms_packed()[16..], context.now_ms.to_le_bytes());
        let dc = up.label("dc");
        assert_eq!(dc.iter().collect::<Vec<_>>(), ["eu", "", "eu"]);
        assert_eq!((dc.get(2), dc.get(3)), ("eu", ""));
        assert_eq!(up.label("none").iter().collect::<Vec<_>>(), ["", "", ""]);
        assert_eq!(up.labels(1).to_string(), r#"{__name__="up", host="b"}"#);
        assert_eq!(up.labels_of(&[2, 0])[0].get("quote"), r#""\"#);
        assert_eq!(up.samples(1).iter().collect::<Vec<_>>(), [(context.now_ms, 0.0)]);
        assert_eq!(up.sample_offsets(), [0, 1, 2, 3]);
        outcome
            .find(up.at(1))
            .value(7.0)
            .label("host", "")
            .label("more", 1)
            .annotation("note", "n");
    });
    let evaluation = evaluation.unwrap();
    let finding = evaluation.finding(r#"{more="1"}"#);
    assert_eq!(finding.value, 7.0);
    assert_eq!(finding.annotations, [("note".to_owned(), "n".to_owned())]);
}

#[test]
fn series_read_like_prose() {
    let mut host = FakeHost::new();
    host.instant("up", UP);
    let evaluation = rule!(host, |context, outcome| {
        for series in query("up")?.series() {
            if series.value == 0.0 {
                outcome
                    .find(series)
                    .annotation("summary", format!("{} is down", series.label("host")));
            }
            outcome.record("host:up", series).label("dc", "");
        }
    });
    let evaluation = evaluation.unwrap();
    assert_eq!(evaluation.found(), [r#"{host="b"}"#]);
    assert_eq!(evaluation.findings[0].annotations[0].1, "b is down");
    assert_eq!(
        evaluation.recorded()[0],
        (r#"{__name__="host:up", host="a"}"#.to_owned(), 1.0)
    );
    assert_eq!(evaluation.samples.len(), 3);
}

#[test]
fn columns_of_a_range_result() {
    let mut host = FakeHost::new();
    host.range(
        "load",
        &[("{n=\"1\"}", &[(1, 1.0), (2, 2.0)]), ("{n=\"2\"}", &[(2, 5.0)])],
    );
    let evaluation = rule!(host, |context, outcome| {
        let load = RangeQuery::last("load", Span::from_mins(5), context.now_ms, Span::from_secs(30)).run()?;
        assert_eq!(load.values(), [2.0, 5.0]);
        assert_eq!(load.timestamps_ms(), [2, 2]);
        assert_eq!(load.sample_offsets(), [0, 2, 3]);
        assert_eq!(load.all_values(), [1.0, 2.0, 5.0]);
        assert_eq!(load.all_timestamps_ms(), [1, 2, 2]);
        assert_eq!(load.all_values_packed().len(), 24);
        assert_eq!(load.all_timestamps_ms_packed()[..8], 1_i64.to_le_bytes());
        let mean = load.samples(0).values.iter().sum::<f64>() / 2.0;
        outcome.find(load.at(0)).value(mean);
    });
    let evaluation = evaluation.unwrap();
    assert_eq!(evaluation.finding("{n=\"1\"}").value, 1.5);
    let (start_ms, end_ms, step_ms) = (host.now_ms - 300_000, host.now_ms, 30_000);
    let when = When::Range {
        start_ms,
        end_ms,
        step_ms,
    };
    assert_eq!(evaluation.queries[0].when, when);
}

#[test]
fn sources_times_and_functions_answer() {
    let mut host = FakeHost::new();
    host.instant_from("other", "x", &[("{}", 1.0)]);
    host.range_from("other", "x", &[("{}", &[(1, 3.0)])]);
    host.fail_from("other", "broken", "query_failed", "no");
    host.answer_by(|asked: &Asked| match asked.when {
        When::Instant { at_ms: 7 } => Some(Ok(frame(7, &[("{}", 2.0)]))),
        _ => None,
    });
    let evaluation = rule!(host, |context, outcome| {
        let past = Query::new("x").source("other").at(7).run()?;
        assert_eq!((past.values(), past.timestamps_ms()), (vec![2.0], vec![7]));
        assert_eq!(Query::new("x").source("other").run()?.values(), [1.0]);
        let range = RangeQuery::new("x", 0, 9, Span::from_ms(3))
            .source("other")
            .may_fail();
        prefetch(&[], std::slice::from_ref(&range));
        assert_eq!(range.run()?.values(), [3.0]);
        assert!(Query::new("broken").source("other").may_fail().run().is_err());
        outcome.find(Finding::new());
    });
    let asked: Vec<_> = evaluation
        .unwrap()
        .queries
        .into_iter()
        .map(|asked| asked.expr)
        .collect();
    assert_eq!(asked, ["x", "x", "x", "broken"]);
}

#[test]
fn several_queries_at_once_and_nothing_found() {
    let mut host = FakeHost::new();
    host.instant("a", &[]);
    host.instant("b", &[("{}", 2.0)]);
    let evaluation = rule!(host, |context, outcome| {
        let [a, b] = query_all(["a", "b"])?;
        assert!(a.is_empty() && a.values().is_empty());
        assert_eq!(a.sample_offsets(), [0]);
        for series in a.series() {
            outcome.find(series);
        }
        assert_eq!((a.id(), b.id(), b.values()), (0, 1, vec![2.0]));
    });
    assert!(evaluation.unwrap().findings.is_empty());
}
