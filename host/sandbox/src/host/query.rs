//! Import `query`: frames from the journal.

use std::sync::Arc;

use wasmalert_core::evaluation::{Context, Journal};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::frame::Frame;
use wasmalert_core::limits::Limit;
use wasmalert_core::query::{Query, QueryError, QueryTime};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::{Asked, Host, ITEM_BYTES, Inputs, Suspend, bad_call, check};
use crate::bindings::query::{self, LabelColumn, SampleColumns};
use crate::bindings::types::{InstantQuery, Label, RangeQuery};

/// The longest query text, and with it the longest name of a source.
const EXPR_BYTES_MAX: usize = 64 << 10;

/// A frame that the guest holds.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct FrameHandle {
    frame: Arc<Frame>,
    id: u32,
}

type Answer = std::result::Result<Resource<FrameHandle>, query::QueryError>;

impl query::Host for Host {
    fn instant(&mut self, query: InstantQuery) -> Result<Answer> {
        self.enter(query.source.len() + query.expr.len())?;
        let may_fail = query.may_fail;
        let query = self.settle_instant(query)?;
        self.ask(query, may_fail)
    }

    fn range(&mut self, query: RangeQuery) -> Result<Answer> {
        self.enter(query.source.len() + query.expr.len())?;
        let may_fail = query.may_fail;
        let query = self.settle_range(query)?;
        self.ask(query, may_fail)
    }

    fn prefetch(&mut self, instants: Vec<InstantQuery>, ranges: Vec<RangeQuery>) -> Result<()> {
        let items = instants.len() + ranges.len();
        let texts: usize = instants.iter().map(|q| q.source.len() + q.expr.len()).sum();
        let more: usize = ranges.iter().map(|q| q.source.len() + q.expr.len()).sum();
        self.enter(texts + more + items * ITEM_BYTES)?;
        for query in instants {
            let query = self.settle_instant(query)?;
            self.note(query)?;
        }
        for query in ranges {
            let query = self.settle_range(query)?;
            self.note(query)?;
        }
        if self.wants.is_empty() {
            Ok(())
        } else {
            Err(Suspend)?
        }
    }
}

impl Host {
    fn inputs(&self) -> Result<(&Context, &Journal), Fault> {
        match &self.inputs {
            Inputs::Rule { context, journal } => Ok((context, journal)),
            _ => Err(bad_call("queries are for rules")),
        }
    }

    fn settle_instant(&self, query: InstantQuery) -> Result<Query, Fault> {
        let (context, _) = self.inputs()?;
        let at_ms = query
            .time_ms
            .unwrap_or_else(|| context.now_ms.saturating_sub(context.query_offset_ms));
        settle(context, &query.source, query.expr, QueryTime::Instant { at_ms })
    }

    fn settle_range(&self, query: RangeQuery) -> Result<Query, Fault> {
        let (context, _) = self.inputs()?;
        let (start_ms, end_ms) = (query.start_ms, query.end_ms);
        if end_ms < start_ms {
            let message = format!("a range query ends at {end_ms}, before its start at {start_ms}");
            return Err(bad_call(message));
        }
        let step_ms = i64::try_from(query.step_ms).unwrap_or(0);
        if step_ms < 1 {
            let message = format!(
                "a range query has a step of {} ms: must be 1 to 2^63 - 1",
                query.step_ms
            );
            return Err(bad_call(message));
        }
        settle(
            context,
            &query.source,
            query.expr,
            QueryTime::Range {
                start_ms,
                end_ms,
                step_ms,
            },
        )
    }

    /// Notes that a query was asked and, where it is not in the journal, wanted;
    /// gives its place among those asked.
    fn note(&mut self, query: Query) -> Result<usize, Fault> {
        if let Some(at) = self.asked.iter().position(|asked| asked.query == query) {
            return Ok(at);
        }
        check(Limit::Queries, self.asked.len() as u64 + 1, &self.limits)?;
        let (_, journal) = self.inputs()?;
        if !journal.queries.contains_key(&query) {
            self.wants.push(query.clone());
        }
        self.asked.push(Asked { query, frame: None });
        Ok(self.asked.len() - 1)
    }

    fn ask(&mut self, query: Query, may_fail: bool) -> Result<Answer> {
        let at = self.note(query)?;
        let (_, journal) = self.inputs()?;
        match journal.queries.get(&self.asked[at].query) {
            None => Err(Suspend)?,
            Some(Ok(frame)) => {
                let frame = Arc::clone(frame);
                Ok(Ok(self.hand_out(at, frame)?))
            }
            Some(Err(error)) => {
                let error = error.clone();
                if !may_fail {
                    let fault = failed(&self.asked[at].query, &error);
                    self.failed_query.get_or_insert(fault);
                }
                self.pay(error.message.len())?;
                Ok(Err(query::QueryError {
                    code: error.code.as_str().to_owned(),
                    message: error.message,
                    extras: Vec::new(),
                }))
            }
        }
    }

    fn hand_out(&mut self, at: usize, frame: Arc<Frame>) -> Result<Resource<FrameHandle>, Fault> {
        let id = match self.asked[at].frame {
            Some(id) => id,
            None => {
                let id = u32::try_from(self.frames.len()).map_err(|_| bad_call("too many frames"))?;
                self.frames.push(Arc::clone(&frame));
                self.asked[at].frame = Some(id);
                id
            }
        };
        let handle = FrameHandle { frame, id };
        self.open.push(handle).map_err(|_| {
            let allowed = super::FRAMES_OPEN_MAX;
            bad_call(format!(
                "more than {allowed} frames are open: drop those that are done with"
            ))
        })
    }

    fn handle(&self, frame: &Resource<FrameHandle>) -> Result<&FrameHandle, Fault> {
        self.open
            .get(frame)
            .map_err(|_| bad_call("there is no such frame"))
    }

    fn frame(&self, frame: &Resource<FrameHandle>) -> Result<Arc<Frame>, Fault> {
        Ok(Arc::clone(&self.handle(frame)?.frame))
    }

    fn copy_labels(&mut self, frame: &Frame, series: u32) -> Result<Vec<Label>, Fault> {
        let labels = frame
            .series_labels(series as usize)
            .ok_or_else(|| no_series(frame, series))?;
        let bytes = |(name, value): (&str, &str)| name.len() + value.len() + 2 * ITEM_BYTES;
        self.pay(ITEM_BYTES + labels.clone().map(bytes).sum::<usize>())?;
        Ok(labels
            .map(|(name, value)| Label {
                name: name.to_owned(),
                value: value.to_owned(),
            })
            .collect())
    }
}

impl query::HostFrame for Host {
    fn id(&mut self, frame: Resource<FrameHandle>) -> Result<u32> {
        self.enter(0)?;
        Ok(self.handle(&frame)?.id)
    }

    fn len(&mut self, frame: Resource<FrameHandle>) -> Result<u32> {
        self.enter(0)?;
        let len = self.handle(&frame)?.frame.len();
        Ok(u32::try_from(len).unwrap_or(u32::MAX))
    }

    fn values(&mut self, frame: Resource<FrameHandle>) -> Result<Vec<f64>> {
        let frame = self.frame(&frame)?;
        self.enter(8 * frame.len())?;
        Ok(newest(&frame, frame.all_values()))
    }

    fn timestamps_ms(&mut self, frame: Resource<FrameHandle>) -> Result<Vec<i64>> {
        let frame = self.frame(&frame)?;
        self.enter(8 * frame.len())?;
        Ok(newest(&frame, frame.all_timestamps_ms()))
    }

    fn values_packed(&mut self, frame: Resource<FrameHandle>) -> Result<Vec<u8>> {
        let values = self.values(frame)?;
        Ok(pack(&values, |value| value.to_le_bytes()))
    }

    fn timestamps_ms_packed(&mut self, frame: Resource<FrameHandle>) -> Result<Vec<u8>> {
        let timestamps = self.timestamps_ms(frame)?;
        Ok(pack(&timestamps, |timestamp| timestamp.to_le_bytes()))
    }

    fn label(&mut self, frame: Resource<FrameHandle>, name: String) -> Result<LabelColumn> {
        let frame = self.frame(&frame)?;
        self.enter(name.len() + 4 * frame.len())?;
        let (values, codes) = frame.label_column(&name);
        self.pay(values.iter().map(|value| value.len() + ITEM_BYTES).sum())?;
        let values = values.into_iter().map(str::to_owned).collect();
        Ok(LabelColumn { values, codes })
    }

    fn labels(&mut self, frame: Resource<FrameHandle>, series: u32) -> Result<Vec<Label>> {
        self.enter(0)?;
        let frame = self.frame(&frame)?;
        Ok(self.copy_labels(&frame, series)?)
    }

    fn labels_of(&mut self, frame: Resource<FrameHandle>, series: Vec<u32>) -> Result<Vec<Vec<Label>>> {
        self.enter(4 * series.len())?;
        let frame = self.frame(&frame)?;
        let mut all = Vec::with_capacity(series.len());
        for series in series {
            all.push(self.copy_labels(&frame, series)?);
        }
        Ok(all)
    }

    fn samples(&mut self, frame: Resource<FrameHandle>, series: u32) -> Result<SampleColumns> {
        let frame = self.frame(&frame)?;
        let range = frame
            .sample_range(series as usize)
            .ok_or_else(|| no_series(&frame, series))?;
        self.enter(16 * range.len())?;
        Ok(SampleColumns {
            timestamps_ms: frame.all_timestamps_ms()[range.clone()].to_vec(),
            values: frame.all_values()[range].to_vec(),
        })
    }

    fn sample_offsets(&mut self, frame: Resource<FrameHandle>) -> Result<Vec<u32>> {
        let frame = self.frame(&frame)?;
        self.enter(4 * (frame.len() + 1))?;
        Ok(if frame.is_empty() {
            vec![0]
        } else {
            frame.sample_offsets().to_vec()
        })
    }

    fn all_timestamps_ms(&mut self, frame: Resource<FrameHandle>) -> Result<Vec<i64>> {
        let frame = self.frame(&frame)?;
        self.enter(8 * frame.all_timestamps_ms().len())?;
        Ok(frame.all_timestamps_ms().to_vec())
    }

    fn all_values(&mut self, frame: Resource<FrameHandle>) -> Result<Vec<f64>> {
        let frame = self.frame(&frame)?;
        self.enter(8 * frame.all_values().len())?;
        Ok(frame.all_values().to_vec())
    }

    fn all_timestamps_ms_packed(&mut self, frame: Resource<FrameHandle>) -> Result<Vec<u8>> {
        let frame = self.frame(&frame)?;
        self.enter(8 * frame.all_timestamps_ms().len())?;
        Ok(pack(frame.all_timestamps_ms(), |timestamp| {
            timestamp.to_le_bytes()
        }))
    }

    fn all_values_packed(&mut self, frame: Resource<FrameHandle>) -> Result<Vec<u8>> {
        let frame = self.frame(&frame)?;
        self.enter(8 * frame.all_values().len())?;
        Ok(pack(frame.all_values(), |value| value.to_le_bytes()))
    }

    fn drop(&mut self, frame: Resource<FrameHandle>) -> Result<()> {
        self.open
            .delete(frame)
            .map_err(|_| bad_call("there is no such frame"))?;
        Ok(())
    }
}

fn settle(context: &Context, source: &str, expr: String, time: QueryTime) -> Result<Query, Fault> {
    if expr.len().max(source.len()) > EXPR_BYTES_MAX {
        return Err(bad_call(format!("a query has more than {EXPR_BYTES_MAX} bytes")));
    }
    let source = if source.is_empty() {
        Arc::clone(&context.source)
    } else {
        source.into()
    };
    Ok(Query {
        source,
        expr: expr.into(),
        time,
    })
}

fn failed(query: &Query, error: &QueryError) -> Fault {
    let expr: String = query.expr.chars().take(200).collect();
    let message = format!(
        "query `{expr}` to source `{}` failed: {}",
        query.source, error.message
    );
    Fault::new(FaultCode::Query(error.code), message)
}

fn no_series(frame: &Frame, series: u32) -> Fault {
    bad_call(format!(
        "there is no series {series} in a frame of {}",
        frame.len()
    ))
}

/// A column's newest sample of each series.
fn newest<T: Copy>(frame: &Frame, column: &[T]) -> Vec<T> {
    if frame.is_instant() {
        column.to_vec()
    } else {
        frame.newest().map(|at| column[at]).collect()
    }
}

fn pack<T: Copy>(column: &[T], bytes: impl Fn(T) -> [u8; 8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(8 * column.len());
    for value in column {
        packed.extend_from_slice(&bytes(*value));
    }
    packed
}
