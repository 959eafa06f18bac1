//! The sample-ratio test as a state that is looked at after every batch.

use serde::{Deserialize, Serialize};

use super::prior::SrmPrior;
use super::result::{SrmMethod, SrmResult};
use super::shares::Shares;
use crate::error::StatsError;
use crate::level::{Alpha, LnP};

/// Follows the units of the arms, with a p-value that is valid at all looks together.
///
/// The evidence is the Bayes factor of [`SrmPrior`] against the promised shares; the p-value is the least reciprocal so
/// far. In logarithms: 3,000 units on one side and then 3,000 on the other neither overflow nor stick. Shares may
/// change between batches ([`SrmSequence::add_under`]) as long as what is promised does not depend on the units it is
/// promised for; then each stretch of equal shares has its own Bayes factor, and they multiply.
///
/// ```
/// use expt_stats::srm::{Shares, SrmSequence, SrmVerdict};
/// use expt_stats::Alpha;
///
/// let mut sequence = SrmSequence::new(Shares::new(&[1.0, 1.0])?);
/// sequence.add(&[510, 490])?;
/// assert_eq!(sequence.look(Alpha::PER_MILLE).verdict, SrmVerdict::Healthy);
/// sequence.add(&[5300, 4700])?;
/// assert_eq!(sequence.look(Alpha::PER_MILLE).verdict, SrmVerdict::Mismatch);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SrmSequence {
    prior: SrmPrior,
    shares: Shares,
    /// The units of the present stretch of equal shares.
    present: Vec<u64>,
    /// The evidence of the stretches before, one logarithm a mass.
    before: Vec<f64>,
    /// The evidence of the carried-over part.
    carried: f64,
    counts: Vec<u64>,
    expected: Vec<f64>,
    impossible: bool,
    least: LnP,
}

impl SrmSequence {
    /// Starts with [`SrmPrior::fixed_shares`].
    #[must_use]
    pub fn new(shares: Shares) -> Self {
        Self::with_prior(shares, SrmPrior::fixed_shares())
    }

    /// Starts with another prior.
    #[must_use]
    pub fn with_prior(shares: Shares, prior: SrmPrior) -> Self {
        let arms = shares.as_slice().len();
        let before = vec![0.0; prior.masses().len()];
        let (present, counts, expected) = (vec![0; arms], vec![0; arms], vec![0.0; arms]);
        let (carried, impossible, least) = (0.0, false, LnP::ONE);
        Self { prior, shares, present, before, carried, counts, expected, impossible, least }
    }

    /// Adds the new units of each arm under the present shares and returns the ln Bayes factor now.
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one count per arm; [`StatsError::Overflow`]. Nothing is changed then.
    pub fn add(&mut self, counts: &[u64]) -> Result<f64, StatsError> {
        let units = self.shares.units(counts)?;
        let present = sum(&self.present, counts)?;
        let total = sum(&self.counts, counts)?;
        self.carry(counts);
        self.present = present;
        self.counts = total;
        for (expected, share) in self.expected.iter_mut().zip(self.shares.as_slice()) {
            *expected += share * units as f64;
        }
        self.impossible |= self.shares.contradicted(counts);
        let now = self.ln_bayes_factor();
        let ln_p = LnP::saturating(-now);
        if ln_p < self.least {
            self.least = ln_p;
        }
        Ok(now)
    }

    /// Adds units that were promised other shares, and keeps these for what follows. An arm that is paused has share 0.
    ///
    /// # Errors
    /// As [`SrmSequence::add`], and [`StatsError::Length`] for another number of arms.
    pub fn add_under(&mut self, shares: &Shares, counts: &[u64]) -> Result<f64, StatsError> {
        let (found, allowed) = (shares.as_slice().len(), self.counts.len());
        if found != allowed {
            return Err(StatsError::Length { what: "the list of shares", found, allowed });
        }
        shares.units(counts)?;
        sum(&self.counts, counts)?;
        if *shares != self.shares {
            self.before = self.by_mass();
            self.present = vec![0; allowed];
            self.shares = shares.clone();
        }
        self.add(counts)
    }

    /// Returns the ln Bayes factor of a mismatch now; it may fall again, unlike the p-value.
    #[must_use]
    pub fn ln_bayes_factor(&self) -> f64 {
        if self.impossible { f64::MAX } else { self.prior.average(&self.by_mass(), self.carried) }
    }

    /// Returns the least p-value so far.
    #[must_use]
    pub const fn ln_p(&self) -> LnP {
        self.least
    }

    /// Returns the verdict at `alpha`, by the least p-value so far.
    #[must_use]
    pub fn look(&self, alpha: Alpha) -> SrmResult {
        let method = SrmMethod::Sequential { ln_bayes_factor: self.ln_bayes_factor() };
        SrmResult::new(self.least, alpha, self.counts.clone(), self.expected.clone(), method)
    }

    fn by_mass(&self) -> Vec<f64> {
        let each = self.prior.masses().iter().zip(&self.before);
        each.map(|(&mass, before)| before + self.shares.ln_bayes_factor(&self.present, mass)).collect()
    }

    /// Bets on the new units by how the arms did so far: `q ∝ share · (observed + d share) / (expected + d share)`.
    fn carry(&mut self, counts: &[u64]) {
        let Some(made_up) = self.prior.drift() else { return };
        let arms = self.shares.as_slice().iter().zip(&self.counts).zip(&self.expected);
        let kept: Vec<f64> = arms
            .map(|((share, &observed), expected)| {
                share * ((observed as f64 + made_up) / (expected + made_up))
            })
            .collect();
        let total: f64 = kept.iter().sum();
        for ((kept, share), &count) in kept.iter().zip(self.shares.as_slice()).zip(counts) {
            if *share > 0.0 && count > 0 {
                self.carried += count as f64 * (kept / (total * share)).ln();
            }
        }
        self.carried = self.carried.clamp(f64::MIN, f64::MAX);
    }
}

fn sum(left: &[u64], right: &[u64]) -> Result<Vec<u64>, StatsError> {
    let overflow = StatsError::Overflow { what: "the number of units" };
    let added: Option<Vec<u64>> = left.iter().zip(right).map(|(a, b)| a.checked_add(*b)).collect();
    let added = added.ok_or(overflow.clone())?;
    added.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count)).ok_or(overflow)?;
    Ok(added)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srm::SrmVerdict;
    use crate::testing::close;

    /// Source: savvi 0.3.1 `multinomial.Multinomial`, k = 100.
    #[test]
    fn agrees_with_savvi_and_keeps_the_least_p() {
        let prior = SrmPrior::single(100.0).unwrap();
        let mut sequence = SrmSequence::with_prior(Shares::new(&[1.0; 4]).unwrap(), prior);
        let steps: [[u64; 4]; 3] = [[1, 0, 1, 3], [2, 0, 3, 0], [2, 0, 2, 1]];
        let want = [0.017649280745236126, 0.025485016486655302, 0.16505917856493874];
        for (step, want) in steps.iter().zip(want) {
            assert!((sequence.add(step).unwrap() - want).abs() < 1e-12);
        }
        close(sequence.ln_p().p(), 0.8478435284399634, 1e-12);
        sequence.add(&[1000, 1000, 1000, 1000]).unwrap();
        close(sequence.ln_p().p(), 0.8478435284399634, 1e-12);
        let json = serde_json::to_string(&sequence).unwrap();
        assert_eq!(serde_json::from_str::<SrmSequence>(&json).unwrap(), sequence);
    }

    #[test]
    fn three_thousand_on_either_side_cancel_in_the_evidence_only() {
        let mut sequence = SrmSequence::new(Shares::new(&[1.0, 1.0]).unwrap());
        assert!(sequence.add(&[3000, 0]).unwrap() > 1000.0);
        assert!(sequence.add(&[0, 3000]).unwrap() < 0.0);
        assert_eq!(sequence.look(Alpha::PER_MILLE).verdict, SrmVerdict::Mismatch);
        let before = sequence.clone();
        assert!(sequence.add(&[1]).is_err() && sequence.add(&[u64::MAX, 0]).is_err());
        assert_eq!(sequence, before);
    }

    /// An arm that loses 3 % of its units while the weights change with every batch of 500.
    #[test]
    fn a_steady_loss_is_found_under_changing_shares() {
        let first = Shares::new(&[0.5, 0.5]).unwrap();
        let run = |prior: SrmPrior, loss: f64| {
            let mut sequence = SrmSequence::with_prior(first.clone(), prior);
            for batch in 0..400_u32 {
                let weight = 0.2 + 0.6 * f64::from(batch * 37 % 100) / 100.0;
                let shares = Shares::new(&[1.0 - weight, weight]).unwrap();
                let second = (500.0 * weight * (1.0 - loss)).round() as u64;
                let all = (500.0 * (1.0 - weight)).round() as u64;
                sequence.add_under(&shares, &[all, second]).unwrap();
            }
            sequence.look(Alpha::PER_MILLE)
        };
        assert_eq!(run(SrmPrior::changing_shares(), 0.03).verdict, SrmVerdict::Mismatch);
        assert_eq!(run(SrmPrior::changing_shares(), 0.0).verdict, SrmVerdict::Healthy);
        let healthy = run(SrmPrior::changing_shares(), 0.0);
        close(healthy.expected.iter().sum::<f64>(), 200_000.0, 1e-9);
    }

    #[test]
    fn a_paused_arm_may_get_no_unit() {
        let both = Shares::new(&[1.0, 1.0]).unwrap();
        let paused = Shares::new(&[1.0, 0.0]).unwrap();
        let mut sequence = SrmSequence::with_prior(both.clone(), SrmPrior::changing_shares());
        sequence.add(&[500, 510]).unwrap();
        sequence.add_under(&paused, &[900, 0]).unwrap();
        sequence.add_under(&both, &[500, 490]).unwrap();
        assert_eq!(sequence.look(Alpha::PER_MILLE).verdict, SrmVerdict::Healthy);
        sequence.add_under(&paused, &[0, 1]).unwrap();
        assert_eq!(sequence.ln_p(), LnP::IMPOSSIBLE);
        assert!(sequence.add_under(&Shares::new(&[1.0; 3]).unwrap(), &[1, 1, 1]).is_err());
    }
}
