//! From trees to suites.

mod checks;
mod deliveries;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use wasmalert_core::id::check_name;
use wasmalert_core::spec::External;
use wasmalert_core::units::parse_duration_ms;
use wasmalert_promql::notation::{Described, parse_labels, parse_values};

use super::{Every, Suite, Test, add_matches};
use wasmalert_rulefile::fields::{Fields, scalar};
use wasmalert_rulefile::problem::{Problem, Problems};
use wasmalert_rulefile::rules::{Group, INTERVAL_MS_DEFAULT, RuleFile};
use wasmalert_rulefile::yaml::{Node, parse};

/// Samples of the input series of one test, together.
pub(crate) const INPUT_SAMPLES_MAX: usize = 20_000_000;
/// The value of `evaluation_interval` that lets each group have its own.
const EVERY_GROUP: &str = "group";

/// What is known of a test file before its rule files are read.
pub(super) struct Header {
    file: String,
    node: Option<Node>,
    pub(super) rule_files: Vec<PathBuf>,
    modules: BTreeMap<String, PathBuf>,
    every: Every,
    fuzzy: bool,
    order: Vec<String>,
}

const HEADER: [&str; 5] = [
    "rule_files",
    "modules",
    "evaluation_interval",
    "fuzzy_compare",
    "group_eval_order",
];

/// Reads all but the tests.
pub(super) fn header(file: &str, folder: &Path, text: &str) -> (Header, Vec<Problem>) {
    let mut problems = Problems::of(file);
    let mut header = Header {
        file: file.to_owned(),
        node: None,
        rule_files: Vec::new(),
        modules: BTreeMap::new(),
        every: Every::Ms(INTERVAL_MS_DEFAULT),
        fuzzy: false,
        order: Vec::new(),
    };
    match parse(text) {
        Err((line, message)) => problems.add(line, message),
        Ok(documents) if documents.len() > 1 => {
            problems.add(
                documents[1].line,
                "a test file is one document, without `---` between",
            );
        }
        Ok(mut documents) => header.node = documents.pop(),
    }
    let Some(node) = header.node.take() else {
        if problems.all.is_empty() {
            problems.add(1, "the file is empty: expected `rule_files` and `tests`");
        }
        return (header, problems.all);
    };
    if let Some(mut fields) = Fields::of(&node, "", &mut problems) {
        header.read(&mut fields, folder, &mut problems);
    }
    header.node = Some(node);
    (header, problems.all)
}

impl Header {
    fn read(&mut self, fields: &mut Fields<'_>, folder: &Path, problems: &mut Problems) {
        for pattern in fields.text_list("rule_files", problems) {
            if !add_matches(folder, &pattern.text, &mut self.rule_files) {
                problems.add(
                    pattern.line,
                    format_args!("rule_files: no file matches {:?}", pattern.text),
                );
            }
        }
        for (name, path) in fields.texts("modules", problems) {
            let path = folder.join(path);
            if let Err(error) = check_name(&name) {
                problems.add(fields.line, format_args!("modules: {name:?} {error}"));
            } else if !path.is_file() {
                let path = path.display();
                problems.add(
                    fields.line,
                    format_args!("modules.{name}: there is no file {path}"),
                );
            }
            self.modules.insert(name, path);
        }
        let every = fields.parsed("evaluation_interval", problems, |text| match text {
            EVERY_GROUP => Ok(Every::Group),
            text => positive(text).map(Every::Ms),
        });
        self.every = every.unwrap_or(self.every);
        let fuzzy = fields.parsed("fuzzy_compare", problems, str::parse::<bool>);
        self.fuzzy = fuzzy.unwrap_or(false);
        for name in fields.text_list("group_eval_order", problems) {
            if self.order.contains(&name.text) {
                problems.add(
                    name.line,
                    format_args!("group_eval_order: {:?} is listed twice", name.text),
                );
            }
            self.order.push(name.text);
        }
    }

    /// Between two samples of a test that says nothing else.
    fn interval_ms(&self) -> i64 {
        match self.every {
            Every::Ms(ms) => ms,
            Every::Group => INTERVAL_MS_DEFAULT,
        }
    }
}

/// Reads the tests, and puts everything together.
pub(super) fn suite(header: Header, files: Vec<RuleFile>) -> (Suite, Vec<Problem>) {
    let mut problems = Problems::of(&header.file);
    let mut suite = Suite {
        file: problems.file.clone(),
        groups: Vec::new(),
        modules: BTreeMap::new(),
        every: header.every,
        fuzzy: header.fuzzy,
        tests: Vec::new(),
    };
    for file in files {
        suite.groups.extend(file.groups);
        suite
            .modules
            .extend(file.modules.into_iter().map(|module| (module.name, module.path)));
    }
    suite.modules.extend(header.modules.clone());
    let place = |group: &Group| header.order.iter().position(|name| *name == group.name);
    // Stable: those that are not mentioned keep their order, after the others.
    suite
        .groups
        .sort_by_key(|group| place(group).unwrap_or(usize::MAX));
    if let Some(node) = &header.node
        && let Some(mut fields) = Fields::of(node, "", &mut Problems::of(&header.file))
    {
        for name in HEADER {
            fields.take(name);
        }
        if !fields.has("tests") {
            problems.add(fields.line, "tests are missing");
        }
        for (at, node) in fields.list("tests", &mut problems).iter().enumerate() {
            let Some(fields) = Fields::of(node, format!("tests[{at}]"), &mut problems) else {
                continue;
            };
            let test = test(fields, at, header.interval_ms(), &suite.groups, &mut problems);
            suite.tests.push(test);
        }
        fields.finish(&mut problems);
    }
    (suite, problems.all)
}

fn test(
    mut fields: Fields<'_>,
    at: usize,
    interval_ms: i64,
    groups: &[Group],
    problems: &mut Problems,
) -> Test {
    let line = fields.line;
    let name = fields.text("name", problems).map(|name| name.text);
    let interval = fields.parsed("interval", problems, positive);
    let start = fields.parsed("start_timestamp", problems, timestamp_ms);
    let external_labels = fields.texts("external_labels", problems);
    let external_url = fields.text("external_url", problems);
    let inputs = inputs(&mut fields, problems);
    let checks = checks::read(&mut fields, groups, problems);
    let start_ms = start.unwrap_or(0);
    let deliveries = deliveries::read(&mut fields, start_ms, problems);
    fields.finish(problems);
    Test {
        name: name.unwrap_or_else(|| format!("test {} in line {line}", at + 1)),
        line,
        start_ms,
        interval_ms: interval.unwrap_or(interval_ms),
        external: External {
            url: external_url.map(|url| url.text).unwrap_or_default(),
            labels: external_labels,
        },
        inputs,
        checks,
        deliveries,
    }
}

fn positive(text: &str) -> Result<i64, String> {
    match parse_duration_ms(text) {
        Ok(0) => Err("must be more than 0".to_owned()),
        Ok(ms) => Ok(ms),
        Err(error) => Err(error.to_string()),
    }
}

/// Seconds since the epoch, or a date of RFC 3339.
fn timestamp_ms(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<f64>()
        && (seconds * 1e3).abs() < 1e17
    {
        return Ok((seconds * 1e3).round() as i64);
    }
    let wrong =
        || format!("{text:?} is neither seconds since the epoch nor a date such as 2026-01-31T00:00:00Z");
    let time = humantime::parse_rfc3339(text).map_err(|_| wrong())?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| wrong())?;
    i64::try_from(since.as_millis()).map_err(|_| wrong())
}

fn inputs(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<Described> {
    let mut inputs: Vec<Described> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut samples = 0;
    let path = fields.at("input_series");
    for (at, node) in fields.list("input_series", problems).iter().enumerate() {
        let Some(mut fields) = Fields::of(node, format!("{path}[{at}]"), problems) else {
            continue;
        };
        if !fields.has("series") || !fields.has("values") {
            problems.add(
                node.line,
                format_args!("{path}[{at}]: needs `series` and `values`"),
            );
        }
        let labels = fields.parsed("series", problems, parse_labels);
        let values = fields.take("values").and_then(|node| {
            let text = scalar(node)?.text;
            let values = parse_values(&text.replace(['\n', '\r'], " "));
            let wrong = |error| problems.add(node.line, format_args!("{path}[{at}].values: {error}"));
            values.map_err(wrong).ok()
        });
        fields.finish(problems);
        let (Some(labels), Some(values)) = (labels, values) else {
            continue;
        };
        samples += values.len();
        if !seen.insert(labels.clone()) {
            problems.add(node.line, format_args!("{path}[{at}]: {labels} is listed twice"));
        }
        if samples > INPUT_SAMPLES_MAX {
            problems.add(
                node.line,
                format_args!("{path}: more than {INPUT_SAMPLES_MAX} samples"),
            );
            break;
        }
        inputs.push(Described { labels, values });
    }
    inputs
}
