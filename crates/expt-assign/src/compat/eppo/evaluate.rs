//! From a flag and a subject to an assignment.

use std::borrow::Cow;
use std::collections::BTreeMap;

use expt_core::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::condition::Subject;
use super::error::NoAssignment;
use super::flags::{Allocation, Flag, Split};
use super::value::{AssignmentValue, VariationType};
use crate::compat::growthbook::js;

/// What a flag gives a subject.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Assignment<'a> {
    /// The value.
    pub value: &'a AssignmentValue,
    /// The variation.
    pub variation_key: &'a str,
    /// The allocation that gave it.
    pub allocation_key: &'a str,
    /// Whether it is to be logged for analysis.
    pub do_log: bool,
    /// What is to be logged with it.
    pub extra_logging: &'a BTreeMap<String, String>,
}

/// What a flag gives a subject, and what became of each allocation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Evaluation<'a> {
    /// The result.
    pub assignment: Result<Assignment<'a>, NoAssignment>,
    /// The result in a sentence.
    pub description: String,
    /// The variation that was chosen, usable or not.
    pub variation_key: Option<&'a str>,
    /// Its value; JSON is parsed.
    pub variation_value: Option<Cow<'a, Value>>,
    /// The index of the rule that matched in the allocation that matched; nothing if that has no rules.
    pub matched_rule: Option<usize>,
    /// The allocation that matched.
    pub matched: Option<AllocationEvaluation<'a>>,
    /// The allocations before it.
    pub unmatched: Vec<AllocationEvaluation<'a>>,
    /// The allocations that were not looked at.
    pub unevaluated: Vec<AllocationEvaluation<'a>>,
}

impl Evaluation<'_> {
    /// The name that the SDK's evaluation details use for the result.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.assignment.as_ref().map_or_else(|reason| reason.code(), |_| "MATCH")
    }
}

/// What became of an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AllocationEvaluation<'a> {
    /// The allocation.
    pub key: &'a str,
    /// What became of it.
    pub allocation_evaluation_code: AllocationCode,
    /// Its position, from 1.
    pub order_position: usize,
}

/// What became of an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum AllocationCode {
    /// It was not looked at.
    Unevaluated,
    /// It decided.
    Match,
    /// It has not started.
    BeforeStartTime,
    /// It has ended.
    AfterEndTime,
    /// None of its rules matches.
    FailingRule,
    /// A rule matches, but the subject falls into none of its splits.
    TrafficExposureMiss,
}

impl Flag {
    pub(super) fn evaluate(
        &self,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Result<Assignment<'_>, NoAssignment> {
        let chosen = self.choose(subject, now, |_| {}).ok_or(NoAssignment::DefaultAllocationNull)?;
        self.assign(&chosen)
    }

    pub(super) fn explain(&self, subject: &Subject<'_>, now: Timestamp) -> Evaluation<'_> {
        let mut codes = Vec::new();
        let chosen = self.choose(subject, now, |code| codes.push(code));
        let unmatched = self.evaluations(0, codes.iter().copied());
        let Some(chosen) = chosen else {
            return Evaluation {
                unmatched,
                ..Evaluation::empty(
                    NoAssignment::DefaultAllocationNull,
                    "No allocations matched. Falling back to \"Default Allocation\", serving NULL".to_owned(),
                )
            };
        };
        let position = codes.len();
        let variation = chosen.split.variation.and_then(|index| self.variations.get(index));
        let value = variation.map(|variation| match &variation.value {
            Some(AssignmentValue::Json { parsed, .. }) => Cow::Borrowed(parsed),
            _ => Cow::Borrowed(&variation.raw),
        });
        Evaluation {
            assignment: self.assign(&chosen),
            description: self.description(&chosen, subject.key),
            variation_key: variation.map(|variation| variation.key.as_str()),
            variation_value: value,
            matched_rule: chosen.rule,
            matched: self.evaluations(position, std::iter::once(AllocationCode::Match)).pop(),
            unmatched,
            unevaluated: self.evaluations(position + 1, std::iter::repeat(AllocationCode::Unevaluated)),
        }
    }

    /// The first allocation and split that take the subject; `skip` hears of every allocation before.
    fn choose(
        &self,
        subject: &Subject<'_>,
        now: Timestamp,
        mut skip: impl FnMut(AllocationCode),
    ) -> Option<Chosen<'_>> {
        for allocation in &self.allocations {
            match self.split(allocation, subject, now) {
                Ok(chosen) => return Some(chosen),
                Err(code) => skip(code),
            }
        }
        None
    }

    fn split<'a>(
        &'a self,
        allocation: &'a Allocation,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Result<Chosen<'a>, AllocationCode> {
        if allocation.start.is_some_and(|start| now < start) {
            return Err(AllocationCode::BeforeStartTime);
        }
        if allocation.end.is_some_and(|end| now > end) {
            return Err(AllocationCode::AfterEndTime);
        }
        let mut rules = allocation.rules.iter();
        let rule = rules.position(|rule| {
            rule.0
                .iter()
                .all(|condition| condition.as_ref().is_some_and(|condition| condition.matches(subject)))
        });
        if rule.is_none() && !allocation.rules.is_empty() {
            return Err(AllocationCode::FailingRule);
        }
        let mut splits = allocation.splits.iter();
        let split = splits.find(|split| self.takes(split, subject.key));
        let split = split.ok_or(AllocationCode::TrafficExposureMiss)?;
        Ok(Chosen { allocation, split, rule })
    }

    fn takes(&self, split: &Split, subject_key: &str) -> bool {
        split.shards.iter().all(|shard| {
            let place = shard.sharder.shard(subject_key, self.total_shards);
            self.total_shards > 0 && shard.ranges.iter().any(|range| range.contains(place))
        })
    }

    fn assign<'a>(&'a self, chosen: &Chosen<'a>) -> Result<Assignment<'a>, NoAssignment> {
        let Chosen { allocation, split, .. } = chosen;
        let variation = split.variation.and_then(|index| self.variations.get(index));
        let value = variation.and_then(|variation| variation.value.as_ref());
        Ok(Assignment {
            value: value.ok_or(NoAssignment::Misconfigured)?,
            variation_key: &split.variation_key,
            allocation_key: &allocation.key,
            do_log: allocation.do_log,
            extra_logging: &split.extra_logging,
        })
    }

    fn description(&self, chosen: &Chosen<'_>, subject: &str) -> String {
        let Chosen { allocation, split, .. } = chosen;
        let (key, variation_key) = (&allocation.key, &split.variation_key);
        match split.variation.and_then(|index| self.variations.get(index)) {
            None => return format!("Variation ({variation_key}) is not defined"),
            Some(variation) if variation.value.is_none() => {
                let (expected, value) = (self.variation_type, js::text(&variation.raw));
                return format!(
                    "Variation ({variation_key}) is configured for type {expected}, but is set to incompatible value ({value})"
                );
            }
            Some(_) => {}
        }
        let is_part = allocation.splits.len() > 1 || split.shards.len() > 1;
        if allocation.rules.is_empty() {
            format!(
                "{subject} belongs to the range of traffic assigned to \"{variation_key}\" defined in allocation \"{key}\"."
            )
        } else if is_part {
            format!(
                "Supplied attributes match rules defined in allocation \"{key}\" and {subject} belongs to the range of traffic assigned to \"{variation_key}\"."
            )
        } else {
            format!("Supplied attributes match rules defined in allocation \"{key}\".")
        }
    }

    fn evaluations(
        &self,
        from: usize,
        codes: impl Iterator<Item = AllocationCode>,
    ) -> Vec<AllocationEvaluation<'_>> {
        let allocations = self.allocations.iter().enumerate().skip(from);
        allocations
            .zip(codes)
            .map(|((index, allocation), code)| AllocationEvaluation {
                key: &allocation.key,
                allocation_evaluation_code: code,
                order_position: index + 1,
            })
            .collect()
    }
}

impl<'a> Evaluation<'a> {
    /// Of a flag that is not evaluated.
    pub(super) fn nothing(flag_key: &str, flag: Option<&'a Flag>, reason: NoAssignment) -> Self {
        let description = match reason {
            NoAssignment::TypeMismatch { found, expected } => mismatch(flag_key, found, expected),
            NoAssignment::Misconfigured => format!("The flag {flag_key} cannot be read"),
            _ => format!("Unrecognized or disabled flag: {flag_key}"),
        };
        let codes = std::iter::repeat(AllocationCode::Unevaluated);
        let unevaluated = flag.map(|flag| flag.evaluations(0, codes)).unwrap_or_default();
        Self { unevaluated, ..Self::empty(reason, description) }
    }

    fn empty(reason: NoAssignment, description: String) -> Self {
        Self {
            assignment: Err(reason),
            description,
            variation_key: None,
            variation_value: None,
            matched_rule: None,
            matched: None,
            unmatched: Vec::new(),
            unevaluated: Vec::new(),
        }
    }
}

struct Chosen<'a> {
    allocation: &'a Allocation,
    split: &'a Split,
    rule: Option<usize>,
}

fn mismatch(flag_key: &str, found: VariationType, expected: VariationType) -> String {
    format!(
        "Variation value does not have the correct type. Found {found}, but expected {expected} for flag {flag_key}"
    )
}
