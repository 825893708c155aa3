//! Texts within Slack's limits.

/// What stands at the end of a text that was cut.
const CUT: &str = "…";

/// Slack's three special characters as entities.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A text of so many UTF-16 units at most. What does not fit is cut, never
/// within an entity.
pub(crate) struct Limited {
    text: String,
    /// Units left, the mark of a cut already taken off.
    left: usize,
    cut: bool,
}

impl Limited {
    pub(crate) fn new(units_max: usize) -> Self {
        Self {
            text: String::new(),
            left: units_max - units(CUT),
            cut: false,
        }
    }

    /// Adds a text character by character, as far as it fits.
    pub(crate) fn push(&mut self, text: &str) {
        for char in text.chars() {
            self.push_unit(char.encode_utf8(&mut [0; 4]));
        }
    }

    /// Adds a text with its special characters as entities, as far as it fits.
    pub(crate) fn push_escaped(&mut self, text: &str) {
        for char in text.chars() {
            self.push_unit(entity(char).unwrap_or(char.encode_utf8(&mut [0; 4])));
        }
    }

    /// Adds a text if all of it fits, or nothing.
    pub(crate) fn push_whole(&mut self, text: &str) {
        if units(text) <= self.left && !self.cut {
            self.left -= units(text);
            self.text.push_str(text);
        }
    }

    pub(crate) fn finish(mut self) -> String {
        if self.cut {
            self.text.push_str(CUT);
        }
        self.text
    }

    fn push_unit(&mut self, unit: &str) {
        self.cut |= units(unit) > self.left;
        self.push_whole(unit);
    }
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A special character as Slack wants it.
fn entity(char: char) -> Option<&'static str> {
    match char {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}
