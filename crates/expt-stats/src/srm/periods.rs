//! The sample-ratio test over periods with shares of their own.

use serde::{Deserialize, Serialize};

use super::result::{SrmMethod, SrmResult};
use super::shares::{Shares, chi_square_ln_p};
use crate::error::StatsError;
use crate::level::{Alpha, LnP};

/// Holds the units of each period with the shares promised in it: ramps, bandit weights, arms that joined or paused.
///
/// Summing counts over periods and testing them against one set of shares is wrong as soon as the shares changed. Here
/// each period keeps its own; a period without intake adds nothing. One look at the end; for repeated looks use
/// [`SrmSequence`](super::SrmSequence). Periods with equal shares are joined, so states merge in any order.
///
/// ```
/// use expt_stats::srm::{Shares, SrmPeriods, SrmVerdict};
/// use expt_stats::Alpha;
///
/// let mut periods = SrmPeriods::default();
/// periods.add(&Shares::new(&[0.9, 0.1])?, &[9_010, 990])?; // a careful start
/// periods.add(&Shares::new(&[0.5, 0.5])?, &[5_040, 4_960])?;
/// assert_eq!(periods.pooled(Alpha::PER_MILLE)?.verdict, SrmVerdict::Healthy);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(Shares, Vec<u64>)>", into = "Vec<(Shares, Vec<u64>)>")]
pub struct SrmPeriods(Vec<(Shares, Vec<u64>)>);

impl SrmPeriods {
    /// Adds the units of a period.
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one count per share and as many arms as before; [`StatsError::Overflow`].
    pub fn add(&mut self, shares: &Shares, counts: &[u64]) -> Result<(), StatsError> {
        shares.units(counts)?;
        if let Some((first, _)) = self.0.first() {
            let (found, allowed) = (counts.len(), first.as_slice().len());
            if found != allowed {
                return Err(StatsError::Length { what: "the list of counts", found, allowed });
            }
        }
        let Some((_, known)) = self.0.iter_mut().find(|(known, _)| known == shares) else {
            self.0.push((shares.clone(), counts.to_vec()));
            return Ok(());
        };
        let overflow = StatsError::Overflow { what: "the number of units" };
        let sum: Option<Vec<u64>> = known.iter().zip(counts).map(|(a, b)| a.checked_add(*b)).collect();
        let sum = sum.ok_or(overflow)?;
        shares.units(&sum)?;
        *known = sum;
        Ok(())
    }

    /// Joins two states.
    ///
    /// # Errors
    /// As [`SrmPeriods::add`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        let mut both = self.clone();
        for (shares, counts) in &other.0 {
            both.add(shares, counts)?;
        }
        Ok(both)
    }

    /// Returns how many different shares there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether nothing was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tests by the sum of the periods' chi-squares: finds a mismatch in any period, also one that another undoes.
    ///
    /// # Errors
    /// [`StatsError::Overflow`] if there are more than `u64::MAX` units.
    pub fn stratified(&self, alpha: Alpha) -> Result<SrmResult, StatsError> {
        let (mut statistic, mut df) = (0.0, 0_u32);
        for (shares, counts) in &self.0 {
            if shares.units(counts)? > 0 {
                let (period, freedom) = shares.distance(counts, |count, expected| {
                    let surplus = count - expected;
                    surplus * (surplus / expected)
                })?;
                statistic += period;
                df = df.saturating_add(freedom);
            }
        }
        let statistic = f64::min(statistic, f64::MAX);
        self.result(alpha, chi_square_ln_p(statistic, df), SrmMethod::Stratified { statistic, df })
    }

    /// Tests the totals: `d' V⁻ d` with `d` the observed less the expected totals and `V = Σ n (diag(s) - s s')` over the
    /// periods; finds a steady loss too small to show in any one period.
    ///
    /// # Errors
    /// [`StatsError::Overflow`] if there are more than `u64::MAX` units.
    pub fn pooled(&self, alpha: Alpha) -> Result<SrmResult, StatsError> {
        let arms = self.arms();
        let mut surplus = vec![0.0; arms];
        let mut variance = vec![vec![0.0; arms]; arms];
        for (shares, counts) in &self.0 {
            let (units, shares) = (shares.units(counts)? as f64, shares.as_slice());
            for ((surplus, share), &count) in surplus.iter_mut().zip(shares).zip(counts) {
                *surplus += count as f64 - units * share;
            }
            for (i, (row, left)) in variance.iter_mut().zip(shares).enumerate() {
                for (j, (cell, right)) in row.iter_mut().zip(shares).enumerate() {
                    *cell += units * left * (f64::from(u8::from(i == j)) - right);
                }
            }
        }
        let (statistic, df) = quadratic_form(surplus, variance);
        self.result(alpha, chi_square_ln_p(statistic, df), SrmMethod::Pooled { statistic, df })
    }

    fn arms(&self) -> usize {
        self.0.first().map_or(0, |(shares, _)| shares.as_slice().len())
    }

    fn result(&self, alpha: Alpha, ln_p: LnP, method: SrmMethod) -> Result<SrmResult, StatsError> {
        let overflow = StatsError::Overflow { what: "the number of units" };
        let (mut totals, mut expected) = (vec![0_u64; self.arms()], vec![0.0; self.arms()]);
        let mut impossible = false;
        for (shares, counts) in &self.0 {
            let units = shares.units(counts)? as f64;
            for (total, count) in totals.iter_mut().zip(counts) {
                *total = total.checked_add(*count).ok_or(overflow.clone())?;
            }
            for (expected, share) in expected.iter_mut().zip(shares.as_slice()) {
                *expected += share * units;
            }
            impossible |= shares.contradicted(counts);
        }
        let ln_p = if impossible { LnP::IMPOSSIBLE } else { ln_p };
        Ok(SrmResult::new(ln_p, alpha, totals, expected, method))
    }
}

impl TryFrom<Vec<(Shares, Vec<u64>)>> for SrmPeriods {
    type Error = StatsError;

    fn try_from(stored: Vec<(Shares, Vec<u64>)>) -> Result<Self, StatsError> {
        let mut periods = Self::default();
        for (shares, counts) in &stored {
            periods.add(shares, counts)?;
        }
        Ok(periods)
    }
}

impl From<SrmPeriods> for Vec<(Shares, Vec<u64>)> {
    fn from(periods: SrmPeriods) -> Self {
        periods.0
    }
}

/// Returns `d' V⁻ d` and the rank of V by elimination with the largest pivot first.
fn quadratic_form(mut d: Vec<f64>, mut v: Vec<Vec<f64>>) -> (f64, u32) {
    let largest = |v: &[Vec<f64>], done: &[usize]| {
        let diagonal = v.iter().enumerate().map(|(i, row)| (i, row.get(i).copied().unwrap_or(0.0)));
        diagonal.filter(|(i, _)| !done.contains(i)).max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let floor = largest(&v, &[]).map_or(0.0, |(_, pivot)| pivot) * PIVOT_FLOOR;
    let (mut done, mut sum) = (Vec::new(), 0.0);
    while let Some((at, pivot)) = largest(&v, &done).filter(|&(_, pivot)| pivot > floor) {
        let Some(row) = v.get(at).cloned() else { break };
        let lead = d.get(at).copied().unwrap_or(0.0);
        sum += lead * (lead / pivot);
        done.push(at);
        for (i, (below, value)) in v.iter_mut().zip(&mut d).enumerate() {
            let factor = if done.contains(&i) { 0.0 } else { below.get(at).copied().unwrap_or(0.0) / pivot };
            *value -= factor * lead;
            for (cell, above) in below.iter_mut().zip(&row) {
                *cell -= factor * above;
            }
        }
    }
    (sum.min(f64::MAX), u32::try_from(done.len()).unwrap_or(u32::MAX))
}

/// A pivot so much smaller than the largest is a rounding error: the rows sum to zero.
const PIVOT_FLOOR: f64 = 1e-10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srm::SrmVerdict;
    use crate::testing::close;

    fn periods(list: &[(&[f64], &[u64])]) -> SrmPeriods {
        let mut periods = SrmPeriods::default();
        for (shares, counts) in list {
            periods.add(&Shares::new(shares).unwrap(), counts).unwrap();
        }
        periods
    }

    fn statistic(result: &SrmResult) -> (f64, u32) {
        match result.method {
            SrmMethod::Stratified { statistic, df } | SrmMethod::Pooled { statistic, df } => (statistic, df),
            _ => panic!("another method"),
        }
    }

    #[test]
    fn one_period_is_the_plain_chi_square() {
        let counts: &[u64] = &[1200, 2100, 2900, 410];
        let weights: &[f64] = &[2.0, 3.0, 4.0, 0.7];
        let one = periods(&[(weights, counts)]);
        let plain = Shares::new(weights).unwrap().chi_square(counts, Alpha::PER_MILLE).unwrap();
        let SrmMethod::ChiSquare { statistic: want, df } = plain.method else { panic!() };
        for got in [one.pooled(Alpha::PER_MILLE).unwrap(), one.stratified(Alpha::PER_MILLE).unwrap()] {
            close(statistic(&got).0, want, 1e-10);
            assert_eq!(statistic(&got).1, df);
            close(got.ln_p.get(), plain.ln_p.get(), 1e-9);
        }
    }

    /// Two arms: `V` is a number, so the pooled statistic is `d² / Σ n s (1 - s)`.
    #[test]
    fn a_ramp_that_a_plain_test_would_flag_is_healthy() {
        let ramp = periods(&[(&[0.99, 0.01], &[99_020, 980]), (&[0.5, 0.5], &[5_030, 4_970])]);
        let pooled = ramp.pooled(Alpha::PER_MILLE).unwrap();
        close(statistic(&pooled).0, 50.0 * 50.0 / (100_000.0 * 0.99 * 0.01 + 2_500.0), 1e-12);
        assert_eq!((statistic(&pooled).1, pooled.verdict), (1, SrmVerdict::Healthy));
        let plain = Shares::new(&[0.5, 0.5]).unwrap().chi_square(&pooled.counts, Alpha::PER_MILLE).unwrap();
        assert_eq!(plain.verdict, SrmVerdict::Mismatch);
    }

    #[test]
    fn opposite_errors_show_when_stratified_and_steady_ones_when_pooled() {
        let opposite = periods(&[(&[1.0, 1.0], &[5300, 4700]), (&[1.0, 1.001], &[4700, 5300])]);
        assert_eq!(opposite.stratified(Alpha::PER_MILLE).unwrap().verdict, SrmVerdict::Mismatch);
        assert_eq!(opposite.pooled(Alpha::PER_MILLE).unwrap().verdict, SrmVerdict::Healthy);
    }

    #[test]
    fn paused_arms_and_empty_periods() {
        let none = SrmPeriods::default().pooled(Alpha::PER_MILLE).unwrap();
        assert_eq!(none.verdict, SrmVerdict::NoUnits);
        let paused = periods(&[
            (&[1.0, 1.0, 0.0], &[500, 510, 0]),
            (&[0.0, 0.0, 1.0], &[0, 0, 90]),
            (&[1.0, 1.0, 1.0], &[0, 0, 0]),
        ]);
        let got = paused.pooled(Alpha::PER_MILLE).unwrap();
        assert_eq!((statistic(&got).1, got.verdict), (1, SrmVerdict::Healthy));
        assert_eq!(statistic(&paused.stratified(Alpha::PER_MILLE).unwrap()).1, 1);
        let broken = periods(&[(&[1.0, 0.0], &[10, 1]), (&[1.0, 1.0], &[10, 10])]);
        assert_eq!(broken.pooled(Alpha::PER_MILLE).unwrap().ln_p, LnP::IMPOSSIBLE);
        let merged = paused.merge(&paused).unwrap();
        assert_eq!((merged.len(), merged.is_empty()), (3, false));
        let json = serde_json::to_string(&merged).unwrap();
        assert_eq!(serde_json::from_str::<SrmPeriods>(&json).unwrap(), merged);
        let mut two = periods(&[(&[1.0, 1.0], &[1, 1])]);
        assert!(two.add(&Shares::new(&[1.0; 3]).unwrap(), &[1, 1, 1]).is_err());
    }
}
