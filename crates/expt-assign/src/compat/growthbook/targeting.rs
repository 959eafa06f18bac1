//! Conditions as rules of a config.

use expt_core::ParamValue;
use semver::Version;
use serde_json::Value;

use super::condition::{Clause, Clauses, Condition};
use super::js;
use super::members::{Members, SavedGroups};
use super::operator::{Operator, Relation, Test};
use crate::compat::import::{
    NEVER, Refused, Said, all, any, constant, missing, not, of_text, one_of, or_missing, present, truths,
};
use crate::targeting::{self, Comparison, Rule};

/// The rule that holds for the requests that pass.
pub(super) fn rule(condition: &Condition, groups: &SavedGroups, path: &str) -> Said<Rule> {
    let scope = Scope { groups, path };
    condition.clauses.as_ref().map_or(Ok(NEVER), |clauses| scope.clauses(clauses))
}

struct Scope<'a> {
    groups: &'a SavedGroups,
    path: &'a str,
}

impl Scope<'_> {
    fn clauses(&self, clauses: &Clauses) -> Said<Rule> {
        let rules: Vec<Rule> = clauses.0.iter().map(|clause| self.clause(clause)).collect::<Said<_>>()?;
        Ok(all(rules))
    }

    fn clause(&self, clause: &Clause) -> Said<Rule> {
        let each = |of: &[Clauses]| of.iter().map(|clauses| self.clauses(clauses)).collect::<Said<Vec<_>>>();
        Ok(match clause {
            Clause::Any { of, expected } => {
                let held = if of.is_empty() { constant(true) } else { any(each(of)?) };
                if *expected { held } else { not(held) }
            }
            Clause::All(of) => all(each(of)?),
            Clause::Not(clauses) => not(self.clauses(clauses)?),
            Clause::Path { path, test } => {
                let is_of_list = |part: &str| part == "length" || part.parse::<usize>().is_ok();
                let attribute = path.join(".");
                if path.iter().skip(1).any(|part| is_of_list(part)) {
                    return Err(self.refuse(&attribute, "asks for the length or an element of a list"));
                }
                self.test(&attribute, test)?
            }
        })
    }

    fn test(&self, attribute: &str, test: &Test) -> Said<Rule> {
        let without = test.matches(&Value::Null, self.groups);
        Ok(match test {
            Test::Text(text) => or_missing(attribute, without, one_of(attribute, of_text(text))),
            Test::Number(number) => {
                let mut values = vec![ParamValue::Float(*number), ParamValue::Text(js::number_text(*number))];
                let is_same = |truth: &bool| test.matches(&Value::from(*truth), self.groups);
                values.extend([true, false].into_iter().filter(is_same).map(ParamValue::Bool));
                or_missing(attribute, without, one_of(attribute, values))
            }
            Test::Bool(expected) => {
                let falsy = [ParamValue::Bool(false), ParamValue::Int(0), ParamValue::Text(String::new())];
                let falsy = one_of(attribute, falsy.into());
                if *expected { all([present(attribute), not(falsy)]) } else { falsy }
            }
            Test::Null => missing(attribute),
            Test::Operators(operators) => {
                let rules = operators.iter().map(|operator| self.operator(attribute, operator));
                all(rules.collect::<Said<Vec<_>>>()?)
            }
            Test::Folded(_) => return Err(self.refuse(attribute, "is compared without regard to case")),
            Test::Json(_) => return Err(self.refuse(attribute, "is compared with a whole list or object")),
        })
    }

    fn operator(&self, attribute: &str, operator: &Operator) -> Said<Rule> {
        let without = operator.holds(&Value::Null, self.groups);
        Ok(match operator {
            Operator::Version { relation, source, .. } => {
                let version = self.version(attribute, source)?;
                let test =
                    |comparison| Rule::test(attribute, targeting::Test::Version(comparison, version.clone()));
                or_missing(attribute, without, related(*relation, test))
            }
            Operator::Order { expected: Value::String(_) | Value::Array(_) | Value::Object(_), .. } => {
                return Err(self
                    .refuse(attribute, "is ordered as a text, and rules order numbers, versions and times"));
            }
            Operator::Order { relation, expected } => {
                let number = js::number(expected);
                let test = |comparison| Rule::test(attribute, targeting::Test::Number(comparison, number));
                let truths = [true, false]
                    .into_iter()
                    .filter(|truth| operator.holds(&Value::from(*truth), self.groups));
                let truths = one_of(attribute, truths.map(ParamValue::Bool).collect());
                or_missing(attribute, without, any([related(*relation, test), truths]))
            }
            Operator::Same { expected, negated } => {
                let same = match expected {
                    Value::Null => missing(attribute),
                    Value::Array(_) | Value::Object(_) => NEVER,
                    value => Rule::equals(attribute, crate::compat::import::param(value)),
                };
                if *negated { not(same) } else { same }
            }
            Operator::Exists(true) => present(attribute),
            Operator::Exists(false) => missing(attribute),
            Operator::In { members, negated } => self.members(attribute, Some(members), *negated)?,
            Operator::Group { key, negated } => self.members(attribute, self.groups.get(key), *negated)?,
            Operator::Not(test) => not(self.test(attribute, test)?),
            Operator::Matches(regex) => {
                let pattern = targeting::Test::Matches(regex.as_str().to_owned());
                let truths = truths(attribute, |text| regex.is_match(text));
                or_missing(attribute, without, any([Rule::test(attribute, pattern), truths]))
            }
            Operator::Never => NEVER,
            Operator::Size(_) | Operator::ElementTest(_) | Operator::ElementClauses(_) | Operator::All(_) => {
                return Err(
                    self.refuse(attribute, "is asked for its length, or for what all its elements are")
                );
            }
            Operator::Type(_) => return Err(self.refuse(attribute, "is asked for its type")),
        })
    }

    fn members(&self, attribute: &str, members: Option<&Members>, negated: bool) -> Said<Rule> {
        let Some(members) = members else { return Ok(constant(negated)) };
        if members.is_folded() {
            return Err(self.refuse(attribute, "is looked up without regard to case"));
        }
        let known = one_of(attribute, members.values());
        let held = or_missing(attribute, members.meet(&Value::Null), known);
        Ok(if negated { not(held) } else { held })
    }

    /// A version whose place among others is the same there and here.
    fn version(&self, attribute: &str, source: &Value) -> Said<String> {
        let text = source.as_str().unwrap_or_default();
        let version = Version::parse(text.strip_prefix('v').unwrap_or(text));
        let is_short = |version: &Version| {
            let numbers = [version.major, version.minor, version.patch];
            let pre = version.pre.as_str().split('.');
            numbers.into_iter().all(|number| number < 10_000)
                && pre.clone().all(|part| !part.contains('-'))
                && pre.filter_map(|part| part.parse().ok()).all(|number: u64| number < 10_000)
        };
        match version {
            Ok(version) if is_short(&version) => Ok(version.to_string()),
            _ => {
                let problem =
                    "is not a version of three numbers below 10,000, without hyphens in a pre-release";
                Err(Refused::new(format!("{}, {attribute:?}", self.path), source, problem))
            }
        }
    }

    fn refuse(&self, attribute: &str, problem: &str) -> Refused {
        Refused::new(self.path, format!("{attribute:?}"), problem)
    }
}

fn related(relation: Relation, test: impl Fn(Comparison) -> Rule) -> Rule {
    match relation {
        Relation::Equal => test(Comparison::Equal),
        Relation::NotEqual => not(test(Comparison::Equal)),
        Relation::Less => test(Comparison::Below),
        Relation::LessOrEqual => test(Comparison::AtMost),
        Relation::Greater => test(Comparison::Above),
        Relation::GreaterOrEqual => test(Comparison::AtLeast),
    }
}
