//! The imports, with the same signatures as the generated ones.

pub(crate) mod query {
    use std::sync::Arc;

    use wasmalert_core::frame::Frame as Columns;

    use crate::bindings::rule::wasmalert::rules::query::{LabelColumn, SampleColumns};
    use crate::testing::answer::{Asked, When};
    use crate::testing::run::{Run, call};
    use crate::{Label, Query, QueryError, RangeQuery};

    pub(crate) fn instant(query: &Query) -> Result<Frame, QueryError> {
        call(|run| {
            let at_ms = query.time_ms.unwrap_or(run.now_ms);
            let asked = asked(&query.source, &query.expr, When::Instant { at_ms });
            ask(run, asked, query.may_fail)
        })
    }

    pub(crate) fn range(query: &RangeQuery) -> Result<Frame, QueryError> {
        call(|run| {
            if query.step_ms == 0 || query.end_ms < query.start_ms {
                run.bad_call(format!("not a span of time: {query:?}"));
            }
            let when = When::Range {
                start_ms: query.start_ms,
                end_ms: query.end_ms,
                step_ms: query.step_ms,
            };
            ask(run, asked(&query.source, &query.expr, when), query.may_fail)
        })
    }

    pub(crate) fn prefetch(_: &[Query], _: &[RangeQuery]) {
        call(|_| ());
    }

    fn asked(source: &str, expr: &str, when: When) -> Asked {
        Asked {
            source: source.to_owned(),
            expr: expr.to_owned(),
            when,
        }
    }

    fn ask(run: &mut Run, asked: Asked, may_fail: bool) -> Result<Frame, QueryError> {
        let columns = Arc::new(run.query(asked, may_fail)?);
        run.frames.push(Arc::clone(&columns));
        let id = run.frames.len() as u32 - 1;
        Ok(Frame { id, columns })
    }

    /// A frame as the imports see it.
    pub(crate) struct Frame {
        id: u32,
        columns: Arc<Columns>,
    }

    impl Frame {
        pub(crate) fn id(&self) -> u32 {
            self.id
        }

        pub(crate) fn len(&self) -> u32 {
            self.columns.len() as u32
        }

        pub(crate) fn values(&self) -> Vec<f64> {
            let all = self.columns.all_values();
            self.columns.newest().map(|at| all[at]).collect()
        }

        pub(crate) fn timestamps_ms(&self) -> Vec<i64> {
            let all = self.columns.all_timestamps_ms();
            self.columns.newest().map(|at| all[at]).collect()
        }

        pub(crate) fn values_packed(&self) -> Vec<u8> {
            self.values()
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect()
        }

        pub(crate) fn timestamps_ms_packed(&self) -> Vec<u8> {
            self.timestamps_ms()
                .iter()
                .flat_map(|time| time.to_le_bytes())
                .collect()
        }

        pub(crate) fn label(&self, name: &str) -> LabelColumn {
            let (values, codes) = self.columns.label_column(name);
            let values = values.into_iter().map(str::to_owned).collect();
            LabelColumn { values, codes }
        }

        pub(crate) fn labels(&self, series: u32) -> Vec<Label> {
            let labels = self.columns.series_labels(series as usize);
            labels
                .unwrap_or_else(|| self.no_such(series))
                .map(Label::from)
                .collect()
        }

        pub(crate) fn labels_of(&self, series: &[u32]) -> Vec<Vec<Label>> {
            series.iter().map(|series| self.labels(*series)).collect()
        }

        pub(crate) fn samples(&self, series: u32) -> SampleColumns {
            let range = self.columns.sample_range(series as usize);
            let range = range.unwrap_or_else(|| self.no_such(series));
            SampleColumns {
                timestamps_ms: self.columns.all_timestamps_ms()[range.clone()].to_vec(),
                values: self.columns.all_values()[range].to_vec(),
            }
        }

        pub(crate) fn sample_offsets(&self) -> Vec<u32> {
            match self.columns.sample_offsets() {
                [] => vec![0],
                offsets => offsets.to_vec(),
            }
        }

        pub(crate) fn all_timestamps_ms(&self) -> Vec<i64> {
            self.columns.all_timestamps_ms().to_vec()
        }

        pub(crate) fn all_values(&self) -> Vec<f64> {
            self.columns.all_values().to_vec()
        }

        pub(crate) fn all_timestamps_ms_packed(&self) -> Vec<u8> {
            self.columns
                .all_timestamps_ms()
                .iter()
                .flat_map(|time| time.to_le_bytes())
                .collect()
        }

        pub(crate) fn all_values_packed(&self) -> Vec<u8> {
            self.columns
                .all_values()
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect()
        }

        fn no_such<T>(&self, series: u32) -> T {
            panic!("the frame has {} series, and none of number {series}", self.len())
        }
    }
}

pub(crate) mod state {
    use crate::testing::run::call;

    pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
        call(|run| run.state.get(key).cloned())
    }

    pub(crate) fn set(key: &str, value: &[u8]) {
        call(|run| run.set_state(key, value));
    }

    pub(crate) fn delete(key: &str) {
        call(|run| drop(run.state.remove(key)));
    }

    pub(crate) fn keys(prefix: &str) -> Vec<String> {
        call(|run| {
            run.state
                .keys()
                .filter(|key| key.starts_with(prefix))
                .cloned()
                .collect()
        })
    }
}

pub(crate) mod timers {
    use crate::testing::run::call;
    use crate::timers::Timer;

    pub(crate) fn set(name: &str, due_ms: i64, payload: &[u8]) {
        call(|run| run.set_timer(name, due_ms, payload));
    }

    pub(crate) fn cancel(name: &str) {
        call(|run| drop(run.timers.remove(name)));
    }

    pub(crate) fn pending() -> Vec<Timer> {
        call(|run| {
            let timers = run.timers.iter().map(|(name, timer)| Timer {
                name: name.clone(),
                due_ms: timer.due_ms,
                payload: timer.payload.clone(),
            });
            timers.collect()
        })
    }
}

pub(crate) mod log {
    use wasmalert_core::evaluation::{LogLevel, LogLine};

    use crate::Label;
    use crate::log::Level;
    use crate::testing::run::call;

    pub(crate) fn write(level: Level, message: &str, fields: &[Label]) {
        let level = match level {
            Level::Trace => LogLevel::Trace,
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        let message = message.to_owned();
        let fields = fields.iter().map(|f| (f.name.clone(), f.value.clone())).collect();
        call(|run| {
            run.log(LogLine {
                level,
                message,
                fields,
            })
        });
    }
}

pub(crate) mod metrics {
    use wasmalert_core::Labels;
    use wasmalert_core::evaluation::MetricChange;

    use crate::Label;
    use crate::testing::run::call;

    pub(crate) fn count(name: &str, labels: &[Label], by: f64) {
        update(name, labels, MetricChange::Count(by));
    }

    pub(crate) fn gauge(name: &str, labels: &[Label], value: f64) {
        update(name, labels, MetricChange::Gauge(value));
    }

    pub(crate) fn observe(name: &str, labels: &[Label], value: f64) {
        update(name, labels, MetricChange::Observe(value));
    }

    fn update(name: &str, labels: &[Label], change: MetricChange) {
        let labels: Labels = labels.iter().map(|label| (&label.name, &label.value)).collect();
        call(|run| run.metric(name, labels, change));
    }
}
