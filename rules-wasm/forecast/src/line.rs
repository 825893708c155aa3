//! The line through points, as Theil and Sen have it: its slope is the median
//! of the slopes between all pairs of points.

/// The most points a line is laid through; as pairs, half their square.
const POINTS_MAX: usize = 64;

/// How much less than needed a slope may seem, as numbers are rounded.
const ROUNDING: f64 = 1e-9;

/// A time in seconds from now, and what is left until the limit.
pub(crate) type Point = (f64, f64);

/// A line, with what is left now.
pub(crate) struct Line {
    pub(crate) now: f64,
    pub(crate) per_second: f64,
    /// Median distance of the points from the line.
    off: f64,
    /// Median distance of the points from their median.
    spread: f64,
}

impl Line {
    /// None for fewer than two points, and for a line that falls slower than
    /// asked for; most lines do, and to tell costs little.
    pub(crate) fn falling(points: &[Point], per_second: f64) -> Option<Self> {
        let points = merge(points);
        if !may_fall(&points, per_second) {
            return None;
        }
        let per_second = median(slopes(&points))?;
        let now = median(
            points
                .iter()
                .map(|(time, left)| left - per_second * time)
                .collect(),
        )?;
        let middle = median(points.iter().map(|(_, left)| *left).collect())?;
        let off = points
            .iter()
            .map(|(time, left)| (left - per_second * time - now).abs());
        let spread = points.iter().map(|(_, left)| (left - middle).abs());
        Some(Self {
            now,
            per_second,
            off: median(off.collect())?,
            spread: median(spread.collect())?,
        })
    }

    /// Whether the line fits: 1 is exactly, 0 anyhow.
    pub(crate) fn fits(&self, min_fit: f64) -> bool {
        self.off <= (1.0 - min_fit) * self.spread || min_fit == 0.0
    }
}

/// Whether half the pairs of points fall so fast, without which their median
/// does not.
fn may_fall(points: &[Point], per_second: f64) -> bool {
    let per_second = per_second * (1.0 - ROUNDING);
    let (mut pairs, mut falling) = (0, 0);
    for (at, (later, less)) in points.iter().enumerate() {
        let falls = |(earlier, more): &&Point| more - less >= per_second * (later - earlier);
        pairs += at;
        falling += points[..at].iter().filter(falls).count();
    }
    2 * falling >= pairs
}

/// At most [`POINTS_MAX`] points, each the middle of as many neighbours.
fn merge(points: &[Point]) -> Vec<Point> {
    if points.len() <= POINTS_MAX {
        return points.to_vec();
    }
    let neighbours = points.len().div_ceil(POINTS_MAX);
    let middle = |points: &[Point]| {
        let time = points.iter().map(|(time, _)| time).sum::<f64>() / points.len() as f64;
        let left = median(points.iter().map(|(_, left)| *left).collect())?;
        Some((time, left))
    };
    points.chunks(neighbours).filter_map(middle).collect()
}

/// The slopes between all pairs of points, whose times differ.
fn slopes(points: &[Point]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (at, (later, less)) in points.iter().enumerate() {
        let slope = |(earlier, more): &Point| (less - more) / (later - earlier);
        slopes.extend(points[..at].iter().map(slope));
    }
    slopes
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    robust::median(&mut values)
}
