use super::*;

fn error(text: &str) -> String {
    parse(text, &Limits::default()).expect_err(text).to_string()
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    for (text, wanted) in [
        ("", "1:1: no expression found in input"),
        ("  # nothing", "1:12: no expression found in input"),
        (
            "sum(up",
            "1:7: unexpected end of input in arguments, expected \")\"",
        ),
        (
            "up +",
            "1:5: unexpected end of input where an expression is expected",
        ),
        (
            "up\n  + * 2",
            "2:5: unexpected \"*\" where an expression is expected",
        ),
        ("up up", "1:4: unexpected \"up\" after the expression"),
        (
            "rate(up)",
            "1:6: expected type range vector in call to function \"rate\", got instant vector",
        ),
        (
            "rate(up[5m], 2)",
            "1:1: expected 1 argument(s) in call to \"rate\", got 2",
        ),
        (
            "round()",
            "1:1: expected 1 to 2 argument(s) in call to \"round\", got 0",
        ),
        (
            "label_join(up, \"a\")",
            "1:1: expected at least 3 argument(s) in call to \"label_join\", got 2",
        ),
        ("a + ratte(up[5m])", "1:5: unknown function with name \"ratte\""),
        (
            "up{job=\"é\", x}",
            "1:14: unexpected \"}\" in label matching, expected one of \"=\", \"!=\", \"=~\", \"!~\"",
        ),
        (
            "up{job=~\"(\"}",
            "1:4: invalid regular expression \"(\": unclosed group",
        ),
        ("up[5x]", "1:4: bad number or duration \"5x\""),
        (
            "up[5m",
            "1:6: unexpected end of input in range, expected \":\" or \"]\"",
        ),
        ("up[0s]", "1:4: duration must be greater than 0"),
        ("up[1e30]", "1:4: duration out of range"),
        ("up offset 1e300", "1:11: duration out of range"),
        (
            "up[99999999999999999999y]",
            "1:4: bad number or duration \"99999999999999999999y\"",
        ),
        ("up @ 1e300", "1:6: timestamp out of bounds for @ modifier"),
        (
            "sum(up) offset 5m",
            "1:1: offset modifier must be preceded by a selector or a subquery",
        ),
        (
            "up * group_left up",
            "1:6: unexpected \"group_left\" without \"on\" or \"ignoring\" before it",
        ),
        ("'a' 'b", "1:5: unterminated string"),
        ("\"\\q\"", "1:2: unknown escape sequence \\q"),
        ("\"\\xff\"", "1:1: the string is not valid UTF-8"),
        ("up $ 2", "1:4: unexpected character '$'"),
        (
            "(1 > 2)",
            "1:2: comparisons between scalars must use the bool modifier",
        ),
    ] {
        assert_eq!(error(text), wanted, "{text}");
    }
}

#[test]
fn what_is_refused_is_named() {
    for (text, construct) in [
        ("limitk(2, up)", "the experimental function limitk"),
        (
            "double_exponential_smoothing(up[5m], 1, 1)",
            "the experimental function double_exponential_smoothing",
        ),
        (
            "histogram_sum(up)",
            "histogram_sum: there are no native histograms",
        ),
        ("up[5m] smoothed", "the experimental modifier \"smoothed\""),
        ("up[5m*2]", "experimental duration expressions"),
        ("up[step()]", "experimental duration expressions"),
        ("up offset (5m)", "experimental duration expressions"),
        ("a + fill(0) b", "the experimental modifier fill"),
    ] {
        match parse(text, &Limits::default()) {
            Err(Error::NotSupported { construct: got, .. }) => assert_eq!(got, construct),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn keywords_are_names_where_no_keyword_can_be() {
    for text in [
        "sum",
        "by + offset",
        "up{by=\"a\", on=\"b\"}",
        "sum by (by, without) (start)",
        "SUM BY (a) (up)",
        "job:up:sum",
    ] {
        assert!(parse(text, &Limits::default()).is_ok(), "{text}");
    }
}

#[test]
fn numbers_are_read_as_in_go() {
    for (text, number) in [
        ("1_000", Some(1000.0)),
        ("0x1f", Some(31.0)),
        ("0755", Some(493.0)),
        ("08", Some(8.0)),
        ("1.5e-3", Some(0.0015)),
        (".5", Some(0.5)),
        ("1__0", None),
        ("1_", None),
        ("0x", None),
    ] {
        assert_eq!(parse_number(text), number, "{text}");
    }
}

#[test]
fn a_chain_of_operators_counts_its_height() {
    let chain = |links: usize| format!("up{}", " or up".repeat(links));
    assert!(parse(&chain(199), &Limits::default()).is_ok());
    let error = parse(&chain(200), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "expression_depth_exceeded");
    assert_eq!(
        error.to_string(),
        "the query needs more than 200 levels of nesting (expression_depth)"
    );
}
