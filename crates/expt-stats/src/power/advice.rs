//! Which design: A/B test, interleaving, bandit or shadow.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::curve::Reference;
use super::inflation::Inflation;
use super::means::TwoMeans;
use super::one_mean::OneMean;
use super::reason::RefusalReason;
use super::traffic::Traffic;
use crate::error::{StatsError, finite, positive};
use crate::level::{Alpha, Probability};

/// Names a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DesignKind {
    /// Units are split; each sees one arm. Measures the effect on the metric.
    AbTest,
    /// Each unit sees both rankings merged. Measures which one is preferred, not by how much the metric moves.
    Interleaving,
    /// Units go to the arms in proportion to what is known. Costs less while it runs, measures less well.
    Bandit,
    /// The candidate runs beside the present system and nobody sees its output. Measures how outputs differ, not what
    /// they cause.
    Shadow,
}

impl fmt::Display for DesignKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AbTest => "A/B test",
            Self::Interleaving => "interleaving",
            Self::Bandit => "bandit",
            Self::Shadow => "shadow",
        })
    }
}

/// Says what the systems under comparison put out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputKind {
    /// A number: a score, a price, a forecast.
    Scalar,
    /// A class or a decision.
    Class,
    /// An ordered list.
    Ranking,
    /// An action whose outcome is seen only if it is taken: an offer, a message, a treatment.
    Action,
}

/// Says what it costs when a unit gets the worse arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadArm {
    /// Nothing worth counting: the fastest answer is best.
    Cheap,
    /// Something: among designs that answer in time, the one that exposes the fewest units is best.
    Costly,
    /// Too much to give it a fixed share of the units without a shadow run before.
    Harmful,
}

/// Holds what the advice assumes; each number may be replaced by a measured one.
///
/// The defaults are the cautious ends of simulations and reports: they decide between designs, they plan none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Assumptions {
    /// Units of an A/B test per unit of interleaving at equal power. 20: in our simulation of five click models team
    /// draft needed 20 to 78 times fewer users than the best A/B metric where users differ in activity (6 to 21 times
    /// where they do not); Amazon reports 60 (Bi et al. 2022), Airbnb up to 100 (2025).
    pub interleaving_ratio: f64,
    /// Share of the units that a bandit gives to the worse arm over its life. 0.1: Thompson sampling of two arms had 5 %
    /// of the units there (regret 24.8 of 500 at rates 0.20 and 0.25 over 10,000 units), 7 % with batches of 1,000, 11 %
    /// with outcomes 1,000 units late at 0.9 and 0.8.
    pub bandit_worse_share: f64,
    /// Updates that a bandit needs before its allocation means anything; 10.
    pub bandit_updates: u32,
    /// Correlation of the two systems' outputs on one request; 0.9.
    pub output_correlation: f64,
    /// How the A/B test and the bandit are judged; a confidence sequence, since experiments are watched.
    pub reference: Reference,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            interleaving_ratio: 20.0,
            bandit_worse_share: 0.1,
            bandit_updates: 10,
            output_correlation: 0.9,
            reference: Reference::ConfidenceSequence,
        }
    }
}

/// Describes a comparison that is to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Situation {
    traffic: Traffic,
    variance: f64,
    output: OutputKind,
    bad_arm: BadArm,
    deadline: u32,
    alpha: Alpha,
    power: Probability,
    effect: Option<f64>,
    outcome_delay: u32,
    shadowable: bool,
    inflation: Inflation,
    assumptions: Assumptions,
}

impl Situation {
    /// Describes a comparison by its traffic, the metric's variance per unit, the kind of output, what a bad arm costs
    /// and the days until a decision is due. Two-sided at 0.05 with power 0.8.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the variance is positive and finite and the
    /// deadline at least one day.
    pub fn new(
        traffic: Traffic,
        variance: f64,
        output: OutputKind,
        bad_arm: BadArm,
        deadline: u32,
    ) -> Result<Self, StatsError> {
        positive("the variance", variance)?;
        if deadline == 0 {
            return Err(StatsError::OutOfRange {
                what: "the deadline",
                value: 0.0,
                allowed: "at least one day",
            });
        }
        Ok(Self {
            traffic,
            variance,
            output,
            bad_arm,
            deadline,
            alpha: Alpha::FIVE_PERCENT,
            power: Probability::clamped(0.8),
            effect: None,
            outcome_delay: 0,
            shadowable: true,
            inflation: Inflation::NONE,
            assumptions: Assumptions::default(),
        })
    }

    /// Sets level and power.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the power is greater than alpha and less than one.
    pub fn with_level(mut self, alpha: Alpha, power: Probability) -> Result<Self, StatsError> {
        if power.get() <= alpha.get() || power.get() >= 1.0 {
            let allowed = "greater than alpha and less than 1";
            return Err(StatsError::OutOfRange { what: "power", value: power.get(), allowed });
        }
        (self.alpha, self.power) = (alpha, power);
        Ok(self)
    }

    /// Sets the smallest effect worth finding, so that days can be told.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless it is finite and not zero.
    pub fn with_effect(mut self, effect: f64) -> Result<Self, StatsError> {
        self.effect = Some(positive("the effect", finite("the effect", effect)?.abs())?);
        Ok(self)
    }

    /// Sets the days until the outcome of a unit is known.
    #[must_use]
    pub const fn with_outcome_delay(mut self, days: u32) -> Self {
        self.outcome_delay = days;
        self
    }

    /// Sets whether the candidate can run beside the present system without acting.
    #[must_use]
    pub const fn with_shadowable(mut self, shadowable: bool) -> Self {
        self.shadowable = shadowable;
        self
    }

    /// Sets what makes the metric need more units or fewer (clusters, covariates).
    #[must_use]
    pub const fn with_inflation(mut self, inflation: Inflation) -> Self {
        self.inflation = inflation;
        self
    }

    /// Sets what is assumed.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the ratio is at least 1, the share in (0, 0.5] and the correlation in (-1, 1).
    pub fn with_assumptions(mut self, assumptions: Assumptions) -> Result<Self, StatsError> {
        let checks = [
            ("the interleaving ratio", assumptions.interleaving_ratio, 1.0, f64::MAX, "at least 1"),
            ("the bandit's worse share", assumptions.bandit_worse_share, 1e-9, 0.5, "the interval (0, 0.5]"),
            (
                "the output correlation",
                assumptions.output_correlation,
                -1.0,
                1.0 - 1e-12,
                "the interval [-1, 1)",
            ),
        ];
        for (what, value, low, high, allowed) in checks {
            if !(low..=high).contains(&value) {
                return Err(StatsError::OutOfRange { what, value, allowed });
            }
        }
        self.assumptions = assumptions;
        Ok(self)
    }

    /// Ranks the designs.
    ///
    /// # Errors
    /// As [`TwoMeans::sample_size`], where numbers leave their range.
    pub fn advise(&self) -> Result<Advice, StatsError> {
        let (mut designs, mut refused) = (Vec::new(), Vec::new());
        for design in [DesignKind::AbTest, DesignKind::Interleaving, DesignKind::Bandit, DesignKind::Shadow] {
            match self.refusal(design) {
                Some(reason) => refused.push(Refusal { design, reason }),
                None => designs.push(self.assess(design)?),
            }
        }
        let rank = |advised: &AdvisedDesign| {
            let late = self.effect.is_some() && advised.days.is_none_or(|days| days > self.deadline);
            let cost = match self.bad_arm {
                BadArm::Cheap => advised.days.map_or(advised.detectable, f64::from),
                BadArm::Costly => advised.exposed,
                BadArm::Harmful => advised.exposed,
            };
            // What only compares outputs decides nothing about a metric, unless harm has to be excluded first.
            let indirect = advised.design == DesignKind::Shadow && self.bad_arm != BadArm::Harmful;
            (u8::from(indirect), u8::from(late), cost)
        };
        designs.sort_by(|a, b| {
            let ((i, j, x), (k, l, y)) = (rank(a), rank(b));
            (i, j).cmp(&(k, l)).then(x.total_cmp(&y))
        });
        Ok(Advice { designs, refused, assumptions: self.assumptions })
    }

    /// Says why a design does not apply, if so.
    fn refusal(&self, design: DesignKind) -> Option<RefusalReason> {
        let (outcome_delay, deadline) = (self.outcome_delay, self.deadline);
        let late = outcome_delay >= deadline;
        let updates = (deadline - outcome_delay.min(deadline)).checked_div(outcome_delay).unwrap_or(deadline);
        let need = self.assumptions.bandit_updates;
        match design {
            _ if self.traffic.units(deadline) < 4.0 => Some(RefusalReason::NoUnits),
            DesignKind::Interleaving if self.output != OutputKind::Ranking => {
                Some(RefusalReason::NotARanking)
            }
            DesignKind::Shadow if self.output == OutputKind::Action => {
                Some(RefusalReason::OutcomeNeedsTheAction)
            }
            DesignKind::Shadow if !self.shadowable => Some(RefusalReason::NotShadowable),
            DesignKind::Shadow => None,
            _ if late || self.traffic.units(deadline - outcome_delay) < 4.0 => {
                Some(RefusalReason::OutcomesTooLate { outcome_delay, deadline })
            }
            DesignKind::Bandit if updates < need => Some(RefusalReason::TooFewUpdates { updates, need }),
            DesignKind::AbTest
                if self.bad_arm == BadArm::Harmful && self.refusal(DesignKind::Shadow).is_none() =>
            {
                Some(RefusalReason::TooHarmful)
            }
            _ => None,
        }
    }

    fn assess(&self, design: DesignKind) -> Result<AdvisedDesign, StatsError> {
        let delay = if design == DesignKind::Shadow { 0 } else { self.outcome_delay };
        let available = self.traffic.units(self.deadline - delay);
        let detectable = self.detectable(design, available)?;
        let days = match self.effect {
            None => None,
            Some(effect) => {
                let units = self.needed(design, effect)?;
                self.traffic.runtime(units, 1)?.map(|runtime| runtime.days.saturating_add(delay))
            }
        };
        let ran = days.unwrap_or(self.deadline).min(self.deadline);
        let worse_share = match design {
            DesignKind::AbTest | DesignKind::Interleaving => 0.5,
            DesignKind::Bandit => self.assumptions.bandit_worse_share,
            DesignKind::Shadow => 0.0,
        };
        Ok(AdvisedDesign { design, detectable, days, exposed: worse_share * self.traffic.units(ran) })
    }

    /// The test that the units of a design feed, and its units per unit of traffic.
    fn test(&self, design: DesignKind) -> Result<(TwoMeans, f64), StatsError> {
        let test = TwoMeans::new(self.alpha, self.variance, self.variance)?
            .with_reference(self.assumptions.reference)?
            .with_inflation(self.inflation);
        let worse = self.assumptions.bandit_worse_share;
        Ok(match design {
            DesignKind::Interleaving => (test, self.assumptions.interleaving_ratio),
            DesignKind::Bandit => (test.with_ratio((1.0 - worse) / worse)?, 1.0),
            DesignKind::AbTest | DesignKind::Shadow => (test, 1.0),
        })
    }

    fn detectable(&self, design: DesignKind, units: f64) -> Result<f64, StatsError> {
        if design == DesignKind::Shadow {
            return self.paired()?.detectable(units, self.power);
        }
        let (test, gain) = self.test(design)?;
        let control = if design == DesignKind::Bandit { self.assumptions.bandit_worse_share } else { 0.5 };
        test.detectable(units * gain * control, self.power)
    }

    fn needed(&self, design: DesignKind, effect: f64) -> Result<f64, StatsError> {
        if design == DesignKind::Shadow {
            return Ok(self.paired()?.sample_size(effect, self.power)?.total());
        }
        let (test, gain) = self.test(design)?;
        Ok(test.sample_size(effect, self.power)?.total() / gain)
    }

    /// Both outputs of each request: the variance of their difference.
    fn paired(&self) -> Result<OneMean, StatsError> {
        let variance = 2.0 * self.variance * (1.0 - self.assumptions.output_correlation);
        Ok(OneMean::new(self.alpha, variance)?
            .with_reference(Reference::Normal)
            .with_inflation(self.inflation))
    }
}

/// Ranks the designs for a comparison; [`Situation`] takes more of what may be known.
///
/// # Errors
/// As [`Situation::new`] and [`Situation::advise`].
///
/// ```
/// use expt_stats::power::{BadArm, DesignKind, OutputKind, RefusalReason, Situation, Traffic, advise};
///
/// let traffic = Traffic::daily(2_000.0)?;
/// let advice = advise(&traffic, 0.09, OutputKind::Ranking, BadArm::Cheap, 28)?;
/// assert_eq!(advice.designs[0].design, DesignKind::Interleaving);
///
/// let advice = advise(&traffic, 0.09, OutputKind::Scalar, BadArm::Costly, 28)?;
/// assert_eq!(advice.designs[0].design, DesignKind::Bandit);
/// assert!(advice.refused.iter().any(|refusal| refusal.reason == RefusalReason::NotARanking));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
pub fn advise(
    traffic: &Traffic,
    variance: f64,
    output: OutputKind,
    bad_arm: BadArm,
    deadline: u32,
) -> Result<Advice, StatsError> {
    Situation::new(traffic.clone(), variance, output, bad_arm, deadline)?.advise()
}

/// Holds the designs in the order in which they are recommended, and those that do not apply.
///
/// A design that answers about the metric comes before one that compares outputs, unless a bad arm is harmful: then
/// the shadow run comes first and the A/B test is refused until it has been made. A design that finds the effect before
/// the deadline comes before one that does not. Then the days decide where a bad arm is cheap (the detectable effect if
/// none is given), the units exposed to the worse arm where it is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Advice {
    /// The best first.
    pub designs: Vec<AdvisedDesign>,
    /// Those that do not apply, each with its reason.
    pub refused: Vec<Refusal>,
    /// What was assumed.
    pub assumptions: Assumptions,
}

/// Holds what a design reaches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AdvisedDesign {
    /// The design.
    pub design: DesignKind,
    /// The smallest effect it finds before the deadline. In the metric for an A/B test and a bandit; for interleaving
    /// the metric effect of an equally sensitive A/B test; for shadow the mean difference of outputs, if the variance
    /// is that of an output.
    pub detectable: f64,
    /// Days until it finds the effect, in whole weeks plus the delay of outcomes; `None` without an effect or beyond ten
    /// years.
    pub days: Option<u32>,
    /// Units expected to get the worse arm until then, at most until the deadline.
    pub exposed: f64,
}

/// Holds a design that does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Refusal {
    /// The design.
    pub design: DesignKind,
    /// Why.
    pub reason: RefusalReason,
}
