//! Notifications: written to the outbox with the transition that causes them,
//! and delivered from there, at least once.

mod deliver;
mod payload;
mod wakes;

pub(crate) use deliver::deliver_forever;
pub(crate) use payload::{Told, alerts_in, payload};
pub(crate) use wakes::Wakes;
