//! One rule of a flag, on its way into a phase.

use serde_json::Value;

use super::spans::Spans;
use crate::config::Buckets;
use crate::targeting::Rule;

/// Buckets that a unit must be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::compat) struct Gate {
    pub(in crate::compat) buckets: Buckets,
    pub(in crate::compat) spans: Spans,
}

#[derive(Debug, Clone)]
pub(in crate::compat) struct Arm {
    pub(in crate::compat) name: String,
    pub(in crate::compat) value: Value,
    /// Its buckets among those that split the rule.
    pub(in crate::compat) spans: Spans,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::compat) enum Kind {
    /// Several arms; `logged` says whether exposures are.
    Experiment { logged: bool },
    /// One arm for everybody.
    Rollout,
}

/// A rule: who gets it, and what.
#[derive(Debug, Clone)]
pub(in crate::compat) struct Part {
    pub(in crate::compat) path: String,
    pub(in crate::compat) experiment: String,
    /// The attribute that is hashed.
    pub(in crate::compat) attribute: String,
    pub(in crate::compat) when: Rule,
    /// All of them must let a unit in. No two have the same buckets, and none lets everybody in.
    pub(in crate::compat) gates: Vec<Gate>,
    /// What splits it into arms; without it there is one arm.
    pub(in crate::compat) split: Option<Buckets>,
    pub(in crate::compat) arms: Vec<Arm>,
    pub(in crate::compat) kind: Kind,
}

impl Part {
    /// A rule that gives everybody who fits one value.
    pub(in crate::compat) fn rollout(
        path: String,
        experiment: String,
        attribute: String,
        value: Value,
    ) -> Self {
        let arms = vec![Arm { name: ALL.to_owned(), value, spans: Spans::default() }];
        let (when, kind) = (super::ALWAYS, Kind::Rollout);
        Self { path, experiment, attribute, when, gates: Vec::new(), split: None, arms, kind }
    }

    /// Splits it into arms; who is in none of them is not in the rule.
    pub(in crate::compat) fn split(&mut self, buckets: Buckets, arms: Vec<Arm>) {
        let spans = arms.iter().fold(Spans::default(), |all, arm| all.or(&arm.spans));
        self.arms = arms.into_iter().filter(|arm| !arm.spans.is_empty()).collect();
        // Nobody outside the gate is asked for an arm, and the arms of a phase must cover every place.
        if let Some(last) = self.arms.last_mut() {
            last.spans = last.spans.or(&spans.others(total(&buckets)));
        }
        self.split = Some(buckets.clone());
        self.gate(Gate { buckets, spans });
    }

    /// Lets in only units in these buckets.
    pub(in crate::compat) fn gate(&mut self, gate: Gate) {
        match self.gates.iter_mut().find(|known| known.buckets == gate.buckets) {
            Some(known) => known.spans = known.spans.and(&gate.spans),
            None if gate.spans == Spans::below(total(&gate.buckets)) => {}
            None => self.gates.push(gate),
        }
    }

    /// Whether no request can get it.
    pub(in crate::compat) fn is_empty(&self) -> bool {
        self.when == super::NEVER
            || self.arms.is_empty()
            || self.gates.iter().any(|gate| gate.spans.is_empty())
    }
}

/// How many buckets there are; the formulas that are imported have no more than this holds.
pub(super) fn total(buckets: &Buckets) -> u32 {
    u32::try_from(buckets.total()).unwrap_or(u32::MAX)
}

/// The arm of a phase that has only one.
const ALL: &str = "all";
