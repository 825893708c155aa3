//! Statistics that a few wild values do not move.

/// The middle of some values, or half way between the two of them. None when there is no value.
/// Leaves the values in another order.
#[must_use]
pub fn median(values: &mut [f64]) -> Option<f64> {
    let half = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let is_even = values.len().is_multiple_of(2);
    let (lower, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let middle = *middle;
    let below = lower.iter().copied().max_by(f64::total_cmp).filter(|_| is_even);
    Some(below.map_or(middle, |below| below / 2.0 + middle / 2.0))
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_middle_of_values() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [7.0]), Some(7.0));
        assert_eq!(median(&mut [9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [9.0, 1.0, 2.0, 1e300]), Some(5.5));
        assert_eq!(median(&mut [f64::MAX, f64::MAX]), Some(f64::MAX));
    }
}
