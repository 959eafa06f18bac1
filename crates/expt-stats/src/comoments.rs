//! The joint sufficient statistics of two variables per unit.

use serde::{Deserialize, Serialize};

use crate::columns::{BLOCK, PairBlock, pair_block};
use crate::error::{StatsError, finite, non_negative};
use crate::moments::remainder;
use crate::twofold::Twofold;

/// Holds count, means, and the second and third central sums of pairs `(x, y)`; a commutative monoid.
///
/// Used for ratio metrics (`y` the numerator and `x` the denominator of a unit, such as clicks and
/// requests of one user) and for paired comparisons. Merging follows Chan, Golub and LeVeque (1983)
/// and, for the third sums, Pébay (2008); the means carry twice the precision of an `f64`.
///
/// ```
/// use expt_stats::CoMoments;
///
/// let mut clicks_per_request = CoMoments::default();
/// for (requests, clicks) in [(2.0, 1.0), (4.0, 1.0), (6.0, 4.0)] {
///     clicks_per_request.push(requests, clicks)?;
/// }
/// assert_eq!(clicks_per_request.covariance(), Some(3.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct CoMoments {
    count: u64,
    x: Twofold,
    y: Twofold,
    second: Second,
    third: Option<Third>,
}

/// Central sums of second order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Second {
    xx: f64,
    xy: f64,
    yy: f64,
}

/// Central sums of third order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Third {
    xxx: f64,
    xxy: f64,
    xyy: f64,
    yyy: f64,
}

impl CoMoments {
    /// Makes co-moments from a published summary; variances and covariance have divisor `n - 1`.
    ///
    /// The skewness is then unknown, so a sequential procedure refuses them.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two pairs, [`StatsError::NotFinite`], a negative variance or a
    /// covariance beyond the product of the standard deviations as [`StatsError::OutOfRange`].
    pub fn from_summary(
        count: u64,
        mean: (f64, f64),
        variance: (f64, f64),
        covariance: f64,
    ) -> Result<Self, StatsError> {
        if count < 2 {
            return Err(StatsError::TooFew { what: "the summary", have: count, need: 2 });
        }
        let (vx, vy) =
            (non_negative("variance of x", variance.0)?, non_negative("variance of y", variance.1)?);
        if finite("covariance", covariance)?.abs() > (vx.sqrt() * vy.sqrt()) * (1.0 + 1e-9) {
            let allowed = "at most the product of the standard deviations in size";
            return Err(StatsError::OutOfRange { what: "covariance", value: covariance, allowed });
        }
        let scale = (count - 1) as f64;
        let second = Second { xx: vx * scale, xy: covariance * scale, yy: vy * scale };
        let (x, y) = (finite("mean of x", mean.0)?, finite("mean of y", mean.1)?);
        Self { count, x: Twofold::new(x), y: Twofold::new(y), second, third: None }.checked()
    }

    /// Counts one pair.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for an infinite or undefined value and [`StatsError::Overflow`] when a
    /// sum leaves the range of `f64`; the co-moments are unchanged in both cases.
    pub fn push(&mut self, x: f64, y: f64) -> Result<(), StatsError> {
        let (x, y) = (Twofold::new(finite("x", x)?), Twofold::new(finite("y", y)?));
        *self =
            self.merge(&Self { count: 1, x, y, second: Second::default(), third: Some(Third::default()) })?;
        Ok(())
    }

    /// Joins two samples; commutative to the last bit, associative up to rounding.
    ///
    /// # Errors
    /// [`StatsError::Overflow`] when a count or sum leaves its range.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        let (a, b) = if self.order(other) { (self, other) } else { (other, self) };
        if b.count == 0 {
            return Ok(*a);
        }
        let count = a.count.checked_add(b.count).ok_or(StatsError::Overflow { what: "the count" })?;
        let (na, nb, n) = (a.count as f64, b.count as f64, count as f64);
        let (dx, dy) = (b.x.minus(a.x), b.y.minus(a.y));
        let (wa, wb) = (na / n, nb / n);
        let weight = wa * nb;
        let second = Second {
            xx: a.second.xx + b.second.xx + dx * dx * weight,
            xy: a.second.xy + b.second.xy + dx * dy * weight,
            yy: a.second.yy + b.second.yy + dy * dy * weight,
        };
        let third = a.third.zip(b.third).map(|(ta, tb)| {
            let skew = weight * (wa - wb);
            let xx = wa * b.second.xx - wb * a.second.xx;
            let xy = wa * b.second.xy - wb * a.second.xy;
            let yy = wa * b.second.yy - wb * a.second.yy;
            Third {
                xxx: ta.xxx + tb.xxx + dx * dx * dx * skew + 3.0 * dx * xx,
                xxy: ta.xxy + tb.xxy + dx * dx * dy * skew + 2.0 * dx * xy + dy * xx,
                xyy: ta.xyy + tb.xyy + dx * dy * dy * skew + 2.0 * dy * xy + dx * yy,
                yyy: ta.yyy + tb.yyy + dy * dy * dy * skew + 3.0 * dy * yy,
            }
        });
        Self { count, x: a.x.plus(dx * wb), y: a.y.plus(dy * wb), second, third }.checked()
    }

    /// Counts the pairs of two columns.
    ///
    /// # Errors
    /// [`StatsError::Length`] if the columns differ in length, otherwise as [`CoMoments::push`].
    pub fn from_columns(x: &[f64], y: &[f64]) -> Result<Self, StatsError> {
        if x.len() != y.len() {
            return Err(StatsError::Length { what: "the column of y", found: y.len(), allowed: x.len() });
        }
        let mut sum = Self::default();
        let mut guess = None;
        for (x, y) in x.chunks(BLOCK).zip(y.chunks(BLOCK)) {
            let PairBlock { mean, second: [xx, xy, yy], third: [xxx, xxy, xyy, yyy] } =
                pair_block(x, y, guess);
            guess = Some((mean.0.high, mean.1.high));
            let third = Some(Third { xxx, xxy, xyy, yyy });
            let block =
                Self { count: x.len() as u64, x: mean.0, y: mean.1, second: Second { xx, xy, yy }, third };
            match block.checked().and_then(|block| sum.merge(&block)) {
                Ok(merged) => sum = merged,
                // One at a time finds the value to blame, or that only the plain sum of the block overflows.
                Err(_) => x.iter().zip(y).try_for_each(|(&x, &y)| sum.push(x, y))?,
            }
        }
        Ok(sum)
    }

    /// Takes a part out of a sample: the inverse of [`CoMoments::merge`].
    ///
    /// Sound only if `part` was merged in before; about `log10(before / after)` digits of a variance are lost.
    ///
    /// # Errors
    /// [`StatsError::NotAPart`] if `part` has more pairs or more spread; [`StatsError::Overflow`].
    pub fn subtract(&self, part: &Self) -> Result<Self, StatsError> {
        let not_a_part = || StatsError::NotAPart { what: "the co-moments" };
        let count = self.count.checked_sub(part.count).ok_or_else(not_a_part)?;
        if part.count == 0 {
            return Ok(*self);
        }
        if count == 0 {
            return Ok(Self::default());
        }
        let (na, nb, n) = (count as f64, part.count as f64, self.count as f64);
        let (x, y) =
            (self.x.plus(self.x.minus(part.x) * (nb / na)), self.y.plus(self.y.minus(part.y) * (nb / na)));
        let (dx, dy) = (part.x.minus(x), part.y.minus(y));
        let (wa, wb) = (na / n, nb / n);
        let weight = wa * nb;
        let xx =
            remainder(self.second.xx, part.second.xx + dx * dx * weight, count).ok_or_else(not_a_part)?;
        let yy =
            remainder(self.second.yy, part.second.yy + dy * dy * weight, count).ok_or_else(not_a_part)?;
        let bound = xx.sqrt() * yy.sqrt();
        let xy = (self.second.xy - part.second.xy - dx * dy * weight).clamp(-bound, bound);
        let third = self.third.zip(part.third).map(|(whole, tb)| {
            let skew = weight * (wa - wb);
            let (sxx, sxy) = (wa * part.second.xx - wb * xx, wa * part.second.xy - wb * xy);
            let syy = wa * part.second.yy - wb * yy;
            let rest = |whole: f64, part: f64, moved: f64, bound: f64| {
                if bound > 0.0 { whole - part - moved } else { 0.0 }
            };
            Third {
                xxx: rest(whole.xxx, tb.xxx, dx * dx * dx * skew + 3.0 * dx * sxx, xx),
                xxy: rest(whole.xxy, tb.xxy, dx * dx * dy * skew + 2.0 * dx * sxy + dy * sxx, bound),
                xyy: rest(whole.xyy, tb.xyy, dx * dy * dy * skew + 2.0 * dy * sxy + dx * syy, bound),
                yyy: rest(whole.yyy, tb.yyy, dy * dy * dy * skew + 3.0 * dy * syy, yy),
            }
        });
        Self { count, x, y, second: Second { xx, xy, yy }, third }.checked()
    }

    /// Returns the number of pairs.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the mean of `x`, or `None` without pairs.
    #[must_use]
    pub fn mean_x(&self) -> Option<f64> {
        (self.count > 0).then_some(self.x.high)
    }

    /// Returns the mean of `y`, or `None` without pairs.
    #[must_use]
    pub fn mean_y(&self) -> Option<f64> {
        (self.count > 0).then_some(self.y.high)
    }

    /// Returns the sample variance of `x`, or `None` below two pairs.
    #[must_use]
    pub fn variance_x(&self) -> Option<f64> {
        self.per_degree(self.second.xx)
    }

    /// Returns the sample variance of `y`, or `None` below two pairs.
    #[must_use]
    pub fn variance_y(&self) -> Option<f64> {
        self.per_degree(self.second.yy)
    }

    /// Returns the sample covariance (divisor `n - 1`), or `None` below two pairs.
    #[must_use]
    pub fn covariance(&self) -> Option<f64> {
        self.per_degree(self.second.xy)
    }

    /// Returns Pearson's correlation; `None` below two pairs or when a variable is constant.
    #[must_use]
    pub fn correlation(&self) -> Option<f64> {
        let scale = self.second.xx.sqrt() * self.second.yy.sqrt();
        (self.count > 1 && scale > 0.0).then(|| (self.second.xy / scale).clamp(-1.0, 1.0))
    }

    /// Returns the sample variance of `y - slope x`, or `None` below two pairs.
    pub(crate) fn residual_variance(&self, slope: f64) -> Option<f64> {
        self.per_degree(self.residual_sum(slope)?)
    }

    /// Returns the second central sum of `y - slope x`, or `None` below two pairs.
    pub(crate) fn residual_sum(&self, slope: f64) -> Option<f64> {
        let Second { xx, xy, yy } = self.second;
        (self.count > 1).then(|| (yy - 2.0 * slope * xy + slope * slope * xx).max(0.0))
    }

    /// Returns the skewness of `y - slope x`; `None` when unknown or when it is constant.
    pub(crate) fn residual_skewness(&self, slope: f64) -> Option<f64> {
        let n = self.count as f64;
        let second = self.residual_sum(slope)?;
        let t = self.third?;
        let third = t.yyy - 3.0 * slope * t.xyy + 3.0 * slope * slope * t.xxy - slope * slope * slope * t.xxx;
        let skewness = third / (second * (second / n).sqrt());
        skewness.is_finite().then_some(skewness)
    }

    /// Returns the means of x and y, the second sums `[xx, xy, yy]` and the third `[xxx, xxy, xyy, yyy]`.
    pub(crate) fn parts(&self) -> ((Twofold, Twofold), [f64; 3], Option<[f64; 4]>) {
        let Second { xx, xy, yy } = self.second;
        ((self.x, self.y), [xx, xy, yy], self.third.map(|t| [t.xxx, t.xxy, t.xyy, t.yyy]))
    }

    /// Tells whether the third sums are known.
    pub(crate) fn knows_skewness(&self) -> bool {
        self.third.is_some()
    }

    fn per_degree(&self, sum: f64) -> Option<f64> {
        (self.count > 1).then(|| sum / (self.count - 1) as f64)
    }

    /// Orders two samples so that merging does not depend on who merges whom.
    fn order(&self, other: &Self) -> bool {
        let key = |m: &Self| {
            let third = m.third.unwrap_or_default();
            let means = (m.count, m.x.high, m.x.low, m.y.high, m.y.low);
            (means, m.second.xx, m.second.xy, m.second.yy, third.xxx, third.xxy, third.xyy, third.yyy)
        };
        key(self) >= key(other)
    }

    /// Returns itself if every part is finite.
    fn checked(self) -> Result<Self, StatsError> {
        let t = self.third.unwrap_or_default();
        let Second { xx, xy, yy } = self.second;
        let parts =
            [self.x.high, self.x.low, self.y.high, self.y.low, xx, xy, yy, t.xxx, t.xxy, t.xyy, t.yyy];
        if parts.iter().all(|part| part.is_finite()) && xx >= 0.0 && yy >= 0.0 {
            Ok(self)
        } else {
            Err(StatsError::Overflow { what: "a co-moment" })
        }
    }
}

impl Default for CoMoments {
    fn default() -> Self {
        let (x, y) = (Twofold::default(), Twofold::default());
        Self { count: 0, x, y, second: Second::default(), third: Some(Third::default()) }
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    count: u64,
    mean: (f64, f64),
    mean_low: (f64, f64),
    second: Second,
    third: Option<Third>,
}

impl From<CoMoments> for Stored {
    fn from(m: CoMoments) -> Self {
        let (mean, mean_low) = ((m.x.high, m.y.high), (m.x.low, m.y.low));
        Self { count: m.count, mean, mean_low, second: m.second, third: m.third }
    }
}

impl TryFrom<Stored> for CoMoments {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let x = Twofold { high: stored.mean.0, low: stored.mean_low.0 };
        let y = Twofold { high: stored.mean.1, low: stored.mean_low.1 };
        Self { count: stored.count, x, y, second: stored.second, third: stored.third }.checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::Moments;
    use crate::testing::close;

    fn pairs(n: u32, offset: f64) -> Vec<(f64, f64)> {
        let x = |i: u32| offset + f64::from((i * 7919) % 101);
        (0..n).map(|i| (x(i), 0.5 * (x(i) - offset) + offset + f64::from((i * i) % 13).powi(2))).collect()
    }

    fn collect(pairs: &[(f64, f64)]) -> CoMoments {
        let mut sum = CoMoments::default();
        pairs.iter().for_each(|&(x, y)| sum.push(x, y).unwrap());
        sum
    }

    #[test]
    fn each_margin_and_every_line_agree_with_plain_moments() {
        let data = pairs(2000, 0.0);
        let joint = collect(&data);
        for slope in [0.0, 0.5, -2.0] {
            let line: Vec<f64> = data.iter().map(|(x, y)| y - slope * x).collect();
            let line = Moments::from_values(&line).unwrap();
            close(joint.residual_variance(slope).unwrap(), line.variance().unwrap(), 1e-12);
            close(joint.residual_skewness(slope).unwrap(), line.skewness().unwrap(), 1e-11);
        }
    }

    #[test]
    fn merging_agrees_under_any_chunking_at_offset_1e9() {
        let plain = collect(&pairs(5000, 0.0));
        let data = pairs(5000, 1e9);
        for size in [1, 2, 77, 4999] {
            let merged = data
                .chunks(size)
                .map(collect)
                .fold(CoMoments::default(), |sum, part| part.merge(&sum).unwrap());
            close(merged.covariance().unwrap(), plain.covariance().unwrap(), 1e-12);
            close(merged.variance_x().unwrap(), plain.variance_x().unwrap(), 1e-12);
            close(merged.correlation().unwrap(), plain.correlation().unwrap(), 1e-12);
        }
        let (a, b) = (collect(&pairs(9, 1.0)), collect(&pairs(4, 3.0)));
        assert_eq!(a.merge(&b).unwrap(), b.merge(&a).unwrap());
    }

    #[test]
    fn subtracting_undoes_merging() {
        let (a, b) = (collect(&pairs(3000, 1e6)), collect(&pairs(411, 1e6 + 2.0)));
        let rest = a.merge(&b).unwrap().subtract(&b).unwrap();
        close(rest.covariance().unwrap(), a.covariance().unwrap(), 1e-12);
        close(rest.variance_y().unwrap(), a.variance_y().unwrap(), 1e-12);
        close(rest.residual_skewness(0.3).unwrap(), a.residual_skewness(0.3).unwrap(), 1e-10);
        assert_eq!(a.subtract(&a).unwrap(), CoMoments::default());
        assert!(b.subtract(&a).is_err());
        let columns = CoMoments::from_columns(&[1.0, 2.0, 4.0], &[0.0, 3.0, 1.0]).unwrap();
        close(
            columns.covariance().unwrap(),
            collect(&[(1.0, 0.0), (2.0, 3.0), (4.0, 1.0)]).covariance().unwrap(),
            1e-14,
        );
        let data = pairs(2777, 1e6);
        let (x, y): (Vec<f64>, Vec<f64>) = data.iter().copied().unzip();
        let (columns, rows) = (CoMoments::from_columns(&x, &y).unwrap(), collect(&data));
        close(columns.covariance().unwrap(), rows.covariance().unwrap(), 1e-12);
        close(columns.residual_skewness(0.3).unwrap(), rows.residual_skewness(0.3).unwrap(), 1e-11);
        assert!(CoMoments::from_columns(&[1.0], &[]).is_err());
        // A trend, and jumps between blocks: the guess is sometimes near and sometimes far.
        let x: Vec<f64> = (0..9000).map(|i| f64::from(i) + 1e8 + if i > 5000 { 1e7 } else { 0.0 }).collect();
        let y: Vec<f64> = (0..9000).map(|i| f64::from((i * 7919) % 101) + f64::from(i / 3000)).collect();
        let rows: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
        let (columns, rows) = (CoMoments::from_columns(&x, &y).unwrap(), collect(&rows));
        close(columns.covariance().unwrap(), rows.covariance().unwrap(), 1e-12);
        close(columns.variance_x().unwrap(), rows.variance_x().unwrap(), 1e-12);
        close(columns.variance_y().unwrap(), rows.variance_y().unwrap(), 1e-12);
        close(columns.residual_skewness(1e-8).unwrap(), rows.residual_skewness(1e-8).unwrap(), 1e-10);
        let mut wild = x;
        wild[4000] = f64::NAN;
        assert!(matches!(CoMoments::from_columns(&wild, &y), Err(StatsError::NotFinite { .. })));
    }

    #[test]
    fn edges() {
        assert_eq!(CoMoments::default().correlation(), None);
        assert_eq!(collect(&[(1.0, 1.0), (1.0, 2.0)]).correlation(), None);
        assert!(CoMoments::default().push(f64::NAN, 1.0).is_err());
        assert!(CoMoments::from_summary(10, (1.0, 1.0), (1.0, 1.0), 1.1).is_err());
        let joint = collect(&pairs(10, 0.0));
        let text = serde_json::to_string(&joint).unwrap();
        assert_eq!(serde_json::from_str::<CoMoments>(&text).unwrap(), joint);
    }
}
