//! Plays the timelines in `tests/scenarios` and compares what happens with what
//! they say. The format is described in `tests/scenarios/README.md`.
//!
//! `UPDATE_GOLDENS=1` writes what happens into the files instead.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wasmalert_core::alert::{Alert, AlertState, Alerts, Observation, Observed, Policy, Step, identify, step};
use wasmalert_core::evaluation::Finding;
use wasmalert_core::units::{format_duration_ms, parse_duration_ms};

/// Fewer files than this mean that the folder was not found whole.
const SCENARIOS_MIN: usize = 15;

#[test]
fn scenarios_play_out_as_written() {
    let is_update = std::env::var_os("UPDATE_GOLDENS").is_some_and(|value| value == "1");
    let files = scenario_files();
    assert!(
        files.len() >= SCENARIOS_MIN,
        "found just {} scenarios",
        files.len()
    );
    let failures: Vec<String> = files.iter().filter_map(|file| check(file, is_update)).collect();
    assert!(
        failures.is_empty(),
        "\n{}\nUPDATE_GOLDENS=1 accepts what happens.",
        failures.join("\n")
    );
}

fn scenario_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let entries = fs::read_dir(folder).expect("the folder of scenarios is in the repository");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    files
}

/// Plays a file; answers the differences, or updates the file.
fn check(file: &Path, is_update: bool) -> Option<String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let text = fs::read_to_string(file).expect("a scenario is a readable text");
    let blocks = match play(&text) {
        Ok(blocks) => blocks,
        Err((line, error)) => return Some(format!("{name}:{line}: {error}")),
    };
    if is_update {
        let golden: String = blocks.iter().map(Block::golden).collect();
        fs::write(file, golden).expect("a scenario can be written");
        return None;
    }
    let differing: Vec<&Block> = blocks.iter().filter(|b| b.expected != b.happened).collect();
    (!differing.is_empty()).then(|| differing.iter().map(|block| block.diff(&name)).collect())
}

/// A line of a scenario with the `->` lines below it.
struct Block {
    line: usize,
    text: String,
    expected: Vec<String>,
    happened: Vec<String>,
}

impl Block {
    fn golden(&self) -> String {
        let lines = std::iter::once(&self.text).chain(&self.happened);
        lines.flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    fn diff(&self, file: &str) -> String {
        let mut text = format!("{file}:{}: {}\n", self.line, self.text);
        let lines = self.expected.len().max(self.happened.len());
        for at in 0..lines {
            let line = self.line + 1 + at;
            match (self.expected.get(at), self.happened.get(at)) {
                (Some(expected), Some(happened)) if expected == happened => {
                    let _ = writeln!(text, "    {expected}");
                }
                (expected, happened) => {
                    for (sign, side) in [("-", expected), ("+", happened)] {
                        if let Some(side) = side {
                            let _ = writeln!(text, "  {sign} {side}    ({file}:{line})");
                        }
                    }
                }
            }
        }
        text
    }
}

/// Plays a scenario, or says in which line it cannot be understood.
fn play(text: &str) -> Result<Vec<Block>, (usize, String)> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut world = World::default();
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("->") {
            let block = blocks
                .last_mut()
                .ok_or((at + 1, "nothing happened yet".to_owned()))?;
            block.expected.push(line.to_owned());
            continue;
        }
        blocks.push(Block {
            line: at + 1,
            text: line.to_owned(),
            expected: Vec::new(),
            happened: world.play(line).map_err(|error| (at + 1, error))?,
        });
    }
    Ok(blocks)
}

/// One rule and its alerts.
#[derive(Default)]
struct World {
    name: String,
    policy: Policy,
    group_labels: BTreeMap<String, String>,
    rule_labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    alerts: Alerts,
}

impl World {
    fn play(&mut self, line: &str) -> Result<Vec<String>, String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "" | "#" => return Ok(Vec::new()),
            "rule" => self.rule(rest)?,
            "group_labels" => self.group_labels = whole_set(rest)?.into_iter().collect(),
            "rule_labels" => self.rule_labels = whole_set(rest)?.into_iter().collect(),
            "annotations" => self.annotations = whole_set(rest)?.into_iter().collect(),
            "at" => return self.evaluate(rest),
            _ => {
                return Err(format!(
                    "{verb:?} is none of #, rule, group_labels, rule_labels, annotations, at"
                ));
            }
        }
        Ok(Vec::new())
    }

    fn rule(&mut self, text: &str) -> Result<(), String> {
        let mut words = text.split_whitespace();
        self.name = words.next().ok_or("a rule has a name")?.to_owned();
        self.policy = Policy::default();
        for word in words {
            let (setting, value) = word.split_once('=').ok_or(format!("{word:?} has no '='"))?;
            let value = parse_duration_ms(value).map_err(|error| error.to_string())?;
            match setting {
                "for" => self.policy.for_ms = value,
                "keep_firing_for" => self.policy.keep_firing_for_ms = value,
                "interval" => self.policy.interval_ms = value,
                "resend_delay" => self.policy.resend_delay_ms = value,
                "retention" => self.policy.resolved_retention_ms = value,
                _ => return Err(format!("a rule has no {setting:?}")),
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, text: &str) -> Result<Vec<String>, String> {
        let (time, what) = text.split_once(' ').ok_or("say findings or failed")?;
        let now_ms = parse_duration_ms(time).map_err(|error| error.to_string())?;
        let observation = match what.split_once(' ').unwrap_or((what, "")) {
            ("failed", "") => Observation::Failed,
            ("findings", list) => Observation::Findings(self.findings(list)?),
            _ => return Err(format!("{what:?} is neither findings nor failed")),
        };
        let before = self.alerts.worst_state();
        let step = match step(&self.alerts, observation, now_ms, &self.policy) {
            Ok(step) => step,
            Err(fault) => return Ok(vec![format!("-> error {fault}")]),
        };
        self.alerts.apply(&step);
        Ok(tell(&step, before, self.alerts.worst_state()))
    }

    /// Reads `{a="b"}=1 {a="c"}=2 @{summary="…"}`: values, and annotations of
    /// the finding before them.
    fn findings(&self, text: &str) -> Result<Vec<Observed>, String> {
        let mut findings: Vec<Finding> = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(annotations) = rest.strip_prefix('@') {
                let finding = findings.last_mut().ok_or("annotations of no finding")?;
                (finding.annotations, rest) = set(annotations)?;
                rest = rest.trim_start();
                continue;
            }
            let (labels, after) = set(rest)?;
            let after = after.strip_prefix('=').ok_or("a finding has a value")?;
            let (value, after) = after.split_once(' ').unwrap_or((after, ""));
            findings.push(Finding {
                given: labels.into_iter().collect(),
                value: value.parse().map_err(|_| format!("{value:?} is no number"))?,
                annotations: Vec::new(),
            });
            rest = after.trim_start();
        }
        let group = &self.group_labels;
        let known = |finding| identify(finding, &self.name, group, &self.rule_labels, &self.annotations);
        Ok(findings.iter().map(known).collect())
    }
}

type Pairs = Vec<(String, String)>;

fn whole_set(text: &str) -> Result<Pairs, String> {
    match set(text.trim())? {
        (pairs, "") => Ok(pairs),
        (_, rest) => Err(format!("{rest:?} follows a set")),
    }
}

/// Reads `{name="value", …}` off a text.
fn set(text: &str) -> Result<(Pairs, &str), String> {
    let mut rest = text
        .strip_prefix('{')
        .ok_or(format!("{text:?} does not start with a set"))?;
    let mut pairs = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((pairs, after));
        }
        let (name, after) = rest.split_once("=\"").ok_or("a set is like {name=\"value\"}")?;
        let (value, after) = after.split_once('"').ok_or("a value ends with a '\"'")?;
        pairs.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start_matches([',', ' ']);
    }
}

/// What a step does, in `->` lines.
fn tell(step: &Step, before: AlertState, after: AlertState) -> Vec<String> {
    let mut lines = Vec::new();
    for turn in &step.transitions {
        let state = |state: Option<AlertState>| state.map_or("none", AlertState::as_str);
        let (from, to) = (state(turn.from), state(turn.to));
        lines.push(format!(
            "-> turn {} {from} to {to}: {}",
            turn.labels,
            turn.reason.as_str()
        ));
    }
    for alert in &step.upserts {
        lines.push(format!("-> save {}", describe(alert)));
    }
    for alert in &step.refreshed {
        lines.push(format!("-> refresh {}", describe(alert)));
    }
    for labels in &step.removed {
        lines.push(format!("-> remove {labels}"));
    }
    for sent in &step.notify {
        let (reason, ends) = (sent.reason.as_str(), format_duration_ms(sent.ends_at_ms));
        let state = sent.alert.state.as_str();
        lines.push(format!(
            "-> notify {} {state}: {reason}, ends {ends}",
            sent.alert.labels
        ));
    }
    if before != after {
        lines.push(format!("-> rule {} to {}", before.as_str(), after.as_str()));
    }
    if lines.is_empty() {
        lines.push("-> nothing".to_owned());
    }
    lines
}

fn describe(alert: &Alert) -> String {
    let mut text = format!("{} {} value={}", alert.labels, alert.state.as_str(), alert.value);
    let times = [
        ("active", Some(alert.active_at_ms)),
        ("fired", alert.fired_at_ms),
        ("resolved", alert.resolved_at_ms),
        ("sent", alert.last_sent_at_ms),
        ("kept_since", alert.keep_firing_since_ms),
    ];
    for (name, time_ms) in times {
        if let Some(time_ms) = time_ms {
            let _ = write!(text, " {name}={}", format_duration_ms(time_ms));
        }
    }
    for (name, note) in alert.annotations.iter() {
        let _ = write!(text, " {name}={note:?}");
    }
    text
}
