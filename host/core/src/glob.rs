//! Patterns for names of files: `*`, `?` and `[a-z]`, as `rule_files` has them.

#[cfg(test)]
mod tests;

/// Whether a pattern matches a whole name.
///
/// `*` is any text, `?` any character, `[a-z]` one of a set and `[^a-z]` one that
/// is not; `\` takes the next character as it is. A pattern that is not closed
/// matches nothing.
#[must_use]
pub fn is_match(pattern: &str, name: &str) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    matches(&chars(pattern), &chars(name))
}

/// Each `*` takes as little as it can; when the rest does not match, the last one
/// takes one character more.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at, from));
            at += 1;
        } else if let Some(len) = one(&pattern[at..], name[from]) {
            at += len;
            from += 1;
        } else if let Some((of, taken)) = star {
            star = Some((of, taken + 1));
            (at, from) = (of + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// How much of the pattern matches one character; none when it does not.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['[', set @ ..] => {
            // A bracket right at the start belongs to the set.
            let end = set.iter().skip(1).position(|c| *c == ']')? + 1;
            let negated = set[0] == '^' || set[0] == '!';
            let members = &set[usize::from(negated)..end];
            (contains(members, c) != negated).then_some(end + 2)
        }
        ['\\', escaped, ..] => (*escaped == c).then_some(2),
        [plain, ..] => (*plain == c).then_some(1),
        [] => None,
    }
}

fn contains(members: &[char], c: char) -> bool {
    match members {
        [low, '-', high, rest @ ..] => (*low..=*high).contains(&c) || contains(rest, c),
        [one, rest @ ..] => *one == c || contains(rest, c),
        [] => false,
    }
}
