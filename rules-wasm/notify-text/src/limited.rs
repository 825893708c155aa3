//! Texts of so many characters at most.

/// What stands at the end of a text that was cut.
const CUT: &str = "…";

/// How a receiver writes rich text, and counts it.
pub struct Markup {
    /// What stands for a character that would mean something.
    pub escape: fn(char) -> Option<&'static str>,
    /// Before and after what is emphasized.
    pub strong: [&'static str; 2],
    pub count: Count,
}

/// What counts towards a limit.
#[derive(Clone, Copy)]
pub enum Count {
    /// The text as it is written, with its escapes and markup.
    Written,
    /// What a reader sees: an escaped character as itself, and no markup.
    Seen,
    /// The text as it is written within a JSON text.
    Json,
}

impl Count {
    /// Units of a character. A brace in a JSON text counts as `\u007b`, which
    /// [`Request::post_json`](wasmalert::Request::post_json) may make of it.
    fn of(self, char: char) -> usize {
        match (self, char) {
            (Self::Json, '"' | '\\' | '\n') => 2,
            (Self::Json, '{') => 6,
            _ => char.len_utf16(),
        }
    }

    fn of_text(self, text: &str) -> usize {
        text.chars().map(|char| self.of(char)).sum()
    }
}

/// No markup: every character stands for itself.
pub const PLAIN: Markup = Markup {
    escape: |_| None,
    strong: ["", ""],
    count: Count::Written,
};

/// The special characters of HTML outside of tags.
#[must_use]
pub fn html(char: char) -> Option<&'static str> {
    match char {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

/// A line without markup of so many UTF-16 units at most.
#[must_use]
pub fn limited(text: &str, units_max: usize) -> String {
    let mut line = Limited::line(units_max, &PLAIN);
    line.push(text);
    line.finish()
}

/// A text of so many UTF-16 units at most. What does not fit is cut, never
/// within an escape. Control characters become spaces.
pub struct Limited {
    text: String,
    markup: &'static Markup,
    /// What stands at the end once the text is cut; nothing where not even that fits.
    mark: &'static str,
    /// Units that fit before the mark.
    room: usize,
    used: usize,
    has_lines: bool,
    is_cut: bool,
}

impl Limited {
    /// Makes an empty text, which may have several lines.
    #[must_use]
    pub fn new(units_max: usize, markup: &'static Markup) -> Self {
        let mark = if units_max == 0 { "" } else { CUT };
        Self {
            text: String::new(),
            markup,
            mark,
            room: units_max - Count::Written.of_text(mark),
            used: 0,
            has_lines: true,
            is_cut: false,
        }
    }

    /// Makes an empty text in which line breaks become spaces too.
    #[must_use]
    pub fn line(units_max: usize, markup: &'static Markup) -> Self {
        Self {
            has_lines: false,
            ..Self::new(units_max, markup)
        }
    }

    #[must_use]
    pub fn markup(&self) -> &'static Markup {
        self.markup
    }

    /// Units that may still be added.
    #[must_use]
    pub fn left(&self) -> usize {
        if self.is_cut { 0 } else { self.room - self.used }
    }

    /// Units that the text counts as.
    #[must_use]
    pub fn used(&self) -> usize {
        let mark = if self.is_cut { self.mark } else { "" };
        self.used + Count::Written.of_text(mark)
    }

    /// Adds a text, escaped, character by character as far as it fits.
    pub fn push(&mut self, text: &str) {
        let Markup { escape, count, .. } = *self.markup;
        for char in text.chars() {
            let char = self.printable(char);
            let escaped = escape(char);
            let units = match (escaped, count) {
                (Some(escaped), Count::Written | Count::Json) => count.of_text(escaped),
                (Some(_), Count::Seen) | (None, _) => count.of(char),
            };
            if !self.take(units) {
                self.is_cut = true;
                return;
            }
            match escaped {
                Some(escaped) => self.text.push_str(escaped),
                None => self.text.push(char),
            }
        }
    }

    /// Adds a text with emphasis.
    pub fn push_strong(&mut self, text: &str) {
        let [before, after] = self.markup.strong;
        self.push_markup(before);
        self.push(text);
        self.push_markup(after);
    }

    /// Adds markup as it is: all of it if it fits, or nothing. What a reader does
    /// not see always fits, where only the rest counts.
    pub fn push_markup(&mut self, markup: &str) {
        let units = match self.markup.count {
            Count::Seen => 0,
            count => count.of_text(markup),
        };
        if units == 0 || self.take(units) {
            self.text.push_str(markup);
        }
    }

    /// Starts a new line, unless the text is empty.
    pub fn break_line(&mut self) {
        if !self.text.is_empty() {
            self.push("\n");
        }
    }

    /// Adds another text of the same markup if all of it fits; says whether it did.
    pub fn append(&mut self, other: Self) -> bool {
        let fits = self.take(other.used());
        if fits {
            self.text.push_str(&other.finish());
        }
        fits
    }

    /// The text, with a mark if it was cut.
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.is_cut {
            self.text.push_str(self.mark);
        }
        self.text
    }

    /// Takes units of those left, if there are so many.
    fn take(&mut self, units: usize) -> bool {
        let fits = !self.is_cut && units <= self.left();
        if fits {
            self.used += units;
        }
        fits
    }

    /// A space for what is no character to look at: controls, line breaks where
    /// there are no lines, and what turns the direction of writing.
    fn printable(&self, char: char) -> char {
        match char {
            '\n' if self.has_lines => char,
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
            _ if char.is_control() => ' ',
            _ => char,
        }
    }
}
