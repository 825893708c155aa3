//! What one query may use. Every limit has a name, a unit and a default.

use crate::error::Error;

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $field:ident, $variant:ident, $unit:literal, $default:expr;)+) => {
        /// A limit on one query.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Limit { $($(#[doc = $doc])+ $variant,)+ }

        /// What one query may use.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits { $($(#[doc = $doc])+ pub $field: u64,)+ }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Limits {
            /// Every limit there is, in the order of the docs.
            pub const ALL: &'static [Limit] = &[$(Limit::$variant,)+];

            #[must_use]
            pub fn get(&self, limit: Limit) -> u64 {
                match limit { $(Limit::$variant => self.$field,)+ }
            }

            pub fn set(&mut self, limit: Limit, value: u64) {
                match limit { $(Limit::$variant => self.$field = value,)+ }
            }
        }

        impl Limit {
            /// Name in settings.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Limit::$variant => stringify!($field),)+ }
            }

            #[must_use]
            pub fn unit(self) -> &'static str {
                match self { $(Limit::$variant => $unit,)+ }
            }

            /// The code of the error that reaching this limit is.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Limit::$variant => concat!(stringify!($field), "_exceeded"),)+ }
            }
        }
    };
}

limits! {
    /// Length of an expression's text.
    expression_bytes, ExpressionBytes, "bytes of expression", 64 << 10;
    /// Height of an expression's tree: parentheses, calls and operators in each
    /// other. Each level costs up to 3 KiB of stack: 200 fit well into 1 MiB.
    expression_depth, ExpressionDepth, "levels of nesting", 200;
    /// Compiled size of one regular expression.
    regex_bytes, RegexBytes, "bytes of compiled regular expression", 1 << 20;
    /// Steps of a range query, and of each subquery.
    steps, Steps, "steps", 11_000;
    /// Regular expressions in one expression.
    regexes, Regexes, "regular expressions", 64;
    /// Series that all selectors of a query get from the storage, together.
    series, Series, "series", 200_000;
    /// Samples that all selectors get from the storage, together.
    samples_loaded, SamplesLoaded, "samples loaded", 50_000_000;
    /// Samples of all intermediate results and of the final one, together: each
    /// has room for its series times its steps. A sample is 8 bytes.
    result_samples, ResultSamples, "samples in results", 20_000_000;
    /// Labels that aggregations, matching and functions on labels make, together.
    label_bytes, LabelBytes, "bytes of labels made", 256 << 20;
    /// Visits of samples, stored ones and those of results: what a query costs
    /// in time. Some hundred million a second.
    fuel, Fuel, "sample visits", 1_000_000_000;
}

/// What a label costs beside its texts.
const LABEL_OVERHEAD_BYTES: usize = 32;
/// How often `should_stop` is asked: once in so many visits.
const VISITS_PER_QUESTION: u64 = 100_000;

/// What a query has used so far.
pub(crate) struct Meter<'a> {
    limits: &'a Limits,
    should_stop: Option<&'a dyn Fn() -> bool>,
    series: u64,
    samples: u64,
    result_samples: u64,
    label_bytes: u64,
    visits: u64,
    next_question: u64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(limits: &'a Limits, should_stop: Option<&'a dyn Fn() -> bool>) -> Self {
        Self {
            limits,
            should_stop,
            series: 0,
            result_samples: 0,
            label_bytes: 0,
            samples: 0,
            visits: 0,
            next_question: 0,
        }
    }

    /// Counts a series that the storage gave, with its samples.
    pub(crate) fn load(&mut self, samples: usize) -> Result<(), Error> {
        self.series += 1;
        self.samples = self.samples.saturating_add(samples as u64);
        check(self.limits, Limit::Series, self.series)?;
        check(self.limits, Limit::SamplesLoaded, self.samples)
    }

    /// Counts work.
    pub(crate) fn visit(&mut self, count: usize) -> Result<(), Error> {
        self.visits = self.visits.saturating_add(count as u64);
        if self.visits < self.next_question {
            return Ok(());
        }
        self.next_question = self
            .visits
            .saturating_add(VISITS_PER_QUESTION)
            .min(self.limits.fuel);
        if self.should_stop.is_some_and(|stop| stop()) {
            return Err(Error::Stopped);
        }
        check(self.limits, Limit::Fuel, self.visits)
    }

    /// Counts the samples of a result, before there is room made for them.
    pub(crate) fn grow(&mut self, samples: usize) -> Result<(), Error> {
        self.result_samples = self.result_samples.saturating_add(samples as u64);
        check(self.limits, Limit::ResultSamples, self.result_samples)?;
        self.visit(samples)
    }

    /// Counts labels, best before they are made.
    pub(crate) fn label_bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.label_bytes = self.label_bytes.saturating_add(bytes as u64);
        check(self.limits, Limit::LabelBytes, self.label_bytes)
    }

    /// Counts a copy of some labels, best before it is made.
    pub(crate) fn copy_labels<'l>(
        &mut self,
        labels: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> Result<(), Error> {
        self.label_bytes(
            labels
                .map(|(name, value)| name.len() + value.len() + LABEL_OVERHEAD_BYTES)
                .sum(),
        )
    }

    pub(crate) fn steps(&self, steps: u64) -> Result<(), Error> {
        check(self.limits, Limit::Steps, steps)
    }
}

/// Holds `used` against a limit.
pub(crate) fn check(limits: &Limits, limit: Limit, used: u64) -> Result<(), Error> {
    let max = limits.get(limit);
    if used > max {
        return Err(Error::Limit { limit, max });
    }
    Ok(())
}
