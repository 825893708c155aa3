//! Texts that components and their authors choose, made fit for messages.

#[cfg(test)]
mod tests;

/// The longest message that quotes a component.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// A text on one line, cut to what a message may have, with everything escaped that
/// could write over a terminal or begin a new line of a log.
#[must_use]
pub fn clip(text: &str) -> String {
    let mut clipped = String::new();
    for char in text.trim().chars() {
        if clipped.len() + char.len_utf8() > MESSAGE_BYTES_MAX {
            clipped.push('…');
            break;
        }
        if matches!(char, '\n' | '\r' | '\t' | ' ') {
            if !clipped.ends_with(' ') {
                clipped.push(' ');
            }
        } else if char.is_control() || turns_text(char) {
            clipped.extend(char.escape_unicode());
        } else {
            clipped.push(char);
        }
    }
    clipped
}

/// Whether a character changes the direction of those around it, or is not to be seen.
fn turns_text(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
