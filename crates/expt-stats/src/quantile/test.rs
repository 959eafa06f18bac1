//! A test of one quantile against a value.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};
use crate::level::{Alternative, LnP, Probability};
use crate::quantile::sample::SortedSample;
use crate::tails::binomial;

/// Holds a test whether the q-quantile of a population is a given value.
///
/// Under the hypothesis the number of values at most (`T1`) and below (`T2`) the given value are bounded by
/// a Binomial(n, q) variable `Y`: the quantile is greater with p-value `P(Y <= T1)`, less with
/// `P(Y >= T2)`, and two-sided twice the smaller, at most one. Distribution free, exact for continuous
/// distributions and conservative under ties (Conover 1999, "Practical Nonparametric Statistics"; the
/// same as scipy's `quantile_test`). At q = 1/2 it is the sign test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuantileTest {
    /// The p-value.
    pub ln_p: LnP,
    /// Which count decided, and its value.
    pub statistic: QuantileStatistic,
    /// The alternative tested against.
    pub alternative: Alternative,
}

/// Holds the count that a [`QuantileTest`] rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QuantileStatistic {
    /// The number of values at most the tested one; it speaks for a greater quantile.
    AtMost(u64),
    /// The number of values below the tested one; it speaks for a smaller quantile.
    Below(u64),
}

impl SortedSample {
    /// Tests whether the q-quantile of the population is `value`.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if `value` is not finite; [`StatsError::OutOfRange`] unless `0 < q < 1`.
    pub fn test_quantile(
        &self,
        q: Probability,
        value: f64,
        alternative: Alternative,
    ) -> Result<QuantileTest, StatsError> {
        let (q, value) = (q.get(), finite("the tested quantile", value)?);
        if q <= 0.0 || q >= 1.0 {
            return Err(StatsError::OutOfRange { what: "q", value: q, allowed: "the open interval (0, 1)" });
        }
        let n = self.values().len() as u64;
        let at_most = self.values().partition_point(|&x| x <= value) as u64;
        let below = self.values().partition_point(|&x| x < value) as u64;
        let greater = binomial(at_most as i64, n, q).ln_lower;
        let less = binomial(below as i64 - 1, n, q).ln_upper;
        let (ln_p, statistic) = match alternative {
            Alternative::Greater => (greater, QuantileStatistic::AtMost(at_most)),
            Alternative::Less => (less, QuantileStatistic::Below(below)),
            Alternative::TwoSided if greater <= less => {
                (greater + std::f64::consts::LN_2, QuantileStatistic::AtMost(at_most))
            }
            Alternative::TwoSided => (less + std::f64::consts::LN_2, QuantileStatistic::Below(below)),
        };
        Ok(QuantileTest { ln_p: LnP::saturating(ln_p), statistic, alternative })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: scipy 1.17.1, `quantile_test` of 1..=20 with a tie at 7.
    #[test]
    fn agrees_with_scipy() {
        let values: Vec<f64> = (1..=20).map(f64::from).chain([7.0]).collect();
        let sample = SortedSample::new(&values).unwrap();
        let check = |value: f64, alternative: Alternative, want: f64| {
            let q = Probability::new(0.6).unwrap();
            close(sample.test_quantile(q, value, alternative).unwrap().ln_p.p(), want, 1e-11);
        };
        check(7.0, Alternative::TwoSided, 0.0704558066007278);
        check(7.0, Alternative::Less, 0.9991651714699163);
        check(7.0, Alternative::Greater, 0.0352279033003639);
        check(12.5, Alternative::TwoSided, 1.0);
        check(12.5, Alternative::Less, 0.5237164102103491);
        check(12.5, Alternative::Greater, 0.6504599686903496);
        check(21.0, Alternative::TwoSided, 4.3873901280755646e-05);
        check(21.0, Alternative::Less, 2.1936950640377823e-05);
        check(21.0, Alternative::Greater, 1.0);
        assert!(sample.test_quantile(Probability::new(1.0).unwrap(), 1.0, Alternative::Less).is_err());
    }
}
