//! Preferences of users with many queries.

use serde::{Deserialize, Serialize};

use super::counts::{Preference, PreferenceCounts};
use crate::arm::ArmEstimate;
use crate::comoments::CoMoments;
use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::moments::Moments;
use crate::sequential::{LevelLook, LevelSequence};
use crate::special::student;

/// Collects the interleaved lists of *one* user; a commutative monoid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct UserTally {
    queries: PreferenceCounts,
    credit: f64,
}

impl UserTally {
    /// Counts one list by its credit of A minus that of B, ties included.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; nothing is changed then.
    pub fn add(&mut self, credit_difference: f64) -> Result<(), StatsError> {
        let preference = Preference::from_credit(credit_difference)?;
        self.credit = finite("the user's credit", self.credit + credit_difference)?;
        self.queries.add(preference);
        Ok(())
    }

    /// Joins two parts of the same user.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if the credit overflows.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        let credit = finite("the user's credit", self.credit + other.credit)?;
        Ok(Self { queries: self.queries.merge(&other.queries), credit })
    }

    /// Returns the counts over this user's queries.
    #[must_use]
    pub const fn queries(&self) -> &PreferenceCounts {
        &self.queries
    }

    /// Returns the summed credit difference, A minus B.
    #[must_use]
    pub const fn credit(&self) -> f64 {
        self.credit
    }

    /// Returns wins of A minus wins of B.
    fn balance(&self) -> f64 {
        self.queries.wins_a as f64 - self.queries.wins_b as f64
    }
}

/// Collects users; a commutative monoid, if each user is in one part only.
///
/// Three weightings of the same data: each user one vote ([`PreferenceState::users`] by the sign of wins minus losses,
/// [`PreferenceState::preference_per_user`] by its share); each query one vote with users as clusters
/// ([`PreferenceState::delta_per_query`]); and credits with their magnitude. A user without lists is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PreferenceState {
    users: PreferenceCounts,
    queries: PreferenceCounts,
    share: Moments,
    credit: Moments,
    /// Queries and balance, and queries and credit, per user.
    balance_joint: CoMoments,
    credit_joint: CoMoments,
}

/// Holds the estimate of a preference, A minus B.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PreferenceEstimate {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error; users are the units.
    pub standard_error: f64,
    /// The t interval at one look, fixed beforehand.
    pub interval: Interval,
    /// The two-sided p-value of no preference.
    pub ln_p: LnP,
    /// How many users.
    pub users: u64,
    /// How many queries.
    pub queries: u64,
    /// The variance divided by that of independent queries, where that is defined: how wrong it is to ignore users.
    pub design_effect: Option<f64>,
}

impl PreferenceState {
    /// Counts one user, with all its lists.
    ///
    /// # Errors
    /// [`StatsError::Overflow`]; nothing is changed then.
    pub fn add_user(&mut self, tally: &UserTally) -> Result<(), StatsError> {
        let queries = tally.queries.units();
        if queries == 0 {
            return Ok(());
        }
        let mut next = *self;
        let (n, balance) = (queries as f64, tally.balance());
        next.users.add(Preference::from_credit(balance)?);
        next.queries = next.queries.merge(&tally.queries);
        next.share.push(balance / n)?;
        next.credit.push(tally.credit)?;
        next.balance_joint.push(n, balance)?;
        next.credit_joint.push(n, tally.credit)?;
        *self = next;
        Ok(())
    }

    /// Joins two states of different users.
    ///
    /// # Errors
    /// [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        Ok(Self {
            users: self.users.merge(&other.users),
            queries: self.queries.merge(&other.queries),
            share: self.share.merge(&other.share)?,
            credit: self.credit.merge(&other.credit)?,
            balance_joint: self.balance_joint.merge(&other.balance_joint)?,
            credit_joint: self.credit_joint.merge(&other.credit_joint)?,
        })
    }

    /// Returns users by whom they preferred more often: the units of the sign test.
    #[must_use]
    pub const fn users(&self) -> &PreferenceCounts {
        &self.users
    }

    /// Returns queries by preference. Their sign test assumes one query a user, or independent ones.
    #[must_use]
    pub const fn queries(&self) -> &PreferenceCounts {
        &self.queries
    }

    /// Estimates delta over queries with users as clusters.
    ///
    /// Estimand: `(P(A preferred) - P(B preferred)) / 2` for a random query; the same point as
    /// [`PreferenceCounts::delta`] of the queries. The variance is that of a ratio of users' sums, balance over queries
    /// (the delta method of Deng, Knoblich and Lu 2018), so queries of one user may depend in any way; t quantile with users
    /// minus one degrees of freedom.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two users; [`StatsError::DenominatorNearZero`] if users differ so much in queries that
    /// the linearisation fails.
    pub fn delta_per_query(&self, alpha: Alpha) -> Result<PreferenceEstimate, StatsError> {
        let ratio = ArmEstimate::ratio(&self.balance_joint)?;
        let naive = self.queries.delta(alpha)?.standard_error;
        let (estimate, error) = (0.5 * ratio.estimate(), 0.5 * ratio.variance().sqrt());
        let effect = (error / naive).powi(2);
        Ok(PreferenceEstimate {
            design_effect: effect.is_finite().then_some(effect),
            ..self.finish(estimate, error, alpha)
        })
    }

    /// Estimates the mean over users of `(wins of A - wins of B) / queries`, in [-1, 1]: each user one vote.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two users.
    pub fn preference_per_user(&self, alpha: Alpha) -> Result<PreferenceEstimate, StatsError> {
        self.of_users(&self.share, alpha)
    }

    /// Estimates the mean credit difference of a user: a test that uses magnitudes.
    ///
    /// The one-sample t test on users' credits; for heavy tails cap credits by the plan, or rank them by
    /// [`rank::Wilcoxon`](crate::rank::Wilcoxon).
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two users.
    pub fn credit_per_user(&self, alpha: Alpha) -> Result<PreferenceEstimate, StatsError> {
        self.of_users(&self.credit, alpha)
    }

    /// Estimates the mean credit difference of a query, with users as clusters.
    ///
    /// # Errors
    /// As [`PreferenceState::delta_per_query`].
    pub fn credit_per_query(&self, alpha: Alpha) -> Result<PreferenceEstimate, StatsError> {
        let ratio = ArmEstimate::ratio(&self.credit_joint)?;
        Ok(self.finish(ratio.estimate(), ratio.variance().sqrt(), alpha))
    }

    /// Looks at the mean preference of users with an interval that holds at all looks, asymptotically.
    ///
    /// The state merges in any order; each user must be counted once, when its window has closed, else later looks change
    /// users that earlier looks have seen.
    ///
    /// # Errors
    /// As [`LevelSequence::look`].
    pub fn look(&self, sequence: &LevelSequence) -> Result<LevelLook, StatsError> {
        sequence.look(&self.share)
    }

    fn of_users(&self, moments: &Moments, alpha: Alpha) -> Result<PreferenceEstimate, StatsError> {
        match (moments.mean(), moments.standard_error()) {
            (Some(mean), Some(error)) => Ok(self.finish(mean, error, alpha)),
            _ => Err(StatsError::TooFew { what: "the list of users", have: moments.count(), need: 2 }),
        }
    }

    fn finish(&self, estimate: f64, error: f64, alpha: Alpha) -> PreferenceEstimate {
        let users = self.share.count();
        let df = (users - 1) as f64;
        let reach = student::upper_quantile(0.5 * alpha.get(), df) * error;
        let ln_p = if error > 0.0 {
            LnP::saturating(std::f64::consts::LN_2 + student::ln_sf((estimate / error).abs(), df))
        } else if estimate == 0.0 {
            LnP::ONE
        } else {
            LnP::IMPOSSIBLE
        };
        PreferenceEstimate {
            estimate,
            standard_error: error,
            interval: Interval::new(estimate - reach, estimate + reach, alpha, Coverage::Fixed),
            ln_p,
            users,
            queries: self.queries.units(),
            design_effect: None,
        }
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    queries: PreferenceCounts,
    credit: f64,
}

impl From<UserTally> for Stored {
    fn from(tally: UserTally) -> Self {
        Self { queries: tally.queries, credit: tally.credit }
    }
}

impl TryFrom<Stored> for UserTally {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Ok(Self { queries: stored.queries, credit: finite("the user's credit", stored.credit)? })
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use rand_distr::StandardNormal;

    use super::*;
    use crate::level::Alternative;
    use crate::testing::close;

    /// Users whose queries share a taste.
    fn users(rng: &mut StdRng, count: u32, taste: f64) -> Vec<UserTally> {
        (0..count)
            .map(|_| {
                let own = taste * rng.sample::<f64, _>(StandardNormal);
                let mut tally = UserTally::default();
                for _ in 0..rng.random_range(1..12) {
                    let x = own + rng.sample::<f64, _>(StandardNormal);
                    tally.add(if x.abs() < 0.5 { 0.0 } else { x.round() }).unwrap();
                }
                tally
            })
            .collect()
    }

    fn collect(users: &[UserTally]) -> PreferenceState {
        let mut state = PreferenceState::default();
        users.iter().for_each(|user| state.add_user(user).unwrap());
        state
    }

    #[test]
    fn merging_equals_counting_and_points_agree() {
        let users = users(&mut StdRng::seed_from_u64(1), 90, 0.7);
        let whole = collect(&users);
        let alpha = Alpha::FIVE_PERCENT;
        for size in [1, 7, 89] {
            let merged =
                users.chunks(size).map(collect).fold(PreferenceState::default(), |a, b| b.merge(&a).unwrap());
            assert_eq!((merged.users(), merged.queries()), (whole.users(), whole.queries()));
            let (a, b) = (merged.delta_per_query(alpha).unwrap(), whole.delta_per_query(alpha).unwrap());
            close(a.estimate, b.estimate, 1e-12);
            close(a.standard_error, b.standard_error, 1e-12);
            let (a, b) = (merged.credit_per_query(alpha).unwrap(), whole.credit_per_query(alpha).unwrap());
            close(a.standard_error, b.standard_error, 1e-12);
        }
        let delta = whole.delta_per_query(alpha).unwrap();
        close(delta.estimate, whole.queries().delta(alpha).unwrap().delta, 1e-12);
        assert!(delta.design_effect.unwrap() > 1.3);
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<PreferenceState>(&text).unwrap(), whole);
    }

    /// One query a user: the clustered error is the independent one, but for `n - 1`.
    #[test]
    fn one_query_a_user_is_the_independent_case() {
        let users: Vec<UserTally> = (0..50_u32)
            .map(|i| {
                let mut tally = UserTally::default();
                tally.add(f64::from(i % 3) - 0.7).unwrap();
                tally
            })
            .collect();
        let got = collect(&users).delta_per_query(Alpha::FIVE_PERCENT).unwrap();
        close(got.design_effect.unwrap(), 50.0 / 49.0, 1e-10);
    }

    /// A/A with users of different taste: rejections at 5 % of N = 600 runs, at most .05 + .0275 (3.09 standard errors); the
    /// negative control, queries as units, rejects far more.
    #[test]
    fn users_as_units_keep_the_level_and_queries_do_not() {
        let mut rng = StdRng::seed_from_u64(5);
        let (alpha, runs) = (Alpha::FIVE_PERCENT, 600);
        let mut rejections = [0; 5];
        for _ in 0..runs {
            let state = collect(&users(&mut rng, 100, 1.0));
            let tests = [
                state.users().sign_test(Alternative::TwoSided).exact,
                state.delta_per_query(alpha).unwrap().ln_p,
                state.preference_per_user(alpha).unwrap().ln_p,
                state.credit_per_query(alpha).unwrap().ln_p,
                state.queries().sign_test(Alternative::TwoSided).exact,
            ];
            for (count, ln_p) in rejections.iter_mut().zip(tests) {
                *count += u32::from(ln_p.is_at_most(alpha));
            }
        }
        let rate = rejections.map(|count| f64::from(count) / f64::from(runs));
        assert!(rate[..4].iter().all(|rate| *rate < 0.0775), "{rate:?}");
        assert!(rate[1..4].iter().all(|rate| *rate > 0.0225), "{rate:?}");
        assert!(rate[4] > 0.15, "{rate:?}");
    }

    #[test]
    fn edges() {
        let mut state = PreferenceState::default();
        state.add_user(&UserTally::default()).unwrap();
        assert_eq!(state.users().units(), 0);
        assert!(state.delta_per_query(Alpha::FIVE_PERCENT).is_err());
        assert!(state.credit_per_user(Alpha::FIVE_PERCENT).is_err());
        let mut tally = UserTally::default();
        assert!(tally.add(f64::NAN).is_err() && tally.add(f64::INFINITY).is_err());
        tally.add(f64::MAX).unwrap();
        assert!(tally.add(f64::MAX).is_err());
        assert_eq!(tally.queries().units(), 1);
        let before = state;
        assert!(state.add_user(&tally).is_err());
        assert_eq!(state, before);
        let mut flat = PreferenceState::default();
        for _ in 0..3 {
            let mut tally = UserTally::default();
            tally.add(0.0).unwrap();
            flat.add_user(&tally).unwrap();
        }
        assert_eq!(flat.delta_per_query(Alpha::FIVE_PERCENT).unwrap().ln_p, LnP::ONE);
    }
}
