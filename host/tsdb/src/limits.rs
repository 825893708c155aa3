//! What a store may hold, and the reasons for refusing a sample.

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident, $unit:literal, $default:expr;)+) => {
        /// What a store may hold.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Settings { $($(#[doc = $doc])+ pub $field: u64,)+ }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Settings {
            /// Every setting there is, in the order of the docs.
            pub const TABLE: &'static [SettingInfo] = &[$(SettingInfo {
                name: stringify!($field),
                unit: $unit,
                default: $default,
                doc: concat!($($doc),+),
            },)+];

            /// The setting of that name.
            pub fn get_mut(&mut self, name: &str) -> Option<&mut u64> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)+
                    _ => None,
                }
            }
        }
    };
}

/// A setting, as for tables and for reading a configuration.
#[derive(Debug, Clone, Copy)]
pub struct SettingInfo {
    pub name: &'static str,
    pub unit: &'static str,
    pub default: u64,
    pub doc: &'static str,
}

settings! {
    /// Different label sets.
    series, "series", 1_000_000;
    /// Everything that the store holds: labels, index, chunks, and what each series
    /// costs beside them. A series with seven labels takes about 700 bytes before its
    /// chunks; series by themselves may take three quarters.
    bytes, "bytes", 512 << 20;
    /// Labels of one series, its name included.
    labels_per_series, "labels", 64;
    /// One label's name.
    label_name_bytes, "bytes", 1_024;
    /// One label's value.
    label_value_bytes, "bytes", 4_096;
    /// How long samples are kept; 0 keeps all, and takes samples of any time.
    retention_ms, "milliseconds", 15 * 86_400_000;
    /// How far behind the newest of its series a sample may be; without meaning
    /// when retention is 0.
    out_of_order_ms, "milliseconds", 600_000;
}

impl Settings {
    /// The oldest time that is kept at `now_ms`.
    pub(crate) fn cutoff_ms(&self, now_ms: i64) -> i64 {
        match self.retention_ms {
            0 => i64::MIN,
            _ => now_ms.saturating_sub(whole(self.retention_ms)),
        }
    }

    /// How far behind the newest of its series a sample may be; None for any.
    pub(crate) fn window_ms(&self) -> Option<i64> {
        (self.retention_ms > 0).then_some(whole(self.out_of_order_ms))
    }
}

fn whole(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// Why samples were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// Older than retention allows.
    TooOld,
    /// Later than the clock by more than [`crate::FUTURE_MS_MAX`].
    TooFarInFuture,
    /// Further behind the newest of its series than `out_of_order_ms`.
    OutOfOrder,
    /// The series has another value at that time.
    Duplicate,
    /// No labels, or one without a name.
    InvalidLabels,
    /// More labels than `labels_per_series`.
    LabelsPerSeries,
    /// A longer name than `label_name_bytes`.
    LabelNameBytes,
    /// A longer value than `label_value_bytes`.
    LabelValueBytes,
    /// A new series beyond `series`.
    Series,
    /// A new series, or a sample, that `bytes` has no room for.
    Bytes,
}

impl Refusal {
    /// Every reason there is.
    pub const ALL: [Self; 10] = [
        Self::TooOld,
        Self::TooFarInFuture,
        Self::OutOfOrder,
        Self::Duplicate,
        Self::InvalidLabels,
        Self::LabelsPerSeries,
        Self::LabelNameBytes,
        Self::LabelValueBytes,
        Self::Series,
        Self::Bytes,
    ];

    /// A stable code for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::TooFarInFuture => "too_far_in_future",
            Self::OutOfOrder => "out_of_order",
            Self::Duplicate => "duplicate",
            Self::InvalidLabels => "invalid_labels",
            Self::LabelsPerSeries => "labels_per_series_exceeded",
            Self::LabelNameBytes => "label_name_bytes_exceeded",
            Self::LabelValueBytes => "label_value_bytes_exceeded",
            Self::Series => "series_exceeded",
            Self::Bytes => "bytes_exceeded",
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::TooOld => "older than retention_ms allows",
            Self::TooFarInFuture => "more than 10 minutes in the future: look at the sender's clock",
            Self::OutOfOrder => "further behind the newest sample of the series than out_of_order_ms",
            Self::Duplicate => "the series has another value at that time: it may be written from two places",
            Self::InvalidLabels => "a series needs labels, each with a name that occurs once",
            Self::LabelsPerSeries => "more labels than labels_per_series",
            Self::LabelNameBytes => "a label name longer than label_name_bytes",
            Self::LabelValueBytes => "a label value longer than label_value_bytes",
            Self::Series => "as many series as the setting `series` allows: write fewer, or raise it",
            Self::Bytes => "no room within the setting `bytes`: write fewer series, or raise it",
        }
    }
}
