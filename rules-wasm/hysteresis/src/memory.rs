//! What is remembered from one evaluation to the next: one blob, which holds
//! only the series that are not quiet.
//!
//! Layout, little-endian: for each track its key (8 bytes), recent bits (4),
//! unseen (1), and 1 or 0 for firing or not. When firing: the value (8), the
//! number of labels (2), and each name and value with its length (2) in front.

use std::collections::BTreeMap;

use wasmalert::prelude::*;

const STATE_KEY: &str = "tracks";

/// The most series that are remembered.
pub(crate) const TRACKS_MAX: usize = 20_000;

/// What is remembered of one series.
#[derive(Default)]
pub(crate) struct Track {
    /// When firing, which of the last values resolve; else which fire.
    pub(crate) recent: u32,
    /// For how many evaluations the series has been missing.
    pub(crate) unseen: u8,
    pub(crate) firing: Option<Firing>,
}

/// What a firing series is, for when it is missing.
pub(crate) struct Firing {
    pub(crate) value: f64,
    pub(crate) labels: Labels,
}

impl Firing {
    pub(crate) fn finding(&self) -> Finding {
        let labels = self.labels.iter().filter(|label| label.name != "__name__");
        Finding {
            labels: labels.cloned().collect(),
            value: self.value,
            ..Finding::default()
        }
    }
}

/// The tracks of all series that are not quiet.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<u64, Track>);

impl Memory {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, key: u64) -> Option<Track> {
        self.0.remove(&key)
    }

    pub(crate) fn keep(&mut self, key: u64, track: Track) {
        if track.firing.is_some() || track.recent != 0 {
            self.0.insert(key, track);
        }
    }

    /// The tracks that are left, one evaluation later, without those that have
    /// been missing for more than `unseen_max` evaluations.
    pub(crate) fn unseen(self, unseen_max: u32) -> impl Iterator<Item = (u64, Track)> {
        self.0.into_iter().filter_map(move |(key, mut track)| {
            track.unseen = track.unseen.saturating_add(1);
            (u32::from(track.unseen) <= unseen_max).then_some((key, track))
        })
    }

    /// # Errors
    /// The state is not what [`save`](Self::save) has written.
    pub(crate) fn load() -> Result<Self, Error> {
        let bytes = state::get(STATE_KEY).unwrap_or_default();
        read(&bytes)
            .map(Self)
            .ok_or_else(|| Error::new("bad_state", "the state is not this rule's; clear it"))
    }

    /// # Errors
    /// There are more than [`TRACKS_MAX`], or a label is too long.
    pub(crate) fn save(&self) -> Result<(), Error> {
        if self.0.len() > TRACKS_MAX {
            let message =
                format!("more than {TRACKS_MAX} series are beyond a threshold; narrow the expression");
            return Err(Error::new("too_many_series", message));
        }
        match self.0.is_empty() {
            true => state::delete(STATE_KEY),
            false => state::set(STATE_KEY, &write(&self.0)?),
        }
        Ok(())
    }
}

fn write(tracks: &BTreeMap<u64, Track>) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(tracks.len() * 64);
    for (key, track) in tracks {
        bytes.extend(key.to_le_bytes());
        bytes.extend(track.recent.to_le_bytes());
        bytes.push(track.unseen);
        bytes.push(u8::from(track.firing.is_some()));
        if let Some(firing) = &track.firing {
            bytes.extend(firing.value.to_le_bytes());
            bytes.extend(length(firing.labels.len())?);
            for text in firing.labels.iter().flat_map(|label| [&label.name, &label.value]) {
                bytes.extend(length(text.len())?);
                bytes.extend(text.as_bytes());
            }
        }
    }
    Ok(bytes)
}

fn length(length: usize) -> Result<[u8; 2], Error> {
    let length = u16::try_from(length).map_err(|_| Error::from("a series has a label over 64 KiB"))?;
    Ok(length.to_le_bytes())
}

/// None when the bytes do not hold together.
fn read(mut bytes: &[u8]) -> Option<BTreeMap<u64, Track>> {
    let mut tracks = BTreeMap::new();
    while !bytes.is_empty() {
        let key = u64::from_le_bytes(take(&mut bytes)?);
        let recent = u32::from_le_bytes(take(&mut bytes)?);
        let [unseen, firing] = take(&mut bytes)?;
        let firing = match firing {
            0 => None,
            _ => Some(read_firing(&mut bytes)?),
        };
        tracks.insert(
            key,
            Track {
                recent,
                unseen,
                firing,
            },
        );
    }
    Some(tracks)
}

fn read_firing(bytes: &mut &[u8]) -> Option<Firing> {
    let value = f64::from_le_bytes(take(bytes)?);
    let count = u16::from_le_bytes(take(bytes)?);
    let labels = (0..count).map(|_| Some(Label::new(read_text(bytes)?, read_text(bytes)?)));
    let labels = Labels(labels.collect::<Option<_>>()?);
    Some(Firing { value, labels })
}

fn read_text(bytes: &mut &[u8]) -> Option<String> {
    let length = usize::from(u16::from_le_bytes(take(bytes)?));
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).ok()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}
