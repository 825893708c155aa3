//! The SDK against its fake host: every import, and the host's contract.

mod contract;
mod frames;
mod notifiers;
mod stepping;
mod times;
