//! Configs made from another product's flags, without moving a unit.
//!
//! [`growthbook::Features::import`](super::growthbook::Features::import) and
//! [`eppo::Flags::import`](super::eppo::Flags::import) turn flags into phases whose places come from the
//! product's own buckets. A flag is imported exactly or not at all; why not is in [`Import::left_out`].
//!
//! ```
//! use expt_assign::compat::growthbook::Features;
//! use expt_assign::compat::import::{ImportOptions, VALUE};
//! use expt_assign::{Context, Snapshot};
//! use expt_core::{Binding, Timestamp};
//!
//! let features = Features::from_json(r#"{"features": {"button": {
//!     "defaultValue": "grey",
//!     "rules": [{"variations": ["grey", "green"], "key": "button-test", "hashVersion": 2}]
//! }}}"#)?;
//! let import = features.import(&ImportOptions::new("shop", "shop-2026", 1))?;
//! assert!(import.left_out.is_empty());
//!
//! let snapshot = Snapshot::compile(import.config)?;
//! let (point, kind) = &import.flags["button"].points[0];
//! let unit = snapshot.unit(kind, "u-1")?;
//! let handle = snapshot.decision_point(point).ok_or("not imported")?;
//! let context = Context::new(Timestamp::from_micros(0));
//! let Some(Binding::Params(params)) = snapshot.assign(&unit, handle, &context).binding() else { panic!() };
//! assert_eq!(params[VALUE].as_str(), Some("green")); // as the SDK says
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What becomes of a flag
//! | There | Here |
//! |---|---|
//! | a flag | decision points, one for each of its rules: the first has the name of the flag, the next ones `flag#2`, `flag#3`; ask them in order ([`Imported::points`]), and the first that serves decides |
//! | a rule with several variations | a running phase of the experiment of that name, in a layer of its own; its arms take the same buckets. Phase and layer have the name of the decision point |
//! | a forced value, a rollout, an allocation with one variation | a shipped phase |
//! | the value of a variation | the parameter [`VALUE`]; lists, objects and null as JSON text |
//! | coverage, traffic, a namespace, a filter | the places of the phase; where there are several, shipped phases of an experiment `gates` that the phase asks for as prerequisites |
//! | conditions, rules | targeting |
//! | the default value | nothing is served, and [`Imported::default`] has it |
//!
//! Phases that ran elsewhere have no sealed plan here. Give the digests of plans that you have sealed for them
//! with [`ImportOptions::with_plans`]; a phase for which there is none gets a digest of its own name, which no
//! plan has, so that an analysis that asks for its plan finds none.
//!
//! # What is assumed of requests
//! - They have the attribute `id` (for Eppo that is the subject key). It and the other attributes that are hashed
//!   are texts that can be a [`UnitId`](expt_core::UnitId), or whole numbers from 1 to 2^53.
//! - An attribute is absent rather than null. One that is compared with a number, or read as a version, is no
//!   text of another form; one that is matched with a pattern is no number. Lists have only texts, and occur only
//!   where a rule looks for one of several values.
//! - Versions have three numbers, and in GrowthBook no number above 9,999 and no hyphen inside the parts of a
//!   pre-release.
//! - The attribute `a` of an object `company` is given as `company.a`.

mod build;
mod logic;
mod part;
mod spans;

use std::collections::BTreeMap;
use std::fmt;

use expt_core::{DecisionPoint, Digest, ExperimentId, ParamValue, PhaseId, Timestamp, UnitKind};
use serde_json::Value;

use crate::config::Config;
use crate::error::excerpt;

pub(super) use build::Builder;
pub(super) use logic::{
    ALWAYS, NEVER, all, any, constant, missing, not, of_text, one_of, or_missing, present, truths,
};
pub(super) use part::{Arm, Gate, Kind, Part};
pub(super) use spans::{Spans, first_wins};

/// The parameter that holds the value of a variation.
pub const VALUE: &str = "value";

/// Finds the digest of the plan of a phase, if it has one.
pub type Plans<'a> = &'a dyn Fn(&ExperimentId, &PhaseId) -> Option<Digest>;

/// What a config needs that flags do not have.
#[derive(Clone)]
pub struct ImportOptions<'a> {
    project: String,
    key: String,
    version: u32,
    plans: Option<Plans<'a>>,
    now: Timestamp,
}

impl<'a> ImportOptions<'a> {
    /// For a project, its key and the version of the config. Flags are read as of 1970, without plans.
    #[must_use]
    pub fn new(project: impl Into<String>, key: impl Into<String>, version: u32) -> Self {
        let (project, key) = (project.into(), key.into());
        Self { project, key, version, plans: None, now: Timestamp::from_micros(0) }
    }

    /// Sets the time at which the flags are read: it decides which allocations of Eppo are running.
    #[must_use]
    pub const fn with_now(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// Sets what finds the plans of phases.
    #[must_use]
    pub const fn with_plans(mut self, plans: Plans<'a>) -> Self {
        self.plans = Some(plans);
        self
    }

    /// The time at which the flags are read.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    fn plan(&self, experiment: &ExperimentId, phase: &PhaseId) -> Digest {
        let known = self.plans.and_then(|plans| plans(experiment, phase));
        known.unwrap_or_else(|| Digest::of(format!("imported phase without a plan: {phase}").as_bytes()))
    }
}

impl fmt::Debug for ImportOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportOptions")
            .field("project", &self.project)
            .field("version", &self.version)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// An imported config.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Import {
    /// The config; it compiles.
    pub config: Config,
    /// The flags that it has.
    pub flags: BTreeMap<String, Imported>,
    /// The flags that it has not.
    pub left_out: Vec<LeftOut>,
    /// When an allocation begins or ends: from then on the flags say something else; import them again.
    pub valid_until: Option<Timestamp>,
}

/// A flag that was imported.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// What to ask for, with the kind of unit that is randomised there: in order, until one serves.
    pub points: Vec<(DecisionPoint, UnitKind)>,
    /// What the flag is when none serves; nothing if that is up to the caller.
    pub default: Option<ParamValue>,
}

/// A flag that was not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The flag.
    pub flag: String,
    /// What it is about: `features["button"].rules[1].condition`.
    pub path: String,
    /// The value that is there, cut to its first 80 characters.
    pub value: String,
    /// Why it cannot be said in a config.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}; {}", self.path, self.value, self.problem, self.remedy)
    }
}

/// Why a flag cannot be imported: where, what is there, the problem.
#[derive(Debug)]
pub(super) struct Refused {
    path: String,
    value: String,
    problem: String,
}

impl Refused {
    pub(super) fn new(path: impl Into<String>, value: impl fmt::Display, problem: impl Into<String>) -> Self {
        Self { path: path.into(), value: excerpt(&value.to_string()), problem: problem.into() }
    }
}

/// What a part of a flag becomes.
pub(super) type Said<T> = Result<T, Refused>;

/// A value as a parameter; what JSON has beyond texts, numbers and truth values is its JSON text.
pub(super) fn param(value: &Value) -> ParamValue {
    match value {
        Value::Bool(value) => ParamValue::Bool(*value),
        Value::String(text) => ParamValue::Text(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => ParamValue::Int(whole),
            (None, Some(real)) => ParamValue::Float(real),
            (None, None) => ParamValue::Text(number.to_string()),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => ParamValue::Text(value.to_string()),
    }
}
