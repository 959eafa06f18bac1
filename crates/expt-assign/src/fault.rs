//! Everything that is wrong with a config.

use std::fmt;

/// One thing that is wrong with a config.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// Where: `phases[1].arms[0].ranges`.
    pub path: String,
    /// The value that is there.
    pub value: String,
    /// What is wrong with it, with the other party where there is one.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}; {}", self.path, self.value, self.problem, self.remedy)
    }
}

/// Kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// Something that must not be empty.
    Empty,
    /// An id, or something else that must be the only one of its kind, stands twice.
    Duplicate,
    /// A reference to something that the config does not have.
    Dangling,
    /// Two claims on the same places.
    Overlap,
    /// Places that no arm covers.
    Uncovered,
    /// A decision point that two layers list.
    PointOwnedTwice,
    /// A binding of a decision point that the layer of the phase does not list.
    PointNotOwned,
    /// Arms of one phase that bind different decision points.
    BindingsDiffer,
    /// A phase without the digest of a sealed plan.
    NoPlan,
    /// Two parties that randomise different kinds of units and must randomise the same.
    UnitMismatch,
    /// A state that contradicts the rest of the phase.
    State,
    /// Two phases whose units would have the same arms.
    SharedEpoch,
    /// A unit that is forced although a holdout holds it.
    ForcedHeldOut,
    /// A number that is not finite.
    NotFinite,
    /// Text that cannot be a name.
    Name,
    /// A targeting rule that cannot be compiled.
    Rule,
    /// Prerequisites that lead back to where they begin.
    Cycle,
    /// More than the limits allow.
    TooLarge,
    /// Something that needs a feature which this build does not have.
    Feature,
}

/// The faults of a config: at least one, and all of them unless there are more than a thousand.
///
/// Of those the first thousand are kept and the rest is [counted](Faults::more), because a small document can have
/// very many: each of ten thousand forced units may be held out by each of ten thousand holdouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    more: usize,
}

impl Faults {
    /// The faults, by section of the config; at most a thousand.
    #[must_use]
    pub fn as_slice(&self) -> &[Fault] {
        &self.kept
    }

    /// How many faults were found besides.
    #[must_use]
    pub const fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kept.as_slice() {
            [fault] => write!(f, "the config has a fault: {fault}"),
            faults => {
                write!(f, "the config has {} faults", faults.len().saturating_add(self.more))?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))?;
                if self.more > 0 { write!(f, "\n  and {} more", self.more) } else { Ok(()) }
            }
        }
    }
}

impl std::error::Error for Faults {}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.iter()
    }
}

/// Where the checks write what they find.
#[derive(Debug, Default)]
pub(crate) struct Found {
    kept: Vec<Fault>,
    more: usize,
}

impl Found {
    pub(crate) fn add(
        &mut self,
        kind: FaultKind,
        path: impl Into<String>,
        value: impl fmt::Display,
        problem: impl Into<String>,
        remedy: &'static str,
    ) {
        if self.kept.len() >= MAX_KEPT {
            self.more = self.more.saturating_add(1);
            return;
        }
        let (path, problem) = (path.into(), problem.into());
        self.kept.push(Fault { kind, path, value: value.to_string(), problem, remedy });
    }

    pub(crate) fn into_result(self) -> Result<(), Faults> {
        let Self { kept, more } = self;
        if kept.is_empty() { Ok(()) } else { Err(Faults { kept, more }) }
    }
}

/// How many faults are kept: more than anybody reads, and little memory.
const MAX_KEPT: usize = 1_000;
