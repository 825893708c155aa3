use super::*;

fn nothing() -> Ask {
    Arc::new(|_| Ok(Vec::new()))
}

/// Expands a template for the series `{instance="a.example:9100", job="node"}` with that value.
fn expand_value(template: &str, value: f64, ask: Ask) -> String {
    let external = [("cluster", "eu")].into_iter();
    let expander = Expander::new(
        "Down",
        1_700_000_000_500,
        "http://alerts.example:8080/base",
        external,
        ask,
    );
    let labels = [
        ("__name__", "up"),
        ("instance", "a.example:9100"),
        ("job", "node"),
    ];
    match expander.parse(template) {
        Ok(template) => expander.expand(&template, &expander.data(labels.into_iter(), value)),
        Err(instead) => instead,
    }
}

fn expand(template: &str) -> String {
    expand_value(template, 1_234_567.0, nothing())
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (template, text) in cases {
        assert_eq!(expand(template), *text, "{template}");
    }
}

#[test]
fn numbers_are_written_as_go_writes_them() {
    // Lines that Go 1.27 has written, with the formats of the first.
    let mut lines = include_str!("go.txt").lines();
    let formats: Vec<&str> = lines.next().unwrap().split('|').collect();
    let mut count = 0;
    for line in lines {
        let mut texts = line.split('|');
        let value = match texts.next().unwrap() {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            text => text.parse().unwrap(),
        };
        assert_eq!(
            expand_value("{{ $value }}", value, nothing()),
            line.split('|').next().unwrap()
        );
        for (format, text) in formats.iter().zip(line.split('|')) {
            let template = format!("{{{{ printf \"{format}\" $value }}}}");
            assert_eq!(
                expand_value(&template, value, nothing()),
                text,
                "{format} of {value}"
            );
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
}

#[test]
fn letters_are_mapped_one_to_one() {
    check(&[
        (r#"{{ toUpper "größe éŉ" }}"#, "GRÖßE Éŉ"),
        (r#"{{ toLower "İ ÄΣ" }}"#, "i äσ"),
    ]);
}

#[test]
fn gos_own_functions() {
    check(&[
        (
            "{{ $labels.nope }}|{{ printf \"%s\" $labels.nope }}|{{ eq $labels.nope \"\" }}",
            "||true",
        ),
        (
            "{{ index $labels \"q\" }}|{{ len $labels.nope }}|{{ $labels.nope | len }}",
            "|0|0",
        ),
        ("{{ with $labels.nope }}yes{{ else }}no{{ end }}", "no"),
        (
            "{{ $value }} {{ .Value }} {{ .Labels.job }}",
            "1.234567e+06 1.234567e+06 node",
        ),
        (
            "{{ printf \"%q %v %s %5s %-5s| %x\" \"a\\\"b\" \"c\" \"d\" \"e\" \"f\" \"hi\" }}",
            "\"a\\\"b\" c d     e f    | 6869",
        ),
        ("{{ printf \"%d %s\" 1 }}", "1 %!s(MISSING)"),
        (
            "{{ printf \"%d\" 1 2 \"x\" 2.5 }}",
            "1%!(EXTRA int=2, string=x, float64=2.5)",
        ),
        (
            "{{ printf \"%!\" }}|{{ printf \"100%\" }}",
            "%!!(MISSING)|100%!(NOVERB)",
        ),
        (
            "{{ print \"a\" 1 2 \"b\" \"c\" 3.0 4.5 true }}",
            "a1 2bc3 4.5 true",
        ),
        ("{{ println 1e6 \"x\" }}", "1e+06 x\n"),
        ("{{ html 1e6 }} {{ urlquery 1e6 \"a b\" }}", "1e+06 1e%2B06a+b"),
        ("{{ printf \"%5.1f%%\" 12.345 }}", " 12.3%"),
        ("{{ printf \"%t %v\" true false }}", "true false"),
        (
            "{{ define \"x\" }}<{{ . }}>{{ end }}{{ template \"x\" 1e7 }}",
            "<1e+07>",
        ),
        (
            "{{ range $name, $text := $labels }}{{ $name }} {{ end }}",
            "__name__ instance job ",
        ),
        (
            "{{ if gt $value 5.0 }}{{ $value | printf \"%.0f\" }}{{ end }}",
            "1234567",
        ),
    ]);
}

#[test]
fn nan_is_compared_as_go_compares_it() {
    let template = "{{ lt $value 1.0 }} {{ le $value 1.0 }} {{ gt $value 1.0 }} {{ ge $value 1.0 }} {{ eq $value $value }} \
                    {{ lt 1 2 }} {{ gt \"b\" \"a\" }}";
    assert_eq!(
        expand_value(template, f64::NAN, nothing()),
        "false false true true false true true"
    );
}

#[test]
fn prometheus_functions() {
    check(&[
        ("{{ humanizeDuration 1e21 }}", "-106751991167300d -15h -30m -8s"),
        (
            "{{ humanize 0.0 }} {{ humanize 1234567.0 }} {{ humanize .00012345 }} {{ humanize -1500.0 }}",
            "0 1.235M 123.4u -1.5k",
        ),
        (
            "{{ humanize \"1e3\" }} {{ humanize 999999 }} {{ \"NaN\" | humanize }}",
            "1k 1000k NaN",
        ),
        (
            "{{ humanize1024 0.0 }} {{ humanize1024 1048576.0 }} {{ humanize1024 .12345 }}",
            "0 1Mi 0.1235",
        ),
        (
            "{{ humanizeDuration 0 }} {{ humanizeDuration 1 }} {{ humanizeDuration 12.3456 }}",
            "0s 1s 12.35s",
        ),
        (
            "{{ humanizeDuration 60 }} {{ humanizeDuration 3600 }} {{ humanizeDuration -86400 }}",
            "1m 0s 1h 0m 0s -1d 0h 0m 0s",
        ),
        (
            "{{ humanizeDuration .1 }} {{ humanizeDuration .0001 }} {{ humanizeDuration 899.99 }}",
            "100ms 100us 14m 59s",
        ),
        (
            "{{ humanizePercentage 0.1234567 }} {{ humanizePercentage 1 }}",
            "12.35% 100%",
        ),
        (
            "{{ humanizeTimestamp 1435065584.128 }}",
            "2015-06-23 13:19:44.128 +0000 UTC",
        ),
        (
            "{{ toTime 0 }} {{ humanizeTimestamp -0.5 }}",
            "1970-01-01 00:00:00 +0000 UTC 1969-12-31 23:59:59.5 +0000 UTC",
        ),
        (
            "{{ toDuration 0 }} {{ toDuration 3605.5 }} {{ toDuration -0.0015 }} {{ toDuration 90 }}",
            "0s 1h0m5.5s -1.5ms 1m30s",
        ),
        (
            "{{ now }} {{ parseDuration \"1h2m10ms\" }}",
            "1.7000000005e+09 3720.01",
        ),
        (
            "{{ title \"aa bb CC don't foo.bar x_y\" }}",
            "Aa Bb CC Don't Foo.bar X_y",
        ),
        (
            "{{ toUpper \"aé\" }} {{ toLower \"AÉ\" }} {{ safeHtml \"<b>\" }}",
            "AÉ aé <b>",
        ),
        (
            "{{ match \"a+\" \"baa\" }} {{ match \"^b$\" \"baa\" }}",
            "true false",
        ),
        ("{{ reReplaceAll \"(a)b\" \"x${1}y$1\" \"ab-ab\" }}", "xaya-xaya"),
        (
            "{{ stripPort \"a.b:90\" }} {{ stripPort \"a.b\" }} {{ stripPort \"[::1]:90\" }}",
            "a.b a.b ::1",
        ),
        (
            "{{ stripDomain \"a.b.c:90\" }} {{ stripDomain \"a.b\" }} {{ stripDomain \"10.0.0.1:9\" }}",
            "a:90 a 10.0.0.1:9",
        ),
        (
            "{{ graphLink \"a b\" }} {{ tableLink \"up\" }}",
            "/graph?g0.expr=a+b&g0.tab=0 /graph?g0.expr=up&g0.tab=1",
        ),
        (
            "{{ externalURL }} {{ pathPrefix }} {{ $externalURL }}",
            "http://alerts.example:8080/base /base http://alerts.example:8080/base",
        ),
        ("{{ $externalLabels.cluster }}{{ $externalLabels.nope }}", "eu"),
        ("{{ with args 1 \"b\" }}{{ .arg0 }}{{ .arg1 }}{{ end }}", "1b"),
        ("{{ urlQueryEscape \"a b&c\" }}", "a+b%26c"),
    ]);
}

#[test]
fn queries_are_asked_and_their_errors_told() {
    let ask = || -> Ask {
        Arc::new(|expr| match expr {
            "up" => Ok(["b", "a"]
                .iter()
                .zip([1.0, 2e6])
                .map(|(host, value)| (vec![("host".to_owned(), (*host).to_owned())], value))
                .collect()),
            "none" => Ok(Vec::new()),
            _ => Err("it is broken".to_owned()),
        })
    };
    for (template, text) in [
        ("{{ query \"up\" | first | value }}", "1"),
        (
            "{{ with query \"up\" }}{{ . | first | label \"host\" }}{{ end }}",
            "b",
        ),
        (
            "{{ range query \"up\" | sortByLabel \"host\" }}{{ .Labels.host }}={{ .Value }};{{ end }}",
            "a=2e+06;b=1;",
        ),
        ("{{ range query \"none\" }}x{{ else }}nobody{{ end }}", "nobody"),
        (
            "{{ query \"none\" | first }}",
            "<error expanding template: error executing template __alert_Down: execution error: error calling first: \
             first() called on vector with no elements>",
        ),
        (
            "{{ query \"bad\" }}",
            "<error expanding template: error executing template __alert_Down: execution error: error calling query: it \
             is broken>",
        ),
    ] {
        assert_eq!(expand_value(template, 0.0, ask()), text, "{template}");
    }
}

#[test]
fn what_is_no_template_says_so_in_its_place() {
    for template in [
        "{{ nope }}",
        "{{ .Labels.job",
        "{{ humanize \"x\" }}",
        "{{ template \"x\" }}",
    ] {
        let text = expand(template);
        assert!(
            text.starts_with("<error expanding template: error "),
            "{template}: {text}"
        );
        assert!(
            text.contains("__alert_Down") && text.ends_with('>'),
            "{template}: {text}"
        );
    }
}

#[test]
fn a_template_that_never_ends_does() {
    let endless = "{{ range $i := 1000000000 }}{{ range $j := 1000000000 }}{{ end }}{{ end }}";
    assert!(expand(endless).contains("<error expanding template"));
    let deep = format!("{}x{}", "{{ if true }}".repeat(5_000), "{{ end }}".repeat(5_000));
    assert!(expand(&deep).contains("<error expanding template"));
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000));
    assert!(expand(&parens).contains("<error expanding template"));
    let recursive = "{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}";
    assert!(expand(recursive).contains("<error expanding template"));
}
