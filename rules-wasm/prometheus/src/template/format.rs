//! Numbers and texts as Go's package fmt writes them.

use gotmpl::{Result, TemplateError, Value};

/// What `%v` makes of a value.
pub(super) fn shown(value: &Value) -> String {
    match value {
        // What a map of labels has not.
        Value::Nil => String::new(),
        Value::Float(number) => general(*number, None),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name}:{}", shown(value)));
            format!("map[{}]", fields.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

/// As Go's `Sprint`: a space between two of which neither is a text.
pub(super) fn print(args: &[Value]) -> String {
    let mut out = String::new();
    for (at, arg) in args.iter().enumerate() {
        let is_text = |value: &Value| matches!(value, Value::String(_) | Value::Nil);
        if at > 0 && !is_text(arg) && !is_text(&args[at - 1]) {
            out.push(' ');
        }
        out += &shown(arg);
    }
    out
}

/// As Go's `Sprintf`. Whole numbers and texts are `plain`'s matter, one verb at a time.
pub(super) fn printf(
    format: &str,
    args: &[Value],
    plain: &dyn Fn(&str, &Value) -> Result<String>,
) -> Result<String> {
    let mut out = String::new();
    let mut args = args.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out += &rest[..at];
        rest = &rest[at..];
        let end = rest[1..].find(|char: char| !"+-# 0123456789.".contains(char));
        let Some(end) = end.map(|end| end + 1) else {
            out += "%!(NOVERB)";
            return Ok(out);
        };
        let verb = rest[end..].chars().next().unwrap_or('%');
        let (spec, after) = rest.split_at(end + verb.len_utf8());
        rest = after;
        if verb == '%' {
            out.push('%');
            continue;
        }
        match args.next() {
            None => out += &format!("%!{verb}(MISSING)"),
            Some(Value::Float(number)) => out += &float(&spec[1..end], verb, *number),
            // Lists and maps may have numbers in them.
            Some(arg @ (Value::List(_) | Value::Map(_))) if verb == 'v' || verb == 's' => out += &shown(arg),
            Some(Value::Nil) => out += &plain(spec, &Value::String("".into()))?,
            Some(arg) => out += &plain(spec, arg)?,
        }
    }
    out += rest;
    let extra: Vec<String> = args
        .map(|arg| format!("{}={}", go_type(arg), shown(arg)))
        .collect();
    if !extra.is_empty() {
        out += &format!("%!(EXTRA {})", extra.join(", "));
    }
    Ok(out)
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Float(_) => "float64",
        Value::Int(_) => "int",
        Value::Bool(_) => "bool",
        Value::String(_) | Value::Nil => "string",
        _ => "interface {}",
    }
}

/// A number with flags, width and precision.
fn float(options: &str, verb: char, number: f64) -> String {
    let flags = options.len() - options.trim_start_matches(['+', '-', '#', ' ', '0']).len();
    let (flags, sizes) = options.split_at(flags);
    let (width, precision) = sizes.split_once('.').map_or((sizes, None), |(width, precision)| {
        // `%.f` is `%.0f`.
        (width, Some(precision.parse().unwrap_or(0)))
    });
    let width: usize = width.parse().unwrap_or(0).min(WIDTH_MAX);
    let precision = precision.map(|digits: usize| digits.min(WIDTH_MAX));
    let magnitude = match verb {
        'v' | 'g' => general(number.abs(), precision),
        'G' => special(number.abs()).unwrap_or_else(|| general(number.abs(), precision).to_uppercase()),
        'f' | 'F' => {
            special(number.abs()).unwrap_or_else(|| format!("{:.*}", precision.unwrap_or(6), number.abs()))
        }
        'e' => special(number.abs()).unwrap_or_else(|| scientific(number.abs(), precision.unwrap_or(6))),
        'E' => special(number.abs())
            .unwrap_or_else(|| scientific(number.abs(), precision.unwrap_or(6)).to_uppercase()),
        _ => return format!("%!{verb}(float64={})", general(number, None)),
    };
    let magnitude = magnitude.trim_start_matches('+');
    let sign = match number.is_sign_negative() && !number.is_nan() {
        true => "-",
        false if flags.contains('+') => "+",
        false if flags.contains(' ') => " ",
        false if magnitude == "Inf" => "+",
        false => "",
    };
    let fill = width.saturating_sub(sign.len() + magnitude.len());
    match () {
        () if flags.contains('-') => format!("{sign}{magnitude}{}", " ".repeat(fill)),
        () if flags.contains('0') && number.is_finite() => format!("{sign}{}{magnitude}", "0".repeat(fill)),
        () => format!("{}{sign}{magnitude}", " ".repeat(fill)),
    }
}

/// The widest that a number is written.
const WIDTH_MAX: usize = 1_000;

fn special(number: f64) -> Option<String> {
    match number {
        number if number.is_nan() => Some("NaN".to_owned()),
        f64::INFINITY => Some("+Inf".to_owned()),
        f64::NEG_INFINITY => Some("-Inf".to_owned()),
        _ => None,
    }
}

/// As `%e` with that many digits after the point.
fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    with_exponent(mantissa, exponent.parse().unwrap_or(0))
}

fn with_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// As `%g`, with the fewest digits that read back to the same number, or with so many.
pub(super) fn general(number: f64, precision: Option<usize>) -> String {
    if let Some(text) = special(number) {
        return text;
    }
    let precision = precision.map(|digits| digits.max(1));
    let text = match precision {
        None => format!("{number:e}"),
        Some(digits) => format!("{number:.*e}", digits - 1),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let decisive = precision.map_or(SHORTEST_EXPONENT, |digits| {
        i32::try_from(digits).unwrap_or(i32::MAX)
    });
    if exponent < -4 || exponent >= decisive {
        return with_exponent(mantissa, exponent);
    }
    let digits = mantissa.chars().filter(char::is_ascii_digit).count();
    let decimals = i32::try_from(digits).unwrap_or(0) - 1 - exponent;
    format!("{number:.*}", usize::try_from(decimals).unwrap_or(0))
}

/// From this exponent on, the shortest form has one.
const SHORTEST_EXPONENT: i32 = 6;

/// What a function says that was given something else than it takes.
pub(super) fn wrong(function: &str, what: impl std::fmt::Display) -> TemplateError {
    TemplateError::Exec(format!("error calling {function}: {what}"))
}
