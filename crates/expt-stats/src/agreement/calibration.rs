//! Whose probabilities are nearer to the outcomes.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP, Probability};
use crate::moments::Moments;
use crate::special::{normal, student};

/// Counts the probabilities that a reference and a candidate gave to the same event, with what happened; a commutative
/// monoid.
///
/// Estimands: of each score, calibration in the large (mean outcome minus mean probability) and the Brier score; of the
/// pair, the differences candidate minus reference of mean probability, Brier score (Brier 1950) and logarithmic score.
/// Differences are paired, so what the inputs share cancels; intervals are paired t. Assumes independent pairs. Each
/// score is tested for calibration by Spiegelhalter's z, `sum (y - s)(1 - 2 s) / sqrt(sum (1 - 2 s)^2 s (1 - s))`
/// (Spiegelhalter 1986), normal if the probabilities are right. The logarithmic score cuts probabilities to
/// `[1e-15, 1 - 1e-15]`.
///
/// ```
/// use expt_stats::agreement::CalibrationPair;
/// use expt_stats::{Alpha, Probability};
///
/// let mut pair = CalibrationPair::default();
/// for i in 0..100_u32 {
///     let happened = i % 4 == 0;
///     pair.add(Probability::new(0.25)?, Probability::new(0.5)?, happened);
/// }
/// let got = pair.summary(Alpha::FIVE_PERCENT)?;
/// assert!((got.brier_difference - 0.0625).abs() < 1e-12);
/// assert!(got.candidate.ln_p.p() == 1.0 && got.candidate.in_the_large < 0.0);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPair {
    reference: Sums,
    candidate: Sums,
    shift: Moments,
    brier: Moments,
    log: Moments,
}

/// Sums of one score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    error: Moments,
    brier: Moments,
    numerator: f64,
    variance: f64,
}

/// Holds how two scores compare; differences are candidate minus reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalibrationSummary {
    /// How many pairs.
    pub count: u64,
    /// The reference's own calibration.
    pub reference: ScoreCalibration,
    /// The candidate's own calibration.
    pub candidate: ScoreCalibration,
    /// The difference of mean probabilities, which is minus the difference of calibration in the large.
    pub mean_difference: f64,
    /// Its interval.
    pub mean_interval: Interval,
    /// The difference of Brier scores; negative if the candidate is better.
    pub brier_difference: f64,
    /// Its interval.
    pub brier_interval: Interval,
    /// The difference of logarithmic scores (cross-entropy, nats); negative if the candidate is better.
    pub log_difference: f64,
    /// Its interval.
    pub log_interval: Interval,
}

/// Holds the calibration of one score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScoreCalibration {
    /// Mean outcome minus mean probability: positive if the score is too low.
    pub in_the_large: f64,
    /// The Brier score.
    pub brier: f64,
    /// Spiegelhalter's z; `None` if all probabilities are 0, 1/2 or 1, where it has no variance.
    pub z: Option<f64>,
    /// The two-sided p-value of "calibrated" by z; 1 where there is none.
    pub ln_p: LnP,
}

impl CalibrationPair {
    /// Counts one event.
    pub fn add(&mut self, reference: Probability, candidate: Probability, happened: bool) {
        let (r, c, y) = (reference.get(), candidate.get(), f64::from(u8::from(happened)));
        self.reference.add(r, y);
        self.candidate.add(c, y);
        let log = |s: f64| -(if happened { s } else { 1.0 - s }).max(LEAST).ln();
        let square = |s: f64| (y - s) * (y - s);
        // Values within [-35, 35]: only the count could overflow, and then the value is dropped.
        for (moments, value) in [
            (&mut self.shift, c - r),
            (&mut self.brier, square(c) - square(r)),
            (&mut self.log, log(c) - log(r)),
        ] {
            let _ = moments.push(value);
        }
    }

    /// Joins two counters.
    ///
    /// # Errors
    /// [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        Ok(Self {
            reference: self.reference.merge(&other.reference)?,
            candidate: self.candidate.merge(&other.candidate)?,
            shift: self.shift.merge(&other.shift)?,
            brier: self.brier.merge(&other.brier)?,
            log: self.log.merge(&other.log)?,
        })
    }

    /// Summarises at one look, fixed beforehand.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two events.
    pub fn summary(&self, alpha: Alpha) -> Result<CalibrationSummary, StatsError> {
        let (mean_difference, mean_interval) = paired(&self.shift, alpha)?;
        let (brier_difference, brier_interval) = paired(&self.brier, alpha)?;
        let (log_difference, log_interval) = paired(&self.log, alpha)?;
        Ok(CalibrationSummary {
            count: self.shift.count(),
            reference: self.reference.calibration(),
            candidate: self.candidate.calibration(),
            mean_difference,
            mean_interval,
            brier_difference,
            brier_interval,
            log_difference,
            log_interval,
        })
    }
}

impl Sums {
    fn add(&mut self, s: f64, y: f64) {
        let _ = self.error.push(y - s);
        let _ = self.brier.push((y - s) * (y - s));
        let slope = 1.0 - 2.0 * s;
        self.numerator += (y - s) * slope;
        self.variance += slope * slope * s * (1.0 - s);
    }

    fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        Ok(Self {
            error: self.error.merge(&other.error)?,
            brier: self.brier.merge(&other.brier)?,
            numerator: self.numerator + other.numerator,
            variance: self.variance + other.variance,
        })
    }

    fn calibration(&self) -> ScoreCalibration {
        let z = self.numerator / self.variance.sqrt();
        let z = z.is_finite().then_some(z);
        let ln_p = z.map_or(LnP::ONE, |z| LnP::saturating(std::f64::consts::LN_2 + normal::ln_sf(z.abs())));
        let mean = |moments: &Moments| moments.mean().unwrap_or(0.0);
        ScoreCalibration { in_the_large: mean(&self.error), brier: mean(&self.brier), z, ln_p }
    }
}

/// Returns the mean and its paired t interval.
fn paired(moments: &Moments, alpha: Alpha) -> Result<(f64, Interval), StatsError> {
    let count = moments.count();
    let (Some(mean), Some(error)) = (moments.mean(), moments.standard_error()) else {
        return Err(StatsError::TooFew { what: "the comparison", have: count, need: 2 });
    };
    let reach = student::upper_quantile(0.5 * alpha.get(), (count - 1) as f64) * error;
    Ok((mean, Interval::new(mean - reach, mean + reach, alpha, Coverage::Fixed)))
}

/// The least probability in a logarithmic score.
const LEAST: f64 = 1e-15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    const Y: [bool; 8] = [false, true, true, false, true, false, false, true];
    const S: [f64; 8] = [0.2, 0.7, 0.6, 0.4, 0.9, 0.1, 0.35, 0.55];

    fn pair(range: std::ops::Range<usize>) -> CalibrationPair {
        let mut pair = CalibrationPair::default();
        range.for_each(|i| pair.add(Probability::new(0.5).unwrap(), Probability::new(S[i]).unwrap(), Y[i]));
        pair
    }

    /// Source: numpy, Spiegelhalter's formula.
    #[test]
    fn agrees_with_the_formula_and_merging_equals_counting() {
        let got = pair(0..8).summary(Alpha::FIVE_PERCENT).unwrap();
        close(got.candidate.z.unwrap(), -1.424136000322654, 1e-12);
        assert_eq!((got.reference.z, got.reference.ln_p), (None, LnP::ONE));
        close(got.reference.brier, 0.25, 1e-15);
        close(got.mean_difference, S.iter().sum::<f64>() / 8.0 - 0.5, 1e-12);
        let merged = pair(3..8).merge(&pair(0..3)).unwrap().summary(Alpha::FIVE_PERCENT).unwrap();
        close(merged.log_interval.upper.unwrap(), got.log_interval.upper.unwrap(), 1e-12);
        close(merged.brier_difference, got.brier_difference, 1e-12);
        assert!(pair(0..1).summary(Alpha::FIVE_PERCENT).is_err());
    }

    #[test]
    fn certain_and_wrong_stays_finite() {
        let mut sure = CalibrationPair::default();
        for _ in 0..3 {
            sure.add(Probability::new(0.0).unwrap(), Probability::new(1.0).unwrap(), true);
        }
        let got = sure.summary(Alpha::FIVE_PERCENT).unwrap();
        assert!(got.log_difference < -30.0 && got.log_difference.is_finite());
    }
}
