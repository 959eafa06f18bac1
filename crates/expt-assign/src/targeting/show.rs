//! Rules as text.

use std::fmt;

use expt_core::ParamValue;

use super::rule::{Comparison, Rule, Test};

impl fmt::Display for Rule {
    /// Text that [parses](std::str::FromStr) to the same rule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(rules) if rules.len() > 1 => joined(rules, " and ", f),
            Self::Any(rules) if rules.len() > 1 => joined(rules, " or ", f),
            Self::All(rules) => wrapped("all", rules, f),
            Self::Any(rules) => wrapped("any", rules, f),
            Self::Not(rule) => {
                f.write_str("not ")?;
                operand(rule, f)
            }
            Self::Test { attribute, is } => test(attribute, is, f),
        }
    }
}

fn joined(rules: &[Rule], word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, rule) in rules.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        match rule {
            Rule::Not(_) | Rule::Test { .. } => fmt::Display::fmt(rule, f)?,
            _ => write!(f, "({rule})")?,
        }
    }
    Ok(())
}

/// None or one of them, which no word between them can say.
fn wrapped(word: &str, rules: &[Rule], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{word} (")?;
    rules.iter().try_for_each(|rule| fmt::Display::fmt(rule, f))?;
    f.write_str(")")
}

fn operand(rule: &Rule, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "({rule})")
}

fn test(attribute: &str, is: &Test, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    name(attribute, f)?;
    match is {
        Test::Present => f.write_str(" is present"),
        Test::Equals(value) => {
            f.write_str(" = ")?;
            literal(value, f)
        }
        Test::OneOf(values) => {
            f.write_str(" in (")?;
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    f.write_str(", ")?;
                }
                literal(value, f)?;
            }
            f.write_str(")")
        }
        // `= 2.0` is the other test of equality, which also asks texts and truth values.
        Test::Number(Comparison::Equal, number) => write!(f, " = number {number:?}"),
        Test::Number(comparison, number) => write!(f, " {} {number:?}", comparison.as_str()),
        Test::Version(comparison, version) => {
            write!(f, " {} version ", comparison.as_str())?;
            quoted(version, f)
        }
        Test::Time(comparison, time) => write!(f, " {} time '{time}'", comparison.as_str()),
        Test::Contains(text) => phrase("contains", text, f),
        Test::StartsWith(text) => phrase("starts with", text, f),
        Test::EndsWith(text) => phrase("ends with", text, f),
        Test::Matches(text) => phrase("matches", text, f),
    }
}

fn phrase(words: &str, text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, " {words} ")?;
    quoted(text, f)
}

fn name(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if super::parse::is_plain_name(name) {
        return f.write_str(name);
    }
    write!(f, "\"{}\"", name.replace('"', "\"\""))
}

fn literal(value: &ParamValue, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        ParamValue::Text(text) => quoted(text, f),
        other => fmt::Display::fmt(other, f),
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "'{}'", text.replace('\'', "''"))
}
