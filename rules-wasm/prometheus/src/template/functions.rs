//! Prometheus' functions, beside those of `text/template`.

use std::cmp::Ordering;
use std::sync::Arc;

use gotmpl::{FuncMap, Result, Template, Value};
use regex_lite::Regex;
use wasmalert::time::{Span, rfc3339};

use super::format::{general, print, printf, shown, wrong};
use super::{FILL, PRINT, map, text, texts};

/// A series that the function `query` got: labels and value.
pub(crate) type Sample = (Vec<(String, String)>, f64);
/// Asks an expression as of now; the error is what failed.
pub(crate) type Ask = Arc<dyn Fn(&str) -> std::result::Result<Vec<Sample>, String> + Send + Sync>;

const MS_PER_SECOND: f64 = 1_000.0;
const NS_PER_SECOND: f64 = 1e9;

type Compare = fn(f64, f64) -> bool;
/// Comparisons of two numbers, as Go makes them: what is not less or equal is greater, NaN too.
const COMPARISONS: [(&str, Compare); 4] = [
    ("lt", |left, right| left < right),
    ("le", |left, right| left <= right),
    ("gt", |left, right| {
        left.partial_cmp(&right).is_none_or(Ordering::is_gt)
    }),
    ("ge", |left, right| {
        left.partial_cmp(&right).is_none_or(Ordering::is_ge)
    }),
];

struct Functions(FuncMap);

impl Functions {
    /// A function of so many arguments.
    fn add(
        &mut self,
        name: &'static str,
        count: usize,
        function: impl Fn(&[Value]) -> Result<Value> + Send + Sync + 'static,
    ) {
        let checked = move |args: &[Value]| match args.len() == count {
            true => function(args),
            false => Err(wrong(
                name,
                format_args!("wrong number of args: want {count} got {}", args.len()),
            )),
        };
        self.0.insert(name.to_owned(), Arc::new(checked));
    }

    /// A function from a text to a text.
    fn of_text(&mut self, name: &'static str, function: impl Fn(&str) -> String + Send + Sync + 'static) {
        self.add(name, 1, move |args| Ok(text(&function(&a_text(name, &args[0])?))));
    }

    /// A function from a number to a text.
    fn of_number(&mut self, name: &'static str, function: fn(f64) -> std::result::Result<String, String>) {
        self.add(name, 1, move |args| {
            let shown = function(a_number(name, &args[0])?);
            shown
                .map(|shown| text(&shown))
                .map_err(|error| wrong(name, error))
        });
    }
}

pub(super) fn all(now_ms: i64, external_url: &str, ask: Ask) -> FuncMap {
    let mut functions = Functions(FuncMap::new());
    of_go(&mut functions);
    of_queries(&mut functions, ask);
    of_texts(&mut functions);
    functions.of_number("humanize", |value| Ok(humanize(value)));
    functions.of_number("humanize1024", |value| Ok(humanize_1024(value)));
    functions.of_number("humanizeDuration", |value| Ok(humanize_duration(value)));
    functions.of_number("humanizePercentage", |value| {
        Ok(format!("{}%", general(value * 100.0, Some(4))))
    });
    functions.of_number("humanizeTimestamp", timestamp);
    functions.of_number("toTime", timestamp);
    functions.of_number("toDuration", |seconds| Ok(duration(seconds)));
    functions.add("parseDuration", 1, |args| {
        let given = a_text("parseDuration", &args[0])?;
        let span = Span::parse(&given);
        let span = span.ok_or_else(|| {
            wrong(
                "parseDuration",
                format_args!("not a valid duration string: {given:?}"),
            )
        })?;
        Ok(Value::Float(span.ms() as f64 / MS_PER_SECOND))
    });
    functions.add("now", 0, move |_| Ok(Value::Float(now_ms as f64 / MS_PER_SECOND)));
    let path = external_url
        .split_once("://")
        .map_or(external_url, |(_, rest)| rest);
    let path = path.find('/').map_or("", |at| &path[at..]).to_owned();
    functions.add("pathPrefix", 0, move |_| Ok(text(&path)));
    let url = external_url.to_owned();
    functions.add("externalURL", 0, move |_| Ok(text(&url)));
    functions.0
}

/// What Go prints.
fn of_go(functions: &mut Functions) {
    functions.add(PRINT, 1, |args| Ok(text(&shown(&args[0]))));
    functions.add(FILL, 1, |args| {
        Ok(match &args[0] {
            Value::Nil => text(""),
            there => there.clone(),
        })
    });
    let insert = |functions: &mut Functions, name: &str, function: fn(&[Value]) -> String| {
        let function = move |args: &[Value]| Ok(text(&function(args)));
        functions.0.insert(name.to_owned(), Arc::new(function));
    };
    insert(functions, "print", print);
    insert(functions, "html", |args| gotmpl::html_escape(&print(args)));
    insert(functions, "js", |args| gotmpl::js_escape(&print(args)));
    insert(functions, "urlquery", |args| gotmpl::url_encode(&print(args)));
    insert(functions, "println", |args| {
        let shown: Vec<String> = args.iter().map(shown).collect();
        shown.join(" ") + "\n"
    });
    // What is no number with a point is formatted by the library's own function.
    let plain = Template::new("printf").parse("{{printf .format .arg}}");
    let formatted = move |args: &[Value]| {
        let Some((format, args)) = args.split_first() else {
            return Err(wrong("printf", "wrong number of args: want at least 1 got 0"));
        };
        let plain = |format: &str, arg: &Value| match &plain {
            Ok(plain) => {
                let data = map([("format", text(format)), ("arg", arg.clone())].into_iter());
                plain.execute_to_string(&data)
            }
            Err(error) => Err(wrong("printf", error)),
        };
        printf(&a_text("printf", format)?, args, &plain).map(|shown| text(&shown))
    };
    functions.0.insert("printf".to_owned(), Arc::new(formatted));
    for (name, of_numbers) in COMPARISONS {
        let others = Template::new(name).parse(&format!("{{{{{name} .left .right}}}}"));
        functions.add(name, 2, move |args| {
            if let [Value::Float(left), Value::Float(right)] = args {
                return Ok(Value::Bool(of_numbers(*left, *right)));
            }
            let data = map([("left", args[0].clone()), ("right", args[1].clone())].into_iter());
            let others = others.as_ref().map_err(|error| wrong(name, error))?;
            Ok(Value::Bool(others.execute_to_string(&data)? == "true"))
        });
    }
}

fn of_queries(functions: &mut Functions, ask: Ask) {
    functions.add("query", 1, move |args| {
        let samples = ask(&a_text("query", &args[0])?).map_err(|error| wrong("query", error))?;
        Ok(Value::List(samples.iter().map(a_sample).collect()))
    });
    functions.add("first", 1, |args| match &args[0] {
        Value::List(samples) => samples
            .first()
            .cloned()
            .ok_or_else(|| wrong("first", "first() called on vector with no elements")),
        other => Err(wrong(
            "first",
            format_args!("{} is no result of a query", other.type_name()),
        )),
    });
    functions.add("value", 1, |args| field("value", &args[0], "Value"));
    functions.add("strvalue", 1, |args| {
        let labels = field("strvalue", &args[0], "Labels")?;
        Ok(labels.field("__value__").cloned().unwrap_or_else(|| text("")))
    });
    functions.add("label", 2, |args| {
        let name = a_text("label", &args[0])?;
        let labels = field("label", &args[1], "Labels")?;
        Ok(labels.field(&name).cloned().unwrap_or_else(|| text("")))
    });
    functions.add("sortByLabel", 2, |args| {
        let name = a_text("sortByLabel", &args[0])?;
        let Value::List(samples) = &args[1] else {
            return Err(wrong("sortByLabel", "it sorts the result of a query"));
        };
        let mut samples = samples.to_vec();
        samples.sort_by_cached_key(|sample| {
            let labels = sample.field("Labels");
            let value = labels
                .and_then(|labels| labels.field(&name))
                .and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        });
        Ok(Value::List(samples.into()))
    });
    let numbered = |args: &[Value]| {
        let names: Vec<String> = (0..args.len()).map(|at| format!("arg{at}")).collect();
        let pairs = names.iter().map(String::as_str).zip(args.iter().cloned());
        Ok(map(pairs))
    };
    functions.0.insert("args".to_owned(), Arc::new(numbered));
}

fn a_sample((labels, value): &Sample) -> Value {
    let labels = labels.iter().map(|(name, value)| (&**name, &**value));
    map([("Labels", texts(labels)), ("Value", Value::Float(*value))].into_iter())
}

fn field(function: &str, sample: &Value, name: &str) -> Result<Value> {
    let field = sample.field(name).cloned();
    field.ok_or_else(|| wrong(function, format_args!("{} is no sample", sample.type_name())))
}

fn of_texts(functions: &mut Functions) {
    functions.add("match", 2, |args| {
        let regex = a_regex("match", &args[0])?;
        Ok(Value::Bool(regex.is_match(&a_text("match", &args[1])?)))
    });
    functions.add("reReplaceAll", 3, |args| {
        let regex = a_regex("reReplaceAll", &args[0])?;
        let (with, within) = (
            a_text("reReplaceAll", &args[1])?,
            a_text("reReplaceAll", &args[2])?,
        );
        Ok(text(&regex.replace_all(&within, &*with)))
    });
    functions.of_text("title", title);
    // Go maps a letter to one letter; one that has several in capitals stays.
    functions.of_text("toUpper", |given| {
        let upper = |char: char| match (char.to_uppercase().len(), char.to_uppercase().next()) {
            (1, Some(upper)) => upper,
            _ => char,
        };
        given.chars().map(upper).collect()
    });
    functions.of_text("toLower", |given| {
        given
            .chars()
            .filter_map(|char| char.to_lowercase().next())
            .collect()
    });
    functions.of_text("safeHtml", str::to_owned);
    functions.of_text("graphLink", |expr| link(expr, 0));
    functions.of_text("tableLink", |expr| link(expr, 1));
    functions.of_text("urlQueryEscape", gotmpl::url_encode);
    functions.of_text("stripPort", |given| match host_and_port(given) {
        Some((host, _)) => host.to_owned(),
        None => given.to_owned(),
    });
    functions.of_text("stripDomain", strip_domain);
}

fn link(expr: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", gotmpl::url_encode(expr))
}

fn a_text(function: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Nil => Ok(String::new()),
        other => Err(wrong(
            function,
            format_args!("expected a string; found {}", shown(other)),
        )),
    }
}

fn a_number(function: &str, value: &Value) -> Result<f64> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::Uint(number) => Ok(*number as f64),
        Value::String(text) => text.parse().map_err(|_| {
            wrong(
                function,
                format_args!("strconv.ParseFloat: parsing {text:?}: invalid syntax"),
            )
        }),
        other => Err(wrong(
            function,
            format_args!("can't convert {} to float", other.type_name()),
        )),
    }
}

fn a_regex(function: &str, value: &Value) -> Result<Regex> {
    let pattern = a_text(function, value)?;
    Regex::new(&pattern).map_err(|error| wrong(function, error))
}

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

/// Divides until the number is below the base.
fn shrink(mut value: f64, base: f64, prefixes: [&'static str; 8]) -> (f64, &'static str) {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < base {
            break;
        }
        prefix = next;
        value /= base;
    }
    (value, prefix)
}

/// Multiplies until the number is 1 or more.
fn grow(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = next;
        value *= 1_000.0;
    }
    (value, prefix)
}

fn humanize(value: f64) -> String {
    let (value, prefix) = match value {
        _ if value == 0.0 || !value.is_finite() => (value, ""),
        _ if value.abs() >= 1.0 => shrink(value, 1_000.0, LARGE),
        _ => grow(value),
    };
    format!("{}{prefix}", general(value, Some(4)))
}

fn humanize_1024(value: f64) -> String {
    let (value, prefix) = match value {
        _ if value.abs() <= 1.0 || !value.is_finite() => (value, ""),
        _ => shrink(value, 1_024.0, BINARY),
    };
    format!("{}{prefix}", general(value, Some(4)))
}

fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return general(value, Some(4));
    }
    if value == 0.0 {
        return format!("{}s", general(value, Some(4)));
    }
    if value.abs() < 1.0 {
        let (value, prefix) = grow(value);
        return format!("{}{prefix}s", general(value, Some(4)));
    }
    let (sign, value) = if value < 0.0 { ("-", -value) } else { ("", value) };
    // As Go on most machines, where a number is too large.
    let seconds = match value < i64::MAX as f64 {
        true => value as i64,
        false => i64::MIN,
    };
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let left = seconds % 60;
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", general(value, Some(4))),
        (0, 0, _) => format!("{sign}{minutes}m {left}s"),
        (0, ..) => format!("{sign}{hours}h {minutes}m {left}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {left}s"),
    }
}

/// A time in seconds since the epoch, as Go prints times.
fn timestamp(seconds: f64) -> std::result::Result<String, String> {
    if !seconds.is_finite() {
        return Ok(general(seconds, Some(4)));
    }
    let ns = seconds * NS_PER_SECOND;
    if ns > i64::MAX as f64 || ns < i64::MIN as f64 {
        return Err(format!(
            "{} cannot be represented as a nanoseconds timestamp since it overflows int64",
            general(seconds, None)
        ));
    }
    // Prometheus has milliseconds.
    let time = rfc3339(ns as i64 / 1_000_000).replace('T', " ");
    let time = time
        .trim_end_matches('Z')
        .trim_end_matches('0')
        .trim_end_matches('.');
    Ok(format!("{time} +0000 UTC"))
}

/// A duration in seconds, as Go prints durations: `1h0m5.5s`.
fn duration(seconds: f64) -> String {
    let ns = (seconds * NS_PER_SECOND) as i64;
    let (sign, ns) = (if ns < 0 { "-" } else { "" }, ns.unsigned_abs());
    match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{ns}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimals(ns, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimals(ns, 1_000_000)),
        _ => {
            let (minutes, left) = (ns / 60_000_000_000, ns % 60_000_000_000);
            let seconds = decimals(left, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// So many of a unit, without zeros at the end.
fn decimals(value: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The first letter of each word in upper case.
fn title(given: &str) -> String {
    let mut titled = String::with_capacity(given.len());
    let mut within = false;
    let mut chars = given.chars().peekable();
    while let Some(char) = chars.next() {
        match char.is_alphanumeric() {
            true if !within => titled.extend(char.to_uppercase()),
            _ => titled.push(char),
        }
        let joins = matches!(char, '\'' | '’' | '.' | ':' | '·')
            && chars.peek().is_some_and(|next| next.is_alphabetic());
        within = char.is_alphanumeric() || char == '_' || within && joins;
    }
    titled
}

/// As Go's `net.SplitHostPort`.
fn host_and_port(given: &str) -> Option<(&str, &str)> {
    let (host, port) = given.rsplit_once(':')?;
    match host.strip_prefix('[') {
        Some(host) => Some((host.strip_suffix(']')?, port)).filter(|(host, _)| !host.contains(['[', ']'])),
        None if host.contains([':', '[', ']']) => None,
        None => Some((host, port)),
    }
}

fn strip_domain(given: &str) -> String {
    let (host, port) = host_and_port(given).unwrap_or((given, ""));
    if host.parse::<std::net::IpAddr>().is_ok() {
        return given.to_owned();
    }
    let name = host.split('.').next().unwrap_or_default();
    match port {
        "" => name.to_owned(),
        port if name.contains(':') => format!("[{name}]:{port}"),
        port => format!("{name}:{port}"),
    }
}
