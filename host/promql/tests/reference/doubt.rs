//! Doubts: where rounding may decide.
//!
//! The evaluator compensates its sums and the reference does not, so their
//! numbers differ in the last bits. Where such a difference may turn a
//! comparison or cancel out all other digits, a case says nothing; where all
//! numbers are exact it does.

use std::cell::Cell;

/// Whether rounding may have decided something of a case.
#[derive(Default)]
pub(crate) struct Doubt(Cell<bool>);

/// Whether sums of such numbers are exact: short binary fractions.
fn exact(number: f64) -> bool {
    !number.is_finite() || ((number * 1024.0).fract() == 0.0 && number.abs() < 1e9)
}

impl Doubt {
    pub(crate) fn any(&self) -> bool {
        self.0.get()
    }

    pub(crate) fn note(&self, doubtful: bool) {
        self.0.set(self.0.get() || doubtful);
    }

    /// Two numbers are about to be compared.
    pub(crate) fn compared(&self, a: f64, b: f64) {
        let near = (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
        self.note(near && !(exact(a) && exact(b)));
    }

    /// A number is about to be rounded to a whole one or written as text.
    pub(crate) fn rounded(&self, number: f64) {
        self.note(!exact(number) && (number - number.round()).abs() <= 1e-9 * number.abs().max(1.0));
    }

    /// A number is about to be written as text.
    pub(crate) fn written(&self, number: f64) {
        self.note(!exact(number));
    }

    /// Numbers have been added up, with either sign.
    pub(crate) fn added(&self, numbers: &[f64], sum: f64) {
        let size: f64 = numbers.iter().map(|number| number.abs()).sum();
        let overflown = !sum.is_finite() && numbers.iter().all(|number| number.is_finite());
        let inexact = !numbers.iter().all(|number| exact(*number));
        self.note(overflown || (inexact && sum.abs() <= 1e-3 * size));
    }
}
