//! The state of a metric per user and day since first exposure.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};
use crate::twofold::Twofold;

/// Holds, for one arm, the means of a unit-day metric per day since first exposure and the covariance of
/// the same users between days; a commutative monoid of bounded size (at most 90 days, 100 kB).
///
/// A user contributes the values of days 0, 1, ... up to the last day on which it could be observed, with
/// zero for days of no activity: who came late has fewer days, but no gaps. Day 0 is the day of first
/// exposure. For days `i <= j` the state keeps mean and central sum over the users observed through day `j`,
/// merged by Chan, Golub and LeVeque (1983) with means of twice the precision, so that days of the same user
/// are never taken for independent observations.
///
/// ```
/// use expt_stats::integrity::DailyPanel;
///
/// let mut shard = DailyPanel::new(3)?;
/// shard.push(&[1.0, 0.0, 2.0])?;
/// shard.push(&[3.0, 2.0])?; // came a day later
/// let mut other = DailyPanel::new(3)?;
/// other.push(&[2.0, 1.0, 1.0])?;
/// let arm = shard.merge(&other)?;
/// assert_eq!((arm.users(0), arm.users(2)), (3, 2));
/// assert_eq!(arm.mean(0), Some(2.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct DailyPanel {
    /// Users observed through each day: never increasing.
    counts: Vec<u64>,
    /// Per pair `i <= j`, at `j (j + 1) / 2 + i`: mean of day i over the users observed through day j.
    means: Vec<Twofold>,
    /// Central sums of the same pairs.
    seconds: Vec<f64>,
}

impl DailyPanel {
    /// The most days a panel can have.
    pub const MAX_DAYS: usize = 90;

    /// Makes an empty panel for `days` days since first exposure.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `1 <= days <= 90`.
    pub fn new(days: usize) -> Result<Self, StatsError> {
        if days == 0 || days > Self::MAX_DAYS {
            let (what, allowed) = ("the number of days of a panel", "1 to 90");
            return Err(StatsError::OutOfRange { what, value: days as f64, allowed });
        }
        let cells = days * (days + 1) / 2;
        let (means, seconds) = (vec![Twofold::default(); cells], vec![0.0; cells]);
        Ok(Self { counts: vec![0; days], means, seconds })
    }

    /// Makes the panel of `users` users who were all observed on all days, from their daily means and their
    /// covariance matrix (divisor `users - 1`; the lower half is read), as a warehouse returns them.
    ///
    /// # Errors
    /// As [`DailyPanel::new`]; [`StatsError::TooFew`] below two users; [`StatsError::Length`],
    /// [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] for a negative variance or a covariance beyond
    /// the product of the standard deviations.
    pub fn from_summary(users: u64, means: &[f64], covariance: &[Vec<f64>]) -> Result<Self, StatsError> {
        let mut panel = Self::new(means.len())?;
        if users < 2 {
            return Err(StatsError::TooFew { what: "the summary of a panel", have: users, need: 2 });
        }
        let length = |found| StatsError::Length { what: "the covariance", found, allowed: means.len() };
        if covariance.len() != means.len() {
            return Err(length(covariance.len()));
        }
        let scale = (users - 1) as f64;
        let mut cells = Vec::with_capacity(panel.seconds.len());
        for (j, row) in covariance.iter().enumerate() {
            let row = row.get(..=j).ok_or_else(|| length(row.len()))?;
            cells.extend(row.iter().map(|value| value * scale));
        }
        let pairs = (0..means.len()).flat_map(|j| means.iter().take(j + 1));
        panel.means = pairs.map(|mean| Twofold::new(*mean)).collect();
        panel.counts = vec![users; means.len()];
        panel.seconds = cells;
        panel.checked()
    }

    /// Counts one user: its values on days 0, 1, ... since first exposure, in order.
    ///
    /// # Errors
    /// [`StatsError::Length`] for no days or more than the panel has; [`StatsError::NotFinite`];
    /// [`StatsError::Overflow`]. The panel is unchanged then.
    pub fn push(&mut self, values: &[f64]) -> Result<(), StatsError> {
        if values.is_empty() || values.len() > self.days() {
            let (what, allowed) = ("the list of daily values", self.days());
            return Err(StatsError::Length { what, found: values.len(), allowed });
        }
        for &value in values {
            finite("a daily value", value)?;
        }
        let mut one = Self::new(self.days())?;
        one.counts.iter_mut().take(values.len()).for_each(|count| *count = 1);
        let pairs = (0..values.len()).flat_map(|j| values.iter().take(j + 1));
        one.means.iter_mut().zip(pairs).for_each(|(mean, value)| *mean = Twofold::new(*value));
        *self = self.merge(&one)?;
        Ok(())
    }

    /// Joins the users of two panels; associative up to rounding.
    ///
    /// # Errors
    /// [`StatsError::Length`] if the panels differ in days; [`StatsError::Overflow`].
    #[allow(clippy::indexing_slicing, reason = "kernel: cells of both panels have one length, checked first")]
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        if self.days() != other.days() {
            let (what, found) = ("the other panel", other.days());
            return Err(StatsError::Length { what, found, allowed: self.days() });
        }
        let mut sum = self.clone();
        for j in 0..self.days() {
            let (na, nb) = (self.counts[j], other.counts[j]);
            let count = na.checked_add(nb).ok_or(StatsError::Overflow { what: "the number of users" })?;
            sum.counts[j] = count;
            if nb == 0 {
                break; // later days have no users either
            }
            let share = nb as f64 / count as f64;
            let weight = na as f64 * share;
            let row = j * (j + 1) / 2..j * (j + 1) / 2 + j + 1;
            let last = other.means[row.end - 1].minus(self.means[row.end - 1]);
            for cell in row {
                if na == 0 {
                    sum.means[cell] = other.means[cell];
                    sum.seconds[cell] = other.seconds[cell];
                    continue;
                }
                let delta = other.means[cell].minus(self.means[cell]);
                sum.means[cell] = self.means[cell].plus(delta * share);
                sum.seconds[cell] = self.seconds[cell] + other.seconds[cell] + delta * last * weight;
            }
        }
        sum.finite()
    }

    /// Returns the number of days, observed or not.
    #[must_use]
    pub fn days(&self) -> usize {
        self.counts.len()
    }

    /// Returns the number of users observed through `day`.
    #[must_use]
    pub fn users(&self, day: usize) -> u64 {
        self.counts.get(day).copied().unwrap_or(0)
    }

    /// Returns the mean of `day` over all users observed through it.
    #[must_use]
    pub fn mean(&self, day: usize) -> Option<f64> {
        self.mean_among(day, day)
    }

    /// Returns the mean of `day` over the users observed through the later day `through`.
    #[must_use]
    pub fn mean_among(&self, day: usize, through: usize) -> Option<f64> {
        let mean = self.means.get(self.cell(day, through)?)?;
        (self.users(through) > 0).then_some(mean.high + mean.low)
    }

    /// Returns the covariance of two days between users (divisor `n - 1`), from the users observed on both.
    #[must_use]
    pub fn covariance(&self, day: usize, other: usize) -> Option<f64> {
        let (first, last) = (day.min(other), day.max(other));
        let users = self.users(last);
        let second = self.seconds.get(self.cell(first, last)?)?;
        (users > 1).then(|| second / (users - 1) as f64)
    }

    /// Returns the place of a pair, `first <= last`.
    fn cell(&self, first: usize, last: usize) -> Option<usize> {
        (first <= last && last < self.days()).then(|| last * (last + 1) / 2 + first)
    }

    /// Returns itself if every part can belong to a sample.
    fn checked(self) -> Result<Self, StatsError> {
        if self.counts.iter().zip(self.counts.iter().skip(1)).any(|(early, late)| late > early) {
            let (what, allowed) = ("the users of a later day", "at most the users of the day before");
            let value = self.counts.last().copied().unwrap_or(0) as f64;
            return Err(StatsError::OutOfRange { what, value, allowed });
        }
        let this = self.finite()?;
        let spread = |day: usize| this.cell(day, day).and_then(|cell| this.seconds.get(cell)).copied();
        for j in 0..this.days() {
            let own = spread(j).unwrap_or(0.0);
            if own < 0.0 {
                let (what, allowed) = ("the variance of a day", "zero or more");
                return Err(StatsError::OutOfRange { what, value: own, allowed });
            }
            if this.counts.first() != this.counts.last() {
                continue; // the days of a pair have different users, so the bound below need not hold
            }
            for i in 0..j {
                let both = this.cell(i, j).and_then(|cell| this.seconds.get(cell)).copied().unwrap_or(0.0);
                let bound = spread(i).unwrap_or(0.0).sqrt() * own.sqrt();
                if both.abs() > bound * (1.0 + 1e-6) + f64::MIN_POSITIVE {
                    let (what, allowed) = ("a covariance of days", "at most the product of both deviations");
                    return Err(StatsError::OutOfRange { what, value: both, allowed });
                }
            }
        }
        Ok(this)
    }

    /// Returns itself if every part is finite.
    fn finite(self) -> Result<Self, StatsError> {
        let parts = self.means.iter().flat_map(|mean| [mean.high, mean.low]);
        match parts.chain(self.seconds.iter().copied()).find(|part| !part.is_finite()) {
            Some(_) => Err(StatsError::Overflow { what: "a mean or central sum of a panel" }),
            None => Ok(self),
        }
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    counts: Vec<u64>,
    means: Vec<f64>,
    means_low: Vec<f64>,
    seconds: Vec<f64>,
}

impl From<DailyPanel> for Stored {
    fn from(panel: DailyPanel) -> Self {
        let (means, means_low) = panel.means.iter().map(|mean| (mean.high, mean.low)).unzip();
        Self { counts: panel.counts, means, means_low, seconds: panel.seconds }
    }
}

impl TryFrom<Stored> for DailyPanel {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let cells = Self::new(stored.counts.len())?.seconds.len();
        for found in [stored.means.len(), stored.means_low.len(), stored.seconds.len()] {
            if found != cells {
                let what = "a list of pairs of days";
                return Err(StatsError::Length { what, found, allowed: cells });
            }
        }
        let pairs = stored.means.iter().zip(&stored.means_low);
        let means = pairs.map(|(&high, &low)| Twofold { high, low }).collect();
        Self { counts: stored.counts, means, seconds: stored.seconds }.checked()
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::testing::close;

    fn users(seed: u64, count: usize, offset: f64) -> Vec<Vec<f64>> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut user = || {
            let own: f64 = rng.random();
            let days = rng.random_range(1..=6);
            (0..days).map(|_| offset + own + rng.random::<f64>()).collect()
        };
        (0..count).map(|_| user()).collect()
    }

    fn panel(users: &[Vec<f64>]) -> DailyPanel {
        let mut panel = DailyPanel::new(6).unwrap();
        users.iter().for_each(|user| panel.push(user).unwrap());
        panel
    }

    #[test]
    fn covariance_is_that_of_the_users_seen_on_both_days() {
        let users = users(1, 300, 0.0);
        let panel = panel(&users);
        let both: Vec<&Vec<f64>> = users.iter().filter(|user| user.len() > 4).collect();
        let n = both.len() as f64;
        let mean = |day: usize| both.iter().map(|user| user[day]).sum::<f64>() / n;
        let sum: f64 = both.iter().map(|user| (user[1] - mean(1)) * (user[4] - mean(4))).sum();
        assert_eq!(panel.users(4), both.len() as u64);
        close(panel.covariance(4, 1).unwrap(), sum / (n - 1.0), 1e-12);
        close(panel.mean_among(1, 4).unwrap(), mean(1), 1e-13);
    }

    #[test]
    fn any_chunking_gives_the_same_state_also_at_offset_1e8() {
        for offset in [0.0, 1e8] {
            let users = users(2, 400, offset);
            let whole = panel(&users);
            for size in [1, 3, 64, 399] {
                let parts = users.chunks(size).map(panel);
                let merged = parts.fold(DailyPanel::new(6).unwrap(), |sum, part| part.merge(&sum).unwrap());
                assert_eq!(merged.counts, whole.counts);
                for cell in 0..whole.seconds.len() {
                    close(merged.seconds[cell], whole.seconds[cell], 1e-11);
                }
            }
        }
    }

    #[test]
    fn serde_keeps_every_bit_and_validates() {
        let state = panel(&users(3, 50, 0.3));
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<DailyPanel>(&text).unwrap(), state);
        let bad = r#"{"counts":[1,2],"means":[0,0,0],"means_low":[0,0,0],"seconds":[0,0,0]}"#;
        assert!(serde_json::from_str::<DailyPanel>(bad).is_err());
        let short = r#"{"counts":[2,2],"means":[0,0],"means_low":[0,0,0],"seconds":[0,0,0]}"#;
        assert!(serde_json::from_str::<DailyPanel>(short).is_err());
    }

    #[test]
    fn bad_input_is_an_error_and_changes_nothing() {
        let mut state = panel(&users(4, 9, 0.0));
        let before = state.clone();
        for bad in [vec![], vec![0.0; 7], vec![f64::NAN], vec![1.0, f64::INFINITY], vec![1e300, 1e300]] {
            assert!(state.push(&bad).is_err(), "{bad:?}");
            assert_eq!(state, before);
        }
        assert!(DailyPanel::new(0).is_err() && DailyPanel::new(91).is_err());
        assert!(state.merge(&DailyPanel::new(5).unwrap()).is_err());
        let wide = [vec![1.0], vec![1.5, 1.0]];
        assert!(DailyPanel::from_summary(10, &[0.0, 0.0], &wide).is_err());
        assert!(DailyPanel::from_summary(1, &[0.0], &[vec![1.0]]).is_err());
        assert_eq!(DailyPanel::new(2).unwrap().mean(0), None);
    }
}
