//! What came of a suite.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use wasmalert_core::units::format_duration_ms;

/// What came of a suite's tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub file: String,
    /// Those that were selected, in the order of the file.
    pub tests: Vec<TestReport>,
}

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    pub name: String,
    pub line: u64,
    /// Evaluations of rules.
    pub evaluations: u64,
    /// None when it passed.
    pub failures: Vec<Failure>,
}

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub file: String,
    pub line: u64,
    /// Such as `alert Down at 10m`.
    pub title: String,
    /// Lines for people.
    pub details: Vec<String>,
}

impl Report {
    #[must_use]
    pub fn failed(&self) -> usize {
        self.tests.iter().filter(|test| !test.failures.is_empty()).count()
    }

    #[must_use]
    pub fn passed(&self) -> bool {
        self.failed() == 0
    }

    /// The report for people: a line for each test, and below it what failed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for test in &self.tests {
            let result = if test.failures.is_empty() { "ok  " } else { "FAIL" };
            let _ = writeln!(text, "{result}  {}:{}: {}", self.file, test.line, test.name);
            for failure in &test.failures {
                text += &failure.text("      ");
            }
        }
        text
    }
}

impl Failure {
    /// Place and title, then the details, each line after `indent`.
    #[must_use]
    pub fn text(&self, indent: &str) -> String {
        let mut text = format!("{indent}{}:{}: {}\n", self.file, self.line, self.title);
        for line in &self.details {
            let _ = writeln!(text, "{indent}  {line}");
        }
        text
    }
}

/// A time of a test for people.
pub(crate) fn time(ms: i64) -> String {
    format_duration_ms(ms)
}

/// The reports as JUnit XML.
#[must_use]
pub fn junit(reports: &[Report]) -> String {
    let total: usize = reports.iter().map(|report| report.tests.len()).sum();
    let failed: usize = reports.iter().map(Report::failed).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites tests=\"{total}\" failures=\"{failed}\" errors=\"0\">"
    );
    for report in reports {
        junit_suite(&mut xml, report);
    }
    xml + "</testsuites>\n"
}

fn junit_suite(xml: &mut String, report: &Report) {
    let file = escape(&report.file);
    let (tests, failed) = (report.tests.len(), report.failed());
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\">"
    );
    for test in &report.tests {
        let name = escape(&test.name);
        let _ = write!(
            xml,
            "    <testcase classname=\"{file}\" name=\"{name}\" file=\"{file}\" line=\"{}\"",
            test.line
        );
        let Some(first) = test.failures.first() else {
            xml.push_str("/>\n");
            continue;
        };
        // One element for each test: more than one is not understood everywhere.
        let text: String = test.failures.iter().map(|failure| failure.text("")).collect();
        let _ = writeln!(
            xml,
            ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
            escape(&first.title),
            escape(&text)
        );
    }
    xml.push_str("  </testsuite>\n");
}

/// Text for XML, in quotes or not. What XML cannot hold is replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
