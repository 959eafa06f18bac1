//! Rules compiled to what a request is asked.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use expt_core::{ParamValue, Timestamp};
use semver::Version;

use super::attributes::{Attribute, Attributes, Value};
use super::parse::MAX_DEPTH;
use super::rule::{Comparison, Rule, Test};
use crate::check::quoted;
use crate::fault::{FaultKind, Found};

/// A compiled rule: a pure function of the attributes of a request, without allocation.
#[derive(Debug)]
pub(crate) enum Program {
    All(Vec<Program>),
    Any(Vec<Program>),
    Not(Box<Program>),
    Test(usize, Check),
}

#[derive(Debug)]
pub(crate) enum Check {
    Present,
    Bool(bool),
    Text(Box<str>),
    /// Sorted.
    Texts(Vec<Box<str>>),
    Number(Comparison, f64),
    /// Values of several types.
    Mixed(Vec<Check>),
    Version(Comparison, Version),
    Time(Comparison, Timestamp),
    Contains(Box<str>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    #[cfg(feature = "regex")]
    Matches(Box<regex::Regex>),
}

impl Program {
    /// Whether the rule holds for a request.
    #[inline]
    pub(crate) fn holds(&self, names: &[Attribute], request: &dyn Attributes) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(names, request)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(names, request)),
            Self::Not(part) => !part.holds(names, request),
            Self::Test(index, check) => {
                let value = names.get(*index).and_then(|attribute| request.value(attribute));
                value.is_some_and(|value| check.holds(value))
            }
        }
    }
}

impl Check {
    fn holds(&self, value: Value<'_>) -> bool {
        if let Value::Texts(texts) = value {
            return match self {
                Self::Present => true,
                _ => texts.iter().any(|text| self.holds(Value::Text(text))),
            };
        }
        match (self, value) {
            (Self::Present, _) => true,
            (Self::Bool(wanted), Value::Bool(found)) => *wanted == found,
            (Self::Text(wanted), Value::Text(found)) => **wanted == *found,
            (Self::Texts(wanted), Value::Text(found)) => contains(wanted, found),
            (Self::Number(comparison, wanted), Value::Int(found)) => {
                comparison.holds(compare_int(found, *wanted))
            }
            (Self::Number(comparison, wanted), Value::Float(found)) => {
                found.partial_cmp(wanted).is_some_and(|found| comparison.holds(found))
            }
            (Self::Mixed(checks), value) => checks.iter().any(|check| check.holds(value)),
            (Self::Version(comparison, wanted), Value::Text(found)) => {
                read_version(found).is_some_and(|found| comparison.holds(found.cmp_precedence(wanted)))
            }
            (Self::Time(comparison, wanted), Value::Time(found)) => comparison.holds(found.cmp(wanted)),
            (Self::Time(comparison, wanted), Value::Text(found)) => {
                found.parse::<Timestamp>().is_ok_and(|found| comparison.holds(found.cmp(wanted)))
            }
            (Self::Contains(wanted), Value::Text(found)) => found.contains(&**wanted),
            (Self::StartsWith(wanted), Value::Text(found)) => found.starts_with(&**wanted),
            (Self::EndsWith(wanted), Value::Text(found)) => found.ends_with(&**wanted),
            #[cfg(feature = "regex")]
            (Self::Matches(pattern), Value::Text(found)) => pattern.is_match(found),
            _ => false,
        }
    }
}

fn contains(sorted: &[Box<str>], found: &str) -> bool {
    // Short lists are the rule, and comparing lengths first is quicker than an ordering.
    if sorted.len() <= 8 {
        return sorted.iter().any(|text| **text == *found);
    }
    sorted.binary_search_by(|text| (**text).cmp(found)).is_ok()
}

/// Exactly, also where an `f64` has no such whole number.
fn compare_int(found: i64, wanted: f64) -> Ordering {
    #[allow(clippy::cast_precision_loss, reason = "the case that is lost is decided below")]
    let near = found as f64;
    match near.partial_cmp(&wanted) {
        // `wanted` is whole and within 2^63 here.
        #[allow(
            clippy::cast_possible_truncation,
            reason = "saturates only at 2^63, which is above every i64"
        )]
        Some(Ordering::Equal) if wanted < TWO_TO_63 => found.cmp(&(wanted as i64)),
        Some(Ordering::Equal) => Ordering::Less,
        Some(order) => order,
        None => Ordering::Less,
    }
}

const TWO_TO_63: f64 = (1_u64 << 63) as f64;

/// Reads a version, with zeros for what is left out.
fn read_version(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    if let Ok(version) = Version::parse(text) {
        return Some(version);
    }
    let number = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse::<u64>().ok()).flatten()
    };
    let mut parts = text.splitn(3, '.');
    let major = number(parts.next()?)?;
    let minor = parts.next().map_or(Some(0), number)?;
    if parts.next().is_some() { None } else { Some(Version::new(major, minor, 0)) }
}

/// Compiles the rules of one config, within a budget for all of them.
pub(crate) struct Compiler {
    names: Vec<Attribute>,
    tests: usize,
    #[cfg(feature = "regex")]
    patterns: Patterns,
}

impl Compiler {
    /// Knows the attributes that the rules name, and those besides, sorted and each once.
    pub(crate) fn new<'r>(
        rules: impl IntoIterator<Item = &'r Rule>,
        besides: impl IntoIterator<Item = &'r str>,
    ) -> Self {
        let mut found: BTreeSet<_> = besides.into_iter().collect();
        for rule in rules {
            collect(rule, 0, &mut found);
        }
        let names = found.into_iter().enumerate().map(|(index, name)| Attribute::new(name, index)).collect();
        Self {
            names,
            tests: 0,
            #[cfg(feature = "regex")]
            patterns: Patterns::default(),
        }
    }

    /// Where an attribute stands.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|known| known.name().cmp(name)).ok()
    }

    /// The attributes.
    pub(crate) fn into_names(self) -> Vec<Attribute> {
        self.names
    }

    /// Compiles a rule; what cannot be compiled is reported, and never holds.
    pub(crate) fn compile(&mut self, rule: &Rule, path: &str, found: &mut Found) -> Program {
        self.lower(rule, path, 0, found)
    }

    fn lower(&mut self, rule: &Rule, path: &str, depth: usize, found: &mut Found) -> Program {
        if depth > MAX_DEPTH {
            let remedy = "nest less deeply, or name what the inner rules say in an attribute";
            let problem = format!("is nested more than {MAX_DEPTH} levels deep");
            found.add(FaultKind::TooLarge, path, "this rule", problem, remedy);
            return Program::Any(vec![]);
        }
        let mut each = |rules: &[Rule], word: &str, found: &mut Found| {
            let rules = rules.iter().enumerate();
            rules
                .map(|(index, rule)| self.lower(rule, &format!("{path}.{word}[{index}]"), depth + 1, found))
                .collect()
        };
        match rule {
            Rule::All(rules) => Program::All(each(rules, "all", found)),
            Rule::Any(rules) => Program::Any(each(rules, "any", found)),
            Rule::Not(rule) => {
                Program::Not(Box::new(self.lower(rule, &format!("{path}.not"), depth + 1, found)))
            }
            Rule::Test { attribute, is } => {
                self.tests += 1;
                if self.tests == MAX_TESTS + 1 {
                    let problem = format!("is one more than the {MAX_TESTS} tests that a config may have");
                    let remedy = "say with attributes what many rules repeat";
                    found.add(FaultKind::TooLarge, path, attribute, problem, remedy);
                }
                if attribute.is_empty() {
                    let remedy = "name an attribute of requests";
                    found.add(FaultKind::Empty, path, "\"\"", "is empty", remedy);
                }
                // A name that was nested too deeply is not known; it was reported.
                match self.index(attribute) {
                    Some(index) => Program::Test(index, self.check(is, path, found)),
                    None => Program::Any(vec![]),
                }
            }
        }
    }

    fn check(&mut self, test: &Test, path: &str, found: &mut Found) -> Check {
        match test {
            Test::Present => Check::Present,
            Test::Equals(value) => equals(value, path, found),
            Test::OneOf(values) => one_of(values, path, found),
            Test::Number(comparison, number) => {
                finite(*number, path, found);
                Check::Number(*comparison, *number)
            }
            Test::Version(comparison, text) => match read_version(text) {
                Some(version) => Check::Version(*comparison, version),
                None => {
                    let remedy = "give a version such as 2.3.0 (semver.org)";
                    found.add(FaultKind::Rule, path, quoted(text), "is no version", remedy);
                    Check::Mixed(vec![])
                }
            },
            Test::Time(comparison, time) => Check::Time(*comparison, *time),
            Test::Contains(text) => Check::Contains(text.as_str().into()),
            Test::StartsWith(text) => Check::StartsWith(text.as_str().into()),
            Test::EndsWith(text) => Check::EndsWith(text.as_str().into()),
            Test::Matches(pattern) => self.pattern(pattern, path, found),
        }
    }

    #[cfg(feature = "regex")]
    fn pattern(&mut self, pattern: &str, path: &str, found: &mut Found) -> Check {
        match self.patterns.compile(pattern) {
            Ok(regex) => Check::Matches(Box::new(regex)),
            Err(problem) => {
                let remedy = "give a shorter or simpler pattern, without look-around and back-references";
                found.add(FaultKind::Rule, path, quoted(pattern), problem, remedy);
                Check::Mixed(vec![])
            }
        }
    }

    #[cfg(not(feature = "regex"))]
    #[allow(clippy::unused_self, reason = "the same signature as with the feature")]
    fn pattern(&mut self, pattern: &str, path: &str, found: &mut Found) -> Check {
        let problem = "is a regular expression, and this build has none";
        let remedy = "turn on the feature `regex` of expt-assign";
        found.add(FaultKind::Rule, path, quoted(pattern), problem, remedy);
        Check::Mixed(vec![])
    }
}

/// Compiles patterns of strangers in bounded time and memory.
#[cfg(feature = "regex")]
#[derive(Default)]
struct Patterns {
    count: usize,
    bytes: usize,
    failures: usize,
}

#[cfg(feature = "regex")]
impl Patterns {
    fn compile(&mut self, pattern: &str) -> Result<regex::Regex, String> {
        self.count += 1;
        self.bytes += pattern.len();
        if self.count > MAX_PATTERNS || self.bytes > MAX_PATTERN_BYTES || self.failures >= MAX_BAD_PATTERNS {
            return Err(format!(
                "is beyond what is compiled: {MAX_PATTERNS} patterns with {MAX_PATTERN_BYTES} bytes in a config, of \
                 which {MAX_BAD_PATTERNS} may be faulty"
            ));
        }
        let built = regex::RegexBuilder::new(pattern)
            .size_limit(MAX_PATTERN_SIZE)
            .dfa_size_limit(MAX_PATTERN_SIZE)
            .nest_limit(MAX_PATTERN_NESTING)
            .build();
        built.map_err(|error| {
            self.failures += 1;
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("is no pattern: {}", last.strip_prefix("error: ").unwrap_or(last))
        })
    }
}

fn collect<'r>(rule: &'r Rule, depth: usize, names: &mut BTreeSet<&'r str>) {
    if depth > MAX_DEPTH {
        return;
    }
    match rule {
        Rule::All(rules) | Rule::Any(rules) => {
            rules.iter().for_each(|rule| collect(rule, depth + 1, names));
        }
        Rule::Not(rule) => collect(rule, depth + 1, names),
        Rule::Test { attribute, .. } => {
            names.insert(attribute);
        }
    }
}

fn equals(value: &ParamValue, path: &str, found: &mut Found) -> Check {
    match value {
        ParamValue::Bool(wanted) => Check::Bool(*wanted),
        ParamValue::Text(wanted) => Check::Text(wanted.as_str().into()),
        ParamValue::Int(wanted) => {
            #[allow(clippy::cast_precision_loss, reason = "checked below")]
            let number = *wanted as f64;
            if compare_int(*wanted, number) != Ordering::Equal {
                let remedy = "give a number that an f64 has exactly, or compare texts";
                found.add(FaultKind::Rule, path, wanted, "is above 2^53 and is rounded", remedy);
            }
            Check::Number(Comparison::Equal, number)
        }
        ParamValue::Float(wanted) => {
            finite(*wanted, path, found);
            Check::Number(Comparison::Equal, *wanted)
        }
    }
}

fn one_of(values: &[ParamValue], path: &str, found: &mut Found) -> Check {
    let mut texts: Vec<Box<str>> = values.iter().filter_map(|v| v.as_str().map(Into::into)).collect();
    texts.sort_unstable();
    texts.dedup();
    let others = values.iter().filter(|value| value.as_str().is_none());
    let mut others: Vec<_> = others.map(|value| equals(value, path, found)).collect();
    if others.is_empty() {
        return Check::Texts(texts);
    }
    if !texts.is_empty() {
        others.push(Check::Texts(texts));
    }
    Check::Mixed(others)
}

fn finite(number: f64, path: &str, found: &mut Found) {
    if !number.is_finite() {
        found.add(FaultKind::NotFinite, path, number, "is not finite", "give a finite number");
    }
}

/// How many tests the rules of one config may have.
pub(crate) const MAX_TESTS: usize = 100_000;
/// How many patterns a config may have, and how long they may be together.
#[cfg(feature = "regex")]
pub(crate) const MAX_PATTERNS: usize = 1_000;
#[cfg(feature = "regex")]
pub(crate) const MAX_PATTERN_BYTES: usize = 64 << 10;
/// After so many faulty patterns no other is tried: each can cost as much as the size limit allows.
#[cfg(feature = "regex")]
const MAX_BAD_PATTERNS: usize = 20;
/// How large a compiled pattern may be, in bytes.
#[cfg(feature = "regex")]
const MAX_PATTERN_SIZE: usize = 256 << 10;
#[cfg(feature = "regex")]
const MAX_PATTERN_NESTING: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: &str, request: &[(&str, Value<'_>)]) -> bool {
        let rule: Rule = rule.parse().unwrap();
        let mut found = Found::default();
        let mut compiler = Compiler::new([&rule], []);
        let program = compiler.compile(&rule, "rule", &mut found);
        found.into_result().unwrap();
        program.holds(&compiler.into_names(), &request.to_vec())
    }

    #[test]
    fn tests_mean_what_they_say() {
        let request = [
            ("country", Value::Text("DE")),
            ("age", Value::Int(30)),
            ("score", Value::Float(0.5)),
            ("app", Value::Text("2.10.1")),
            ("beta", Value::Text("2.10.1-rc.2")),
            ("staff", Value::Bool(false)),
            ("seen", Value::Time("2026-03-01T00:00:00Z".parse().unwrap())),
            ("joined", Value::Text("2025-12-31T23:00:00Z")),
            ("groups", Value::Texts(&["a", "beta-testers"])),
            ("big", Value::Int(9_007_199_254_740_993)),
        ];
        for (rule, expected) in [
            ("country = 'DE'", true),
            ("country = 'de'", false),
            ("country != 'AT'", true),
            ("country in ('AT', 'DE')", true),
            ("country in ()", false),
            ("country in (1, true, 'DE')", true),
            ("age >= 30 and age <= 30 and age = 30 and age = 30.0", true),
            ("age > 30 or age < 30", false),
            ("age = '30'", false),
            ("score < 0.6 and score > 0.4", true),
            ("app > version '2.9.0' and app < version '2.11'", true),
            ("beta < version '2.10.1' and beta > version '2.10.1-rc.1'", true),
            ("country > version '1.0.0'", false),
            ("staff = false", true),
            ("seen >= time '2026-03-01T00:00:00Z'", true),
            ("joined < time '2026-01-01T00:00:00Z'", true),
            ("groups = 'a' and groups contains 'testers'", true),
            ("groups starts with 'b'", true),
            ("groups in ('c')", false),
            ("nothing = 'x' or nothing > 0", false),
            ("nothing is missing and not (nothing = 'x')", true),
            ("nothing != 'x'", true),
            ("groups is present", true),
            ("all ()", true),
            ("any ()", false),
            // 2^53 + 1 is not 2^53, though the nearest f64 is.
            ("big > 9007199254740992", true),
            ("big = number 9007199254740992", false),
        ] {
            assert_eq!(holds(rule, &request), expected, "{rule}");
        }
    }

    #[cfg(feature = "regex")]
    #[test]
    fn patterns_are_bounded() {
        assert!(holds("mail matches '^[a-z]+@x[.]org$'", &[("mail", Value::Text("ada@x.org"))]));
        let mut patterns = Patterns::default();
        for bad in ["(", "(?=a)", r"(a)\1", r"(\pL{999}){999}", &"(".repeat(500)] {
            assert!(patterns.compile(bad).is_err(), "{bad}");
        }
        for _ in 0..100 {
            let _ = patterns.compile(r"(\pL{999}){999}");
        }
        assert!(patterns.compile("a").unwrap_err().contains("beyond what is compiled"));
    }
}
