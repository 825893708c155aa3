//! Reads the commands of a file.

use wasmalert_core::units::parse_duration_ms;

pub(crate) enum Command {
    Clear,
    Load {
        interval_ms: i64,
        lines: Vec<String>,
        with_native: bool,
    },
    Eval(Case),
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Instant {
        time_ms: i64,
    },
    Range {
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    },
}

/// An expression, and what it should yield.
pub(crate) struct Case {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    pub(crate) expr: String,
    pub(crate) fails: bool,
    pub(crate) ordered: bool,
    pub(crate) string: Option<String>,
    /// Times of a range vector that an instant query yields.
    pub(crate) matrix: Option<(i64, i64)>,
    /// Series with values, or a number.
    pub(crate) expected: Vec<String>,
}

/// Reads a file. A comment ends a block, as a blank line does.
pub(crate) fn parse(text: &str) -> Result<Vec<Command>, String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let block = lines[at + 1..].iter().take_while(|line| !line.is_empty());
        let block: Vec<String> = block.map(|line| (*line).to_owned()).collect();
        let number = at + 1;
        at += 1;
        let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let command = match word {
            "" => continue,
            "clear" => Command::Clear,
            "load" | "load_with_nhcb" => {
                at += block.len();
                let interval_ms = time_ms(rest.trim())?;
                Command::Load {
                    interval_ms,
                    lines: block,
                    with_native: word == "load_with_nhcb",
                }
            }
            _ if word.starts_with("eval") => {
                at += block.len();
                Command::Eval(
                    case(number, word, rest.trim(), block).map_err(|e| format!("line {number}: {e}"))?,
                )
            }
            _ => return Err(format!("line {number}: unknown command {line:?}")),
        };
        commands.push(command);
    }
    Ok(commands)
}

fn case(line: usize, word: &str, rest: &str, block: Vec<String>) -> Result<Case, String> {
    let (kind, expr) = kind(rest)?;
    let mut case = Case {
        line,
        kind,
        expr: expr.to_owned(),
        fails: word == "eval_fail",
        ordered: word == "eval_ordered",
        string: None,
        matrix: None,
        expected: Vec::new(),
    };
    for text in block {
        let Some(wanted) = text.strip_prefix("expect ") else {
            if text.starts_with("expected_fail_message") || text.starts_with("expected_fail_regexp") {
                continue;
            }
            case.expected.push(text);
            continue;
        };
        let (what, rest) = wanted.split_once(' ').unwrap_or((wanted, ""));
        match what {
            "fail" => case.fails = true,
            "ordered" => case.ordered = true,
            "warn" | "no_warn" | "info" | "no_info" => {}
            "string" => case.string = Some(unquote(rest.trim())),
            "range" => {
                let words: Vec<&str> = rest.split_whitespace().collect();
                let ["vector", "from", start, "to", _, "step", step] = words[..] else {
                    return Err(format!("bad expectation {text:?}"));
                };
                case.matrix = Some((time_ms(start)?, time_ms(step)?));
            }
            _ => return Err(format!("unknown expectation {text:?}")),
        }
    }
    Ok(case)
}

fn kind(text: &str) -> Result<(Kind, &str), String> {
    let (word, rest) = split(text);
    if word == "instant" {
        let (at, rest) = split(rest);
        if at != "at" {
            // Without a time it is the start of all times.
            return Ok((Kind::Instant { time_ms: 0 }, text[word.len()..].trim()));
        }
        let (time, expr) = split(rest);
        return Ok((
            Kind::Instant {
                time_ms: time_ms(time)?,
            },
            expr,
        ));
    }
    let mut times = [0; 3];
    let mut rest = rest;
    for (time, keyword) in times.iter_mut().zip(["from", "to", "step"]) {
        let (word, after) = split(rest);
        if word != keyword {
            return Err(format!("expected {keyword:?}, got {word:?}"));
        }
        let (text, after) = split(after);
        *time = time_ms(text)?;
        rest = after;
    }
    let [start_ms, end_ms, step_ms] = times;
    Ok((
        Kind::Range {
            start_ms,
            end_ms,
            step_ms,
        },
        rest,
    ))
}

fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim())
}

/// A duration, or a number of seconds.
fn time_ms(text: &str) -> Result<i64, String> {
    let (sign, plain) = text.strip_prefix('-').map_or((1, text), |plain| (-1, plain));
    if let Ok(seconds) = plain.parse::<f64>() {
        return Ok(sign * (seconds * 1e3).round() as i64);
    }
    parse_duration_ms(plain)
        .map(|ms| sign * ms)
        .map_err(|error| error.to_string())
}

fn unquote(text: &str) -> String {
    let quotes = ['"', '`', '\''];
    text.strip_prefix(quotes)
        .and_then(|text| text.strip_suffix(quotes))
        .unwrap_or(text)
        .to_owned()
}
