//! Tables of numbers that people set: each with a name, a unit, a default and a doc.

/// Makes the keys, the values and the rows of a table.
macro_rules! table {
    (
        $(#[doc = $key_doc:literal])+ enum $Key:ident;
        $(#[doc = $values_doc:literal])+ struct $Values:ident;
        $(#[doc = $info_doc:literal])+ struct $Info:ident { $key:ident }
        $($(#[doc = $doc:literal])+ $field:ident, $variant:ident, $unit:literal, $default:expr;)+
    ) => {
        $(#[doc = $key_doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $Key { $($(#[doc = $doc])+ $variant,)+ }

        $(#[doc = $values_doc])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $Values { $($(#[doc = $doc])+ pub $field: u64,)+ }

        $(#[doc = $info_doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Info {
            pub $key: $Key,
            /// Name in the API, and the end of the setting's.
            pub name: &'static str,
            pub unit: &'static str,
            pub default: u64,
            pub doc: &'static str,
        }

        impl Default for $Values {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $Values {
            /// Everything there is, in the order of the docs.
            pub const TABLE: &'static [$Info] = &[$($Info {
                $key: $Key::$variant,
                name: stringify!($field),
                unit: $unit,
                default: $default,
                doc: concat!($($doc),+),
            },)+];

            /// As much as there is of everything.
            #[must_use]
            pub fn highest() -> Self {
                Self { $($field: u64::MAX,)+ }
            }

            #[must_use]
            pub fn get(&self, key: $Key) -> u64 {
                match key { $($Key::$variant => self.$field,)+ }
            }

            pub fn set(&mut self, key: $Key, value: u64) {
                match key { $($Key::$variant => self.$field = value,)+ }
            }
        }

        impl $Key {
            /// Name in settings and in the API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($Key::$variant => stringify!($field),)+ }
            }

            /// The one of that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($field) => Some($Key::$variant),)+
                    _ => None,
                }
            }

            /// The code of the error that reaching it is: the name and `_exceeded`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $($Key::$variant => concat!(stringify!($field), "_exceeded"),)+ }
            }
        }
    };
}

pub(crate) use table;
