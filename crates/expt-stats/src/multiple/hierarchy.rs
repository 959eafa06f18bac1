//! Primary, secondary and guardrail families, and what has to be rejected before what.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::correction::Correction;
use super::graph::Graph;
use super::scale::{PValue, Scale};
use crate::error::StatsError;
use crate::level::Alpha;

/// Says what a family of hypotheses is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FamilyRole {
    /// The hypotheses that decide; behind no other family unless gates say so.
    Primary,
    /// Hypotheses behind the gates of the families before them.
    Secondary,
    /// Checks that no harm is done: outside the gates, at the full alpha with the correction of the family.
    Guardrail,
}

impl fmt::Display for FamilyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Guardrail => "guardrail",
        })
    }
}

/// Says when a family may be tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gate {
    /// If every hypothesis of all earlier families is rejected, at the full alpha (Maurer, Hothorn and
    /// Lehmacher 1995). The family-wise error over all families is that of the corrections within them.
    #[default]
    Serial,
    /// If some hypothesis of the earlier family is rejected, with the share of alpha of the rejected ones
    /// (Dmitrienko, Offen and Westfall 2003). Families before the last must use Bonferroni, the last one
    /// Bonferroni or Holm: a stepwise correction keeps no share to hand on.
    Parallel,
}

/// Holds the hypotheses that are corrected together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Family {
    /// The name, for the derivation.
    pub name: String,
    /// What the family is for.
    pub role: FamilyRole,
    /// The places of its hypotheses in the list of p-values.
    pub members: Vec<usize>,
    /// The correction within the family.
    pub correction: Correction,
}

impl Family {
    /// Makes a family with the default correction (Holm).
    #[must_use]
    pub fn new(name: impl Into<String>, role: FamilyRole, members: impl Into<Vec<usize>>) -> Self {
        Self { name: name.into(), role, members: members.into(), correction: Correction::default() }
    }

    /// Sets the correction within the family.
    #[must_use]
    pub fn with_correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }
}

/// Holds families in the order in which they are tested. Each hypothesis belongs to exactly one.
///
/// ```
/// use expt_stats::{Alpha, multiple::{Family, FamilyRole, Gate, Hierarchy}};
///
/// let hierarchy = Hierarchy::new(Gate::Serial, [
///     Family::new("revenue", FamilyRole::Primary, [0]),
///     Family::new("engagement", FamilyRole::Secondary, [1, 2]),
///     Family::new("latency and errors", FamilyRole::Guardrail, [3]),
/// ])?;
/// let result = hierarchy.test(&[0.02, 0.01, 0.04, 0.6], Alpha::FIVE_PERCENT)?;
/// assert_eq!(result.rejected, [true, true, true, false]);
/// assert_eq!(
///     result.derivation[1].to_string(),
///     "secondary family `engagement`: Holm over 2 hypotheses at 0.05, tested only if all of `revenue` are \
///      rejected; 2 rejected"
/// );
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Hierarchy {
    gate: Gate,
    families: Vec<Family>,
    count: usize,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    gate: Gate,
    families: Vec<Family>,
}

impl Hierarchy {
    /// Makes a hierarchy.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if a family is empty, a hypothesis is in two families, the places are not
    /// `0..m` without gaps, or a parallel gate stands behind a stepwise correction (see [`Gate::Parallel`]).
    pub fn new(gate: Gate, families: impl Into<Vec<Family>>) -> Result<Self, StatsError> {
        let families = families.into();
        let mut members: Vec<usize> = families.iter().flat_map(|family| family.members.clone()).collect();
        members.sort_unstable();
        if let Some((_, &value)) = (0..).zip(&members).find(|(expected, member)| expected != *member) {
            return Err(StatsError::OutOfRange {
                what: "a family's hypothesis",
                value: value as f64,
                allowed: "every place from 0 on, each in exactly one family",
            });
        }
        if let Some(position) = families.iter().position(|family| family.members.is_empty()) {
            return Err(StatsError::OutOfRange {
                what: "the position of a family without hypotheses",
                value: position as f64,
                allowed: "none; leave the family out",
            });
        }
        let hierarchy = Self { gate, families, count: members.len() };
        hierarchy.check_gates()?;
        Ok(hierarchy)
    }

    fn check_gates(&self) -> Result<(), StatsError> {
        let gated = self.gated();
        let sound = |position: usize, family: &Family| match family.correction {
            Correction::Bonferroni => true,
            Correction::Holm => position + 1 == gated.len(),
            _ => false,
        };
        let wrong = gated.iter().enumerate().position(|(position, family)| !sound(position, family));
        match wrong.filter(|_| self.gate == Gate::Parallel) {
            Some(position) => Err(StatsError::OutOfRange {
                what: "the position of a family whose correction keeps no share to hand on",
                value: position as f64,
                allowed: "none: with parallel gates use Bonferroni, and Bonferroni or Holm in the last family",
            }),
            None => Ok(()),
        }
    }

    /// Returns the families in order.
    #[must_use]
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// Returns the gate.
    #[must_use]
    pub const fn gate(&self) -> Gate {
        self.gate
    }

    /// Tests all families at `alpha`.
    ///
    /// With serial gates the adjusted p-value of a hypothesis is the largest of its own within the family and
    /// of all adjusted ones of earlier families; with parallel gates that of the graph that hands shares on.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if a probability is not in `[0, 1]` or the number of p-values is not that of
    /// the hypotheses.
    pub fn test<P: PValue>(&self, p: &[P], alpha: Alpha) -> Result<HierarchyResult<P>, StatsError> {
        if p.len() != self.count {
            return Err(StatsError::OutOfRange {
                what: "the number of p-values",
                value: p.len() as f64,
                allowed: "one for each hypothesis of the hierarchy",
            });
        }
        let mut adjusted: Vec<P> = match self.gate {
            Gate::Serial => vec![P::leave(P::Scale::ONE); p.len()],
            Gate::Parallel => {
                let gated: Vec<&[usize]> =
                    self.gated().iter().map(|family| family.members.as_slice()).collect();
                let holm = self.gated().last().is_some_and(|family| family.correction == Correction::Holm);
                Graph::parallel(&gated, p.len(), holm).correct(p)?.adjusted
            }
        };
        let mut floor = f64::NEG_INFINITY;
        for family in &self.families {
            if self.gate == Gate::Parallel && family.role != FamilyRole::Guardrail {
                continue;
            }
            let own: Vec<P> = family.members.iter().filter_map(|&i| p.get(i).copied()).collect();
            let gated = family.role != FamilyRole::Guardrail;
            let behind = if gated { floor } else { f64::NEG_INFINITY };
            for (&i, value) in family.members.iter().zip(family.correction.correct(&own)?.adjusted) {
                let value = value.enter()?.max(behind);
                if gated {
                    floor = floor.max(value);
                }
                if let Some(slot) = adjusted.get_mut(i) {
                    *slot = P::leave(value);
                }
            }
        }
        let rejected: Vec<bool> = adjusted.iter().map(|p| p.at_most(alpha)).collect();
        let derivation = self.derive(alpha, &rejected);
        Ok(HierarchyResult { alpha, adjusted, rejected, derivation })
    }

    fn gated(&self) -> Vec<&Family> {
        self.families.iter().filter(|family| family.role != FamilyRole::Guardrail).collect()
    }

    fn derive(&self, alpha: Alpha, rejected: &[bool]) -> Vec<AppliedCorrection> {
        let mut before: Vec<String> = Vec::new();
        let mut derivation = Vec::with_capacity(self.families.len());
        for family in &self.families {
            let gated = family.role != FamilyRole::Guardrail;
            let behind = if gated { before.clone() } else { Vec::new() };
            let is_rejected = |i: &&usize| rejected.get(**i).copied().unwrap_or(false);
            derivation.push(AppliedCorrection {
                family: family.name.clone(),
                role: family.role,
                correction: family.correction,
                size: family.members.len(),
                alpha,
                gate: self.gate,
                behind,
                rejected: family.members.iter().filter(is_rejected).count(),
            });
            if gated {
                match self.gate {
                    Gate::Serial => before.push(family.name.clone()),
                    Gate::Parallel => before = vec![family.name.clone()],
                }
            }
        }
        derivation
    }
}

impl TryFrom<Parts> for Hierarchy {
    type Error = StatsError;

    fn try_from(parts: Parts) -> Result<Self, StatsError> {
        Self::new(parts.gate, parts.families)
    }
}

impl From<Hierarchy> for Parts {
    fn from(hierarchy: Hierarchy) -> Self {
        Self { gate: hierarchy.gate, families: hierarchy.families }
    }
}

/// Holds the outcome of a hierarchy, hypotheses in input order, families in theirs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HierarchyResult<P> {
    /// The level.
    pub alpha: Alpha,
    /// One adjusted p-value per hypothesis: the least alpha at which it is rejected.
    pub adjusted: Vec<P>,
    /// Whether each hypothesis is rejected.
    pub rejected: Vec<bool>,
    /// What was applied to each family.
    pub derivation: Vec<AppliedCorrection>,
}

/// Says which correction was applied to a family and what had to happen first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AppliedCorrection {
    /// The family's name.
    pub family: String,
    /// What the family is for.
    pub role: FamilyRole,
    /// The correction within it.
    pub correction: Correction,
    /// How many hypotheses were corrected together.
    pub size: usize,
    /// The level of the hierarchy.
    pub alpha: Alpha,
    /// The kind of gate.
    pub gate: Gate,
    /// The names of the families that stand before it; empty if it is tested in any case.
    pub behind: Vec<String>,
    /// How many of its hypotheses are rejected.
    pub rejected: usize,
}

impl fmt::Display for AppliedCorrection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, role, correction, size, alpha, .. } = self;
        let hypotheses = if *size == 1 { "hypothesis" } else { "hypotheses" };
        write!(f, "{role} family `{family}`: {correction} over {size} {hypotheses} at {alpha}")?;
        if !self.behind.is_empty() {
            let names: Vec<String> = self.behind.iter().map(|name| format!("`{name}`")).collect();
            let names = names.join(", ");
            match self.gate {
                Gate::Serial => write!(f, ", tested only if all of {names} are rejected")?,
                Gate::Parallel => write!(f, " times the share that the rejected ones of {names} hand on")?,
            }
        }
        write!(f, "; {} rejected", self.rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn families(first: Correction, last: Correction) -> [Family; 3] {
        [
            Family::new("primary", FamilyRole::Primary, [0, 1]).with_correction(first),
            Family::new("guard", FamilyRole::Guardrail, [4]),
            Family::new("secondary", FamilyRole::Secondary, [2, 3]).with_correction(last),
        ]
    }

    fn adjusted(gate: Gate, last: Correction, p: &[f64]) -> Vec<f64> {
        let hierarchy = Hierarchy::new(gate, families(Correction::Bonferroni, last)).unwrap();
        hierarchy.test(p, Alpha::FIVE_PERCENT).unwrap().adjusted
    }

    #[test]
    fn a_serial_gate_needs_all_and_a_guardrail_stands_aside() {
        let got = adjusted(Gate::Serial, Correction::Holm, &[0.001, 0.03, 0.002, 0.0001, 0.01]);
        for (got, want) in got.iter().zip([0.002, 0.06, 0.06, 0.06, 0.01]) {
            close(*got, want, 1e-12);
        }
    }

    /// By hand: half of alpha from the rejected primary; in the secondary, Holm on that half.
    #[test]
    fn a_parallel_gate_hands_on_the_shares_of_the_rejected() {
        let got = adjusted(Gate::Parallel, Correction::Holm, &[0.001, 0.6, 0.002, 0.004, 0.5]);
        for (got, want) in got.iter().zip([0.002, 1.0, 0.008, 0.008, 0.5]) {
            close(*got, want, 1e-12);
        }
        let none = adjusted(Gate::Parallel, Correction::Bonferroni, &[0.1, 0.6, 0.0, 0.0, 0.5]);
        assert!(none[2] >= 0.2 && none[3] >= 0.2);
    }

    #[test]
    fn unsound_hierarchies_are_refused() {
        let stepwise = families(Correction::Holm, Correction::Holm);
        assert!(Hierarchy::new(Gate::Parallel, stepwise.clone()).is_err());
        assert!(Hierarchy::new(Gate::Serial, stepwise).is_ok());
        let twice = [Family::new("a", FamilyRole::Primary, [0, 0])];
        assert!(Hierarchy::new(Gate::Serial, twice).is_err());
        let gap = [Family::new("a", FamilyRole::Primary, [1])];
        assert!(Hierarchy::new(Gate::Serial, gap).is_err());
        let empty = [Family::new("a", FamilyRole::Primary, [])];
        assert!(Hierarchy::new(Gate::Serial, empty).is_err());
        let one = Hierarchy::new(Gate::Serial, [Family::new("a", FamilyRole::Primary, [0])]).unwrap();
        assert!(one.test(&[0.1, 0.2], Alpha::FIVE_PERCENT).is_err());
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Hierarchy>(&json).unwrap(), one);
    }
}
