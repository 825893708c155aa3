//! What a component says of itself.

pub use crate::bindings::rule::wasmalert::rules::types::Description;

use crate::Label;

impl Description {
    /// Describes a component: a short name, and what it does in a sentence or a
    /// page of Markdown.
    #[must_use]
    pub fn new(name: impl Into<String>, doc: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            doc: doc.into(),
            ..Self::default()
        }
    }

    /// Sets the JSON Schema of the configuration; without one anything is accepted.
    #[must_use]
    pub fn config_schema(mut self, schema: impl Into<String>) -> Self {
        self.config_schema = schema.into();
        self
    }

    /// Declares an instant query on the default source that is asked at every
    /// slot, so that the host fetches it ahead.
    #[must_use]
    pub fn query(mut self, expr: impl Into<String>) -> Self {
        self.queries.push(expr.into());
        self
    }

    /// Adds a named fact. Known today: `resend` = `true` on a notifier.
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extras.push(Label::new(name, value));
        self
    }
}
