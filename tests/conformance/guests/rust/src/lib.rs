//! The behaviours of `tests/conformance`, in Rust.

use wasmalert::prelude::*;
use wasmalert::serde_json::{Map, Value};

pub struct Conformance;

#[derive(Deserialize)]
pub struct Config {
    r#do: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Rule for Conformance {
    type Config = Config;

    fn describe() -> Description {
        Description::new("conformance", "Shows each behaviour of the contract.")
            .config_schema(r#"{"type":"object"}"#)
            .query("up")
    }

    fn evaluate(context: &Context, config: Config) -> Result<Outcome, Error> {
        let mut outcome = Outcome::new();
        match &*config.r#do {
            "context" => {
                let trigger = &context.trigger.kind;
                let facts = [("tenant", &context.tenant), ("namespace", &context.namespace)];
                let more = [("group", &context.group), ("rule", &context.rule), ("trigger", trigger)];
                let finding = outcome.find(Finding::new());
                for (name, value) in facts.into_iter().chain(more) {
                    finding.label(name, value);
                }
                finding.label("now_ms", context.now_ms).label("interval_ms", context.interval_ms);
                finding.label("owner", context.label("team"));
            }
            "config" => {
                let list = config.more["list"].as_array().into_iter().flatten();
                let sum: f64 = list.filter_map(Value::as_f64).sum();
                let number = config.more["number"].as_f64().unwrap_or_default();
                let finding = outcome.find(Finding::new());
                finding.label("text", text(&config)).label("on", &config.more["nested"]["on"]).value(number + sum);
            }
            "instant" => {
                let above = config.more["above"].as_f64().unwrap_or_default();
                for series in query("cpu")?.series().filter(|series| series.value > above) {
                    outcome.find(series).annotation("summary", format!("{} is busy", series.label("host")));
                }
            }
            "columns" => {
                let frame = query("cpu")?;
                let column = frame.label("host");
                let hosts: Vec<&str> = (0..frame.len()).map(|series| column.get(series)).collect();
                let last = u32::try_from(frame.len() - 1).unwrap_or_default();
                let labels = frame.labels_of(&[last]).remove(0);
                let labels: Vec<String> = labels.iter().map(|it| format!("{}={}", it.name, it.value)).collect();
                let finding = outcome.find(Finding::new());
                finding.label("hosts", hosts.join(",")).label("last", labels.join(","));
                finding.value(frame.values().iter().sum()).annotation("first_ms", frame.timestamps_ms()[0]);
            }
            "range" => {
                let query = RangeQuery::last("cpu", Span::from_mins(5), context.now_ms, Span::from_mins(1));
                let frame = query.run()?;
                for series in frame.series() {
                    let samples = frame.samples(series.index);
                    let largest = samples.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let smallest = samples.values.iter().copied().fold(f64::INFINITY, f64::min);
                    outcome.find(series).value(largest - smallest).annotation("points", samples.values.len());
                }
            }
            "prefetch" => {
                prefetch(&[Query::new("a"), Query::new("b")], &[]);
                let sum = query("a")?.values()[0] + query("b")?.values()[0];
                outcome.find(Finding::new()).value(sum);
            }
            "may_fail" => {
                if let Err(error) = Query::new("broken").may_fail().run() {
                    outcome.find(Finding::new()).label("code", error.code).annotation("message", error.message);
                }
            }
            "query_error" => drop(query("broken")?),
            "empty" => log::info(&format!("{} series", query("nothing")?.len())),
            "large" => {
                for series in query("many")?.series().filter(|series| series.value > 0.5) {
                    outcome.find(series);
                }
            }
            "utf8" => {
                let text = text(&config);
                log::info(text);
                state::set("text", text.as_bytes());
                let points = text.chars().count() as f64;
                outcome.find(Finding::new()).label("text", text).value(points).annotation("twice", text.repeat(2));
            }
            "floats" => {
                for series in query("odd")?.series() {
                    outcome.find(series);
                }
            }
            "state" => {
                let mut count = state::get("count").unwrap_or_default();
                count.push(0xff);
                state::set("count", &count);
                state::set("a/1", &[0]);
                state::set("a/2", &[]);
                state::delete("a/1");
                state::delete("gone");
                outcome.find(Finding::new()).value(count.len() as f64).label("keys", state::keys("a/").join(","));
            }
            "timers" => match context.timer() {
                None => {
                    timers::set("wake", context.now_ms + 1_000, &[0x00, 0xff, 0x78]);
                    timers::set("other", context.now_ms + 5_000, &[]);
                    timers::cancel("other");
                    let pending: Vec<String> = timers::pending().into_iter().map(|timer| timer.name).collect();
                    outcome.find(Finding::new()).label("pending", pending.join(","));
                }
                Some(timer) => {
                    let payload: String = context.trigger.payload.iter().map(|byte| format!("{byte:02x}")).collect();
                    let late = (context.now_ms - context.trigger.due_ms) as f64;
                    outcome.find(Finding::new()).label("timer", timer).label("payload", payload).value(late);
                }
            },
            "output" => {
                log::write(log::Level::Trace, "trace", &[("n", "0")]);
                log::write(log::Level::Debug, "debug", &[("n", "1")]);
                log::write(log::Level::Info, "info", &[("n", "2")]);
                log::write(log::Level::Warn, "warn", &[("n", "3")]);
                log::write(log::Level::Error, "error", &[("n", "4")]);
                metrics::count("runs_total", &[("kind", "a")], 2.0);
                metrics::gauge("level", &[], -1.5);
                metrics::observe("took_seconds", &[], 0.25);
            }
            "record" => {
                let frame = query("cpu")?;
                if let Some(first) = frame.series().next() {
                    outcome.record("cpu:copy", first).label("copied", "yes");
                }
                outcome.record("answer", RecordedSample::new(42.0)).label("unit", "x");
            }
            "error" => return Err(Error::new("too_hot", "5 degrees too hot")),
            "exception" => panic!("boom"),
            "limit" => loop {
                std::hint::spin_loop();
            },
            other => return Err(Error::config(format!("there is no behaviour {other:?}"))),
        }
        Ok(outcome)
    }
}

wasmalert::rule!(Conformance);

fn text(config: &Config) -> &str {
    config.more["text"].as_str().unwrap_or_default()
}
