//! The value of a policy from the log of another.

use serde::{Deserialize, Serialize};

use super::propensity::Propensity;
use crate::comoments::CoMoments;
use crate::error::{StatsError, finite, positive};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Probability};
use crate::moments::Moments;
use crate::special::normal;

/// Names an estimator of a policy's value; `w` is target over logged propensity of the action taken, `r` its reward, `q`
/// the model's prediction for it, and `d` the model's prediction averaged over the target policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OffPolicyEstimator {
    /// Mean of `w r` (Horvitz and Thompson 1952): unbiased, variance grows with the weights.
    Ips,
    /// `sum w r / sum w` (Hájek 1971; Swaminathan and Joachims 2015): slightly biased, bounded by the rewards.
    Snips,
    /// Mean of `min(w, M) r` (Ionides 2008): biased towards zero for positive rewards.
    ClippedIps {
        /// `M`, the largest weight.
        max_weight: f64,
    },
    /// Mean of `w / (1 - l + l w) r` (Metelli, Russo and Restelli 2021): biased, lighter tails.
    SubGaussianIps {
        /// `l`, between 0 (plain) and 1 (no weighting).
        lambda: f64,
    },
    /// Mean of `d`: trusts the model; its standard error says nothing about the model's error.
    DirectMethod,
    /// Mean of `d + w (r - q)` (Dudík, Langford and Li 2011): unbiased whatever the model.
    DoublyRobust,
    /// `mean d + sum w (r - q) / sum w`.
    SelfNormalisedDr,
    /// Mean of `d + w (r - q) 1{w <= T}` (Wang, Agarwal and Dudík 2017): biased by the model where weights are large.
    SwitchDr {
        /// `T`, the largest weight that is used.
        threshold: f64,
    },
    /// Mean of `d + L w / (w^2 + L) (r - q)` (Su, Dimakopoulou, Krishnamurthy and Dudík 2020): biased, optimistic shrinkage.
    ShrunkDr {
        /// `L`; infinity would be doubly robust, 0 the direct method.
        lambda: f64,
    },
}

/// Holds one logged decision.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoggedRow {
    propensity: Propensity,
    target: Probability,
    reward: f64,
    model: Option<ModelRow>,
}

/// Holds a reward model's predictions at one decision; fitted on other rows (cross-fitting), or bias comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelRow {
    /// For the action that was taken.
    pub chosen: f64,
    /// Averaged over the actions with the target policy's probabilities.
    pub target: f64,
}

impl LoggedRow {
    /// Makes a row: the logged propensity of the action taken, its probability under the target policy, and the reward.
    #[must_use]
    pub const fn new(propensity: Propensity, target: Probability, reward: f64) -> Self {
        Self { propensity, target, reward, model: None }
    }

    /// Adds a model's predictions.
    #[must_use]
    pub const fn with_model(mut self, model: ModelRow) -> Self {
        self.model = Some(model);
        self
    }
}

/// Estimates the value of a policy from decisions that another policy logged.
///
/// Estimand: the mean reward had the target policy decided. Assumptions: true logged propensities, positive wherever the
/// target's are; rows independent given the past. All estimators are means (or one ratio of means) over rows, so the
/// state is O(1), merges in any order, and the standard errors are those of means: valid for independent rows, and
/// asymptotically for adaptive logs only while propensities stay away from zero (else use
/// [`AdaptiveAipw`](super::AdaptiveAipw)). Agrees with the definitions of the shared vectors to 1e-12.
///
/// ```
/// use expt_stats::adaptive::{LoggedRow, OffPolicy, OffPolicyEstimator, Propensity};
/// use expt_stats::{Alpha, Probability};
///
/// let mut log = OffPolicy::new(OffPolicyEstimator::Ips)?;
/// log.add(&LoggedRow::new(Propensity::new(0.5)?, Probability::new(1.0)?, 3.0))?;
/// log.add(&LoggedRow::new(Propensity::new(0.5)?, Probability::new(0.0)?, 9.0))?;
/// assert_eq!(log.estimate(Alpha::FIVE_PERCENT)?.value, 3.0);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct OffPolicy {
    estimator: OffPolicyEstimator,
    values: Moments,
    ratio: CoMoments,
    weights: Moments,
    largest: f64,
    changed: u64,
}

/// Holds an off-policy estimate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OffPolicyEstimate {
    /// Which estimator.
    pub estimator: OffPolicyEstimator,
    /// The estimate of the policy's value.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The normal interval at one look, fixed beforehand.
    pub interval: Interval,
    /// How many rows.
    pub rows: u64,
    /// `(sum w)^2 / sum w^2` (Kish 1965).
    pub effective_sample_size: f64,
    /// The mean weight, whose expectation is 1 if the logged propensities are true.
    pub mean_weight: f64,
    /// The largest weight.
    pub max_weight: f64,
    /// What a reader should know before trusting it.
    pub cautions: Vec<Caution>,
}

/// Names a reason to doubt an off-policy estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "caution", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Caution {
    /// The effective sample size is below 100: the normal interval is not to be trusted.
    FewEffectiveRows {
        /// The effective sample size.
        size: f64,
    },
    /// One row carries more than a twentieth of all weight.
    OneHeavyRow {
        /// Its share.
        share: f64,
    },
    /// The mean weight is more than 4 standard errors away from 1: the logged propensities are wrong, or the target
    /// policy takes actions that were never logged.
    MeanWeightOff {
        /// The mean weight.
        mean: f64,
    },
    /// Weights were clipped, shrunk or switched off, so the estimate is biased and the interval does not cover that.
    Biased {
        /// The share of rows whose weight was changed.
        share: f64,
    },
    /// The estimate rests on the model alone; its interval does not cover the model's error.
    ModelOnly,
}

impl OffPolicy {
    /// Makes an empty state for one estimator.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] for a tuning constant outside its range.
    pub fn new(estimator: OffPolicyEstimator) -> Result<Self, StatsError> {
        match estimator {
            OffPolicyEstimator::ClippedIps { max_weight: x }
            | OffPolicyEstimator::SwitchDr { threshold: x }
            | OffPolicyEstimator::ShrunkDr { lambda: x } => {
                positive("the tuning constant", x)?;
            }
            OffPolicyEstimator::SubGaussianIps { lambda } => {
                Probability::new(lambda)?;
            }
            _ => {}
        }
        let (values, weights, ratio) = (Moments::default(), Moments::default(), CoMoments::default());
        Ok(Self { estimator, values, ratio, weights, largest: 0.0, changed: 0 })
    }

    /// Counts a row.
    ///
    /// # Errors
    /// [`StatsError::Refused`] if the estimator needs a model and the row has none; [`StatsError::NotFinite`];
    /// [`StatsError::Overflow`]. Nothing is changed then.
    pub fn add(&mut self, row: &LoggedRow) -> Result<(), StatsError> {
        let reward = finite("the reward", row.reward)?;
        let w = row.target.get() / row.propensity.get();
        let model = match row.model {
            Some(model) => {
                let (chosen, target) =
                    (finite("a prediction", model.chosen)?, finite("a prediction", model.target)?);
                ModelRow { chosen, target }
            }
            None if self.estimator.needs_model() => {
                let why = "this estimator needs a reward model's predictions; add them with `with_model`";
                return Err(StatsError::Refused { what: "a row without a model", why });
            }
            None => ModelRow { chosen: 0.0, target: 0.0 },
        };
        let (used, q, d) = match self.estimator {
            OffPolicyEstimator::Ips | OffPolicyEstimator::Snips => (w, 0.0, 0.0),
            OffPolicyEstimator::ClippedIps { max_weight } => (w.min(max_weight), 0.0, 0.0),
            OffPolicyEstimator::SubGaussianIps { lambda } if w > 0.0 => {
                (w / (1.0 - lambda + lambda * w), 0.0, 0.0)
            }
            OffPolicyEstimator::SubGaussianIps { .. } => (0.0, 0.0, 0.0),
            OffPolicyEstimator::DirectMethod => (0.0, model.chosen, model.target),
            OffPolicyEstimator::DoublyRobust | OffPolicyEstimator::SelfNormalisedDr => {
                (w, model.chosen, model.target)
            }
            OffPolicyEstimator::SwitchDr { threshold } => {
                (if w <= threshold { w } else { 0.0 }, model.chosen, model.target)
            }
            OffPolicyEstimator::ShrunkDr { lambda } => {
                (w / (w * (w / lambda) + 1.0), model.chosen, model.target)
            }
        };
        let mut next = *self;
        next.weights.push(w)?;
        next.values.push(d + used * (reward - q))?;
        match self.estimator {
            OffPolicyEstimator::Snips => next.ratio.push(w, w * reward)?,
            OffPolicyEstimator::SelfNormalisedDr => next.ratio.push(w * (reward - q), d)?,
            _ => {}
        }
        next.largest = next.largest.max(w);
        next.changed = next.changed.saturating_add(u64::from((used - w).abs() > 1e-12 * w));
        *self = next;
        Ok(())
    }

    /// Joins two states of one estimator.
    ///
    /// # Errors
    /// [`StatsError::Refused`] if the estimators differ, [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        if self.estimator != other.estimator {
            let why = "the states are of different estimators; make both with the same";
            return Err(StatsError::Refused { what: "merging", why });
        }
        Ok(Self {
            estimator: self.estimator,
            values: self.values.merge(&other.values)?,
            ratio: self.ratio.merge(&other.ratio)?,
            weights: self.weights.merge(&other.weights)?,
            largest: self.largest.max(other.largest),
            changed: self.changed.saturating_add(other.changed),
        })
    }

    /// Estimates the target policy's value.
    ///
    /// Standard errors: of a mean, divisor `n - 1`; of the self-normalised ratio, `sqrt(sum w^2 (r - v)^2) / sum w`; of the
    /// self-normalised doubly robust one, that of the mean of `d + w (r - q) / mean w`.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two rows, [`StatsError::Refused`] if a self-normalised estimator has no weight at all.
    pub fn estimate(&self, alpha: Alpha) -> Result<OffPolicyEstimate, StatsError> {
        let rows = self.values.count();
        let too_few = StatsError::TooFew { what: "the log", have: rows, need: 2 };
        let (Some(mean), Some(error), Some(mean_weight), Some(variance)) =
            (self.values.mean(), self.values.standard_error(), self.weights.mean(), self.weights.variance())
        else {
            return Err(too_few);
        };
        let n = rows as f64;
        let ratio =
            matches!(self.estimator, OffPolicyEstimator::Snips | OffPolicyEstimator::SelfNormalisedDr);
        if ratio && mean_weight <= 0.0 {
            let why = "the target policy never takes a logged action; use a log with overlap";
            return Err(StatsError::Refused { what: "a log without weight", why });
        }
        let (x, y) = (self.ratio.mean_x().unwrap_or(0.0), self.ratio.mean_y().unwrap_or(0.0));
        let (value, standard_error) = match self.estimator {
            OffPolicyEstimator::Snips => {
                let value = y / mean_weight;
                let residual = self.ratio.residual_variance(value).ok_or(too_few)?;
                (value, (residual * (n - 1.0)).sqrt() / (n * mean_weight))
            }
            OffPolicyEstimator::SelfNormalisedDr => {
                let residual = self.ratio.residual_variance(-1.0 / mean_weight).ok_or(too_few)?;
                (y + x / mean_weight, (residual / n).sqrt())
            }
            _ => (mean, error),
        };
        let reach = normal::upper_quantile(0.5 * alpha.get()) * standard_error;
        let squares = variance * (n - 1.0) + n * mean_weight * mean_weight;
        let size = if squares > 0.0 { n * mean_weight * (n * mean_weight / squares) } else { 0.0 };
        Ok(OffPolicyEstimate {
            estimator: self.estimator,
            value: finite("the estimate", value)?,
            standard_error: finite("its standard error", standard_error)?,
            interval: Interval::new(value - reach, value + reach, alpha, Coverage::Fixed),
            rows,
            effective_sample_size: size,
            mean_weight,
            max_weight: self.largest,
            cautions: self.cautions(n, mean_weight, (variance / n).sqrt(), size),
        })
    }

    fn cautions(&self, n: f64, mean_weight: f64, error: f64, size: f64) -> Vec<Caution> {
        let mut list = Vec::new();
        if self.estimator == OffPolicyEstimator::DirectMethod {
            return vec![Caution::ModelOnly];
        }
        if size < MIN_EFFECTIVE {
            list.push(Caution::FewEffectiveRows { size });
        }
        let share = self.largest / (n * mean_weight);
        if share > HEAVY_SHARE {
            list.push(Caution::OneHeavyRow { share });
        }
        if (mean_weight - 1.0).abs() > MANY_ERRORS * error {
            list.push(Caution::MeanWeightOff { mean: mean_weight });
        }
        if self.estimator.changes_weights() && self.changed > 0 {
            list.push(Caution::Biased { share: self.changed as f64 / n });
        }
        list
    }
}

impl OffPolicyEstimator {
    const fn needs_model(self) -> bool {
        matches!(
            self,
            Self::DirectMethod
                | Self::DoublyRobust
                | Self::SelfNormalisedDr
                | Self::SwitchDr { .. }
                | Self::ShrunkDr { .. }
        )
    }

    const fn changes_weights(self) -> bool {
        matches!(
            self,
            Self::ClippedIps { .. }
                | Self::SubGaussianIps { .. }
                | Self::SwitchDr { .. }
                | Self::ShrunkDr { .. }
        )
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    estimator: OffPolicyEstimator,
    values: Moments,
    ratio: CoMoments,
    weights: Moments,
    largest: f64,
    changed: u64,
}

impl TryFrom<Stored> for OffPolicy {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let empty = Self::new(stored.estimator)?;
        let Stored { values, ratio, weights, largest, changed, .. } = stored;
        Ok(Self { values, ratio, weights, largest: finite("the largest weight", largest)?, changed, ..empty })
    }
}

const MIN_EFFECTIVE: f64 = 100.0;
const HEAVY_SHARE: f64 = 0.05;
const MANY_ERRORS: f64 = 4.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    const ACTION: [usize; 12] = [0, 1, 2, 1, 2, 0, 0, 0, 2, 2, 1, 1];
    const REWARD: [f64; 12] = [0.63, 1.49, 0.08, 0.13, 0.81, 0.49, 1.69, 1.48, 1.09, 1.32, 1.38, 1.56];
    const LOGGED: [[f64; 3]; 12] = [
        [0.269, 0.514, 0.217],
        [0.266, 0.293, 0.441],
        [0.383, 0.204, 0.413],
        [0.333, 0.204, 0.463],
        [0.173, 0.569, 0.258],
        [0.439, 0.162, 0.399],
        [0.394, 0.253, 0.353],
        [0.667, 0.235, 0.098],
        [0.277, 0.43, 0.293],
        [0.503, 0.42, 0.077],
        [0.301, 0.266, 0.433],
        [0.309, 0.292, 0.399],
    ];
    const TARGET: [[f64; 3]; 12] = [
        [0.616, 0.124, 0.26],
        [0.109, 0.612, 0.279],
        [0.358, 0.627, 0.015],
        [0.38, 0.181, 0.439],
        [0.68, 0.253, 0.067],
        [0.746, 0.156, 0.098],
        [0.472, 0.058, 0.47],
        [0.809, 0.089, 0.102],
        [0.688, 0.263, 0.049],
        [0.673, 0.112, 0.215],
        [0.038, 0.704, 0.258],
        [0.223, 0.293, 0.484],
    ];
    const MODEL: [[f64; 3]; 12] = [
        [1.93, 1.81, 1.4],
        [0.13, 1.61, 1.37],
        [0.29, 0.93, 0.1],
        [1.6, 1.44, 1.61],
        [1.52, 0.53, 1.58],
        [0.5, 0.28, 0.78],
        [1.0, 0.57, 1.21],
        [1.21, 0.48, 1.25],
        [0.71, 1.47, 0.58],
        [1.6, 0.83, 1.11],
        [1.35, 1.04, 0.52],
        [1.96, 0.19, 0.65],
    ];

    fn row(i: usize) -> LoggedRow {
        let a = ACTION[i];
        let target = (0..3).map(|k| TARGET[i][k] * MODEL[i][k]).sum();
        LoggedRow::new(
            Propensity::new(LOGGED[i][a]).unwrap(),
            Probability::new(TARGET[i][a]).unwrap(),
            REWARD[i],
        )
        .with_model(ModelRow { chosen: MODEL[i][a], target })
    }

    /// Source: `bandit/deterministic_vectors.json` of the shared vectors (numpy).
    #[test]
    fn agrees_with_the_vectors() {
        use OffPolicyEstimator as E;
        let check = |estimator: E, value: f64, error: f64| {
            let mut whole = OffPolicy::new(estimator).unwrap();
            let mut parts = [whole; 3];
            (0..12).for_each(|i| whole.add(&row(i)).unwrap());
            (0..12).for_each(|i| parts[i % 3].add(&row(i)).unwrap());
            let merged = parts[2].merge(&parts[0]).unwrap().merge(&parts[1]).unwrap();
            for state in [whole, merged] {
                let got = state.estimate(Alpha::FIVE_PERCENT).unwrap();
                close(got.value, value, 1e-12);
                close(got.standard_error, error, 1e-12);
                close(got.effective_sample_size, 8.260234382638071, 1e-12);
                close(got.max_weight, 2.792207792207792, 1e-12);
                close(got.mean_weight, 1.3568023895603634, 1e-12);
            }
            let text = serde_json::to_string(&whole).unwrap();
            assert_eq!(serde_json::from_str::<OffPolicy>(&text).unwrap(), whole);
        };
        check(E::Ips, 1.5517902463449664, 0.39264264448091013);
        check(E::Snips, 1.1437113158739232, 0.1422164985918313);
        check(E::DirectMethod, 1.1207775, 0.10949354617154246);
        check(E::DoublyRobust, 1.0785017108610715, 0.2696291275790787);
        check(E::SelfNormalisedDr, 1.0896191017953605, 0.1896797341861337);
        check(E::ClippedIps { max_weight: 1.0 }, 0.8792403527409388, 0.19065327043110167);
        check(E::ClippedIps { max_weight: 2.0 }, 1.364045236116489, 0.31722496701329317);
        check(E::SwitchDr { threshold: 1.0 }, 1.0143023790215464, 0.11315963191780078);
        check(E::SwitchDr { threshold: 5.0 }, 1.0785017108610715, 0.2696291275790787);
        check(E::ShrunkDr { lambda: 1.0 }, 1.1251719809295258, 0.09152388846997395);
        check(E::ShrunkDr { lambda: 5.0 }, 1.1148105463468785, 0.15042986206335685);
        check(E::SubGaussianIps { lambda: 0.1 }, 1.4148217211269711, 0.34025960691934004);
        check(E::SubGaussianIps { lambda: 0.5 }, 1.1047961991072943, 0.23105265029031416);
    }

    #[test]
    fn cautions_are_named() {
        let of = |estimator: OffPolicyEstimator| {
            let mut state = OffPolicy::new(estimator).unwrap();
            (0..12).for_each(|i| state.add(&row(i)).unwrap());
            state.estimate(Alpha::FIVE_PERCENT).unwrap().cautions
        };
        assert_eq!(of(OffPolicyEstimator::DirectMethod), [Caution::ModelOnly]);
        let clipped = of(OffPolicyEstimator::ClippedIps { max_weight: 1.0 });
        assert!(clipped.iter().any(|c| matches!(c, Caution::Biased { share } if *share > 0.3)));
        assert!(clipped.iter().any(|c| matches!(c, Caution::FewEffectiveRows { .. })));
        let mut wrong = OffPolicy::new(OffPolicyEstimator::Ips).unwrap();
        for i in 0..1000 {
            let target = Probability::new(if i % 2 == 0 { 1.0 } else { 0.0 }).unwrap();
            wrong.add(&LoggedRow::new(Propensity::new(0.3).unwrap(), target, 1.0)).unwrap();
        }
        let cautions = wrong.estimate(Alpha::FIVE_PERCENT).unwrap().cautions;
        assert!(cautions.iter().any(|c| matches!(c, Caution::MeanWeightOff { .. })));
    }

    #[test]
    fn hostile_input_is_refused_and_extremes_stay_finite() {
        assert!(OffPolicy::new(OffPolicyEstimator::ClippedIps { max_weight: 0.0 }).is_err());
        assert!(OffPolicy::new(OffPolicyEstimator::SubGaussianIps { lambda: 1.5 }).is_err());
        assert!(OffPolicy::new(OffPolicyEstimator::ShrunkDr { lambda: f64::NAN }).is_err());
        let one = Probability::new(1.0).unwrap();
        let tiny = Propensity::new(1e-300).unwrap();
        for estimator in [
            OffPolicyEstimator::Ips,
            OffPolicyEstimator::Snips,
            OffPolicyEstimator::SubGaussianIps { lambda: 0.0 },
            OffPolicyEstimator::ShrunkDr { lambda: 1e-300 },
        ] {
            let mut state = OffPolicy::new(estimator).unwrap();
            assert!(state.estimate(Alpha::FIVE_PERCENT).is_err());
            for reward in [0.0, 1.0, f64::NAN, f64::INFINITY, 1e300, -1e300] {
                for propensity in [tiny, Propensity::new(5e-324).unwrap(), Propensity::new(1.0).unwrap()] {
                    let model = ModelRow { chosen: 0.0, target: 0.0 };
                    let _ = state.add(&LoggedRow::new(propensity, one, reward).with_model(model));
                    if let Ok(got) = state.estimate(Alpha::FIVE_PERCENT) {
                        assert!(got.value.is_finite() && got.standard_error.is_finite());
                        assert!(got.effective_sample_size.is_finite());
                    }
                }
            }
        }
        let mut state = OffPolicy::new(OffPolicyEstimator::DoublyRobust).unwrap();
        assert!(state.add(&LoggedRow::new(tiny, one, 1.0)).is_err());
    }
}
