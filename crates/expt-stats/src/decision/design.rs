//! What is fixed before the first unit is exposed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::procedure::Procedure;
use crate::error::{StatsError, non_negative};
use crate::level::Alpha;
use crate::multiple::Correction;
use crate::sequential::StartRule;

/// Holds the numbers of an experiment's plan: levels, directions, margins, sizes.
///
/// Primary metrics decide, each at alpha divided by their number; guardrails can hold them back; secondaries are
/// reported, corrected for their number, and never decide. Feed it with [`Readings`](crate::Readings) to
/// [`Design::decide`].
///
/// Guardrails must all hold, so they need no correction of alpha, but each that fails by chance blocks a good
/// treatment: to ship what is good with power `1 - beta`, power every test for
/// [`beta_per_test`](Self::beta_per_test) (Schultzberg, Ankargren and Frånberg 2024).
///
/// ```
/// use expt_stats::{
///     Alpha, Design, Direction, EffectState, Metric, Moments, Readings, Shares, Verdict,
/// };
///
/// let design = Design::new(Alpha::FIVE_PERCENT, Metric::new("conversion", Direction::HigherIsBetter), 40_000)?
///     .with_guardrail(Metric::new("errors", Direction::LowerIsBetter), 0.01)?;
/// let srm = Shares::new(&[1.0, 1.0])?.sequential(&[10_000, 10_000], Alpha::PER_MILLE)?;
/// let rate = |events| Moments::from_counts(events, 10_000);
/// let readings = Readings::new(srm, true)
///     .with("conversion", EffectState::proportions(&rate(1_000)?, &rate(1_250)?)?)
///     .with("errors", EffectState::proportions(&rate(200)?, &rate(190)?)?);
/// let decision = design.decide(&readings)?;
/// assert_eq!(decision.verdict, Verdict::Ship);
/// for step in &decision.derivation {
///     println!("{step}");
/// }
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Design {
    alpha: Alpha,
    primary: Metric,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_primaries: Vec<Metric>,
    secondaries: Vec<Metric>,
    guardrails: Vec<Guardrail>,
    correction: Correction,
    min_units: u64,
    max_units: u64,
    tuned_units: u64,
    start: StartRule,
    #[serde(skip_serializing_if = "Procedure::is_default")]
    procedure: Procedure,
}

impl Design {
    /// Makes a design that ends without a decision at `max_units`, both arms together.
    ///
    /// Defaults: no minimum, confidence sequences tuned to `max_units`, Holm for secondaries.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if `max_units` is zero.
    pub fn new(alpha: Alpha, primary: Metric, max_units: u64) -> Result<Self, StatsError> {
        let design = Self {
            alpha,
            primary,
            other_primaries: Vec::new(),
            secondaries: Vec::new(),
            guardrails: Vec::new(),
            correction: Correction::default(),
            min_units: 0,
            max_units,
            tuned_units: max_units,
            start: StartRule::default(),
            procedure: Procedure::default(),
        };
        design.checked()
    }

    /// Adds another primary metric: superiority on any of them is enough to ship, unless another one is inferior.
    /// Each is judged at alpha divided by their number.
    ///
    /// # Errors
    /// [`StatsError::DuplicateMetric`] if the design has a metric of this name.
    pub fn with_primary(mut self, metric: Metric) -> Result<Self, StatsError> {
        self.other_primaries.push(metric);
        self.checked()
    }

    /// Adds a secondary metric.
    ///
    /// # Errors
    /// [`StatsError::DuplicateMetric`] if the design has a metric of this name.
    pub fn with_secondary(mut self, metric: Metric) -> Result<Self, StatsError> {
        self.secondaries.push(metric);
        self.checked()
    }

    /// Adds a guardrail that may get worse by less than `margin`, in the metric's own units.
    ///
    /// # Errors
    /// [`StatsError::DuplicateMetric`]; [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless
    /// the margin is finite and not negative. A margin of zero demands superiority.
    pub fn with_guardrail(mut self, metric: Metric, margin: f64) -> Result<Self, StatsError> {
        self.guardrails.push(Guardrail { metric, margin });
        self.checked()
    }

    /// Sets the correction of the secondaries.
    #[must_use]
    pub const fn with_correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }

    /// Sets the units, both arms together, before which nothing ships.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if it is more than the maximum.
    pub fn with_min_units(mut self, units: u64) -> Result<Self, StatsError> {
        self.min_units = units;
        self.checked()
    }

    /// Sets the units, both arms together, at which the confidence sequences are tightest.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if it is zero.
    pub fn with_tuned_units(mut self, units: u64) -> Result<Self, StatsError> {
        self.tuned_units = units;
        self.checked()
    }

    /// Sets a stricter start rule.
    #[must_use]
    pub const fn with_start(mut self, start: StartRule) -> Self {
        self.start = start;
        self
    }

    /// Sets how the data is looked at.
    #[must_use]
    pub fn with_procedure(mut self, procedure: Procedure) -> Self {
        self.procedure = procedure;
        self
    }

    /// Returns the error level.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// Returns the first primary metric, whose units are those of the experiment.
    #[must_use]
    pub const fn primary(&self) -> &Metric {
        &self.primary
    }

    /// Returns every primary metric.
    pub fn primaries(&self) -> impl Iterator<Item = &Metric> {
        std::iter::once(&self.primary).chain(&self.other_primaries)
    }

    /// Returns the secondary metrics.
    #[must_use]
    pub fn secondaries(&self) -> &[Metric] {
        &self.secondaries
    }

    /// Returns the guardrails.
    #[must_use]
    pub fn guardrails(&self) -> &[Guardrail] {
        &self.guardrails
    }

    /// Returns the correction of the secondaries.
    #[must_use]
    pub const fn correction(&self) -> Correction {
        self.correction
    }

    /// Returns the units before which nothing ships.
    #[must_use]
    pub const fn min_units(&self) -> u64 {
        self.min_units
    }

    /// Returns the units at which the experiment ends.
    #[must_use]
    pub const fn max_units(&self) -> u64 {
        self.max_units
    }

    /// Returns the units at which the confidence sequences are tightest.
    #[must_use]
    pub const fn tuned_units(&self) -> u64 {
        self.tuned_units
    }

    /// Returns the start rule.
    #[must_use]
    pub const fn start(&self) -> StartRule {
        self.start
    }

    /// Returns how the data is looked at.
    #[must_use]
    pub const fn procedure(&self) -> &Procedure {
        &self.procedure
    }

    /// Returns the level of one primary: alpha divided by their number (Bonferroni).
    #[must_use]
    pub fn alpha_per_primary(&self) -> Alpha {
        self.alpha.split(1 + self.other_primaries.len())
    }

    /// Returns the type II error for which each test is to be powered, so that a treatment that is superior on a
    /// primary and harms no guardrail ships with probability at least `1 - beta`: `beta / (1 + guardrails)`.
    ///
    /// To ship takes one success and every guardrail, and the union bound over those misses is sharp for tests that
    /// fail apart from each other (Schultzberg, Ankargren and Frånberg 2024, "Risk-aware product decisions in A/B tests
    /// with multiple metrics"). Correcting alpha for guardrails instead, as is often done, gains nothing.
    ///
    /// ```
    /// use expt_stats::{Alpha, Design, Direction, Metric};
    ///
    /// let errors = Metric::new("errors", Direction::LowerIsBetter);
    /// let design = Design::new(Alpha::FIVE_PERCENT, Metric::new("clicks", Direction::HigherIsBetter), 40_000)?
    ///     .with_guardrail(errors, 0.01)?;
    /// assert_eq!(design.beta_per_test(Alpha::new(0.2)?).get(), 0.1);
    /// # Ok::<(), expt_stats::StatsError>(())
    /// ```
    #[must_use]
    pub fn beta_per_test(&self, beta: Alpha) -> Alpha {
        beta.split(1 + self.guardrails.len())
    }

    /// Returns every metric: primaries, guardrails, secondaries.
    pub fn metrics(&self) -> impl Iterator<Item = &Metric> {
        let guardrails = self.guardrails.iter().map(|guardrail| &guardrail.metric);
        self.primaries().chain(guardrails).chain(&self.secondaries)
    }

    fn checked(self) -> Result<Self, StatsError> {
        let sizes = [("max_units", self.max_units), ("tuned_units", self.tuned_units)];
        if let Some((what, _)) = sizes.into_iter().find(|&(_, units)| units == 0) {
            return Err(StatsError::OutOfRange { what, value: 0.0, allowed: "at least 1" });
        }
        if self.min_units > self.max_units {
            let (value, allowed) = (self.min_units as f64, "at most max_units");
            return Err(StatsError::OutOfRange { what: "min_units", value, allowed });
        }
        for guardrail in &self.guardrails {
            non_negative("the non-inferiority margin", guardrail.margin)?;
        }
        let mut names: Vec<&str> = self.metrics().map(|metric| metric.name.as_str()).collect();
        names.sort_unstable();
        let twice = names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b);
        match twice {
            Some((name, _)) => Err(StatsError::DuplicateMetric { name: (*name).to_owned() }),
            None => Ok(self),
        }
    }
}

/// Names a metric and its good direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metric {
    /// The name that readings refer to.
    pub name: String,
    /// Which way is better.
    pub direction: Direction,
}

impl Metric {
    /// Names a metric.
    #[must_use]
    pub fn new(name: impl Into<String>, direction: Direction) -> Self {
        Self { name: name.into(), direction }
    }
}

/// Holds a guardrail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Guardrail {
    /// The metric.
    pub metric: Metric,
    /// By how much it may get worse, in its own units; zero or more.
    pub margin: f64,
}

/// Says which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    HigherIsBetter,
    /// Less is better.
    LowerIsBetter,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HigherIsBetter => "higher is better",
            Self::LowerIsBetter => "lower is better",
        })
    }
}

/// What was read, before it is checked.
#[derive(Deserialize)]
struct Stored {
    alpha: Alpha,
    primary: Metric,
    #[serde(default)]
    other_primaries: Vec<Metric>,
    secondaries: Vec<Metric>,
    guardrails: Vec<Guardrail>,
    correction: Correction,
    min_units: u64,
    max_units: u64,
    tuned_units: u64,
    start: StartRule,
    #[serde(default)]
    procedure: Procedure,
}

impl TryFrom<Stored> for Design {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let Stored {
            alpha,
            primary,
            other_primaries,
            secondaries,
            guardrails,
            correction,
            min_units,
            max_units,
            tuned_units,
            start,
            procedure,
        } = stored;
        let design = Self {
            alpha,
            primary,
            other_primaries,
            secondaries,
            guardrails,
            correction,
            min_units,
            max_units,
            tuned_units,
            start,
            procedure,
        };
        design.checked()
    }
}
