//! The posterior of the effect itself, with a prior on the effect.

use serde::{Deserialize, Serialize};

use crate::arm::ArmEstimate;
use crate::bayes::compare::EffectScale;
use crate::bayes::normal::NormalPosterior;
use crate::bayes::posterior::Posterior;
use crate::error::{StatsError, finite, positive};
use crate::special::normal;

/// Holds a normal prior of the effect, stated on one of two scales.
///
/// A prior on the other scale than the analysis' is rescaled by the control's mean, taken as known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct EffectPrior {
    mean: f64,
    variance: f64,
    scale: EffectScale,
}

impl EffectPrior {
    /// Makes a prior.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] unless the variance is positive.
    pub fn new(mean: f64, variance: f64, scale: EffectScale) -> Result<Self, StatsError> {
        let variance = positive("variance of the prior", variance)?;
        Ok(Self { mean: finite("mean of the prior", mean)?, variance, scale })
    }
}

/// Returns the posterior of the effect of treatment over control; without a prior, under a flat one.
///
/// The data speak by a normal likelihood: absolute, `t - c` with variance `v_t + v_c`; relative, `(t - c) / c` with
/// variance `v_t / c^2 + v_c t^2 / c^4` (delta method). The same model as GrowthBook's gbstats. The relative effect
/// needs a control whose mean is many standard errors away from zero.
///
/// ```
/// use expt_stats::bayes::{EffectPrior, EffectScale, effect_outcome, effect_posterior};
/// use expt_stats::{ArmEstimate, Moments};
///
/// let control = ArmEstimate::mean(&Moments::from_summary(50, 2.0, 1.0)?)?;
/// let treatment = ArmEstimate::mean(&Moments::from_summary(60, 2.9, 1.5)?)?;
/// let prior = EffectPrior::new(0.0, 0.09, EffectScale::Relative)?;
/// let effect = effect_posterior(&control, &treatment, EffectScale::Relative, Some(prior))?;
/// assert!((effect_outcome(&effect).treatment_better - 0.999_291_602).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::DenominatorNearZero`] if a relative scale meets a control whose mean is zero,
/// [`StatsError::OutOfRange`] if neither arm varies, [`StatsError::NotFinite`] or [`StatsError::Overflow`] if a
/// number leaves the range of `f64`.
pub fn effect_posterior(
    control: &ArmEstimate,
    treatment: &ArmEstimate,
    scale: EffectScale,
    prior: Option<EffectPrior>,
) -> Result<NormalPosterior, StatsError> {
    let (c, t) = (control.estimate(), treatment.estimate());
    let needs_mean = scale == EffectScale::Relative || prior.is_some_and(|prior| prior.scale != scale);
    if needs_mean && c == 0.0 {
        let standard_error = control.variance().sqrt();
        return Err(StatsError::DenominatorNearZero { mean: c, standard_error, need: 0.0 });
    }
    let (effect, variance) = match scale {
        EffectScale::Absolute => (t - c, treatment.variance() + control.variance()),
        EffectScale::Relative => {
            let ratio = t / c;
            ((t - c) / c, treatment.variance() / c / c + control.variance() / c / c * ratio * ratio)
        }
    };
    let Some(prior) = prior else { return NormalPosterior::new(effect, variance) };
    let unit = match (scale, prior.scale) {
        (EffectScale::Absolute, EffectScale::Relative) => c.abs(),
        (EffectScale::Relative, EffectScale::Absolute) => c.abs().recip(),
        _ => 1.0,
    };
    NormalPosterior::new(prior.mean * unit, prior.variance * unit * unit)?.updated(effect, variance)
}

/// Holds what the posterior of an effect says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EffectOutcome {
    /// P(effect > 0).
    pub treatment_better: f64,
    /// P(effect < 0).
    pub control_better: f64,
    /// E max(effect, 0): the expected loss of choosing the control.
    pub loss_control: f64,
    /// E max(-effect, 0): the expected loss of choosing the treatment.
    pub loss_treatment: f64,
}

/// Returns probabilities and expected losses of an effect's posterior, in closed form.
#[must_use]
pub fn effect_outcome(effect: &NormalPosterior) -> EffectOutcome {
    let deviation = effect.standard_deviation();
    let z = effect.mean() / deviation;
    EffectOutcome {
        treatment_better: normal::sf(-z),
        control_better: normal::sf(z),
        loss_control: deviation * unit_loss(-z),
        loss_treatment: deviation * unit_loss(z),
    }
}

/// E max(Z - z, 0) for a standard normal Z: the density minus `z` times the tail.
fn unit_loss(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    if z < 12.0 {
        return (density - z * normal::sf(z)).max(0.0);
    }
    // Both terms nearly agree: the asymptotic series of their difference.
    let square = 1.0 / (z * z);
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while k < 60.0 {
        let next = -term * (2.0 * k + 1.0) * square;
        if f64::abs(next) >= f64::abs(term) || f64::abs(next) < 1e-17 {
            break;
        }
        term = next;
        // The k-th term of the Mills ratio's series is (2k - 1)!!; that of the loss is (2k - 1)!! up to (2k + 1)!!.
        sum += term;
        k += 1.0;
    }
    density * square * sum
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    mean: f64,
    variance: f64,
    scale: EffectScale,
}

impl TryFrom<Stored> for EffectPrior {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.mean, stored.variance, stored.scale)
    }
}
