//! What the last scrapes of a target had: series texts and what became of them.
//!
//! A *pass* is one scrape. The texts of a pass are linked in their order, and
//! targets hardly ever change it: so the text that comes next can be told before
//! it is read, and in the steady state nothing is taken apart, hashed or allocated.
//!
//! Bounded by the samples of two passes: texts that neither had are let go as
//! soon as they make up half.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use wasmalert_core::Labels;

/// Old texts that are let be.
const SLACK: usize = 100;
const NOWHERE: usize = usize::MAX;

/// Where a text leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Dropped,
    /// An index that holds until the pass ends.
    Series(usize),
}

#[derive(Debug)]
struct Text {
    text: Arc<str>,
    place: Place,
    /// The last pass that had it.
    seen: u64,
    /// The text that came after it, or [`NOWHERE`].
    next: usize,
}

#[derive(Debug)]
struct Series {
    labels: Arc<Labels>,
    /// The last pass that had it; 0 for none.
    seen: u64,
    /// The last pass that had it tracked.
    tracked: u64,
}

#[derive(Debug)]
pub(super) struct Cache {
    texts: Vec<Text>,
    text_at: HashMap<Arc<str>, usize>,
    series: Vec<Series>,
    series_at: HashMap<Arc<Labels>, usize>,
    pass: u64,
    /// The last pass before this one that was not abandoned.
    pass_before: u64,
    first: usize,
    last: usize,
    texts_seen: usize,
    /// Series to get a stale marker unless this pass has them.
    tracked_before: Vec<usize>,
    tracked: Vec<usize>,
    /// How many texts and series there were when the pass began.
    texts_before: usize,
    series_before: usize,
    is_abandoned: bool,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            texts: Vec::new(),
            text_at: HashMap::new(),
            series: Vec::new(),
            series_at: HashMap::new(),
            pass: 0,
            pass_before: 0,
            first: NOWHERE,
            last: NOWHERE,
            texts_seen: 0,
            tracked_before: Vec::new(),
            tracked: Vec::new(),
            texts_before: 0,
            series_before: 0,
            is_abandoned: false,
        }
    }
}

impl Cache {
    pub(super) fn begin(&mut self) {
        self.pass += 1;
        self.last = NOWHERE;
        self.texts_seen = 0;
        self.tracked.clear();
        self.texts_before = self.texts.len();
        self.series_before = self.series.len();
        self.is_abandoned = false;
    }

    /// The text that most likely comes next.
    pub(super) fn expected(&self) -> Option<&str> {
        self.texts.get(self.expected_at()).map(|text| &*text.text)
    }

    fn expected_at(&self) -> usize {
        self.texts.get(self.last).map_or(self.first, |last| last.next)
    }

    /// Finds a text and notes that this pass has it.
    pub(super) fn find(&mut self, text: &str) -> Option<Place> {
        let at = match self.expected_at() {
            at if self.texts.get(at).is_some_and(|expected| *expected.text == *text) => at,
            _ => *self.text_at.get(text)?,
        };
        Some(self.see(at))
    }

    fn see(&mut self, at: usize) -> Place {
        match self.texts.get_mut(self.last) {
            Some(last) => last.next = at,
            None => self.first = at,
        }
        self.last = at;
        let text = &mut self.texts[at];
        self.texts_seen += usize::from(text.seen != self.pass);
        text.seen = self.pass;
        text.place
    }

    /// Adds a text that is not there, and says whether its series is new.
    pub(super) fn insert(&mut self, text: &str, labels: Option<Labels>) -> (Place, bool) {
        let (place, is_new) = labels.map_or((Place::Dropped, false), |labels| self.place_of(labels));
        let at = self.texts.len();
        let text: Arc<str> = text.into();
        self.text_at.insert(Arc::clone(&text), at);
        self.texts.push(Text {
            text,
            place,
            seen: 0,
            next: NOWHERE,
        });
        (self.see(at), is_new)
    }

    fn place_of(&mut self, labels: Labels) -> (Place, bool) {
        if let Some(at) = self.series_at.get(&labels) {
            return (Place::Series(*at), false);
        }
        let (at, labels) = (self.series.len(), Arc::new(labels));
        self.series_at.insert(Arc::clone(&labels), at);
        self.series.push(Series {
            labels,
            seen: 0,
            tracked: 0,
        });
        (Place::Series(at), true)
    }

    /// Notes a sample of a series; says whether it is the first of this pass.
    pub(super) fn visit(&mut self, at: usize, is_tracked: bool) -> (&Arc<Labels>, bool) {
        let series = &mut self.series[at];
        let is_first = series.seen != self.pass;
        series.seen = self.pass;
        if is_tracked && series.tracked != self.pass {
            series.tracked = self.pass;
            self.tracked.push(at);
        }
        (&series.labels, is_first)
    }

    /// Forgets what this pass has brought: it counts as empty.
    pub(super) fn abandon(&mut self) {
        for text in self.texts.drain(self.texts_before..) {
            self.text_at.remove(&text.text);
        }
        for series in self.series.drain(self.series_before..) {
            self.series_at.remove(&series.labels);
        }
        self.tracked.clear();
        self.is_abandoned = true;
    }

    /// Ends the pass and returns the series that the one before had and this one
    /// has not.
    pub(super) fn end(&mut self) -> Vec<Arc<Labels>> {
        let pass = if self.is_abandoned { 0 } else { self.pass };
        let gone = |at: &&usize| pass == 0 || self.series[**at].tracked != pass;
        let stale = self.tracked_before.iter().filter(gone);
        let stale = stale.map(|at| Arc::clone(&self.series[*at].labels)).collect();
        std::mem::swap(&mut self.tracked, &mut self.tracked_before);
        if !self.is_abandoned {
            if self.texts.len() > 2 * self.texts_seen + SLACK {
                self.let_go(self.pass_before);
            }
            self.pass_before = self.pass;
        }
        stale
    }

    /// Lets go of the texts that no pass since `pass` had, and of the series that no
    /// other text leads to.
    fn let_go(&mut self, pass: u64) {
        let keeps_text: Vec<bool> = self.texts.iter().map(|text| text.seen >= pass).collect();
        let mut keeps_series = vec![false; self.series.len()];
        for (text, _) in self.texts.iter().zip(&keeps_text).filter(|(_, keeps)| **keeps) {
            if let Place::Series(at) = text.place {
                keeps_series[at] = true;
            }
        }
        let (texts, series) = (places_of_kept(&keeps_text), places_of_kept(&keeps_series));
        let new_place = |places: &[usize], at: usize| places.get(at).copied().unwrap_or(NOWHERE);
        retain(&mut self.texts, &keeps_text);
        retain(&mut self.series, &keeps_series);
        for text in &mut self.texts {
            text.next = new_place(&texts, text.next);
            if let Place::Series(at) = &mut text.place {
                *at = series[*at];
            }
        }
        self.first = new_place(&texts, self.first);
        self.last = NOWHERE;
        self.tracked_before.iter_mut().for_each(|at| *at = series[*at]);
        self.text_at = self
            .texts
            .iter()
            .enumerate()
            .map(|(at, text)| (Arc::clone(&text.text), at))
            .collect();
        let by_labels = self.series.iter().enumerate();
        self.series_at = by_labels
            .map(|(at, series)| (Arc::clone(&series.labels), at))
            .collect();
    }

    /// How many texts and series are held, in tables and indexes.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 4] {
        [
            self.texts.len(),
            self.text_at.len(),
            self.series.len(),
            self.series_at.len(),
        ]
    }
}

/// Where each entry goes when only some are kept; [`NOWHERE`] for the others.
fn places_of_kept(keeps: &[bool]) -> Vec<usize> {
    let mut kept = 0;
    let place = |keeps: &bool| {
        kept += usize::from(*keeps);
        if *keeps { kept - 1 } else { NOWHERE }
    };
    keeps.iter().map(place).collect()
}

fn retain<T>(entries: &mut Vec<T>, keeps: &[bool]) {
    let mut keeps = keeps.iter();
    entries.retain(|_| keeps.next() == Some(&true));
}
