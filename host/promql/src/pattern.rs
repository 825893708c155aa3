//! Patterns: regular expressions in the syntax of RE2, as Prometheus has them.
//!
//! They are compiled by `regex`, whose syntax is nearly the same. Where it reads
//! the same text otherwise, the text is rewritten: `\d`, `\s`, `\w` and `\b` are
//! of ASCII, `\<` and `\>` are just these characters. Where it knows what RE2
//! does not, the pattern is refused; what only RE2 knows, `regex` refuses.

#[cfg(test)]
mod tests;

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{self, AssertionKind, Ast, ClassPerlKind, ClassSetItem, Flag, FlagsItemKind, Span};

/// Nesting of groups in a pattern.
const DEPTH_MAX: u32 = 100;

/// Compiles a pattern that has to match all of a text, into at most `bytes_max`;
/// `.` matches newlines too.
///
/// # Errors
/// The pattern is invalid or too large: a text for people.
pub(crate) fn anchored(pattern: &str, bytes_max: usize) -> Result<Regex, String> {
    let invalid = |reason: &str| format!("invalid regular expression {pattern:?}: {reason}");
    // By itself first: `a)|(b` is no pattern, but would become one when wrapped.
    let tree = ast::parse::ParserBuilder::new()
        .nest_limit(DEPTH_MAX)
        .build()
        .parse(pattern)
        .map_err(|error| invalid(&error.kind().to_string()))?;
    let edits = ast::visit(&tree, Edits::default()).map_err(invalid)?;
    let rewritten = apply(pattern, &edits);
    RegexBuilder::new(&format!("^(?s:{rewritten})$"))
        .size_limit(bytes_max)
        .dfa_size_limit(bytes_max)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(max) => {
                format!("the regular expression {pattern:?} needs more than {max} bytes when compiled")
            }
            error => invalid(last_line(&error.to_string())),
        })
}

/// Syntax errors draw the pattern over several lines; the last says what is wrong.
fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text)
}

/// Parts of a pattern, and what to write instead: in the order of the pattern.
#[derive(Default)]
struct Edits(Vec<(Span, &'static str)>);

fn apply(pattern: &str, edits: &[(Span, &'static str)]) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut done = 0;
    for (span, instead) in edits {
        text.push_str(&pattern[done..span.start.offset]);
        text.push_str(instead);
        done = span.end.offset;
    }
    text.push_str(&pattern[done..]);
    text
}

impl Edits {
    fn class(&mut self, class: &ast::ClassPerl) {
        let instead = match (&class.kind, class.negated) {
            (ClassPerlKind::Digit, false) => "[0-9]",
            (ClassPerlKind::Digit, true) => "[^0-9]",
            // RE2's has no vertical tab.
            (ClassPerlKind::Space, false) => r"[\t\n\f\r ]",
            (ClassPerlKind::Space, true) => r"[^\t\n\f\r ]",
            (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
            (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
        };
        self.0.push((class.span, instead));
    }

    fn assertion(&mut self, assertion: &ast::Assertion) -> Result<(), &'static str> {
        let instead = match assertion.kind {
            AssertionKind::WordBoundary => r"(?-u:\b)",
            AssertionKind::NotWordBoundary => r"(?-u:\B)",
            AssertionKind::WordBoundaryStartAngle => "<",
            AssertionKind::WordBoundaryEndAngle => ">",
            AssertionKind::StartLine
            | AssertionKind::EndLine
            | AssertionKind::StartText
            | AssertionKind::EndText => return Ok(()),
            _ => return Err("after \\b, write \\{ for a brace"),
        };
        self.0.push((assertion.span, instead));
        Ok(())
    }
}

fn check_flags(flags: &ast::Flags) -> Result<(), &'static str> {
    let known = |flag| {
        matches!(
            flag,
            Flag::CaseInsensitive | Flag::MultiLine | Flag::DotMatchesNewLine | Flag::SwapGreed
        )
    };
    let unknown = |item: &ast::FlagsItem| matches!(item.kind, FlagsItemKind::Flag(flag) if !known(flag));
    if flags.items.iter().any(unknown) {
        return Err("unknown flag, expected i, m, s or U");
    }
    Ok(())
}

impl ast::Visitor for Edits {
    type Output = Vec<(Span, &'static str)>;
    type Err = &'static str;

    fn finish(self) -> Result<Self::Output, Self::Err> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        match ast {
            Ast::ClassPerl(class) => self.class(class),
            Ast::Assertion(assertion) => self.assertion(assertion)?,
            Ast::Flags(set) => check_flags(&set.flags)?,
            Ast::Group(group) => group.flags().map_or(Ok(()), check_flags)?,
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        match item {
            ClassSetItem::Perl(class) => self.class(class),
            ClassSetItem::Bracketed(_) => return Err("write \\[ for a bracket within brackets"),
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_binary_op_pre(&mut self, op: &ast::ClassSetBinaryOp) -> Result<(), Self::Err> {
        Err(match op.kind {
            ast::ClassSetBinaryOpKind::Intersection => "write \\&\\& for && within brackets",
            ast::ClassSetBinaryOpKind::Difference => "write \\-\\- for -- within brackets",
            ast::ClassSetBinaryOpKind::SymmetricDifference => "write \\~\\~ for ~~ within brackets",
        })
    }
}
