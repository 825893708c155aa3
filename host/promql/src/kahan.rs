//! Sums with Kahan's and Neumaier's compensation, and means that do not overflow.

/// A compensated sum.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    sum: f64,
    compensation: f64,
}

impl Sum {
    pub(crate) fn of(value: f64) -> Self {
        Self {
            sum: value,
            compensation: 0.0,
        }
    }

    pub(crate) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.compensation = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.compensation += (self.sum - total) + value;
        } else {
            self.compensation += (value - total) + self.sum;
        }
        self.sum = total;
    }

    pub(crate) fn total(self) -> f64 {
        if self.sum.is_infinite() {
            self.sum
        } else {
            self.sum + self.compensation
        }
    }

    fn scaled(self, factor: f64) -> Self {
        Self {
            sum: self.sum * factor,
            compensation: self.compensation * factor,
        }
    }
}

/// A mean: sum by count, until the sum overflows; incremental from then on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mean {
    count: f64,
    incremental: bool,
    /// The sum, or the mean when incremental.
    state: Sum,
}

impl Mean {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.state = Sum::of(value);
            return;
        }
        if !self.incremental {
            let mut sum = self.state;
            sum.add(value);
            if !sum.sum.is_infinite() {
                self.state = sum;
                return;
            }
            self.incremental = true;
            self.state.sum /= self.count - 1.0;
            self.state.compensation /= self.count - 1.0;
        }
        if self.state.sum.is_infinite() {
            let same_infinity = value.is_infinite() && (self.state.sum > 0.0) == (value > 0.0);
            if same_infinity || value.is_finite() {
                return;
            }
        }
        self.state = self.state.scaled((self.count - 1.0) / self.count);
        self.state.add(value / self.count);
    }

    pub(crate) fn mean(self) -> f64 {
        if self.incremental {
            return self.state.total();
        }
        self.state.sum / self.count + self.state.compensation / self.count
    }
}

/// A population variance, by Welford's method.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Variance {
    count: f64,
    mean: Sum,
    squares: Sum,
}

impl Variance {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - (self.mean.sum + self.mean.compensation);
        self.mean.add(delta / self.count);
        self.squares
            .add(delta * (value - (self.mean.sum + self.mean.compensation)));
    }

    pub(crate) fn variance(self) -> f64 {
        (self.squares.sum + self.squares.compensation) / self.count
    }
}
