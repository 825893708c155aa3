//! Burn rates of series over one window.

use std::collections::BTreeMap;

use wasmalert::prelude::*;

use crate::config::Objective;

/// What a series is known by in every window: its labels, as a number. Without
/// `__name__`, which differs between the windows of recorded ratios.
pub(crate) type Key = u64;

/// The burn rates of all series over one window.
pub(crate) struct Burns {
    frame: Frame,
    rates: Vec<f64>,
}

/// A series that burns.
pub(crate) struct Burning {
    pub(crate) key: Key,
    pub(crate) series: SeriesRef,
    pub(crate) rate: f64,
}

impl Burns {
    pub(crate) fn new(frame: Frame, objective: &Objective) -> Self {
        let ratios = frame.values().into_iter();
        let rates = ratios.map(|ratio| objective.burn_rate(ratio)).collect();
        Self { frame, rates }
    }

    /// The series that burn faster. NaN and the infinities are no burn rates.
    pub(crate) fn faster(&self, than: f64) -> Vec<Burning> {
        let fast = |rate: f64| rate.is_finite() && rate > than;
        let wanted: Vec<u32> = (0_u32..)
            .zip(&self.rates)
            .filter(|(_, rate)| fast(**rate))
            .map(|(series, _)| series)
            .collect();
        let labels = self.frame.labels_of(&wanted);
        let burning = wanted.iter().zip(&labels).map(|(series, labels)| Burning {
            key: key(labels),
            series: self.frame.at(*series as usize),
            rate: self.rates[*series as usize],
        });
        burning.collect()
    }

    /// The burn rates of those that burn faster.
    pub(crate) fn by_key(&self, faster_than: f64) -> BTreeMap<Key, f64> {
        let burning = self.faster(faster_than).into_iter();
        burning.map(|series| (series.key, series.rate)).collect()
    }
}

/// FNV-1a, 64 bit, over names and values each closed by 0xff.
fn key(labels: &Labels) -> Key {
    let labels = labels.iter().filter(|label| label.name != "__name__");
    let mut hash = 14_695_981_039_346_656_037_u64;
    for text in labels.flat_map(|label| [&label.name, &label.value]) {
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211);
        }
    }
    hash
}
