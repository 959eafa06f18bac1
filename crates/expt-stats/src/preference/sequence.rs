//! Preferences at every look.

use serde::{Deserialize, Serialize};

use super::counts::PreferenceCounts;
use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::sequential::{
    BernoulliCounts, BernoulliSequence, BettingMartingale, BettingOptions, EValue, HedgedSequence, Support,
};

/// Runs the sign test at every look, exactly.
///
/// Given a preference, A wins with probability 1/2 under "no preference"; the evidence is the beta-binomial mixture of
/// Howard, Ramdas, McAuliffe and Sekhon (2021) against that, and the interval for A's share of decided units inverts it.
/// The counts are the whole state, so they merge in any order; each unit must be counted once, when its window has closed.
/// Ties say nothing and cost nothing.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::preference::{PreferenceCounts, SequentialSign};
///
/// let sequence = SequentialSign::new(Alpha::FIVE_PERCENT, 200.0)?;
/// let look = sequence.look(&PreferenceCounts { wins_a: 150, wins_b: 80, ties: 900 })?;
/// assert!(look.interval.is_above(0.5) && look.evidence.rejects(Alpha::FIVE_PERCENT));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequentialSign {
    alpha: Alpha,
    sequence: BernoulliSequence,
}

/// Holds one look at the sequential sign test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SignLook {
    /// A's share of decided units, `None` without one.
    pub share: Option<f64>,
    /// The interval of that share, valid at all looks.
    pub interval: Interval,
    /// The evidence against 1/2.
    pub evidence: EValue,
    /// `min(1, 1/e)`, valid at any stopping time.
    pub ln_p: LnP,
    /// Units with a preference.
    pub decided: u64,
}

impl SequentialSign {
    /// Makes a test that is about tightest near `decided` units with a preference.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `decided` is positive.
    pub fn new(alpha: Alpha, decided: f64) -> Result<Self, StatsError> {
        Ok(Self { alpha, sequence: BernoulliSequence::new(alpha, decided, alpha)? })
    }

    /// Looks.
    ///
    /// # Errors
    /// None for counts below `u64::MAX`.
    pub fn look(&self, counts: &PreferenceCounts) -> Result<SignLook, StatsError> {
        let decided = counts.decided();
        let state = BernoulliCounts::new(counts.wins_a, decided)?;
        let level = self.sequence.interval(state);
        let (lower, upper) = (level.lower().unwrap_or(0.0), level.upper().unwrap_or(1.0));
        let evidence = self.sequence.evidence(state, 0.5)?;
        Ok(SignLook {
            share: (decided > 0).then(|| counts.wins_a as f64 / decided as f64),
            interval: Interval::new(lower, upper, self.alpha, Coverage::Anytime),
            evidence,
            ln_p: evidence.to_p(),
            decided,
        })
    }
}

/// Encloses the mean preference of users at every look, exactly, by betting.
///
/// Each user's preference lies in [-1, 1]: wins of A minus wins of B over queries, or any credit difference that is bounded
/// by a plan and divided by the bound. Nothing else is assumed but that users are independent, or that each one's
/// expectation given the earlier ones is the mean. The interval is the hedged-capital confidence sequence, the evidence
/// the betting martingale against 0 (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by
/// betting"). Bets go by the order of users: adding is O(cells), and states do not merge; where they must,
/// [`SequentialSign`] is exact and [`PreferenceState::look`](super::PreferenceState::look) asymptotic.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::preference::PreferenceSequence;
///
/// let mut sequence = PreferenceSequence::new(Alpha::FIVE_PERCENT)?;
/// for user in 0..600_u32 {
///     sequence.add(f64::from(user % 4 % 3) / 2.0 - 0.25)?;
/// }
/// assert!(sequence.interval().contains(0.125) && sequence.evidence().ln() > 0.0);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreferenceSequence {
    alpha: Alpha,
    values: HedgedSequence,
    bets: BettingMartingale,
}

impl PreferenceSequence {
    /// Makes an empty sequence, with bounds on a grid of 1/500.
    ///
    /// # Errors
    /// None; the parts that it is made of could fail for other options.
    pub fn new(alpha: Alpha) -> Result<Self, StatsError> {
        let support = Support::new(-1.0, 1.0)?;
        let values = HedgedSequence::new(alpha, support, CELLS)?;
        let bets = BettingMartingale::new(0.0, support, BettingOptions::new(alpha))?;
        Ok(Self { alpha, values, bets })
    }

    /// Adds one user's preference.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] outside [-1, 1]; nothing is changed then.
    pub fn add(&mut self, preference: f64) -> Result<(), StatsError> {
        self.values.add(preference)?;
        self.bets.add(preference)?;
        Ok(())
    }

    /// Returns the interval of the mean preference now; [-1, 1] before the first user.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let level = self.values.interval();
        let (lower, upper) = (level.lower().unwrap_or(-1.0), level.upper().unwrap_or(1.0));
        Interval::new(lower, upper, self.alpha, Coverage::Anytime)
    }

    /// Returns the evidence against "no preference" now.
    #[must_use]
    pub fn evidence(&self) -> EValue {
        self.bets.evidence()
    }

    /// Returns the number of users.
    #[must_use]
    pub const fn users(&self) -> u64 {
        self.values.count()
    }
}

const CELLS: u32 = 1000;

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::preference::Preference;

    /// A/A with ties, a look after each of 400 users: misses of N = 200 runs, at most .05 + .048 (3.09 standard errors).
    #[test]
    fn all_looks_together_keep_the_level() {
        let mut rng = StdRng::seed_from_u64(9);
        let alpha = Alpha::FIVE_PERCENT;
        let (sign, runs) = (SequentialSign::new(alpha, 100.0).unwrap(), 200);
        let mut misses = [0, 0];
        for _ in 0..runs {
            let mut counts = PreferenceCounts::default();
            let mut bets = PreferenceSequence::new(alpha).unwrap().bets;
            let mut missed = [false, false];
            for _ in 0..400 {
                let value = f64::from(rng.random_range(-1..=1_i32));
                counts.add(Preference::from_credit(value).unwrap());
                bets.add(value).unwrap();
                let look = sign.look(&counts).unwrap();
                missed[0] |= look.evidence.rejects(alpha);
                assert_eq!(look.evidence.rejects(alpha), !look.interval.contains(0.5));
                missed[1] |= bets.evidence().rejects(alpha);
            }
            for (count, missed) in misses.iter_mut().zip(missed) {
                *count += u32::from(missed);
            }
        }
        assert!(misses.iter().all(|count| f64::from(*count) / f64::from(runs) < 0.098), "{misses:?}");
    }

    #[test]
    fn evidence_and_interval_agree_and_strangers_are_refused() {
        let mut sequence = PreferenceSequence::new(Alpha::FIVE_PERCENT).unwrap();
        assert!(sequence.interval().contains(-1.0) && sequence.interval().contains(1.0));
        for i in 0..300_u32 {
            sequence.add(0.5 * f64::from(i % 3) - 0.25).unwrap();
        }
        assert!(sequence.interval().is_above(0.0) && sequence.evidence().rejects(Alpha::FIVE_PERCENT));
        let before = sequence.clone();
        for bad in [1.1, -1.1, f64::NAN, f64::INFINITY] {
            assert!(sequence.add(bad).is_err());
        }
        assert_eq!(sequence, before);
        let text = serde_json::to_string(&sequence).unwrap();
        assert_eq!(serde_json::from_str::<PreferenceSequence>(&text).unwrap(), sequence);
        let empty = SequentialSign::new(Alpha::FIVE_PERCENT, 50.0)
            .unwrap()
            .look(&PreferenceCounts::default())
            .unwrap();
        assert_eq!((empty.share, empty.ln_p), (None, LnP::ONE));
        assert!(SequentialSign::new(Alpha::FIVE_PERCENT, 0.0).is_err());
    }
}
