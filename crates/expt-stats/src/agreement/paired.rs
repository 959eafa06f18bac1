//! Paired numeric outputs.

use serde::{Deserialize, Serialize};

use crate::comoments::CoMoments;
use crate::error::{StatsError, non_negative};
use crate::fixed::Proportion;
use crate::interval::{Coverage, Interval};
use crate::level::Alpha;
use crate::moments::Moments;
use crate::special::{normal, student};

/// Counts pairs of outputs of a reference and a candidate on the same input; a commutative monoid for
/// one tolerance.
///
/// ```
/// use expt_stats::{Alpha, PairedMoments};
///
/// let mut pairs = PairedMoments::new(0.5)?;
/// for (reference, candidate) in [(1.0, 1.1), (2.0, 2.9), (3.0, 3.2)] {
///     pairs.push(reference, candidate)?;
/// }
/// let summary = pairs.summary(Alpha::FIVE_PERCENT)?;
/// assert!((summary.mean_difference - 0.4).abs() < 1e-12);
/// assert_eq!(summary.over_tolerance.events, 1);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedMoments {
    tolerance: f64,
    over: u64,
    differences: Moments,
    joint: CoMoments,
}

impl PairedMoments {
    /// Makes an empty counter; differences larger than `tolerance` in size are counted as such.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the tolerance is finite and not
    /// negative.
    pub fn new(tolerance: f64) -> Result<Self, StatsError> {
        let tolerance = non_negative("tolerance", tolerance)?;
        Ok(Self { tolerance, over: 0, differences: Moments::default(), joint: CoMoments::default() })
    }

    /// Counts one pair.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] or [`StatsError::Overflow`]; the counter is then unchanged.
    pub fn push(&mut self, reference: f64, candidate: f64) -> Result<(), StatsError> {
        let mut next = *self;
        next.joint.push(reference, candidate)?;
        next.differences.push(candidate - reference)?;
        next.over += u64::from((candidate - reference).abs() > self.tolerance);
        *self = next;
        Ok(())
    }

    /// Joins two counters of the same tolerance.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the tolerances differ, [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        if self.tolerance.to_bits() != other.tolerance.to_bits() {
            let allowed = "the tolerance of the other counter";
            return Err(StatsError::OutOfRange { what: "tolerance", value: other.tolerance, allowed });
        }
        let over = self.over.checked_add(other.over).ok_or(StatsError::Overflow { what: "the count" })?;
        let differences = self.differences.merge(&other.differences)?;
        Ok(Self { tolerance: self.tolerance, over, differences, joint: self.joint.merge(&other.joint)? })
    }

    /// Returns the number of pairs.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.differences.count()
    }

    /// Returns the moments of the differences, candidate minus reference.
    #[must_use]
    pub const fn differences(&self) -> &Moments {
        &self.differences
    }

    /// Summarises the agreement.
    ///
    /// The limits of agreement are `mean ± z sd` of the differences (Bland and Altman 1986): about
    /// `1 - alpha` of single differences lie inside if they are roughly normal. The interval of the mean
    /// difference is the paired t interval. Fixed sample size.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two pairs.
    pub fn summary(&self, alpha: Alpha) -> Result<PairedSummary, StatsError> {
        let count = self.count();
        let moments = &self.differences;
        let (Some(mean), Some(variance), Some(error)) =
            (moments.mean(), moments.variance(), moments.standard_error())
        else {
            return Err(StatsError::TooFew { what: "the comparison", have: count, need: 2 });
        };
        let (sd, tail) = (variance.sqrt(), 0.5 * alpha.get());
        let (spread, reach) =
            (normal::upper_quantile(tail) * sd, student::upper_quantile(tail, (count - 1) as f64) * error);
        Ok(PairedSummary {
            count,
            mean_difference: mean,
            mean_interval: Interval::new(mean - reach, mean + reach, alpha, Coverage::Fixed),
            standard_deviation: sd,
            limits_of_agreement: (mean - spread, mean + spread),
            correlation: self.joint.correlation(),
            tolerance: self.tolerance,
            over_tolerance: Proportion::wilson(self.over, count, alpha)?,
        })
    }
}

/// Holds the agreement of two numeric outputs; differences are candidate minus reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PairedSummary {
    /// How many pairs.
    pub count: u64,
    /// The mean difference (bias).
    pub mean_difference: f64,
    /// The paired t interval of the mean difference.
    pub mean_interval: Interval,
    /// The standard deviation of the differences.
    pub standard_deviation: f64,
    /// Bland-Altman limits for a single difference.
    pub limits_of_agreement: (f64, f64),
    /// Pearson's correlation, `None` if an output is constant. High correlation is not agreement.
    pub correlation: Option<f64>,
    /// The tolerance.
    pub tolerance: f64,
    /// The share of differences larger than the tolerance.
    pub over_tolerance: Proportion,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    const A: [f64; 5] =
        [3.8513011114923295, 4.785820759766581, 3.07731205253743, 4.708783305913476, 4.628401097840953];
    const B: [f64; 5] =
        [3.7109060920118746, 5.991556415852669, 4.066644533516563, 5.4138431785874666, 3.8340244565921617];

    fn pairs(range: std::ops::Range<usize>) -> PairedMoments {
        let mut pairs = PairedMoments::new(1.0).unwrap();
        range.for_each(|i| pairs.push(A[i], B[i]).unwrap());
        pairs
    }

    /// Source: scipy 1.18.1 `stats.ttest_rel`.
    #[test]
    fn the_mean_interval_agrees_with_scipy() {
        let got = pairs(0..5).summary(Alpha::FIVE_PERCENT).unwrap();
        close(got.mean_interval.lower.unwrap(), -0.647245066103571, 1e-10);
        close(got.mean_interval.upper.unwrap(), 1.4333876057075567, 1e-10);
        assert_eq!(got.over_tolerance.events, 1);
    }

    #[test]
    fn merging_equals_counting_and_errors_change_nothing() {
        let merged = pairs(0..2).merge(&pairs(2..5)).unwrap().summary(Alpha::FIVE_PERCENT).unwrap();
        let whole = pairs(0..5).summary(Alpha::FIVE_PERCENT).unwrap();
        close(merged.standard_deviation, whole.standard_deviation, 1e-13);
        close(merged.correlation.unwrap(), whole.correlation.unwrap(), 1e-12);
        let mut some = pairs(0..2);
        assert!(some.push(1.0, f64::NAN).is_err());
        assert_eq!(some, pairs(0..2));
        assert!(some.merge(&PairedMoments::new(2.0).unwrap()).is_err());
        assert!(PairedMoments::new(1.0).unwrap().summary(Alpha::FIVE_PERCENT).is_err());
    }
}
