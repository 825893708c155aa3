use super::anchored;

fn matches(pattern: &str, text: &str) -> bool {
    let regex = anchored(pattern, 1 << 20).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    regex.is_match(text)
}

#[test]
fn classes_are_of_ascii() {
    for (class, inside, outside) in [
        (r"\d", "0", "٣"),
        (r"\w", "_", "é"),
        (r"\s", "\t", "\u{a0}"),
        (r"\s", "\u{c}", "\u{b}"),
        (r"[\d_]", "_", "٣"),
        (r"[^\W]", "a", "é"),
        (r"[\w\s-]", "-", "ß"),
        (r"[[:word:]]", "a", "é"),
    ] {
        assert!(matches(class, inside), "{class} {inside}");
        assert!(!matches(class, outside), "{class} {outside}");
        if class.starts_with('[') {
            continue;
        }
        for negated in [class.to_ascii_uppercase(), format!("[^{class}]")] {
            assert!(!matches(&negated, inside), "{negated} {inside}");
            assert!(matches(&negated, outside), "{negated} {outside}");
        }
    }
}

/// As in Go: `(?i)` folds by Unicode's simple rules, also within the classes.
#[test]
fn folding_is_of_unicode() {
    for (pattern, text) in [("(?i)ä", "Ä"), ("(?i)k", "\u{212a}"), (r"(?i)\w", "\u{17f}")] {
        assert!(matches(pattern, text), "{pattern} {text}");
    }
    assert!(!matches(r"(?i)\W", "\u{17f}"));
}

#[test]
fn boundaries_are_of_ascii() {
    for (pattern, text, found) in [
        (r".*\bb.*", "a b", true),
        (r".*\bb.*", "éb", true),
        (r".*\bb.*", "ab", false),
        (r"é\Bß", "éß", true),
        (r".*\B.*", "a", false),
        (r"\<a\>", "<a>", true),
    ] {
        assert_eq!(matches(pattern, text), found, "{pattern} {text}");
    }
}

#[test]
fn groups_are_those_of_the_pattern() {
    let regex = anchored(r"(\w+)\s(?P<rest>\S*)", 1 << 20).expect("a pattern");
    let found = regex.captures("a1 é").expect("a match");
    assert_eq!((&found[1], &found["rest"]), ("a1", "é"));
}

#[test]
fn what_re2_reads_otherwise_is_refused() {
    for (pattern, reason) in [
        ("[a[b]c]", "write \\[ for a bracket within brackets"),
        ("[a-z&&b]", "write \\&\\& for && within brackets"),
        ("[a--]", "write \\-\\- for -- within brackets"),
        ("[a~~b]", "write \\~\\~ for ~~ within brackets"),
        (r"\b{start}", "after \\b, write \\{ for a brace"),
        ("(?x)a b", "unknown flag, expected i, m, s or U"),
        ("(?-u:a)", "unknown flag, expected i, m, s or U"),
        ("(?R:a)", "unknown flag, expected i, m, s or U"),
    ] {
        let error = anchored(pattern, 1 << 20).expect_err(pattern);
        assert_eq!(error, format!("invalid regular expression {pattern:?}: {reason}"));
    }
}

#[test]
fn what_only_re2_knows_is_refused() {
    for pattern in [
        r"\Qa+b\E",
        "a{,3}",
        "a{x}",
        "{",
        r"\101",
        r"\p{^Greek}",
        "[[]",
        r"[\<]",
    ] {
        let error = anchored(pattern, 1 << 20).expect_err(pattern);
        assert!(
            error.starts_with("invalid regular expression "),
            "{pattern}: {error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
}
