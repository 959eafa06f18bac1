//! The joint sufficient statistics of several variables per unit.

use serde::{Deserialize, Serialize};

use crate::comoments::CoMoments;
use crate::error::{StatsError, finite, non_negative};
use crate::moments::remainder;
use crate::twofold::Twofold;

/// Holds count, means, and all second and third central sums of rows of variables; a commutative monoid for one
/// number of variables.
///
/// [`CoMoments`] for more than two variables: the covariance matrix of an outcome and its covariates. Updating
/// follows Chan, Golub and LeVeque (1983) and Pébay (2008), the means carry twice the precision of an `f64`. It
/// takes `d (d + 1) (d + 5) / 6` numbers for `d` variables, at most 32.
///
/// ```
/// use expt_stats::fixed::JointMoments;
///
/// let rows = JointMoments::from_columns(&[&[1.0, 2.0, 4.0], &[0.0, 3.0, 3.0], &[5.0, 5.0, 5.0]])?;
/// assert_eq!(rows.covariance(0, 1), Some(2.0));
/// assert_eq!(rows.covariance(2, 2), Some(0.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct JointMoments {
    count: u64,
    mean: Vec<Twofold>,
    /// Row by row of the lower triangle.
    second: Vec<f64>,
    /// `(i, j, k)` with `i >= j >= k`, in that order.
    third: Option<Vec<f64>>,
}

impl JointMoments {
    /// Makes the empty sample of this many variables.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless there are 1 to 32 variables.
    pub fn new(variables: usize) -> Result<Self, StatsError> {
        if variables == 0 || variables > MAX_VARIABLES {
            let (value, allowed) = (variables as f64, "1 to 32");
            return Err(StatsError::OutOfRange { what: "the number of variables", value, allowed });
        }
        let (second, third) = sizes(variables);
        let mean = vec![Twofold::default(); variables];
        Ok(Self { count: 0, mean, second: vec![0.0; second], third: Some(vec![0.0; third]) })
    }

    /// Makes joint moments from a published summary; `covariance[i][j]` has divisor `n - 1`, only `j <= i` is read.
    ///
    /// The skewness is then unknown.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units, [`StatsError::Shape`] if the sizes disagree, [`StatsError::NotFinite`],
    /// a negative variance or a covariance beyond the product of the standard deviations as
    /// [`StatsError::OutOfRange`].
    pub fn from_summary(count: u64, mean: &[f64], covariance: &[&[f64]]) -> Result<Self, StatsError> {
        let mut joint = Self::new(mean.len())?;
        if count < 2 {
            return Err(StatsError::TooFew { what: "the summary", have: count, need: 2 });
        }
        let shape = |found| StatsError::Shape { what: "the covariance matrix", found, need: mean.len() };
        if covariance.len() != mean.len() {
            return Err(shape(covariance.len()));
        }
        let scale = (count - 1) as f64;
        let mut second = Vec::with_capacity(joint.second.len());
        let mut deviations: Vec<f64> = Vec::with_capacity(mean.len());
        for (i, row) in covariance.iter().enumerate() {
            let (Some(before), Some(&variance)) = (row.get(..i), row.get(i)) else {
                return Err(shape(row.len()));
            };
            let deviation = non_negative("a variance", variance)?.sqrt();
            for (&value, other) in before.iter().zip(&deviations) {
                if finite("a covariance", value)?.abs() > deviation * other * (1.0 + 1e-9) {
                    let allowed = "at most the product of the standard deviations in size";
                    return Err(StatsError::OutOfRange { what: "a covariance", value, allowed });
                }
                second.push(value * scale);
            }
            second.push(variance * scale);
            deviations.push(deviation);
        }
        joint.count = count;
        joint.second = second;
        joint.third = None;
        for (slot, &value) in joint.mean.iter_mut().zip(mean) {
            *slot = Twofold::new(finite("a mean", value)?);
        }
        joint.checked()
    }

    /// Counts the rows of columns of equal length.
    ///
    /// # Errors
    /// [`StatsError::Length`] if the columns differ in length, [`StatsError::NotFinite`], [`StatsError::Overflow`].
    pub fn from_columns(columns: &[&[f64]]) -> Result<Self, StatsError> {
        let mut joint = Self::new(columns.len())?;
        let rows = columns.first().map_or(0, |column| column.len());
        if let Some(odd) = columns.iter().find(|column| column.len() != rows) {
            return Err(StatsError::Length { what: "a column", found: odd.len(), allowed: rows });
        }
        let mut row = vec![0.0; columns.len()];
        for at in 0..rows {
            for (slot, column) in row.iter_mut().zip(columns) {
                *slot = finite("a value", column.get(at).copied().unwrap_or_default())?;
            }
            joint.absorb_row(&row)?;
        }
        joint.checked()
    }

    /// Counts one unit.
    ///
    /// # Errors
    /// [`StatsError::Shape`], [`StatsError::NotFinite`] or [`StatsError::Overflow`]; the state is then unchanged.
    pub fn push(&mut self, row: &[f64]) -> Result<(), StatsError> {
        for &value in row {
            finite("a value", value)?;
        }
        let mut next = self.clone();
        next.absorb_row(row)?;
        *self = next.checked()?;
        Ok(())
    }

    /// Joins two samples; commutative to the last bit, associative up to rounding.
    ///
    /// # Errors
    /// [`StatsError::Shape`] if the numbers of variables differ, [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        self.same_shape(other)?;
        let (a, b) = if self.order(other) { (self, other) } else { (other, self) };
        let mut whole = a.clone();
        if b.count > 0 {
            whole.absorb(b.count, &b.mean, Some(&b.second), b.third.as_deref())?;
        }
        whole.checked()
    }

    /// Takes a part out of a sample: the inverse of [`JointMoments::merge`].
    ///
    /// Sound only if `part` was merged in before; about `log10(before / after)` digits of a variance are lost.
    ///
    /// # Errors
    /// [`StatsError::Shape`]; [`StatsError::NotAPart`] if `part` has more units or more spread.
    #[allow(clippy::indexing_slicing, reason = "`pair` and `triple` run over the sizes that every state has")]
    pub fn subtract(&self, part: &Self) -> Result<Self, StatsError> {
        self.same_shape(part)?;
        let not_a_part = || StatsError::NotAPart { what: "the joint moments" };
        let count = self.count.checked_sub(part.count).ok_or_else(not_a_part)?;
        if part.count == 0 {
            return Ok(self.clone());
        }
        let mut rest = Self::new(self.mean.len())?;
        if count == 0 {
            return Ok(rest);
        }
        rest.count = count;
        let (na, nb, n) = (count as f64, part.count as f64, self.count as f64);
        let (wa, wb) = (na / n, nb / n);
        let mut delta = Vec::with_capacity(self.mean.len());
        for ((slot, whole), part) in rest.mean.iter_mut().zip(&self.mean).zip(&part.mean) {
            *slot = whole.plus(whole.minus(*part) * (nb / na));
            delta.push(part.minus(*slot));
        }
        for (at, (i, j)) in pairs(delta.len()).enumerate() {
            let leaving = part.second[at] + delta[i] * delta[j] * (wa * nb);
            rest.second[at] = if i == j {
                remainder(self.second[at], leaving, count).ok_or_else(not_a_part)?
            } else {
                self.second[at] - leaving
            };
        }
        rest.bound_covariances();
        let spread: Vec<f64> = part.second.iter().zip(&rest.second).map(|(b, a)| wa * b - wb * a).collect();
        rest.third = self.third.as_ref().zip(part.third.as_ref()).map(|(whole, leaving)| {
            let moved = shifts(&delta, &spread, wa * nb * (wa - wb));
            whole.iter().zip(leaving).zip(moved).map(|((whole, part), moved)| whole - part - moved).collect()
        });
        rest.checked()
    }

    /// Returns the number of units.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the number of variables.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.mean.len()
    }

    /// Returns a mean, or `None` without units or such a variable.
    #[must_use]
    pub fn mean(&self, variable: usize) -> Option<f64> {
        let mean = self.mean.get(variable)?;
        (self.count > 0).then_some(mean.high)
    }

    /// Returns a covariance, or a variance of one variable; `None` below two units or without such variables.
    #[must_use]
    pub fn covariance(&self, one: usize, other: usize) -> Option<f64> {
        if one.max(other) >= self.mean.len() || self.count < 2 {
            return None;
        }
        Some(self.sum(one, other) / (self.count - 1) as f64)
    }

    /// Returns the central sum of products of two variables, zero for variables that do not exist.
    pub(super) fn sum(&self, one: usize, other: usize) -> f64 {
        let (i, j) = (one.max(other), one.min(other));
        self.second.get(i * (i + 1) / 2 + j).copied().unwrap_or_default()
    }

    /// Returns the variance of a combination of the variables, or `None` below two units.
    pub(super) fn variance_of(&self, weights: &[f64]) -> Option<f64> {
        let sum: f64 = pairs(self.mean.len())
            .zip(&self.second)
            .map(|((i, j), sum)| if i == j { 1.0 } else { 2.0 } * weight(weights, i) * weight(weights, j) * sum)
            .sum();
        (self.count > 1).then(|| sum.max(0.0) / (self.count - 1) as f64)
    }

    /// Returns the covariance of two combinations, or `None` below two units.
    pub(super) fn covariance_of(&self, one: &[f64], other: &[f64]) -> Option<f64> {
        let both = |i: usize, j: usize| weight(one, i) * weight(other, j);
        let term = |i, j| if i == j { both(i, i) } else { both(i, j) + both(j, i) };
        let sum: f64 = pairs(self.mean.len()).zip(&self.second).map(|((i, j), sum)| term(i, j) * sum).sum();
        (self.count > 1).then(|| sum / (self.count - 1) as f64)
    }

    /// Returns the skewness of a combination; `None` when unknown or when it is constant.
    pub(super) fn skewness_of(&self, weights: &[f64]) -> Option<f64> {
        let n = self.count as f64;
        let second = self.variance_of(weights)? * (n - 1.0);
        let third: f64 = triples(self.mean.len())
            .zip(self.third.as_ref()?)
            .map(|((i, j, k), sum)| {
                let orders = if i == k {
                    1.0
                } else if i == j || j == k {
                    3.0
                } else {
                    6.0
                };
                orders * weight(weights, i) * weight(weights, j) * weight(weights, k) * sum
            })
            .sum();
        let skewness = third / (second * (second / n).sqrt());
        skewness.is_finite().then_some(skewness)
    }

    /// Tells whether the third sums are known.
    pub(super) fn knows_skewness(&self) -> bool {
        self.third.is_some()
    }

    fn absorb_row(&mut self, row: &[f64]) -> Result<(), StatsError> {
        if row.len() != self.mean.len() {
            return Err(StatsError::Shape { what: "the row", found: row.len(), need: self.mean.len() });
        }
        let mean: Vec<Twofold> = row.iter().map(|&value| Twofold::new(value)).collect();
        self.absorb(1, &mean, None, None)
    }

    /// Merges a sample of the same shape; absent second sums are zero, absent third sums too if the second are.
    fn absorb(
        &mut self,
        count: u64,
        mean: &[Twofold],
        second: Option<&[f64]>,
        third: Option<&[f64]>,
    ) -> Result<(), StatsError> {
        let total = self.count.checked_add(count).ok_or(StatsError::Overflow { what: "the count" })?;
        let (na, nb, n) = (self.count as f64, count as f64, total as f64);
        let (wa, wb) = (na / n, nb / n);
        let delta: Vec<f64> = self.mean.iter().zip(mean).map(|(a, b)| b.minus(*a)).collect();
        if third.is_none() && second.is_some() {
            self.third = None;
        }
        let other = |at: usize| second.and_then(|second| second.get(at)).copied().unwrap_or_default();
        if let Some(sums) = &mut self.third {
            let spread: Vec<f64> =
                self.second.iter().enumerate().map(|(at, a)| wa * other(at) - wb * a).collect();
            let moved = shifts(&delta, &spread, wa * nb * (wa - wb));
            for (at, (sum, moved)) in sums.iter_mut().zip(moved).enumerate() {
                *sum += third.and_then(|third| third.get(at)).copied().unwrap_or_default() + moved;
            }
        }
        let between = pairs(delta.len()).map(|(i, j)| weight(&delta, i) * weight(&delta, j) * (wa * nb));
        for (at, (sum, between)) in self.second.iter_mut().zip(between).enumerate() {
            *sum += other(at) + between;
        }
        for (slot, delta) in self.mean.iter_mut().zip(&delta) {
            *slot = slot.plus(delta * wb);
        }
        self.count = total;
        Ok(())
    }

    /// Keeps every covariance within the product of the standard deviations, which subtracting may break.
    fn bound_covariances(&mut self) {
        let deviations: Vec<f64> = (0..self.mean.len()).map(|i| self.sum(i, i).sqrt()).collect();
        for ((i, j), sum) in pairs(deviations.len()).zip(&mut self.second) {
            let bound = weight(&deviations, i) * weight(&deviations, j);
            if i != j {
                *sum = sum.clamp(-bound, bound);
            }
        }
    }

    fn same_shape(&self, other: &Self) -> Result<(), StatsError> {
        if self.mean.len() == other.mean.len() {
            return Ok(());
        }
        Err(StatsError::Shape { what: "the joint moments", found: other.mean.len(), need: self.mean.len() })
    }

    /// Orders two samples so that merging does not depend on who merges whom.
    fn order(&self, other: &Self) -> bool {
        let means = |m: &Self| m.mean.iter().map(|mean| (mean.high, mean.low)).collect::<Vec<_>>();
        let key = |m: &Self| (m.count, means(m), m.second.clone(), m.third.clone());
        self.count > other.count || (self.count == other.count && key(self) >= key(other))
    }

    /// Returns itself if every part is finite.
    fn checked(self) -> Result<Self, StatsError> {
        let means = self.mean.iter().flat_map(|mean| [mean.high, mean.low]);
        let mut parts = means.chain(self.second.iter().copied()).chain(self.third.iter().flatten().copied());
        let finite = parts.all(f64::is_finite);
        if finite && (0..self.mean.len()).all(|i| self.sum(i, i) >= 0.0) {
            Ok(self)
        } else {
            Err(StatsError::Overflow { what: "a joint moment" })
        }
    }
}

impl From<&CoMoments> for JointMoments {
    /// Takes `y` as variable 0 and `x` as variable 1: an outcome and its covariate.
    fn from(pairs: &CoMoments) -> Self {
        let ((x, y), second, third) = pairs.parts();
        Self {
            count: pairs.count(),
            mean: vec![y, x],
            second: vec![second[2], second[1], second[0]],
            third: third.map(|[xxx, xxy, xyy, yyy]| vec![yyy, xyy, xxy, xxx]),
        }
    }
}

/// Returns `(i, j)` with `i >= j` in the order of storage.
fn pairs(variables: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..variables).flat_map(|i| (0..=i).map(move |j| (i, j)))
}

/// Returns `(i, j, k)` with `i >= j >= k` in the order of storage.
fn triples(variables: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..variables).flat_map(|i| (0..=i).flat_map(move |j| (0..=j).map(move |k| (i, j, k))))
}

/// Returns what the shift of the means adds to each third sum (Pébay 2008).
fn shifts(delta: &[f64], spread: &[f64], skew: f64) -> Vec<f64> {
    let d = |i: usize| weight(delta, i);
    let s = |i: usize, j: usize| weight(spread, i * (i + 1) / 2 + j);
    triples(delta.len())
        .map(|(i, j, k)| d(i) * d(j) * d(k) * skew + d(i) * s(j, k) + d(j) * s(i, k) + d(k) * s(i, j))
        .collect()
}

/// Returns an entry, zero beyond the end.
fn weight(weights: &[f64], at: usize) -> f64 {
    weights.get(at).copied().unwrap_or_default()
}

/// Returns the numbers of second and third sums.
const fn sizes(d: usize) -> (usize, usize) {
    (d * (d + 1) / 2, d * (d + 1) * (d + 2) / 6)
}

/// The third sums of 32 variables take 48 kB.
const MAX_VARIABLES: usize = 32;

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    count: u64,
    mean: Vec<f64>,
    mean_low: Vec<f64>,
    second: Vec<f64>,
    third: Option<Vec<f64>>,
}

impl From<JointMoments> for Stored {
    fn from(m: JointMoments) -> Self {
        let (mean, mean_low) = m.mean.iter().map(|mean| (mean.high, mean.low)).unzip();
        Self { count: m.count, mean, mean_low, second: m.second, third: m.third }
    }
}

impl TryFrom<Stored> for JointMoments {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let empty = Self::new(stored.mean.len())?;
        let (second, third) = sizes(stored.mean.len());
        let size = |what, found: usize, allowed| {
            if found == allowed { Ok(()) } else { Err(StatsError::Length { what, found, allowed }) }
        };
        size("the low parts of the means", stored.mean_low.len(), empty.mean.len())?;
        size("the second sums", stored.second.len(), second)?;
        size("the third sums", stored.third.as_ref().map_or(third, Vec::len), third)?;
        let twofold = |(&high, &low): (&f64, &f64)| Twofold { high, low };
        let mean = stored.mean.iter().zip(&stored.mean_low).map(twofold).collect();
        Self { count: stored.count, mean, second: stored.second, third: stored.third }.checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::Moments;
    use crate::testing::close;

    /// Rows of dependent, skewed values without a generator.
    fn rows(n: u32, offset: f64) -> Vec<[f64; 3]> {
        let x = |i: u32| f64::from((i * 7919) % 101);
        (0..n)
            .map(|i| [offset + x(i), offset + (0.1 * x(i)).powi(2).floor(), offset + f64::from((i * i) % 13)])
            .collect()
    }

    fn collect(rows: &[[f64; 3]]) -> JointMoments {
        let mut sum = JointMoments::new(3).unwrap();
        rows.iter().for_each(|row| sum.push(row).unwrap());
        sum
    }

    #[test]
    fn every_combination_agrees_with_plain_moments() {
        let data = rows(1500, 0.0);
        let joint = collect(&data);
        for weights in [[1.0, 0.0, 0.0], [1.0, -0.5, 2.0], [0.0, 3.0, -1.0]] {
            let line = |row: &[f64; 3]| row.iter().zip(weights).map(|(value, weight)| value * weight).sum();
            let line = Moments::from_values(&data.iter().map(line).collect::<Vec<f64>>()).unwrap();
            close(joint.variance_of(&weights).unwrap(), line.variance().unwrap(), 1e-12);
            close(joint.skewness_of(&weights).unwrap(), line.skewness().unwrap(), 1e-10);
        }
        let (u, v) = ([1.0, 2.0, 0.0], [0.5, 0.0, 1.0]);
        let both: Vec<f64> = u.iter().zip(v).map(|(u, v)| u + v).collect();
        let sum = joint.variance_of(&u).unwrap() + joint.variance_of(&v).unwrap();
        close(joint.variance_of(&both).unwrap(), sum + 2.0 * joint.covariance_of(&u, &v).unwrap(), 1e-12);
    }

    #[test]
    fn merging_agrees_under_any_chunking_and_subtracting_undoes_it() {
        let plain = collect(&rows(2000, 0.0));
        let data = rows(2000, 1e8);
        let weights = [1.0, -0.7, 0.3];
        for size in [1, 2, 77, 1999] {
            let merged = data
                .chunks(size)
                .map(collect)
                .fold(JointMoments::new(3).unwrap(), |sum, part| part.merge(&sum).unwrap());
            close(merged.variance_of(&weights).unwrap(), plain.variance_of(&weights).unwrap(), 1e-12);
            close(merged.skewness_of(&weights).unwrap(), plain.skewness_of(&weights).unwrap(), 1e-10);
        }
        let (a, b) = (collect(&rows(1300, 5.0)), collect(&rows(211, 9.0)));
        assert_eq!(a.merge(&b).unwrap(), b.merge(&a).unwrap());
        let rest = a.merge(&b).unwrap().subtract(&b).unwrap();
        close(rest.covariance(0, 2).unwrap(), a.covariance(0, 2).unwrap(), 1e-10);
        close(rest.skewness_of(&weights).unwrap(), a.skewness_of(&weights).unwrap(), 1e-10);
        assert!(b.subtract(&a).is_err());
        assert_eq!(a.subtract(&a).unwrap(), JointMoments::new(3).unwrap());
    }

    #[test]
    fn two_variables_are_co_moments() {
        let mut pairs = CoMoments::default();
        let mut joint = JointMoments::new(2).unwrap();
        for row in rows(200, 0.0) {
            pairs.push(row[0], row[1]).unwrap();
            joint.push(&[row[1], row[0]]).unwrap();
        }
        let from = JointMoments::from(&pairs);
        close(from.covariance(0, 1).unwrap(), joint.covariance(0, 1).unwrap(), 1e-13);
        close(from.skewness_of(&[1.0, -2.0]).unwrap(), joint.skewness_of(&[1.0, -2.0]).unwrap(), 1e-11);
        close(from.mean(0).unwrap(), joint.mean(0).unwrap(), 1e-15);
    }

    #[test]
    fn bad_input_is_refused_and_changes_nothing() {
        assert!(JointMoments::new(0).is_err() && JointMoments::new(33).is_err());
        let mut joint = collect(&rows(10, 0.0));
        let before = joint.clone();
        for bad in [&[1.0, f64::NAN, 1.0][..], &[1.0, 1e300, 1.0], &[1.0]] {
            assert!(joint.push(bad).is_err());
            assert_eq!(joint, before);
        }
        let text = serde_json::to_string(&joint).unwrap();
        assert_eq!(serde_json::from_str::<JointMoments>(&text).unwrap(), joint);
        for bad in [
            text.replace("\"mean_low\":[", "\"mean_low\":[0.0,"),
            text.replace("\"second\":[", "\"second\":[-"),
        ] {
            assert!(serde_json::from_str::<JointMoments>(&bad).is_err(), "{bad}");
        }
        assert!(JointMoments::from_summary(10, &[1.0, 1.0], &[&[1.0], &[1.1, 1.0]]).is_err());
        assert!(JointMoments::from_summary(10, &[1.0, 1.0], &[&[1.0], &[0.5]]).is_err());
        assert!(JointMoments::from_columns(&[&[1.0], &[]]).is_err());
        assert!(joint.merge(&JointMoments::new(2).unwrap()).is_err());
    }
}
