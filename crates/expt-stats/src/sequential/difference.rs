//! The asymptotic confidence sequence of a difference.

use serde::{Deserialize, Serialize};

use super::boundary::{AsymptoticBoundary, p_from_ln_e};
use super::start::{NotYet, StartRule};
use crate::effect::EffectState;
use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};

/// Judges the difference of two arms at every look, with one error level for all looks together.
///
/// Estimand: `treatment - control` of means, proportions or ratios. Assumes independent units with
/// finite variance; the guarantee is asymptotic, hence the [`StartRule`]. For any stopping rule, the
/// interval excludes the true difference with probability at most alpha (Waudby-Smith, Arbour, Sinha,
/// Kennedy and Ramdas 2024, the Gaussian mixture), at `n` the units of both arms. The mixture scale
/// is tuned to be tightest at the intended sample size; any other size is valid, only wider. A null of
/// no difference is rejected at alpha exactly when the interval excludes it.
///
/// An interval for one arm's level is a [`LevelSequence`](crate::LevelSequence), a different type, and
/// nothing in this crate decides from it.
///
/// ```
/// use expt_stats::{Alpha, DifferenceLook, DifferenceSequence, EffectState, Moments};
///
/// let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 20_000)?;
/// let state = EffectState::proportions(
///     &Moments::from_counts(500, 5_000)?,
///     &Moments::from_counts(620, 5_000)?,
/// )?;
/// let DifferenceLook::Ready(now) = sequence.look(&state) else { panic!("enough data") };
/// assert!(now.interval.is_above(0.0));
/// assert!(now.ln_p.is_at_most(Alpha::FIVE_PERCENT));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceSequence {
    boundary: AsymptoticBoundary,
    start: StartRule,
}

impl DifferenceSequence {
    /// Makes a sequence tuned to `intended_units`, both arms together.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if `intended_units` is zero.
    pub fn new(alpha: Alpha, intended_units: u64) -> Result<Self, StatsError> {
        Ok(Self { boundary: AsymptoticBoundary::new(alpha, intended_units)?, start: StartRule::default() })
    }

    /// Replaces the start rule.
    #[must_use]
    pub const fn with_start(mut self, start: StartRule) -> Self {
        self.start = start;
        self
    }

    /// Returns the error level over all looks.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.boundary.alpha()
    }

    /// Returns the sample size the sequence is tuned to.
    #[must_use]
    pub const fn intended_units(&self) -> u64 {
        self.boundary.intended()
    }

    /// Returns the mixture scale.
    #[must_use]
    pub fn rho(&self) -> f64 {
        self.boundary.rho()
    }

    /// Looks at the difference against zero.
    #[must_use]
    pub fn look(&self, state: &EffectState) -> DifferenceLook {
        self.against(state, 0.0)
    }

    /// Looks at the difference against another null value, such as a non-inferiority margin.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if `null` is not finite.
    pub fn look_against(&self, state: &EffectState, null: f64) -> Result<DifferenceLook, StatsError> {
        Ok(self.against(state, finite("the null difference", null)?))
    }

    /// Looks at the relative difference `treatment / control - 1` against zero, by the delta method.
    ///
    /// Estimand: the ratio of the two arms' expectations minus one, with variance `v_t / c^2 + v_c t^2 / c^4` (Deng,
    /// Knoblich and Lu 2018). The guarantee is asymptotic, as for the absolute difference.
    ///
    /// # Errors
    /// [`StatsError::DenominatorNearZero`] if the control is less than five standard errors away from zero.
    pub fn look_relative(&self, state: &EffectState) -> Result<DifferenceLook, StatsError> {
        let (estimate, variance) = state.relative()?;
        Ok(self.judge(state, estimate, variance, 0.0))
    }

    fn against(&self, state: &EffectState, null: f64) -> DifferenceLook {
        self.judge(state, state.estimate(), state.variance(), null)
    }

    fn judge(&self, state: &EffectState, estimate: f64, variance: f64, null: f64) -> DifferenceLook {
        let smaller = state.control().count().min(state.treatment().count());
        if let Some(not_yet) = self.start.shortfall(smaller, state.shape()) {
            return DifferenceLook::NotYet(not_yet);
        }
        let (standard_error, units) = (variance.sqrt(), state.units());
        if standard_error <= 0.0 {
            return DifferenceLook::NotYet(NotYet {
                what: super::Shortfall::Variation,
                need: 1.0,
                have: 0.0,
            });
        }
        let boundary = self.boundary.at(units);
        let reach = standard_error * boundary.reach();
        let ln_e = boundary.ln_e((estimate - null) / standard_error);
        let interval = Interval::new(estimate - reach, estimate + reach, self.alpha(), Coverage::Anytime);
        let ln_p = p_from_ln_e(ln_e);
        DifferenceLook::Ready(DifferenceEstimate {
            estimate,
            standard_error,
            units,
            null,
            interval,
            ln_p,
            ln_e,
        })
    }
}

/// Holds what one look yields.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DifferenceLook {
    /// The start rule is not met.
    NotYet(NotYet),
    /// An interval that holds at all looks.
    Ready(DifferenceEstimate),
}

/// Holds the estimate of a difference at one look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DifferenceEstimate {
    /// Treatment minus control.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Units of both arms.
    pub units: u64,
    /// The difference that p-value and e-value are about.
    pub null: f64,
    /// The interval, valid at all looks.
    pub interval: Interval,
    /// The two-sided p-value, valid at all looks.
    pub ln_p: LnP,
    /// The natural logarithm of the e-value against the null.
    pub ln_e: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::Moments;
    use crate::testing::close;

    fn ready(sequence: &DifferenceSequence, state: &EffectState) -> DifferenceEstimate {
        match sequence.look(state) {
            DifferenceLook::Ready(estimate) => estimate,
            DifferenceLook::NotYet(not_yet) => panic!("{not_yet}"),
        }
    }

    fn moments(count: u64, mean: f64, variance: f64) -> Moments {
        Moments::from_summary(count, mean, variance).unwrap().with_skewness(0.0).unwrap()
    }

    /// Source: gbstats 0.8.0 `SequentialTwoSidedTTest`.
    #[test]
    fn agrees_with_gbstats() {
        let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 5000).unwrap();
        let state = EffectState::means(&moments(1000, 10.0, 4.0), &moments(1100, 10.2, 5.0)).unwrap();
        let got = ready(&sequence, &state);
        close(got.interval.lower.unwrap(), -0.08783652808619563, 1e-7);
        close(got.interval.upper.unwrap(), 0.4878365280861942, 1e-7);
        close(got.ln_p.p(), 0.3439849322074623, 1e-7);
    }

    /// Source: gbstats 0.8.0 `SequentialTwoSidedTTest`, relative difference.
    #[test]
    fn the_relative_difference_agrees_with_gbstats() {
        let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 100_000).unwrap();
        let state = EffectState::means(&moments(2000, -1.0, 9.0), &moments(2000, -1.5, 9.0)).unwrap();
        let DifferenceLook::Ready(got) = sequence.look_relative(&state).unwrap() else { panic!("ready") };
        close(got.interval.lower.unwrap(), -0.11675787674977167, 1e-9);
        close(got.interval.upper.unwrap(), 1.1167578767497717, 1e-9);
        close(got.ln_e, 1.9216029580832743, 1e-9);
        let zero = EffectState::means(&moments(2000, 0.1, 9.0), &moments(2000, 1.5, 9.0)).unwrap();
        assert!(matches!(sequence.look_relative(&zero), Err(StatsError::DenominatorNearZero { .. })));
    }

    #[test]
    fn swapping_the_arms_mirrors_the_interval() {
        let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 5000).unwrap();
        let (a, b) = (moments(1000, 10.0, 4.0), moments(1100, 10.2, 5.0));
        let ab = ready(&sequence, &EffectState::means(&a, &b).unwrap());
        let ba = ready(&sequence, &EffectState::means(&b, &a).unwrap());
        close(ab.interval.lower.unwrap(), -ba.interval.upper.unwrap(), 1e-12);
        close(ab.ln_e, ba.ln_e, 1e-12);
    }

    #[test]
    fn it_is_silent_before_the_start_and_refuses_unknown_skewness() {
        let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 5000).unwrap();
        let early = EffectState::means(&moments(99, 0.0, 1.0), &moments(9999, 9.0, 1.0)).unwrap();
        assert!(matches!(sequence.look(&early), DifferenceLook::NotYet(_)));
        let unknown = Moments::from_summary(500, 1.0, 1.0).unwrap();
        let refused = EffectState::means(&unknown, &unknown);
        assert!(matches!(refused, Err(StatsError::SkewnessUnknown { .. })));
        let constant = Moments::from_values(&[2.0; 200]).unwrap();
        let constant = EffectState::means(&constant, &constant).unwrap();
        assert!(matches!(sequence.look(&constant), DifferenceLook::NotYet(_)));
    }
}
