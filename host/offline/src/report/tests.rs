use super::*;

fn report() -> Report {
    let failure = |line, title: &str| Failure {
        file: "a&b.yml".into(),
        line,
        title: title.into(),
        details: vec!["expected  {i=\"1\"}".into()],
    };
    Report {
        file: "a&b.yml".into(),
        tests: vec![
            TestReport {
                name: "good".into(),
                line: 3,
                evaluations: 1,
                failures: Vec::new(),
            },
            TestReport {
                name: "bad <\u{7}>".into(),
                line: 9,
                evaluations: 1,
                failures: vec![failure(10, "alert X at 5m"), failure(12, "expr \"a < b\" at 0s")],
            },
        ],
    }
}

#[test]
fn people_see_each_test_and_what_failed() {
    assert_eq!(
        report().text(),
        "ok    a&b.yml:3: good\n\
         FAIL  a&b.yml:9: bad <\u{7}>\n      a&b.yml:10: alert X at 5m\n        expected  {i=\"1\"}\n      \
         a&b.yml:12: expr \"a < b\" at 0s\n        expected  {i=\"1\"}\n"
    );
}

#[test]
fn junit_is_escaped_and_counted() {
    assert_eq!(
        junit(&[report()]),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites tests=\"2\" failures=\"1\" errors=\"0\">
  <testsuite name=\"a&amp;b.yml\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\">
    <testcase classname=\"a&amp;b.yml\" name=\"good\" file=\"a&amp;b.yml\" line=\"3\"/>
    <testcase classname=\"a&amp;b.yml\" name=\"bad &lt;\u{fffd}&gt;\" file=\"a&amp;b.yml\" line=\"9\">
      <failure message=\"alert X at 5m\">a&amp;b.yml:10: alert X at 5m
  expected  {i=&quot;1&quot;}
a&amp;b.yml:12: expr &quot;a &lt; b&quot; at 0s
  expected  {i=&quot;1&quot;}
</failure>
    </testcase>
  </testsuite>
</testsuites>
"
    );
}
