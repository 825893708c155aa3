//! Expressions as Prometheus' parser writes them: what `/api/v1/rules` shows, and what links to them hold.

use std::fmt::{self, Display, Formatter, Write as _};

use wasmalert_core::number;
use wasmalert_core::units::format_duration_ms;

use crate::Query;
use crate::ast::{
    Aggregate, AggregateOp, AtTime, Binary, BinaryOp, Cardinality, Expr, Grouping, Node, Selector, Shift,
};
use crate::matcher::Matcher;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for _ in 0..self.parens {
            f.write_char('(')?;
        }
        match &self.node {
            Node::Number(value) => f.write_str(&number::go(*value))?,
            Node::String(text) => quoted(f, text)?,
            Node::Selector(selector) => write!(f, "{}{}", Series(selector), selector.shift)?,
            Node::Range(selector, range_ms) => {
                let range = format_duration_ms(*range_ms);
                write!(f, "{}[{range}]{}", Series(selector), selector.shift)?;
            }
            Node::Subquery(subquery) => {
                let range = format_duration_ms(subquery.range_ms);
                let step = subquery.step_ms.map(format_duration_ms).unwrap_or_default();
                write!(f, "{}[{range}:{step}]{}", subquery.expr, subquery.shift)?;
            }
            Node::Negate(inner) => write!(f, "-{inner}")?,
            Node::Binary(binary) => binary.fmt(f)?,
            Node::Aggregate(aggregate) => aggregate.fmt(f)?,
            Node::Call(function, arguments) => {
                write!(f, "{}(", function.name)?;
                list(f, arguments)?;
                f.write_char(')')?;
            }
            Node::LabelReplace(node) => {
                write!(f, "label_replace({}", node.expr)?;
                for text in [&node.target, &node.replacement, &node.source, &node.pattern] {
                    f.write_str(", ")?;
                    quoted(f, text)?;
                }
                f.write_char(')')?;
            }
        }
        for _ in 0..self.parens {
            f.write_char(')')?;
        }
        Ok(())
    }
}

/// A selector without its modifiers, its matchers sorted.
struct Series<'a>(&'a Selector);

impl Display for Series<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut matchers = self.0.matchers.iter();
        if self.0.has_bare_name
            && let Some(name) = matchers.next()
        {
            f.write_str(&name.value)?;
        }
        let text = |matcher: &Matcher| -> Result<String, fmt::Error> {
            let mut text = format!("{}{}", matcher.name, matcher.op.text());
            quoted(&mut text, &matcher.value)?;
            Ok(text)
        };
        let mut texts = matchers.map(text).collect::<Result<Vec<_>, _>>()?;
        texts.sort();
        match texts.is_empty() {
            true => Ok(()),
            false => write!(f, "{{{}}}", texts.join(",")),
        }
    }
}

impl Display for Shift {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.at {
            None => {}
            Some(AtTime::Start) => f.write_str(" @ start()")?,
            Some(AtTime::End) => f.write_str(" @ end()")?,
            Some(AtTime::Ms(ms)) => write!(f, " @ {:.3}", ms as f64 / 1e3)?,
        }
        match self.offset_ms {
            None | Some(0) => Ok(()),
            Some(ms) => write!(f, " offset {}", format_duration_ms(ms)),
        }
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.lhs, self.op.text())?;
        if self.return_bool {
            f.write_str(" bool")?;
        }
        let (word, labels) = match &self.matching.grouping {
            Grouping::Only(labels) => ("on", labels),
            Grouping::Without(labels) => ("ignoring", labels),
        };
        if word == "on" || !labels.is_empty() {
            write!(f, " {word} ({})", labels.join(", "))?;
            let side = match self.matching.cardinality {
                Cardinality::OneToOne => None,
                Cardinality::ManyToOne => Some("left"),
                Cardinality::OneToMany => Some("right"),
            };
            if let Some(side) = side {
                write!(f, " group_{side} ({})", self.matching.include.join(", "))?;
            }
        }
        write!(f, " {}", self.rhs)
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.text())?;
        match &self.grouping {
            Grouping::Only(labels) if labels.is_empty() => {}
            Grouping::Only(labels) => write!(f, " by ({}) ", labels.join(", "))?,
            Grouping::Without(labels) => write!(f, " without ({}) ", labels.join(", "))?,
        }
        match &self.param {
            Some(param) => write!(f, "({param}, {})", self.expr),
            None => write!(f, "({})", self.expr),
        }
    }
}

fn list(f: &mut Formatter<'_>, exprs: &[Expr]) -> fmt::Result {
    for (at, expr) in exprs.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        expr.fmt(f)?;
    }
    Ok(())
}

/// A text in quotes, as Go's `%q` writes it.
fn quoted(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            '\u{7}' => f.write_str("\\a")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{b}' => f.write_str("\\v")?,
            '\u{c}' => f.write_str("\\f")?,
            char if (char as u32) < 0x80 && char.is_control() => write!(f, "\\x{:02x}", char as u32)?,
            char if char.is_control() => write!(f, "\\u{:04x}", char as u32)?,
            char => f.write_char(char)?,
        }
    }
    f.write_char('"')
}

impl BinaryOp {
    fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Gt => ">",
            Self::Lt => "<",
            Self::Ge => ">=",
            Self::Le => "<=",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
        }
    }
}

impl AggregateOp {
    fn text(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
            Self::Group => "group",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Topk => "topk",
            Self::Bottomk => "bottomk",
            Self::CountValues => "count_values",
            Self::Quantile => "quantile",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Query};

    #[test]
    fn expressions_are_written_as_prometheus_writes_them() {
        for (text, written) in [
            ("up", "up"),
            ("  sum( up )  by(job ,instance)", "sum by (job, instance) (up)"),
            ("sum by () (up)", "sum(up)"),
            ("topk without(a) (5,up)", "topk without (a) (5, up)"),
            ("count_values('v', up)", "count_values(\"v\", up)"),
            ("(((up)))+1", "(((up))) + 1"),
            ("-up^2", "-up ^ 2"),
            ("-(1)+ -2", "-(1) + -2"),
            (
                "up{c=~`z.*`, a='x', b!=\"y\\n\",}",
                "up{a=\"x\",b!=\"y\\n\",c=~\"z.*\"}",
            ),
            ("{__name__=~\"a.*\"}", "{__name__=~\"a.*\"}"),
            ("{__name__=\"up\",a=\"b\"}", "{__name__=\"up\",a=\"b\"}"),
            ("rate(up[90s] offset 60m)", "rate(up[1m30s] offset 1h)"),
            ("up offset -5m @ 1.5", "up @ 1.500 offset -5m"),
            ("up @ start()", "up @ start()"),
            (
                "max_over_time(rate(a[5m])[1h:] @ end() offset 1w)",
                "max_over_time(rate(a[5m])[1h:] @ end() offset 1w)",
            ),
            ("avg_over_time((a-b)[30m:60s])", "avg_over_time((a - b)[30m:1m])"),
            ("a > bool 1e3", "a > bool 1000"),
            ("a * 1234567", "a * 1.234567e+06"),
            ("a * 0.00001", "a * 1e-05"),
            ("a * 100000.5", "a * 100000.5"),
            ("a < inf or a == NaN", "a < +Inf or a == NaN"),
            ("a/on(x)group_left(y,z)b", "a / on (x) group_left (y, z) b"),
            (
                "a * ignoring (x) group_right b",
                "a * ignoring (x) group_right () b",
            ),
            ("a and on() b", "a and on () b"),
            ("a unless ignoring() b", "a unless b"),
            (
                "label_replace(up,'a','$1','b','(.*)')",
                "label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")",
            ),
            ("time() - timestamp( up )", "time() - timestamp(up)"),
            ("\"text\"", "\"text\""),
            ("up # a comment\n== 0", "up == 0"),
        ] {
            let query =
                Query::parse(text, &Limits::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
            let again = query.to_string();
            assert_eq!(again, written, "{text}");
            let query = Query::parse(&again, &Limits::default());
            assert_eq!(
                query.map(|query| query.to_string()).as_deref().ok(),
                Some(written),
                "{text}"
            );
        }
    }
}
