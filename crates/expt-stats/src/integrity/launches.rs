//! The cumulative impact of launches that were chosen because they looked good.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite, positive};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::special::normal;

use super::mixture::Mixture;
use super::prior::{EffectPrior, Posterior};
use super::truncated;

/// Estimates the summed effect of launched treatments, shrunk for the winner's curse, and compares it with
/// a permanent holdout.
///
/// Estimand: the sum of the true effects of *these* launches (if effects add up, what a group that never got
/// any of them would show against everyone else). Each launch was selected because its estimate was high, so
/// the plain sum of the estimates is too high: it is reported as [`Impact::naive_sum`] for comparison and
/// covers the truth in 5 % of cases if the effects are as large as their standard errors. Estimates are
/// oriented so that greater is better.
///
/// Two methods, which need different things:
///
/// | | [`conditional`](Self::conditional) | [`empirical_bayes`](Self::empirical_bayes) |
/// |---|---|---|
/// | needs | each launch's bar | all experiments of the programme, launched or not |
/// | assumes | normal estimates, launched if and only if above the bar | normal estimates, effects drawn from the prior family |
/// | covers | at its level for *any* true effects | at its level on average over effects from the prior |
/// | width | several times the naive one when an estimate is near its bar | about the naive one |
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::integrity::{CumulativeImpact, EffectPrior, Experiment, Holdout};
///
/// let experiment = |estimate| Experiment::new(estimate, 1.0);
/// let launched = [2.1, 2.4, 2.0, 3.1, 2.2, 2.6].map(|e| experiment(e).unwrap());
/// let others: Vec<Experiment> =
///     (0..54).map(|i| experiment(f64::from(i) / 15.0 - 1.9).unwrap()).collect();
/// let holdout = Holdout::new(6.0, 1.5)?;
///
/// let impact = CumulativeImpact::new(Alpha::FIVE_PERCENT)
///     .with_holdout(holdout)
///     .empirical_bayes(&launched, &others, EffectPrior::Normal)?;
/// assert!((impact.naive_sum - 14.4).abs() < 1e-9);
/// assert!(impact.shrunken_sum.unwrap() < 9.0);
/// assert!(impact.holdout.unwrap().gap_interval.contains(0.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CumulativeImpact {
    alpha: Alpha,
    holdout: Option<Holdout>,
}

impl CumulativeImpact {
    /// Makes an estimator with intervals at `alpha`.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha, holdout: None }
    }

    /// Adds what the holdout shows, to be compared with the sum.
    #[must_use]
    pub const fn with_holdout(mut self, holdout: Holdout) -> Self {
        self.holdout = Some(holdout);
        self
    }

    /// Estimates given only that each launch passed its bar; exact for any true effects.
    ///
    /// With independent normal estimates and selection by `estimate > bar`, the sum S is, given the parts of
    /// the estimates that are uncorrelated with S, normal and truncated from below at
    /// `S - min (estimate_i - bar_i) V / s_i^2`, V the variance of S. Interval and median-unbiased estimate
    /// invert that distribution (Lee, Sun, Sun and Taylor 2016; for one estimate Zhong and Prentice 2008).
    /// Where an estimate only just passed its bar the interval is very wide, and unbounded if it sits exactly
    /// on it: the data then tell nearly nothing beyond the fact of selection. The level does not hold if
    /// there were other conditions for a launch that depend on the same data.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without launches; [`StatsError::Overflow`].
    pub fn conditional(&self, launches: &[Launch]) -> Result<Impact, StatsError> {
        let experiments: Vec<Experiment> = launches.iter().map(|launch| launch.experiment).collect();
        let (naive_sum, variance) = self.sum(&experiments)?;
        let naive_interval = self.normal(naive_sum, variance.sqrt());
        // How far the sum, of this total variance, may fall before some launch drops to its bar.
        let slack = |total: f64| {
            let slack = |launch: &Launch| {
                let Experiment { estimate, standard_error } = launch.experiment;
                (estimate - launch.bar) / standard_error * (total.sqrt() / standard_error)
            };
            launches.iter().map(slack).fold(f64::INFINITY, f64::min)
        };
        let about = |value: f64, total: f64| {
            let at = |q| truncated::shift_with_sf(q, slack(total)).map(|shift| value - shift * total.sqrt());
            let half = 0.5 * self.alpha.get();
            let lower = at(half).unwrap_or(f64::NEG_INFINITY);
            let upper = at(1.0 - half).unwrap_or(f64::INFINITY);
            (at(0.5).filter(|x| x.is_finite()), Interval::new(lower, upper, self.alpha, Coverage::Fixed))
        };
        let (shrunken_sum, interval) = about(naive_sum, variance);
        let holdout = self.holdout.map(|holdout| {
            // The same with the holdout as one more estimate, which was not selected.
            let (excess, total) = (naive_sum - holdout.estimate, variance + holdout.standard_error.powi(2));
            let ln_upper = truncated::ln_sf(excess / total.sqrt(), slack(total));
            let smaller = ln_upper.min((-ln_upper.exp_m1()).ln()); // of both tails
            let (gap, gap_interval) = about(excess, total);
            let ln_p = LnP::saturating(std::f64::consts::LN_2 + smaller);
            // On the bar the data say nothing but that they were selected.
            let ln_p = if gap.is_some() { ln_p } else { LnP::ONE };
            HoldoutComparison { holdout, gap, gap_interval, ln_p }
        });
        let each = |launch: &Launch| {
            let Experiment { estimate, standard_error } = launch.experiment;
            let shift = truncated::shift_with_sf(0.5, (estimate - launch.bar) / standard_error)?;
            Some(estimate - shift * standard_error).filter(|x| x.is_finite())
        };
        let shrunken = launches.iter().map(each).collect();
        let method = ImpactMethod::Conditional;
        Ok(Impact { method, naive_sum, naive_interval, shrunken_sum, interval, shrunken, holdout })
    }

    /// Estimates from the spread of all experiments of the programme, launched or not.
    ///
    /// If the true effects are drawn from the prior, the posterior given *all* estimates is not changed by
    /// having selected on them (Dawid 1994; Senn 2008), and shrinks each launch by what the whole programme
    /// shows about the size of effects (Robbins 1956; Efron and Morris 1973). The parameters of the prior are
    /// not plugged in but integrated over a grid, so that few experiments give wide intervals. The interval
    /// is the equal-tailed posterior one. **`others` must hold every experiment that could have been
    /// launched**: leaving out losers leaves the curse in.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without launches or below ten experiments in all; [`StatsError::Overflow`].
    pub fn empirical_bayes(
        &self,
        launched: &[Experiment],
        others: &[Experiment],
        prior: EffectPrior,
    ) -> Result<Impact, StatsError> {
        let (naive_sum, variance) = self.sum(launched)?;
        let naive_interval = self.normal(naive_sum, variance.sqrt());
        let have = launched.len() + others.len();
        if have < FEWEST_EXPERIMENTS {
            let (what, need) = ("the programme of experiments", FEWEST_EXPERIMENTS as u64);
            return Err(StatsError::TooFew { what, have: have as u64, need });
        }
        let Posterior { total, each } = prior.posterior(launched, others)?;
        let interval = self.credible(&total);
        let holdout = self.holdout.map(|holdout| {
            let gap = total.clone().plus(-holdout.estimate, holdout.standard_error.powi(2));
            let ln_p = LnP::saturating((2.0 * gap.smaller_tail(0.0)).ln());
            HoldoutComparison { holdout, gap: Some(gap.mean()), gap_interval: self.credible(&gap), ln_p }
        });
        Ok(Impact {
            method: ImpactMethod::EmpiricalBayes { prior },
            naive_sum,
            naive_interval,
            shrunken_sum: Some(total.mean()),
            interval,
            shrunken: each.into_iter().map(Some).collect(),
            holdout,
        })
    }

    /// Returns the sum of the estimates and its variance.
    fn sum(&self, launched: &[Experiment]) -> Result<(f64, f64), StatsError> {
        if launched.is_empty() {
            return Err(StatsError::TooFew { what: "the list of launches", have: 0, need: 1 });
        }
        let estimate: f64 = launched.iter().map(|launch| launch.estimate).sum();
        let variance: f64 = launched.iter().map(|launch| launch.standard_error.powi(2)).sum();
        let holdout = self.holdout.map_or((0.0, 0.0), |h| (h.estimate, h.standard_error.powi(2)));
        let usable = (estimate - holdout.0).is_finite() && (variance + holdout.1).is_finite();
        if !usable || !estimate.is_finite() || !variance.is_normal() {
            return Err(StatsError::Overflow { what: "the sum of the launches" });
        }
        Ok((estimate, variance))
    }

    fn normal(&self, centre: f64, deviation: f64) -> Interval {
        let reach = normal::upper_quantile(0.5 * self.alpha.get()) * deviation;
        Interval::new(centre - reach, centre + reach, self.alpha, Coverage::Fixed)
    }

    fn credible(&self, mixture: &Mixture) -> Interval {
        let half = 0.5 * self.alpha.get();
        let (lower, upper) = (mixture.upper_quantile(1.0 - half), mixture.upper_quantile(half));
        Interval::new(lower, upper, self.alpha, Coverage::Fixed)
    }
}

/// Holds the effect that one experiment estimated, greater being better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredExperiment")]
pub struct Experiment {
    pub(super) estimate: f64,
    pub(super) standard_error: f64,
}

impl Experiment {
    /// Makes one from an estimate and its standard error.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], and [`StatsError::OutOfRange`] unless the standard error is positive.
    pub fn new(estimate: f64, standard_error: f64) -> Result<Self, StatsError> {
        let estimate = finite("the estimated effect", estimate)?;
        Ok(Self { estimate, standard_error: positive("the standard error of an effect", standard_error)? })
    }

    /// Returns the estimate.
    #[must_use]
    pub const fn estimate(&self) -> f64 {
        self.estimate
    }

    /// Returns its standard error.
    #[must_use]
    pub const fn standard_error(&self) -> f64 {
        self.standard_error
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct StoredExperiment {
    estimate: f64,
    standard_error: f64,
}

impl TryFrom<StoredExperiment> for Experiment {
    type Error = StatsError;

    fn try_from(stored: StoredExperiment) -> Result<Self, StatsError> {
        Self::new(stored.estimate, stored.standard_error)
    }
}

/// Holds an experiment that was launched because its estimate was above a bar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredLaunch")]
pub struct Launch {
    experiment: Experiment,
    bar: f64,
}

impl Launch {
    /// Makes a launch from the estimate and the bar it passed.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], and [`StatsError::OutOfRange`] if the estimate is below the bar.
    pub fn above(experiment: Experiment, bar: f64) -> Result<Self, StatsError> {
        if experiment.estimate < finite("the bar of a launch", bar)? {
            let (what, allowed) = ("the estimate of a launch", "at least the bar that it was selected by");
            return Err(StatsError::OutOfRange { what, value: experiment.estimate, allowed });
        }
        Ok(Self { experiment, bar })
    }

    /// Makes a launch that was selected for a significant gain in a two-sided test at `alpha`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the gain is not significant.
    pub fn significant(experiment: Experiment, alpha: Alpha) -> Result<Self, StatsError> {
        let bar = normal::upper_quantile(0.5 * alpha.get()) * experiment.standard_error;
        Self::above(experiment, bar)
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct StoredLaunch {
    experiment: Experiment,
    bar: f64,
}

impl TryFrom<StoredLaunch> for Launch {
    type Error = StatsError;

    fn try_from(stored: StoredLaunch) -> Result<Self, StatsError> {
        Self::above(stored.experiment, stored.bar)
    }
}

/// Holds the effect of everything launched, as a permanent holdout measures it: everyone else minus holdout,
/// on the scale of the estimates and from units that no launch decision used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredExperiment")]
pub struct Holdout {
    estimate: f64,
    standard_error: f64,
}

impl Holdout {
    /// Makes one from the estimated difference and its standard error.
    ///
    /// # Errors
    /// As [`Experiment::new`].
    pub fn new(estimate: f64, standard_error: f64) -> Result<Self, StatsError> {
        let Experiment { estimate, standard_error } = Experiment::new(estimate, standard_error)?;
        Ok(Self { estimate, standard_error })
    }
}

impl TryFrom<StoredExperiment> for Holdout {
    type Error = StatsError;

    fn try_from(stored: StoredExperiment) -> Result<Self, StatsError> {
        Self::new(stored.estimate, stored.standard_error)
    }
}

/// Holds the cumulative impact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Impact {
    /// How it was shrunk.
    pub method: ImpactMethod,
    /// The plain sum of the estimates: biased upwards.
    pub naive_sum: f64,
    /// The interval that ignores selection: it covers far less often than it says.
    pub naive_interval: Interval,
    /// The sum, shrunk; `None` if an estimate sits on its bar.
    pub shrunken_sum: Option<f64>,
    /// The interval for the sum of the true effects.
    pub interval: Interval,
    /// Each launch, shrunk on its own, in input order. Conditional medians need not add up to the sum.
    pub shrunken: Vec<Option<f64>>,
    /// The comparison with the holdout, if there is one.
    pub holdout: Option<HoldoutComparison>,
}

/// Names how an [`Impact`] was shrunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ImpactMethod {
    /// Conditional on every launch having passed its bar.
    Conditional,
    /// By the posterior under a prior fitted to all experiments.
    EmpiricalBayes {
        /// The family of the prior.
        prior: EffectPrior,
    },
}

/// Compares the sum of the launches with the holdout.
///
/// A gap that excludes zero says that effects do not add up: they overlap, have worn off, or the launches
/// were measured wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HoldoutComparison {
    /// What the holdout shows.
    pub holdout: Holdout,
    /// The shrunken sum minus the holdout's effect; `None` if an estimate sits on its bar.
    pub gap: Option<f64>,
    /// Its interval.
    pub gap_interval: Interval,
    /// The two-sided p-value of no gap (for empirical Bayes, twice the smaller posterior tail).
    pub ln_p: LnP,
}

/// The fewest experiments from which the spread of effects is learnt.
const FEWEST_EXPERIMENTS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn experiment(estimate: f64) -> Experiment {
        Experiment::new(estimate, 1.0).unwrap()
    }

    fn others() -> Vec<Experiment> {
        (0..40).map(|i| experiment(f64::from(i) * 0.09 - 1.8)).collect()
    }

    /// Source: scipy 1.18, see `truncated`; one launch, so the sum is the launch.
    #[test]
    fn one_launch_is_a_truncated_normal() {
        let launch = Launch::above(experiment(2.5), 1.96).unwrap();
        let impact = CumulativeImpact::new(Alpha::FIVE_PERCENT).conditional(&[launch]).unwrap();
        close(impact.shrunken_sum.unwrap(), 1.541356327704649, 1e-8);
        close(impact.interval.lower.unwrap(), -4.457707564744169, 1e-8);
        close(impact.interval.upper.unwrap(), 4.329090106833807, 1e-8);
        assert_eq!(impact.shrunken, [impact.shrunken_sum]);
    }

    #[test]
    fn far_above_the_bar_nothing_is_shrunk() {
        let launches = [20.0, 25.0].map(|e| Launch::significant(experiment(e), Alpha::FIVE_PERCENT).unwrap());
        let study = CumulativeImpact::new(Alpha::FIVE_PERCENT).with_holdout(Holdout::new(45.0, 1.0).unwrap());
        let impact = study.conditional(&launches).unwrap();
        close(impact.shrunken_sum.unwrap(), 45.0, 1e-9);
        close(impact.interval.lower.unwrap(), impact.naive_interval.lower.unwrap(), 1e-9);
        let compared = impact.holdout.unwrap();
        close(compared.ln_p.p(), 1.0, 1e-9);
        close(compared.gap_interval.upper.unwrap(), 1.959963984540054 * 3.0_f64.sqrt(), 1e-9);
    }

    #[test]
    fn every_method_shrinks_and_units_do_not_matter() {
        let launched = [2.1, 2.4, 2.0, 3.1].map(experiment);
        let study = CumulativeImpact::new(Alpha::FIVE_PERCENT);
        for prior in [EffectPrior::Normal, EffectPrior::SpikeAndNormal] {
            let impact = study.empirical_bayes(&launched, &others(), prior).unwrap();
            let shrunken = impact.shrunken_sum.unwrap();
            assert!(shrunken < 0.7 * impact.naive_sum && shrunken > 0.0, "{impact:?}");
            close(impact.shrunken.iter().map(|x| x.unwrap()).sum::<f64>(), shrunken, 1e-6);
            let scale = |e: &Experiment| Experiment::new(e.estimate * 1e-9, e.standard_error * 1e-9).unwrap();
            let (small, rest) =
                (launched.each_ref().map(scale), others().iter().map(scale).collect::<Vec<_>>());
            let scaled = study.empirical_bayes(&small, &rest, prior).unwrap();
            close(scaled.shrunken_sum.unwrap() * 1e9, shrunken, 1e-9);
            close(scaled.interval.lower.unwrap() * 1e9, impact.interval.lower.unwrap(), 1e-6);
        }
    }

    #[test]
    fn hostile_numbers_give_no_nan() {
        let numbers = [0.0, -0.0, 5e-324, 1e-160, 1e-20, 1.0, 1e20, 1e153, 1e300, f64::MAX];
        for estimate in numbers {
            for deviation in numbers {
                let Ok(experiment) = Experiment::new(estimate, deviation) else { continue };
                let holdout = Holdout::new(-estimate, deviation).unwrap();
                let study = CumulativeImpact::new(Alpha::PER_MILLE).with_holdout(holdout);
                let launch = Launch::above(experiment, -1.0).unwrap();
                let found = study.conditional(&[launch, launch]);
                let bayes = |prior| study.empirical_bayes(&[experiment, experiment], &others(), prior);
                let all = [found, bayes(EffectPrior::Normal), bayes(EffectPrior::SpikeAndNormal)];
                for impact in all.into_iter().flatten() {
                    let text = serde_json::to_string(&impact).unwrap();
                    // serde_json writes NaN and infinities as null, as it does with `None`.
                    assert!(serde_json::from_str::<Impact>(&text).is_ok(), "{text}");
                    assert!(impact.shrunken_sum.is_none_or(f64::is_finite), "{text}");
                    assert!(impact.holdout.unwrap().ln_p.get() <= 0.0);
                }
            }
        }
    }

    #[test]
    fn edges_are_errors_or_unbounded() {
        let study = CumulativeImpact::new(Alpha::FIVE_PERCENT);
        let on_bar = Launch::above(experiment(1.0), 1.0).unwrap();
        let impact = study.conditional(&[on_bar]).unwrap();
        assert_eq!((impact.shrunken_sum, impact.interval.lower), (None, None));
        assert!(study.conditional(&[]).is_err());
        assert!(Launch::above(experiment(1.0), 1.1).is_err());
        assert!(Launch::significant(experiment(1.9), Alpha::FIVE_PERCENT).is_err());
        assert!(study.empirical_bayes(&[experiment(2.0)], &[], EffectPrior::Normal).is_err());
        for bad in [(f64::NAN, 1.0), (1.0, 0.0), (1.0, -1.0), (f64::INFINITY, 1.0), (1.0, f64::NAN)] {
            assert!(Experiment::new(bad.0, bad.1).is_err() && Holdout::new(bad.0, bad.1).is_err());
        }
        for huge in [1e300, 1e-300, 5e-324] {
            let extreme = Experiment::new(huge, huge).unwrap();
            for prior in [EffectPrior::Normal, EffectPrior::SpikeAndNormal] {
                if let Ok(impact) = study.empirical_bayes(&[extreme], &others(), prior) {
                    assert!(impact.shrunken_sum.unwrap().is_finite(), "{huge} {impact:?}");
                }
            }
        }
        let stored = r#"{"experiment":{"estimate":1.0,"standard_error":1.0},"bar":2.0}"#;
        assert!(serde_json::from_str::<Launch>(stored).is_err());
    }
}
