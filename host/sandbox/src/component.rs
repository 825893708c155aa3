//! A loaded component and what can be called on it.

use std::fs::File;
use std::sync::Arc;

use wasmalert_core::evaluation::{Context, Description, Effects, Journal, State};
use wasmalert_core::limits::Limits;

use crate::engine::{Inner, SandboxError};
use crate::model::{Disposition, Evaluation, HttpRequest, HttpResponse, NotifyBatch, Run, World};

/// A compiled component, linked and ready to run; a handle, cheap to clone.
///
/// Each call is one run in a fresh instance, synchronous, and belongs on a thread
/// of [`crate::Workers`].
#[derive(Clone)]
pub struct Component {}

impl Component {
    pub(crate) fn load(sandbox: Arc<Inner>, artifact: &File) -> Result<Self, SandboxError> { unimplemented!("not yet") }

    /// The world it is of.
    #[must_use]
    pub fn world(&self) -> World { unimplemented!("not yet") }

    /// Size of its machine code: what a cache weighs.
    #[must_use]
    pub fn code_bytes(&self) -> u64 { unimplemented!("not yet") }

    /// Asks the component what it is. Imports other than `log` fail the run.
    #[must_use]
    pub fn describe(&self, limits: &Limits) -> Run<Description> { unimplemented!("not yet") }

    /// Runs a rule once over a journal.
    #[must_use]
    pub fn evaluate(&self, context: &Arc<Context>, journal: &Arc<Journal>, limits: &Limits) -> Evaluation { unimplemented!("not yet") }

    /// Asks a notifier for the requests to send.
    #[must_use]
    pub fn notify(&self, batch: &NotifyBatch, state: &Arc<State>, limits: &Limits) -> Run<(Vec<HttpRequest>, Effects)> { unimplemented!("not yet") }

    /// Asks a notifier what the answer to its request of that index means.
    #[must_use]
    pub fn interpret(&self, config: &str, request: u32, response: &HttpResponse, state: &Arc<State>, limits: &Limits) -> Run<(Disposition, Effects)> { unimplemented!("not yet") }
}
