//! Doubts: where rounding may decide.
//!
//! The evaluator compensates its sums and the reference does not, so their
//! numbers differ in the last bits. Where such a difference may turn a
//! comparison or cancel out all other digits, a case says nothing; where all
//! numbers are exact it does.

use std::cell::Cell;

/// Whether rounding may have decided something of a case.
#[derive(Default)]
pub(crate) struct Doubt {
    any: Cell<bool>,
    /// Something was computed in another way than the evaluator does: from then on
    /// numbers may be inexact there that look exact here.
    estimated: Cell<bool>,
}

impl Doubt {
    /// Whether a number is a short binary fraction, so that sums of such are exact.
    fn exact(&self, number: f64) -> bool {
        let short = (number * 1024.0).fract() == 0.0 && number.abs() < 1e9;
        !number.is_finite() || (short && !self.estimated.get())
    }

    /// The evaluator may have other last bits.
    pub(crate) fn estimated(&self) {
        self.estimated.set(true);
    }

    pub(crate) fn any(&self) -> bool {
        self.any.get()
    }

    pub(crate) fn note(&self, doubtful: bool) {
        self.any.set(self.any.get() || doubtful);
    }

    /// Two numbers are about to be compared.
    pub(crate) fn compared(&self, a: f64, b: f64) {
        let near = (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
        self.note(near && !(self.exact(a) && self.exact(b)));
    }

    /// A number is about to be rounded to a whole one.
    pub(crate) fn rounded(&self, number: f64) {
        self.note(!self.exact(number) && (number - number.round()).abs() <= 1e-9 * number.abs().max(1.0));
    }

    /// A number is about to be written as text.
    pub(crate) fn written(&self, number: f64) {
        self.note(!self.exact(number));
    }

    /// Numbers have been added up, with either sign.
    pub(crate) fn added(&self, numbers: &[f64], sum: f64) {
        let size: f64 = numbers.iter().map(|number| number.abs()).sum();
        let overflown = !sum.is_finite() && numbers.iter().all(|number| number.is_finite());
        let inexact = !numbers.iter().all(|number| self.exact(*number));
        self.estimated.set(self.estimated.get() || inexact);
        self.note(overflown || (inexact && sum.abs() <= 1e-3 * size));
    }
}
