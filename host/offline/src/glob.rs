//! Patterns for files: `*`, `?` and `[a-z]` within a name, as `rule_files` has them.

#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};

/// The most files that one pattern may match.
pub(crate) const MATCHES_MAX: usize = 10_000;

/// The files that a pattern matches, sorted; relative ones start from `folder`.
/// Folders that cannot be read hold none.
pub(crate) fn matches(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    let joined = folder.join(pattern);
    for part in joined.components() {
        let Component::Normal(name) = part else {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        };
        found = match name.to_str().filter(|name| name.contains(['*', '?', '['])) {
            None => found.into_iter().map(|path| path.join(name)).collect(),
            Some(pattern) => found
                .iter()
                .flat_map(|path| within(path, pattern))
                .take(MATCHES_MAX)
                .collect(),
        };
    }
    found.retain(|path| path.is_file());
    found.sort();
    found
}

fn within(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = here.read_dir() else {
        return Vec::new();
    };
    let pattern: Vec<char> = pattern.chars().collect();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter(|name| is_match(&pattern, &name.chars().collect::<Vec<_>>()))
        .map(|name| folder.join(name))
        .collect()
}

/// Each `*` takes as little as it can; when the rest does not match, the last one
/// takes one character more.
fn is_match(pattern: &[char], name: &[char]) -> bool {
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
