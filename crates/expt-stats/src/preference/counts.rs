//! Wins, losses and ties.

use serde::{Deserialize, Serialize};

use crate::agreement::FlipCounts;
use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, LnP, Probability};
use crate::special::{binomial_ln_cdf, binomial_ln_pmf, binomial_ln_sf, normal};

/// Says which ranking a unit preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// A got more credit.
    A,
    /// B got more credit.
    B,
    /// Equal credit, none included.
    Tie,
}

impl Preference {
    /// Reads the preference off a credit difference, A minus B.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`].
    pub fn from_credit(difference: f64) -> Result<Self, StatsError> {
        let difference = finite("the credit difference", difference)?;
        Ok(if difference > 0.0 {
            Self::A
        } else if difference < 0.0 {
            Self::B
        } else {
            Self::Tie
        })
    }
}

/// Counts units by preference; a commutative monoid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PreferenceCounts {
    /// Units that preferred A.
    pub wins_a: u64,
    /// Units that preferred B.
    pub wins_b: u64,
    /// Units without a preference.
    pub ties: u64,
}

/// Holds a sign test in two versions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SignTest {
    /// The exact p-value; never above its level.
    pub exact: LnP,
    /// The mid-p value; close to its level on average, may exceed it slightly.
    pub mid: LnP,
    /// The alternative tested against; greater means that A wins more often.
    pub alternative: Alternative,
    /// Units with a preference, which the test is about.
    pub decided: u64,
}

/// Holds the preference statistic delta.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeltaPreference {
    /// `(wins of A + ties/2) / units - 1/2`: from -1/2 to 1/2, positive if A is preferred.
    pub delta: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The score interval at one look, fixed beforehand.
    pub interval: Interval,
    /// Units, ties included.
    pub units: u64,
}

impl PreferenceCounts {
    /// Counts one unit; a count at `u64::MAX` stays there.
    pub const fn add(&mut self, preference: Preference) {
        let cell = match preference {
            Preference::A => &mut self.wins_a,
            Preference::B => &mut self.wins_b,
            Preference::Tie => &mut self.ties,
        };
        *cell = cell.saturating_add(1);
    }

    /// Joins two counters.
    #[must_use]
    pub const fn merge(&self, other: &Self) -> Self {
        Self {
            wins_a: self.wins_a.saturating_add(other.wins_a),
            wins_b: self.wins_b.saturating_add(other.wins_b),
            ties: self.ties.saturating_add(other.ties),
        }
    }

    /// Returns the number of units.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.decided().saturating_add(self.ties)
    }

    /// Returns the number of units with a preference.
    #[must_use]
    pub const fn decided(&self) -> u64 {
        self.wins_a.saturating_add(self.wins_b)
    }

    /// Tests whether A and B win equally often: the exact sign test (Arbuthnott 1710; Dixon and Mood 1946).
    ///
    /// Given a preference, each side has probability 1/2; ties say nothing about that and are left out. Assumes independent
    /// units: count users, or queries of different users. Two-sided `min(1, 2 P(X <= smaller))`; mid-p takes half of the
    /// probability of the observed count. Without a decided unit both are 1.
    #[must_use]
    pub fn sign_test(&self, alternative: Alternative) -> SignTest {
        let decided = self.decided();
        let half = Probability::clamped(0.5);
        let one_sided = |ln_p: f64| {
            let ln_at = binomial_ln_pmf(self.wins_a, decided, half);
            let share = (ln_at - ln_p).min(0.0).exp();
            (LnP::saturating(ln_p), LnP::saturating(ln_p + (-0.5 * share).ln_1p()))
        };
        let (exact, mid) = match alternative {
            _ if decided == 0 => (LnP::ONE, LnP::ONE),
            Alternative::TwoSided => {
                let (only_reference, only_candidate) = (self.wins_a, self.wins_b);
                let test = FlipCounts { only_reference, only_candidate, ..FlipCounts::default() }.mcnemar();
                (test.exact, test.mid)
            }
            Alternative::Greater if self.wins_a == 0 => one_sided(0.0),
            Alternative::Greater => one_sided(binomial_ln_sf(self.wins_a - 1, decided, half)),
            Alternative::Less => one_sided(binomial_ln_cdf(self.wins_a, decided, half)),
        };
        SignTest { exact, mid, alternative, decided }
    }

    /// Estimates delta, by how much A is preferred (Chapelle, Joachims, Radlinski and Yue 2012).
    ///
    /// Estimand: `P(A preferred) + P(tie)/2 - 1/2`, half the difference of the two win probabilities. Assumes independent
    /// units (else [`PreferenceState::delta_per_query`](super::PreferenceState::delta_per_query)). The interval is the score
    /// interval for a difference of paired proportions (Tango 1998), halved: inside the range always, right for small
    /// counts and for none. The standard error is that of the multinomial, `sqrt((a + b - (a - b)^2) / 4 n)` for win shares a
    /// and b.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without units.
    pub fn delta(&self, alpha: Alpha) -> Result<DeltaPreference, StatsError> {
        let units = self.units();
        if units == 0 {
            return Err(StatsError::TooFew { what: "the comparison", have: 0, need: 1 });
        }
        let n = units as f64;
        let (a, b) = (self.wins_a as f64 / n, self.wins_b as f64 / n);
        let z = normal::upper_quantile(0.5 * alpha.get());
        let limit = |sign: f64| {
            let (own, other) = if sign > 0.0 { (a, b) } else { (b, a) };
            sign * upper_limit(own, other, n, z)
        };
        let (lower, upper) = (0.5 * limit(-1.0), 0.5 * limit(1.0));
        Ok(DeltaPreference {
            delta: 0.5 * (a - b),
            standard_error: 0.5 * ((a + b - (a - b) * (a - b)).max(0.0) / n).sqrt(),
            interval: Interval::new(lower, upper, alpha, Coverage::Fixed),
            units,
        })
    }
}

/// Returns the greatest difference that the score test does not reject, by bisection to the last bit.
fn upper_limit(a: f64, b: f64, n: f64, z: f64) -> f64 {
    let estimate = a - b;
    let kept = |difference: f64| {
        // The likelihood's maximum over the losing share, given the difference.
        let linear = -(a + b) + (2.0 - a + b) * difference;
        let constant = -b * difference * (1.0 - difference);
        let root = (linear * linear - 8.0 * constant).max(0.0).sqrt();
        let losing = if linear > 0.0 { -2.0 * constant / (root + linear) } else { 0.25 * (root - linear) };
        let variance = (2.0 * losing + difference * (1.0 - difference)).max(0.0) / n;
        difference - estimate <= z * variance.sqrt()
    };
    let (mut low, mut high) = (estimate, 1.0);
    if kept(high) {
        return high;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if kept(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn counts(wins_a: u64, wins_b: u64, ties: u64) -> PreferenceCounts {
        PreferenceCounts { wins_a, wins_b, ties }
    }

    /// Source: scipy 1.17.1 `binomtest`.
    #[test]
    fn the_sign_test_agrees_with_scipy() {
        let check = |wins, losses, two: f64, greater: f64| {
            close(counts(wins, losses, 5).sign_test(Alternative::TwoSided).exact.p(), two, 1e-11);
            close(counts(wins, losses, 0).sign_test(Alternative::Greater).exact.p(), greater, 1e-11);
            close(counts(losses, wins, 9).sign_test(Alternative::Less).exact.p(), greater, 1e-11);
        };
        check(9, 3, 0.14599609375, 0.072998046875);
        check(40, 20, 0.01348929373119186, 0.00674464686559593);
        check(120, 100, 0.2000922290282712, 0.1000461145141356);
        // By hand: P(X > 9) + P(X = 9)/2 for 12 coins.
        let mid = counts(9, 3, 0).sign_test(Alternative::Greater).mid.p();
        close(mid, (66.0 + 12.0 + 1.0 + 110.0) / 4096.0, 1e-12);
    }

    /// Source: Tango's score test with the nuisance parameter maximised numerically (scipy 1.17.1), halved.
    #[test]
    fn the_interval_of_delta_agrees_with_a_numerical_maximum() {
        let check = |wins, losses, ties, lower: f64, upper: f64| {
            let got = counts(wins, losses, ties).delta(Alpha::FIVE_PERCENT).unwrap();
            assert!((got.interval.lower.unwrap() - lower).abs() < 1e-8, "{got:?}");
            assert!((got.interval.upper.unwrap() - upper).abs() < 1e-8, "{got:?}");
            let mirror = counts(losses, wins, ties).delta(Alpha::FIVE_PERCENT).unwrap();
            close(mirror.interval.lower.unwrap(), -got.interval.upper.unwrap(), 1e-12);
        };
        check(9, 3, 38, -0.008899207989002041, 0.13136275119435759);
        check(40, 20, 40, 0.024565651719850614, 0.1705112622682619);
        check(120, 100, 780, -0.004563682940497334, 0.024620745264468124);
    }

    #[test]
    fn edges() {
        assert!(counts(0, 0, 0).delta(Alpha::FIVE_PERCENT).is_err());
        assert_eq!(counts(0, 0, 7).sign_test(Alternative::Greater).exact, LnP::ONE);
        assert_eq!(counts(0, 7, 0).sign_test(Alternative::Greater).exact, LnP::ONE);
        for (a, b, t) in [(0, 0, 1), (0, 0, 1 << 60), (1, 0, 0), (0, 1 << 60, 0), (1 << 40, 1, 5), (3, 3, 0)]
        {
            for alpha in [1e-300, 0.05, 0.999_999] {
                let got = counts(a, b, t).delta(Alpha::new(alpha).unwrap()).unwrap();
                let (lower, upper) = (got.interval.lower.unwrap(), got.interval.upper.unwrap());
                assert!(-0.5 <= lower && lower <= got.delta && got.delta <= upper && upper <= 0.5, "{got:?}");
            }
            for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let test = counts(a, b, t).sign_test(alternative);
                assert!(test.mid <= test.exact && test.exact.get().is_finite());
            }
        }
        let full = counts(u64::MAX, u64::MAX, 1).merge(&counts(1, 1, 1));
        assert_eq!(full.decided(), u64::MAX);
        assert!(Preference::from_credit(f64::NAN).is_err());
        assert_eq!(Preference::from_credit(-0.0).unwrap(), Preference::Tie);
    }
}
