//! Guests in every language, held to the same behaviours: see `README.md`.

pub mod behaviours;
pub mod guest;
pub mod measure;
pub mod table;

pub use behaviours::{BEHAVIOURS, Behaviour};
pub use guest::Guest;
pub use measure::{Measured, measure};
