//! Twyman's law: any figure that looks interesting or different is usually wrong.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite, non_negative};
use crate::moments::Moments;

/// Flags figures that are more likely a mistake than a discovery.
///
/// The law is quoted by Ehrenberg (1975) and, for experiments, by Kohavi and Longbotham (2010). A flag is not
/// a test with an error level: it says what to check before believing. Each holds the value, the threshold it
/// crossed, and the reason as text ([`Flag`] has `Display`).
///
/// ```
/// use expt_stats::Moments;
/// use expt_stats::integrity::{FlagKind, Twyman};
///
/// let twyman = Twyman::default();
/// // Forty past launches moved the metric by about half a per cent; this one claims eight.
/// let past: Vec<f64> = (0..40).map(|i| (f64::from(i) - 19.5) * 0.0004).collect();
/// let flag = twyman.implausible_effect(0.08, 0.005, &past)?.unwrap();
/// assert_eq!(flag.kind, FlagKind::ImplausibleEffect);
/// assert!(flag.value > flag.threshold && flag.to_string().contains("past effects"));
///
/// let arm = Moments::from_counts(500, 10_000)?;
/// assert!(twyman.identical_arms(&arm, &arm).is_some());
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Twyman {
    /// How many robust deviations an effect may lie from past effects; 4 by default.
    pub effect: f64,
    /// The chance below which a round number is suspicious; 0.001 by default.
    pub round: f64,
    /// How many robust deviations a step from one day to the next may be; 6 by default.
    pub jump: f64,
    /// How far, in standard errors, an effect may be from what a correlated metric implies; 4 by default.
    pub inconsistency: f64,
}

impl Default for Twyman {
    fn default() -> Self {
        Self { effect: 4.0, round: 0.001, jump: 6.0, inconsistency: 4.0 }
    }
}

impl Twyman {
    /// Sets how many robust deviations an effect may lie from past effects.
    #[must_use]
    pub const fn with_effect(mut self, deviations: f64) -> Self {
        self.effect = deviations;
        self
    }

    /// Sets how many robust deviations a step from one day to the next may be.
    #[must_use]
    pub const fn with_jump(mut self, deviations: f64) -> Self {
        self.jump = deviations;
        self
    }

    /// Flags an effect that is far outside of what past experiments achieved.
    ///
    /// Value: `|effect - median| / sqrt((1.4826 MAD)^2 + se^2)` over the past effects, on the same scale (a
    /// MAD of zero is replaced by the mean absolute deviation).
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below ten past effects; [`StatsError::NotFinite`]; [`StatsError::OutOfRange`]
    /// for a negative standard error.
    pub fn implausible_effect(
        &self,
        effect: f64,
        standard_error: f64,
        past: &[f64],
    ) -> Result<Option<Flag>, StatsError> {
        let effect = finite("the effect", effect)?;
        let noise = non_negative("the standard error of the effect", standard_error)?;
        if past.len() < 10 {
            let (what, have) = ("the list of past effects", past.len() as u64);
            return Err(StatsError::TooFew { what, have, need: 10 });
        }
        for &one in past {
            finite("a past effect", one)?;
        }
        let (centre, spread) = robust(past);
        let value = ratio((effect - centre).abs(), spread.hypot(noise));
        Ok(self.flag(FlagKind::ImplausibleEffect, value, self.effect, None))
    }

    /// Flags a mean that is a round number where chance would hardly make it one.
    ///
    /// The mean of n whole numbers is a multiple of `1 / n`, so it has at most two significant decimal digits
    /// with a chance of about `1 / (n step)`, where `step` is the distance of such numbers. Value: that
    /// chance; a mean that is not round, or zero, has no flag.
    #[must_use]
    pub fn round_number(&self, moments: &Moments) -> Option<Flag> {
        let mean = moments.mean()?;
        if mean == 0.0 {
            return None;
        }
        let exponent = mean.abs().log10().floor() - 1.0;
        // Multiplying by a power of ten is exact enough, dividing by a small inexact one is not.
        let scaled =
            if exponent < 0.0 { mean * 10.0_f64.powf(-exponent) } else { mean / 10.0_f64.powf(exponent) };
        if !scaled.is_finite() || (scaled - scaled.round()).abs() > 1e-12 * scaled.abs() {
            return None;
        }
        let chance = (1.0 / (moments.count() as f64 * 10.0_f64.powf(exponent))).min(1.0);
        let flag = Flag { kind: FlagKind::RoundNumber, value: chance, threshold: self.round, place: None };
        (chance < self.round).then_some(flag)
    }

    /// Flags an arm of at least ten units whose values are all equal. Value: its variance.
    #[must_use]
    pub fn zero_variance(&self, moments: &Moments) -> Option<Flag> {
        let variance = moments.variance().filter(|_| moments.count() >= 10)?;
        let flag = Flag { kind: FlagKind::ZeroVariance, value: variance, threshold: 0.0, place: None };
        (variance <= 0.0).then_some(flag)
    }

    /// Flags arms that agree in count, mean and variance: the same data twice. Value: the relative distance.
    #[must_use]
    pub fn identical_arms(&self, control: &Moments, treatment: &Moments) -> Option<Flag> {
        let (a, b) = (control.mean()?, treatment.mean()?);
        let (va, vb) = (control.variance()?, treatment.variance()?);
        let apart = |x: f64, y: f64| ratio((x - y).abs(), x.abs().max(y.abs()));
        let value = apart(a, b).max(apart(va, vb));
        let same = control.count() == treatment.count() && control.count() >= 100 && value <= SAME;
        let flag = Flag { kind: FlagKind::IdenticalArms, value, threshold: SAME, place: None };
        same.then_some(flag)
    }

    /// Flags days on which a daily series (a metric, an effect, a count of units) steps out of its own
    /// pattern.
    ///
    /// Value: the distance of the step from the median step in robust deviations (1.4826 MAD of all steps).
    /// `place` is the day after the step. A weekly pattern makes steps large on weekends: pass differences to
    /// the same day of the week before, or the effect, in which the pattern cancels.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below seven days; [`StatsError::NotFinite`].
    pub fn daily_jumps(&self, series: &[f64]) -> Result<Vec<Flag>, StatsError> {
        if series.len() < 7 {
            let (what, have) = ("the daily series", series.len() as u64);
            return Err(StatsError::TooFew { what, have, need: 7 });
        }
        for &value in series {
            finite("a daily value", value)?;
        }
        let pairs = series.iter().zip(series.iter().skip(1));
        let steps: Vec<f64> = pairs.map(|(a, b)| (b - a).clamp(f64::MIN, f64::MAX)).collect();
        let (centre, spread) = robust(&steps);
        let flags = steps.iter().enumerate().filter_map(|(day, step)| {
            let value = ratio((step - centre).abs(), spread);
            self.flag(FlagKind::DailyJump, value, self.jump, Some(day + 1))
        });
        Ok(flags.collect())
    }

    /// Flags a primary effect that a correlated metric contradicts.
    ///
    /// Both effects in standard errors, and the correlation of the two *estimates* (that of the metrics
    /// between units). If the treatment moves the second metric as units with a higher first one do, the
    /// primary z is normal about `r z_other` with variance `1 - r^2`. Value: `|z - r z_other| / sqrt(1 -
    /// r^2)`.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] unless `-1 < r < 1`.
    pub fn inconsistent(&self, z: f64, z_other: f64, correlation: f64) -> Result<Option<Flag>, StatsError> {
        let (z, other) = (finite("the z statistic", z)?, finite("the other z statistic", z_other)?);
        let free = finite("the correlation", correlation)?.mul_add(-correlation, 1.0);
        if free <= 0.0 {
            let (what, allowed) = ("the correlation", "the open interval (-1, 1)");
            return Err(StatsError::OutOfRange { what, value: correlation, allowed });
        }
        let value = ratio((z - correlation * other).abs(), free.sqrt());
        Ok(self.flag(FlagKind::Inconsistent, value, self.inconsistency, None))
    }

    /// Runs the checks that need only the arms: zero variance, round numbers, identical arms.
    #[must_use]
    pub fn arms(&self, control: &Moments, treatment: &Moments) -> Vec<Flag> {
        let each = [control, treatment].into_iter().enumerate().flat_map(|(place, arm)| {
            let flags = [self.zero_variance(arm), self.round_number(arm)];
            flags.into_iter().flatten().map(move |flag| Flag { place: Some(place), ..flag })
        });
        each.chain(self.identical_arms(control, treatment)).collect()
    }

    fn flag(&self, kind: FlagKind, value: f64, threshold: f64, place: Option<usize>) -> Option<Flag> {
        (value > threshold).then_some(Flag { kind, value, threshold, place })
    }
}

/// Holds one suspicious figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Flag {
    /// What is suspicious.
    pub kind: FlagKind,
    /// The measured value, as the check that raised the flag defines it.
    pub value: f64,
    /// What it was compared with.
    pub threshold: f64,
    /// The day of a jump, or the arm (0 is control) of a check of arms.
    pub place: Option<usize>,
}

impl fmt::Display for Flag {
    /// Writes the reason with value and threshold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, threshold) = (self.value, self.threshold);
        match self.kind {
            FlagKind::ImplausibleEffect => write!(
                f,
                "the effect is {value:.1} deviations from past effects (limit {threshold}); look for a logging change \
                 or a wrong denominator before believing it"
            ),
            FlagKind::RoundNumber => write!(
                f,
                "the mean is a round number, which chance does with probability {value:.1e} (limit {threshold}); \
                 look for rounding, defaults or a constant in its place"
            ),
            FlagKind::ZeroVariance => {
                f.write_str("all units have the same value; the metric is probably not logged")
            }
            FlagKind::IdenticalArms => f.write_str(
                "both arms have the same count, mean and variance; the same data was probably read twice",
            ),
            FlagKind::DailyJump => write!(
                f,
                "day {} steps {value:.1} deviations out of the usual (limit {threshold}); look for a release, an \
                 outage or a change of logging on that day",
                self.place.unwrap_or(0)
            ),
            FlagKind::Inconsistent => write!(
                f,
                "the effect is {value:.1} standard errors from what the correlated metric implies (limit {threshold}); \
                 one of the two is probably measured wrongly"
            ),
        }
    }
}

/// Names what is suspicious about a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FlagKind {
    /// Far outside of what past experiments achieved.
    ImplausibleEffect,
    /// Too round.
    RoundNumber,
    /// All values equal.
    ZeroVariance,
    /// Both arms the same data.
    IdenticalArms,
    /// A step within a daily series.
    DailyJump,
    /// Contradicted by a correlated metric.
    Inconsistent,
}

/// Returns the median and 1.4826 times the median absolute deviation, a standard deviation for normal data.
///
/// Where more than half of the values are equal, the mean absolute deviation times 1.2533 takes its place, so
/// that a discrete series does not look infinitely calm.
fn robust(values: &[f64]) -> (f64, f64) {
    let centre = median(values.to_vec());
    let apart: Vec<f64> = values.iter().map(|value| (value - centre).abs().min(f64::MAX)).collect();
    let count = apart.len() as f64;
    let mean: f64 = apart.iter().map(|one| one / count).sum();
    let middle = median(apart);
    let spread = if middle > 0.0 { 1.482_602_218_505_602 * middle } else { 1.253_314_137_315_5 * mean };
    (centre, spread.min(f64::MAX))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = |i: usize| values.get(i).copied().unwrap_or(0.0);
    0.5 * middle(values.len() / 2) + 0.5 * middle(values.len().saturating_sub(1) / 2)
}

/// Returns `a / b` for `a >= 0`: zero for nothing over nothing, the largest number for something over
/// nothing.
fn ratio(a: f64, b: f64) -> f64 {
    if a <= 0.0 { 0.0 } else { (a / b).min(f64::MAX) }
}

/// Relative distance within which two means are the same number.
const SAME: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn an_effect_is_judged_against_history_and_noise() {
        let twyman = Twyman::default();
        let past: Vec<f64> = (-10..=10).map(f64::from).collect();
        // Median 0, MAD 5: a deviation is 7.413; with noise 7.413 as much again in squares.
        let flag = twyman.implausible_effect(31.0, 0.0, &past).unwrap().unwrap();
        close(flag.value, 31.0 / (5.0 * 1.482602218505602), 1e-12);
        assert_eq!(twyman.implausible_effect(31.0, 7.413, &past).unwrap(), None);
        assert_eq!(twyman.implausible_effect(29.0, 0.0, &past).unwrap(), None);
        assert!(twyman.implausible_effect(1.0, 0.0, &past[..9]).is_err());
        let constant = twyman.implausible_effect(1.0, 0.0, &[0.0; 10]).unwrap().unwrap();
        assert!(constant.value.is_finite());
    }

    #[test]
    fn round_numbers_are_suspicious_in_large_samples_only() {
        let twyman = Twyman::default();
        let of = |count, mean| twyman.round_number(&Moments::from_summary(count, mean, 1.0).unwrap());
        assert!(of(1_000_000, 0.25).is_some() && of(1_000_000, 1200.0).is_some());
        assert!(of(1_000_000, 0.251).is_none() && of(1_000_000, 0.0).is_none());
        assert!(of(100, 0.25).is_none());
        let flag = of(1_000_000, 0.3).unwrap();
        close(flag.value, 1e-4, 1e-9);
        assert!(of(1_000_000, 5e-324).is_none() && of(10, 1e300).is_some());
    }

    #[test]
    fn arms_without_life_or_difference() {
        let twyman = Twyman::default();
        let (a, b) =
            (Moments::from_counts(4_321, 98_765).unwrap(), Moments::from_counts(4_322, 98_765).unwrap());
        assert!(twyman.arms(&a, &b).is_empty());
        let same = twyman.arms(&a, &a);
        assert_eq!(same.iter().map(|flag| flag.kind).collect::<Vec<_>>(), [FlagKind::IdenticalArms]);
        let flat = Moments::from_values(&[1.5; 12]).unwrap();
        let dead = twyman.arms(&a, &flat);
        assert!(dead.iter().any(|flag| flag.kind == FlagKind::ZeroVariance && flag.place == Some(1)));
        assert!(twyman.arms(&Moments::default(), &Moments::default()).is_empty());
    }

    #[test]
    fn a_jump_is_dated() {
        let twyman = Twyman::default();
        let mut series = [1.0, 1.3, 0.8, 1.1, 0.9, 1.4, 1.2, 0.7, 1.0, 1.1, 0.6, 1.3, 1.2, 0.9];
        assert!(twyman.daily_jumps(&series).unwrap().is_empty());
        series.iter_mut().skip(9).for_each(|value| *value += 5.0);
        let flags = twyman.daily_jumps(&series).unwrap();
        assert_eq!(flags.iter().map(|flag| flag.place).collect::<Vec<_>>(), [Some(9)]);
        assert!(flags[0].to_string().starts_with("day 9 steps"));
        let wild = [f64::MAX, f64::MIN, f64::MAX, 0.0, 1.0, f64::MIN, f64::MAX];
        assert!(twyman.daily_jumps(&wild).unwrap().iter().all(|flag| flag.value.is_finite()));
        assert!(twyman.daily_jumps(&[0.0; 6]).is_err() && twyman.daily_jumps(&[f64::NAN; 9]).is_err());
    }

    #[test]
    fn correlated_metrics_must_agree() {
        let twyman = Twyman::default();
        assert_eq!(twyman.inconsistent(5.0, 6.0, 0.8).unwrap(), None);
        let flag = twyman.inconsistent(5.0, -1.0, 0.8).unwrap().unwrap();
        close(flag.value, 5.8 / 0.6, 1e-12);
        assert!(twyman.inconsistent(1.0, 1.0, 1.0).is_err());
        assert!(twyman.inconsistent(f64::NAN, 1.0, 0.5).is_err());
    }
}
