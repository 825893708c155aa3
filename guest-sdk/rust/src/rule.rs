//! What a rule is: the trait, what it is told and what it answers.

use std::any::TypeId;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::bindings::rule::exports::wasmalert::rules::rules as wit;
use crate::bindings::rule::wasmalert::rules::types::ComponentError;
use crate::label::value_of;
use crate::{Description, Error, Label, Series};

pub use wit::{Context, Finding, Outcome, RecordedSample, SeriesRef, Trigger};

/// Alert logic: says what is wrong right now.
///
/// A rule is a pure function of its inputs. The host may run it several times
/// for one slot, each time in a fresh instance, and only a run that succeeds
/// takes effect. A panic fails the evaluation as an error does; what it says is logged.
pub trait Rule {
    /// The rule's configuration, read from JSON; `()` for none.
    type Config: DeserializeOwned + 'static;

    /// Tells what the component is; may not call the host.
    fn describe() -> Description;

    /// Evaluates the rule once.
    ///
    /// # Errors
    /// Leaves every alert as it was and shows up in the rule's health.
    fn evaluate(context: &Context, config: Self::Config) -> Result<Outcome, Error>;
}

/// The component that a [`Rule`] makes; what [`rule!`](crate::rule!) exports.
pub struct RuleComponent<R>(PhantomData<R>);

impl<R: Rule> wit::Guest for RuleComponent<R> {
    fn describe() -> Description {
        R::describe()
    }

    fn evaluate(context: Context) -> Result<Outcome, ComponentError> {
        #[cfg(target_family = "wasm")]
        crate::panics::tell();
        Ok(evaluate::<R>(&context)?)
    }
}

/// Reads the configuration and evaluates.
pub(crate) fn evaluate<R: Rule>(context: &Context) -> Result<Outcome, Error> {
    R::evaluate(context, parse_config(&context.config)?)
}

/// Reads a configuration. `()` is read from `{}`.
///
/// # Errors
/// [`Error::BAD_CONFIG`], saying what does not fit and where.
pub fn parse_config<C: DeserializeOwned + 'static>(json: &str) -> Result<C, Error> {
    let none = TypeId::of::<C>() == TypeId::of::<()>() && json.trim() == "{}";
    let json = if none { "null" } else { json };
    serde_json::from_str(json)
        .map_err(|error| Error::config(format!("the configuration does not fit: {error}")))
}

impl Context {
    /// The name of the timer that causes this evaluation; none at a slot.
    #[must_use]
    pub fn timer(&self) -> Option<&str> {
        (self.trigger.kind == "timer").then_some(&*self.trigger.timer)
    }

    /// The value of one of the labels that the host will put on every alert of
    /// this rule; the empty text stands for an absent one.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        value_of(&self.labels, name)
    }
}

impl Outcome {
    /// Makes the answer that nothing is wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds something that is wrong: a series, or [`Finding::new`] for something
    /// that no series stands for. Its labels, with the rule's on top, are the
    /// identity of the alert and may occur once.
    pub fn find(&mut self, what: impl Into<Finding>) -> &mut Finding {
        let at = self.findings.len();
        self.findings.push(what.into());
        &mut self.findings[at]
    }

    /// Adds a sample to record under a metric's name: a series, or
    /// [`RecordedSample::new`].
    pub fn record(&mut self, name: &str, what: impl Into<RecordedSample>) -> &mut RecordedSample {
        let at = self.samples.len();
        self.samples.push(what.into());
        self.samples[at].label("__name__", name)
    }
}

impl Finding {
    /// Makes a finding without labels, with the value 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a label, which wins over the series' label of that name; an empty
    /// value deletes the label.
    pub fn label(&mut self, name: impl Into<String>, value: impl ToString) -> &mut Self {
        self.labels.push(Label::new(name, value.to_string()));
        self
    }

    /// Sets the value to show with the alert.
    pub fn value(&mut self, value: f64) -> &mut Self {
        self.value = value;
        self
    }

    /// Adds an annotation, which wins over the rule's own.
    pub fn annotation(&mut self, name: impl Into<String>, text: impl ToString) -> &mut Self {
        self.annotations.push(Label::new(name, text.to_string()));
        self
    }
}

impl RecordedSample {
    /// Makes a sample without labels.
    #[must_use]
    pub fn new(value: f64) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }

    /// Adds a label, which wins over the series' label of that name.
    pub fn label(&mut self, name: impl Into<String>, value: impl ToString) -> &mut Self {
        self.labels.push(Label::new(name, value.to_string()));
        self
    }

    /// Sets the value.
    pub fn value(&mut self, value: f64) -> &mut Self {
        self.value = value;
        self
    }
}

impl From<SeriesRef> for Finding {
    fn from(series: SeriesRef) -> Self {
        Self {
            series: Some(series),
            ..Self::default()
        }
    }
}

impl From<Series<'_>> for Finding {
    fn from(series: Series<'_>) -> Self {
        Self {
            series: Some(series.into()),
            value: series.value,
            ..Self::default()
        }
    }
}

impl From<SeriesRef> for RecordedSample {
    fn from(series: SeriesRef) -> Self {
        Self {
            series: Some(series),
            ..Self::default()
        }
    }
}

impl From<Series<'_>> for RecordedSample {
    fn from(series: Series<'_>) -> Self {
        Self {
            series: Some(series.into()),
            value: series.value,
            ..Self::default()
        }
    }
}
