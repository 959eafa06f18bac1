//! Rules that are put together without leaving constants in them.

use expt_core::ParamValue;

use crate::compat::growthbook::js;
use crate::targeting::{MAX_PATTERN_BYTES, MAX_PATTERNS, MAX_TESTS, Rule, Test};

/// Holds for every request.
pub(in crate::compat) const ALWAYS: Rule = Rule::All(Vec::new());
/// Holds for none.
pub(in crate::compat) const NEVER: Rule = Rule::Any(Vec::new());

pub(in crate::compat) fn constant(holds: bool) -> Rule {
    if holds { ALWAYS } else { NEVER }
}

pub(in crate::compat) fn all(rules: impl IntoIterator<Item = Rule>) -> Rule {
    let mut parts = Vec::new();
    for rule in rules {
        match rule {
            rule if rule == NEVER => return NEVER,
            Rule::All(inner) => parts.extend(inner),
            rule => parts.push(rule),
        }
    }
    alone(&mut parts).unwrap_or(Rule::All(parts))
}

pub(in crate::compat) fn any(rules: impl IntoIterator<Item = Rule>) -> Rule {
    let mut parts = Vec::new();
    for rule in rules {
        match rule {
            rule if rule == ALWAYS => return ALWAYS,
            Rule::Any(inner) => parts.extend(inner),
            rule => parts.push(rule),
        }
    }
    alone(&mut parts).unwrap_or(Rule::Any(parts))
}

pub(in crate::compat) fn not(rule: Rule) -> Rule {
    match rule {
        rule if rule == ALWAYS => NEVER,
        rule if rule == NEVER => ALWAYS,
        Rule::Not(rule) => *rule,
        rule => rule.negate(),
    }
}

pub(in crate::compat) fn present(attribute: &str) -> Rule {
    Rule::test(attribute, Test::Present)
}

pub(in crate::compat) fn missing(attribute: &str) -> Rule {
    present(attribute).negate()
}

/// What `holds` for a request that has the attribute, and for one without it if `without` says so.
pub(in crate::compat) fn or_missing(attribute: &str, without: bool, holds: Rule) -> Rule {
    if without { any([missing(attribute), holds]) } else { holds }
}

/// The attribute has one of these values.
pub(in crate::compat) fn one_of(attribute: &str, mut values: Vec<ParamValue>) -> Rule {
    match values.pop() {
        None => NEVER,
        Some(only) if values.is_empty() => Rule::equals(attribute, only),
        Some(last) => {
            values.push(last);
            Rule::one_of(attribute, values)
        }
    }
}

/// The texts, numbers and truth values whose text in JavaScript is this one.
pub(in crate::compat) fn of_text(text: &str) -> Vec<ParamValue> {
    let number = js::text_number(text);
    let mut values = vec![ParamValue::Text(text.to_owned())];
    if matches!(text, "true" | "false") {
        values.push(ParamValue::Bool(text == "true"));
    } else if number.is_finite() && js::number_text(number) == text {
        values.push(ParamValue::Float(number));
    }
    values
}

/// What rules cost a config, of which it may have so much.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    tests: usize,
    patterns: usize,
    bytes: usize,
}

impl Size {
    pub(super) fn plus(self, other: Self) -> Self {
        let [tests, patterns, bytes] =
            [self.tests + other.tests, self.patterns + other.patterns, self.bytes + other.bytes];
        Self { tests, patterns, bytes }
    }

    /// What is too much, if anything is.
    pub(super) fn excess(self) -> Option<String> {
        let is_over =
            self.tests > MAX_TESTS || self.patterns > MAX_PATTERNS || self.bytes > MAX_PATTERN_BYTES;
        is_over.then(|| {
            format!(
                "would, with those of the flags before, be more than the {MAX_TESTS} tests, {MAX_PATTERNS} \
                 patterns or {MAX_PATTERN_BYTES} bytes of patterns that a config may have"
            )
        })
    }
}

pub(super) fn size(rule: &Rule) -> Size {
    match rule {
        Rule::All(rules) | Rule::Any(rules) => rules.iter().map(size).fold(Size::default(), Size::plus),
        Rule::Not(rule) => size(rule),
        Rule::Test { is: Test::Matches(pattern), .. } => Size { tests: 1, patterns: 1, bytes: pattern.len() },
        Rule::Test { .. } => Size { tests: 1, patterns: 0, bytes: 0 },
    }
}

/// The truth values whose text this is true of.
pub(in crate::compat) fn truths(attribute: &str, fits: impl Fn(&str) -> bool) -> Rule {
    let fitting = [true, false].into_iter().filter(|truth| fits(if *truth { "true" } else { "false" }));
    one_of(attribute, fitting.map(ParamValue::Bool).collect())
}

/// The only one of several.
fn alone(rules: &mut Vec<Rule>) -> Option<Rule> {
    if rules.len() == 1 { rules.pop() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_go_away() {
        let a = || Rule::equals("a", 1);
        assert_eq!(all([]), ALWAYS);
        assert_eq!(any([]), NEVER);
        assert_eq!(all([ALWAYS, a(), ALWAYS]), a());
        assert_eq!(all([a(), NEVER]), NEVER);
        assert_eq!(any([NEVER, a()]), a());
        assert_eq!(any([a(), ALWAYS]), ALWAYS);
        assert_eq!(not(not(a())), a());
        assert_eq!(not(ALWAYS), NEVER);
        assert_eq!(one_of("a", vec![]), NEVER);
        assert_eq!(any([a(), any([a(), a()])]), Rule::Any(vec![a(), a(), a()]));
    }

    #[test]
    fn texts_of_values() {
        assert_eq!(of_text("42"), [ParamValue::Text("42".into()), ParamValue::Float(42.0)]);
        assert_eq!(of_text("42.0"), [ParamValue::Text("42.0".into())]);
        assert_eq!(of_text("true"), [ParamValue::Text("true".into()), ParamValue::Bool(true)]);
        assert_eq!(of_text(""), [ParamValue::Text(String::new())]);
    }
}
