//! States from a warehouse's plain sums.

use serde::{Deserialize, Serialize};

use super::caution::Caution;
use crate::comoments::CoMoments;
use crate::error::{StatsError, finite, non_negative};
use crate::moments::Moments;

/// Holds the sums that `SELECT COUNT(x), SUM(x), SUM(x * x)` gives.
///
/// The variance is `(sum of squares - sum^2 / n) / (n - 1)`. The subtraction is done exactly here, but the sums
/// themselves were rounded: of the 16 digits of an `f64`, the variance keeps `16 - log10(condition)` at best, with
/// `condition = sum of squares / sum of squared deviations`. A metric whose mean is 10,000 standard deviations from zero has half
/// of its digits left, one with 1e8 has none. Then the result carries [`Caution::Cancellation`]: subtract a constant
/// in the warehouse first, or let it compute the variance.
///
/// ```
/// use expt_stats::fixed::Sums;
///
/// let got = Sums::new(3, 6.0, 14.0)?.moments()?;
/// assert_eq!((got.moments.mean(), got.moments.variance(), got.caution), (Some(2.0), Some(1.0), None));
/// let far = Sums::new(3, 3e8 + 6.0, 3e16 + 12e8 + 14.0)?.moments()?;
/// assert!(far.caution.is_some());
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredSums")]
pub struct Sums {
    count: u64,
    sum: f64,
    squares: f64,
}

impl Sums {
    /// Takes the sums.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; a negative sum of squares as [`StatsError::OutOfRange`].
    pub fn new(count: u64, sum: f64, squares: f64) -> Result<Self, StatsError> {
        let squares = non_negative("the sum of squares", squares)?;
        Ok(Self { count, sum: finite("the sum", sum)?, squares })
    }

    /// Adds the sums of other rows.
    ///
    /// # Errors
    /// [`StatsError::Overflow`] or [`StatsError::NotFinite`] when a sum leaves its range.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        let count = self.count.checked_add(other.count).ok_or(StatsError::Overflow { what: "the count" })?;
        Self::new(count, self.sum + other.sum, self.squares + other.squares)
    }

    /// Returns the moments, and what they are worth. The skewness is unknown.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the sum of squares is smaller than `sum^2 / n` by more than rounding, so that
    /// the sums contradict each other; [`StatsError::Overflow`].
    pub fn moments(&self) -> Result<SumsMoments, StatsError> {
        if self.count == 0 {
            empty(&[self.sum, self.squares])?;
            return Ok(SumsMoments { moments: Moments::default(), caution: None });
        }
        let n = self.count as f64;
        let second = centred(self.squares, self.sum, self.sum, n, self.squares)?;
        let variance = if self.count > 1 { second / (n - 1.0) } else { 0.0 };
        let moments = Moments::from_summary(self.count, self.sum / n, variance)?;
        Ok(SumsMoments { moments, caution: worth(self.squares, second) })
    }
}

/// Holds moments that came from sums.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SumsMoments {
    /// The moments.
    pub moments: Moments,
    /// Whether the variance lost its digits.
    pub caution: Option<Caution>,
}

/// Holds the sums of pairs: `COUNT(*), SUM(x), SUM(y), SUM(x * x), SUM(x * y), SUM(y * y)`.
///
/// The same warning as for [`Sums`] holds, for each of the three central sums.
///
/// ```
/// use expt_stats::fixed::PairSums;
///
/// let sums = PairSums { count: 3, x: 6.0, y: 3.0, xx: 14.0, xy: 8.0, yy: 5.0 };
/// let got = sums.co_moments()?;
/// assert_eq!((got.pairs.covariance(), got.caution), (Some(1.0), None));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairSums {
    /// The number of pairs.
    pub count: u64,
    /// The sum of x.
    pub x: f64,
    /// The sum of y.
    pub y: f64,
    /// The sum of squares of x.
    pub xx: f64,
    /// The sum of products.
    pub xy: f64,
    /// The sum of squares of y.
    pub yy: f64,
}

impl PairSums {
    /// Adds the sums of other rows.
    ///
    /// # Errors
    /// [`StatsError::Overflow`] when a sum leaves its range.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        let overflow = StatsError::Overflow { what: "a sum" };
        let count = self.count.checked_add(other.count).ok_or(overflow.clone())?;
        let [x, y, xx, xy, yy] =
            [self.x + other.x, self.y + other.y, self.xx + other.xx, self.xy + other.xy, self.yy + other.yy];
        if [x, y, xx, xy, yy].iter().all(|sum| sum.is_finite()) {
            Ok(Self { count, x, y, xx, xy, yy })
        } else {
            Err(overflow)
        }
    }

    /// Returns the co-moments, and what they are worth. The skewness is unknown.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two pairs; [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] if the sums
    /// contradict each other by more than rounding.
    pub fn co_moments(&self) -> Result<SumsCoMoments, StatsError> {
        if self.count < 2 {
            return Err(StatsError::TooFew { what: "the sums", have: self.count, need: 2 });
        }
        for sum in [self.x, self.y, self.xx, self.xy, self.yy] {
            finite("a sum", sum)?;
        }
        let n = self.count as f64;
        let xx = centred(non_negative("the sum of squares", self.xx)?, self.x, self.x, n, self.xx)?;
        let yy = centred(non_negative("the sum of squares", self.yy)?, self.y, self.y, n, self.yy)?;
        let bound = xx.sqrt() * yy.sqrt();
        let xy = exact_centred(self.xy, self.x, self.y, n);
        let rounding = SLACK * self.xx.sqrt() * self.yy.sqrt();
        if xy.abs() > bound + rounding {
            let allowed = "consistent with the sums of squares (Cauchy and Schwarz)";
            return Err(StatsError::OutOfRange { what: "the sum of products", value: self.xy, allowed });
        }
        let per_degree = |sum: f64| sum / (n - 1.0);
        let mean = (self.x / n, self.y / n);
        let variance = (per_degree(xx), per_degree(yy));
        let pairs = CoMoments::from_summary(self.count, mean, variance, per_degree(xy.clamp(-bound, bound)))?;
        let worst = |a: Caution, b: Caution| if digits(&a) <= digits(&b) { a } else { b };
        let caution = [worth(self.xx, xx), worth(self.yy, yy)].into_iter().flatten().reduce(worst);
        Ok(SumsCoMoments { pairs, caution })
    }
}

/// Holds co-moments that came from sums.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SumsCoMoments {
    /// The co-moments.
    pub pairs: CoMoments,
    /// Whether a variance lost its digits.
    pub caution: Option<Caution>,
}

/// Returns `squares - sum^2 / n`, zero if rounding made it negative, an error if more than rounding did.
fn centred(products: f64, x: f64, y: f64, n: f64, squares: f64) -> Result<f64, StatsError> {
    let second = exact_centred(products, x, y, n);
    if second < -SLACK * squares || !second.is_finite() {
        let allowed = "at least the squared sum divided by the count";
        return Err(StatsError::OutOfRange { what: "the sum of squares", value: squares, allowed });
    }
    Ok(second.max(0.0))
}

/// Returns `products - x y / n` with the rounding errors of the division and the product put back.
fn exact_centred(products: f64, x: f64, y: f64, n: f64) -> f64 {
    let mean = x / n;
    let rest = (-mean).mul_add(n, x) / n;
    let product = mean * y;
    let error = mean.mul_add(y, -product);
    (products - product) - error - rest * y
}

/// Judges how many digits a central sum has left.
fn worth(squares: f64, second: f64) -> Option<Caution> {
    if squares <= 0.0 {
        return None;
    }
    let digits = (-(f64::EPSILON * 0.5 * squares / second).log10()).max(0.0);
    (digits < ENOUGH_DIGITS).then_some(Caution::Cancellation { digits })
}

fn digits(caution: &Caution) -> f64 {
    if let Caution::Cancellation { digits } = caution { *digits } else { f64::INFINITY }
}

/// Refuses sums of no rows that are not zero.
fn empty(sums: &[f64]) -> Result<(), StatsError> {
    match sums.iter().find(|sum| **sum != 0.0) {
        Some(&value) => Err(StatsError::OutOfRange { what: "a sum of no rows", value, allowed: "zero" }),
        None => Ok(()),
    }
}

/// Relative contradiction that a warehouse's own rounding of a billion rows may cause.
const SLACK: f64 = 1e-9;

/// Below so many digits at best, the rounding of a warehouse's additions may reach the leading ones.
const ENOUGH_DIGITS: f64 = 8.0;

/// The serialised form.
#[derive(Deserialize)]
struct StoredSums {
    count: u64,
    sum: f64,
    squares: f64,
}

impl TryFrom<StoredSums> for Sums {
    type Error = StatsError;

    fn try_from(stored: StoredSums) -> Result<Self, StatsError> {
        Self::new(stored.count, stored.sum, stored.squares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn sums(values: &[f64]) -> Sums {
        let squares = values.iter().map(|x| x * x).sum();
        Sums::new(values.len() as u64, values.iter().sum(), squares).unwrap()
    }

    #[test]
    fn sums_near_zero_are_worth_their_digits_and_far_ones_are_not() {
        let near: Vec<f64> = (0..1000).map(|i| f64::from((i * 7919) % 1009)).collect();
        let got = sums(&near).moments().unwrap();
        close(
            got.moments.variance().unwrap(),
            Moments::from_values(&near).unwrap().variance().unwrap(),
            1e-13,
        );
        assert_eq!(got.caution, None);
        let far: Vec<f64> = near.iter().map(|x| x + 1e9).collect();
        let Some(Caution::Cancellation { digits }) = sums(&far).moments().unwrap().caution else { panic!() };
        assert!(digits < 4.0);
    }

    #[test]
    fn constant_metrics_have_a_caution_and_contradictions_an_error() {
        let got = sums(&[0.1; 1000]).moments().unwrap();
        assert!(got.moments.variance().unwrap() < 1e-15 && got.caution.is_some());
        assert!(Sums::new(10, 100.0, 999.0).unwrap().moments().is_err());
        assert!(Sums::new(0, 1.0, 0.0).unwrap().moments().is_err());
        assert!(Sums::new(1, f64::NAN, 0.0).is_err() && Sums::new(1, 1.0, -1.0).is_err());
        assert_eq!(Sums::new(0, 0.0, 0.0).unwrap().moments().unwrap().moments, Moments::default());
        let one = Sums::new(1, 0.1, 0.1 * 0.1).unwrap().moments().unwrap();
        assert_eq!((one.moments.mean(), one.moments.variance()), (Some(0.1), None));
        let wild = PairSums { count: 3, x: 6.0, y: 3.0, xx: 14.0, xy: 80.0, yy: 5.0 };
        assert!(wild.co_moments().is_err());
        let both = Sums::new(2, 3.0, 5.0).unwrap().merge(&Sums::new(1, 3.0, 9.0).unwrap()).unwrap();
        assert_eq!(both, Sums::new(3, 6.0, 14.0).unwrap());
        assert!(Sums::new(1, 1e308, 1.0).unwrap().merge(&Sums::new(1, 1e308, 1.0).unwrap()).is_err());
        let half = PairSums { count: 1, x: 2.0, y: 1.0, xx: 4.0, xy: 2.0, yy: 1.0 };
        assert_eq!(half.merge(&half).unwrap().co_moments().unwrap().pairs.covariance(), Some(0.0));
        let huge = Sums::new(2, 1e200, 1e300).unwrap().moments();
        assert!(huge.is_err());
    }
}
